"""How fast models are asked, in how much memory, and what a small one makes up: the figures of docs/benchmarks.md.

python benchmarks/asking.py [--quick]

The loopback server answers after exactly 200 ms and runs in a process of its own. `--quick` leaves out the 5,000
requests and asks SmolLM2 three questions.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice, permutations
from pathlib import Path

import quoth
from quoth.study.workshop import Progress

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "src" / "quoth" / "demo" / "papers"
SERVER = ROOT / "tests" / "misbehaving.py"
SECONDS = 0.2
CONCURRENCY = 32


@contextmanager
def server() -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """The address of a server, and, when the block has ended, when each request came and was answered."""
    command = [sys.executable, str(SERVER), str(SECONDS)]
    seen: list[tuple[float, float]] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        yield process.stdout.readline().strip(), seen
        process.stdin.close()
        seen += [tuple(pair) for pair in json.loads(process.stdout.readline())]


def study(folder: Path, reader: str, questions: Sequence[str], papers: Sequence[Sequence[Path]]) -> Path:
    """A study of these questions over papers of these files."""
    asked = "".join(f'\n[[question]]\nid = "q{n:04}"\ntext = {json.dumps(text)}\n' for n, text in enumerate(questions))
    for paper in papers:
        place = folder / "papers" / "-".join(path.stem[:8] for path in paper)
        place.mkdir(parents=True)
        for path in paper:
            shutil.copyfile(path, place / path.name)
    (folder / "study.toml").write_text(f'[study]\ntitle = "Benchmark"\n{asked}\n{reader}', encoding="utf-8")
    return folder


def chat(url: str) -> str:
    return f'[[reader]]\nname = "m"\ntype = "chat"\nbase_url = "{url}"\nmodel = "m"\nconcurrency = {CONCURRENCY}\n'


def questions(number: int) -> list[str]:
    """Different ones, so that no reply serves two."""
    return [f"In which way does the work deal with aspect number {n} of its {what}?" for n, what in _aspects(number)]


def _aspects(number: int) -> Iterator[tuple[int, str]]:
    whats = ("data", "training", "evaluation", "code", "hardware", "sites", "limits")
    return ((n, whats[n % len(whats)]) for n in range(number))


def memory() -> float:
    """MB that this process holds now; 0 where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def throughput(folder: Path) -> None:
    with server() as (url, seen):
        papers = [[path] for path in sorted(DEMO.glob("*.pdf"))[:5]]
        place = study(folder, chat(url), questions(112), papers)
        with quoth.open(place) as opened:
            # Papers are read beforehand: what is measured is the asking.
            opened.run(questions=["q0000"], papers=[paper.name for paper in opened.files()][:1])
            for _ in opened.passages(questions=["q0000"]):
                pass
            began, busy = time.monotonic(), time.process_time()
            outcome = opened.run()
            whole, busy = time.monotonic() - began, time.process_time() - busy
    asked = seen[1:]
    took = max(end for _, end in asked) - min(at for at, _ in asked)
    ideal = len(asked) * SECONDS / CONCURRENCY
    print(
        f"throughput: {len(asked)} requests of {SECONDS * 1000:.0f} ms, {CONCURRENCY} at a time: {took:.2f} s from the "
        f"first to the last, ideal {ideal:.2f} s: {100 * ideal / took:.0f} %; the whole run with start-up {whole:.1f} s, "
        f"{busy:.1f} s of processor time, {outcome.findings} findings"
    )


def flat(folder: Path) -> None:
    pairs = [list(pair) for pair in islice(permutations(sorted(DEMO.glob("*.pdf")), 2), 25)]
    marks: dict[int, float] = {}

    def watch(progress: Progress) -> None:
        if progress.findings_done and progress.findings_done % 500 == 0:
            marks.setdefault(progress.findings_done, memory())

    with server() as (url, seen), quoth.open(study(folder, chat(url), questions(200), pairs)) as opened:
        opened.run(watch=watch)
    shown = ", ".join(f"{done:,}: {held:.0f}" for done, held in marks.items())
    print(f"memory over {len(seen):,} requests, 25 papers of two files: MB after so many findings: {shown}")


def main() -> None:
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as scratch:
        throughput(Path(scratch) / "throughput")
        if not quick:
            flat(Path(scratch) / "flat")


if __name__ == "__main__":
    main()
