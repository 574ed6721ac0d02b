"""Every figure of docs/benchmarks.md: python benchmarks/bench.py [DATA].

DATA is a folder with papers/*.pdf and gold/text_gold.jsonl; where it is absent, the demo papers stand in for it.
Compare ratios of one run: absolute times depend on the machine and on what else it does.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from parsing import compare
from places import Place
from scoring import Cell, Coded, constant, demo_truth, evidence_recall, figures, gold, right_evidence

import quoth
from quoth.papers import find_papers
from quoth.pipeline import PaperTask, ReadSettings, prepare_worker, read_paper, work_on_paper
from quoth.readers.embedded import encode_query

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "src/quoth/demo"


def say(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


def study_of(folder: Path, papers: Path, *, workers: int, codebook: str = "dl-methods") -> quoth.Study:
    quoth.init(folder, codebook=codebook)
    for paper in sorted(papers.glob("*.pdf")):
        (folder / "papers" / paper.name).symlink_to(paper.resolve())
    toml = folder / "study.toml"
    toml.write_text(toml.read_text().replace("# workers = 4", f"workers = {workers}"))
    return quoth.open(folder)


def startup() -> None:
    times = []
    for _ in range(7):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "quoth", "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    say("`quoth --help`", f"{statistics.median(times):.2f} s")


def stages(study: quoth.Study) -> None:
    """One paper after the other in this process, warm, with both cores for the encoder."""
    from quoth.models.encoder import Encoder

    prepare_worker()
    encoder = Encoder(threads=2)
    encoder.encode(["warm"])
    wanted = tuple((reader, study.protocol.questions) for reader in study.readers)
    settings = ReadSettings(max_pages=500, cache=None)
    read, ask = [], []
    for paper, places in find_papers(study.protocol.papers).items():
        result = work_on_paper(PaperTask(paper, places, settings, encoder, wanted))
        read.append(result.seconds["read"])
        ask.append(result.seconds["ask"])
    total = statistics.median(r + a for r, a in zip(read, ask, strict=True))
    say(
        f"{len(study.protocol.questions)} questions on one paper, warm, median",
        f"{total:.2f} s (read {statistics.median(read):.2f} s, ask {statistics.median(ask):.2f} s)",
    )


def scaling(papers: Path, work: Path) -> quoth.Study:
    """The same papers with one worker and with two, in turns; the best time of each, start of the workers included."""
    best: dict[int, float] = defaultdict(lambda: float("inf"))
    study = None
    for turn in range(2):
        for workers in (1, 2):
            study = study_of(work / f"{turn}-{workers}", papers, workers=workers)
            began = time.perf_counter()
            study.run()
            best[workers] = min(best[workers], time.perf_counter() - began)
    count = len(list(papers.glob("*.pdf")))
    say(
        f"{count} papers: two workers against one",
        f"{best[1] / best[2]:.2f} times faster ({best[1]:.1f} s, {best[2]:.1f} s)",
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    say("peak memory of a worker", f"{peak:.0f} MB")
    assert study is not None
    return study


def fused(study: quoth.Study) -> dict[Cell, list[str]]:
    """All passages of each paper for each question, in the order of plain fusion."""
    ranked: dict[Cell, list[str]] = {}
    settings = ReadSettings.of(study.protocol.reading, study.cache)
    for paper, places in study.files().items():
        with read_paper(paper, places, settings, study.encoder) as read:
            for question in study.protocol.questions:
                ranking = read.index.rank(question, encode_query(study.encoder, question))
                order = sorted(range(len(ranking.fused)), key=lambda number: -ranking.fused[number])
                ranked[paper.name, question.id] = [read.index.passages[number].text for number in order]
    return ranked


def answers(study: quoth.Study, coded: dict[Cell, Coded], what: str) -> None:
    shown: dict[Cell, list[str]] = defaultdict(list)
    for passage in study.passages(characters=6000):
        shown[passage.paper, passage.question].append(passage.text)
    for name, passages in (("by the scorer", shown), ("by fusion alone", fused(study))):
        recall = [f"{evidence_recall(coded, passages, n):.3f}" for n in (3000, 6000)]
        say(f"{what}: evidence recall at 3,000 / 6,000 characters, {name}", " / ".join(recall))
    verdicts = {(s.key.paper, s.key.question): s.finding for s in study.current()}
    pairs = [(code.reported, verdicts[cell].verdict == "reported") for cell, code in coded.items()]
    say(f"{what}: verdicts of the model as shipped, which has seen these cells", figures(pairs))
    say(f"{what}: the constant", figures(constant(coded)))
    files = {digest: path for places in study.files().values() for digest, path in places.items()}
    total, verbatim, boxed = Place(files).check(quote for found in verdicts.values() for quote in found.quotes)
    say(f"{what}: quotes verbatim on their page / under their boxes", f"{verbatim} / {boxed} of {total}")
    quotes = {cell: [(q.text, q.spans[0].page) for q in found.quotes] for cell, found in verdicts.items()}
    say(f"{what}: right 'reported' with a quote that overlaps the coded one", f"{right_evidence(coded, quotes):.3f}")


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("none")
    papers = data / "papers" if (data / "papers").is_dir() else DEMO / "papers"
    print("| what | measured |\n| --- | --- |")
    fast = compare(papers)
    say("pages per second, with order, sections and sentences", f"{fast.quoth:.0f}")
    say("against PDFMiner's plain text, one process, same run", f"{fast.quoth / fast.pdfminer:.1f} times faster")
    startup()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        study = scaling(papers, work)
        stages(study)
        if papers.parent == data:
            answers(study, gold(data / "gold/text_gold.jsonl"), "eight real papers (cells coded by a language model)")
        for codebook in ("dl-methods", "study-basics"):
            demo = study_of(work / codebook, DEMO / "papers", workers=2, codebook=codebook)
            demo.run()
            answers(demo, demo_truth(DEMO / "truth.csv", codebook), f"six demo papers, {codebook}")


if __name__ == "__main__":
    main()
