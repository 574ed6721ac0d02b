"""OCR against the text layer: the demo papers as pictures of 200 dpi, read, asked and quoted. Needs quoth[ocr].

Verdicts of the embedded reader on the pictures are compared with its own on the text, cell by cell; where a quote is
said to stand is checked against the text layer of the papers that the pictures were made from.
"""

import hashlib
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from places import Place
from rapidfuzz import fuzz
from scanning import scan
from scoring import demo_truth, squeeze

import quoth
from quoth.grounding.locate import Locator
from quoth.papers import PageGeometry, parse
from quoth.papers.ocr import version
from quoth.pipeline import ReadSettings, read_document
from quoth.vocabulary import Located

DEMO = Path(__file__).parent.parent / "src/quoth/demo"
DPI = 200
ALIKE = 90
"""Percent of its letters by which a quote from OCR is the same as the words of the text layer."""


def say(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


def study_of(folder: Path, papers: Path, codebook: str) -> quoth.Study:
    """A study of all papers of a folder, run; what an earlier one has read is taken over."""
    quoth.init(folder, codebook=codebook)
    for paper in sorted(papers.glob("*.pdf")):
        (folder / "papers" / paper.name).symlink_to(paper.resolve())
    earlier = papers / "cache"
    if earlier.is_dir():
        shutil.copytree(earlier, folder / ".quoth/cache")
    study = quoth.open(folder)
    study.run()
    if not earlier.is_dir():
        shutil.copytree(folder / ".quoth/cache", earlier)
    return study


def verdicts(study: quoth.Study) -> dict[tuple[str, str], str]:
    return {(s.key.paper, s.key.question): s.finding.verdict.value for s in study.current()}


def coded_quotes(study: quoth.Study, codebook: str) -> Iterator[tuple[bool, bool]]:
    """Of each coded quote, as the paper's text has it: whether it is located on the pictures, and on its page."""
    coded = demo_truth(DEMO / "truth.csv", codebook)
    settings = ReadSettings.of(study.protocol.reading, study.cache)
    for paper, places in study.files().items():
        document = read_document(paper, places, settings)
        with PageGeometry(document, dict(places)) as geometry:
            locator = Locator(document, geometry)
            for text, page in {
                quote for (name, _), cell in coded.items() if name == paper.name for quote in cell.quotes
            }:
                found = locator.locate(text)
                here = found.located is not Located.MISSING
                yield here, here and page in {span.page for span in found.spans}


def given_quotes(study: quoth.Study, original: Place) -> Iterator[tuple[bool, bool]]:
    """Of each quote that the reader gave: whether its page says so, and whether that stands under its boxes."""
    for stored in study.current():
        for quote in stored.finding.quotes:
            text = squeeze(quote.text)
            page = "".join(original.page(span.file, span.page)[0] for span in quote.spans)
            under = "".join(original.under(span) for span in quote.spans)
            yield fuzz.partial_ratio(text, page) >= ALIKE, fuzz.ratio(text, under) >= ALIKE


def share(flags: list[bool]) -> str:
    return f"{sum(flags)} of {len(flags)} ({sum(flags) / len(flags):.3f})"


@dataclass(frozen=True, slots=True)
class Compared:
    """What is equal, cell by cell and quote by quote, and the cells that differ."""

    verdicts: list[bool]
    located: list[bool]
    on_page: list[bool]
    given: list[bool]
    boxed: list[bool]
    differ: list[str]


def compare(codebook: str, scans: Path, texts: Path, work: Path) -> Compared:
    """Ask both the pictures and the texts all questions of a codebook."""
    on_text = study_of(work / f"{codebook}-text", texts, codebook)
    on_scans = study_of(work / f"{codebook}-scans", scans, codebook)
    said, saw = verdicts(on_text), verdicts(on_scans)
    coded = list(coded_quotes(on_scans, codebook))
    originals = {hashlib.sha256(path.read_bytes()).hexdigest(): texts / path.name for path in scans.glob("*.pdf")}
    given = list(given_quotes(on_scans, Place(originals)))
    return Compared(
        [saw[cell] == verdict for cell, verdict in said.items()],
        [located for located, _ in coded],
        [on_page for _, on_page in coded],
        [on_page for on_page, _ in given],
        [boxed for _, boxed in given],
        [
            f"{' '.join(cell)}: {v} from text, {saw[cell]} from the picture"
            for cell, v in said.items()
            if saw[cell] != v
        ],
    )


def scan_demo(work: Path) -> Path:
    """The demo papers as pictures in `scans`, and as they are in `texts`."""
    for made in ("scans", "texts"):
        (work / made).mkdir()
    for paper in sorted((DEMO / "papers").glob("*.pdf")):
        scan(paper, work / "scans" / paper.name, dpi=DPI)
        shutil.copy(paper, work / "texts" / paper.name)
    return work


def pace(scans: Path) -> tuple[float, float]:
    """Seconds for each page that OCR reads, of the wall and of the processor, in one thread, once it is warm."""
    path = min(scans.glob("*.pdf"))
    parse(path, "warm", ocr=version())
    began, spent = time.perf_counter(), time.process_time()
    pages = len(parse(path, "x", ocr=version()).pages)
    return (time.perf_counter() - began) / pages, (time.process_time() - spent) / pages


def main() -> None:
    print("| what | measured |\n| --- | --- |")
    say("OCR", version())
    with tempfile.TemporaryDirectory() as folder:
        work = scan_demo(Path(folder))
        for codebook in ("dl-methods", "study-basics"):
            found = compare(codebook, work / "scans", work / "texts", work)
            say(f"{codebook}: verdicts equal to those from text", share(found.verdicts))
            quotes = f"{share(found.located)}; {share(found.on_page)}"
            say(f"{codebook}: coded quotes located on the pictures; on their page", quotes)
            quotes = f"{share(found.given)}; {share(found.boxed)}"
            say(f"{codebook}: quotes given that stand on the page they name; under their boxes", quotes)
            print("\n".join(found.differ), file=sys.stderr)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        say("peak memory of a worker", f"{peak:.0f} MB")
        say("seconds for a page; of processor time", "{:.1f}; {:.1f}".format(*pace(work / "scans")))


if __name__ == "__main__":
    main()
