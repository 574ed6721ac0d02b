"""OCR against the text layer: the demo papers as pictures of 200 dpi, read, asked and quoted. Needs quoth[ocr].

Verdicts of the embedded reader on the pictures are compared with its own on the text, cell by cell; where a quote is
said to stand is checked against the text layer of the papers that the pictures were made from.
"""

import hashlib
import resource
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from places import Place
from rapidfuzz import fuzz
from scanning import scan
from scoring import demo_truth, squeeze

import quoth
from quoth.grounding.locate import Locator
from quoth.papers import PageGeometry
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


def measure(codebook: str, scans: Path, texts: Path, work: Path) -> Counter[str]:
    """Print the figures of one codebook; the number of pages and the seconds that reading took, where it was done."""
    on_text, on_scans = study_of(work / f"{codebook}-text", texts, codebook), None
    fresh = not (scans / "cache").is_dir()
    on_scans = study_of(work / f"{codebook}-scans", scans, codebook)
    said, saw = verdicts(on_text), verdicts(on_scans)
    say(
        f"{codebook}: verdicts equal to those from text",
        share([saw[cell] == verdict for cell, verdict in said.items()]),
    )
    coded = list(coded_quotes(on_scans, codebook))
    say(
        f"{codebook}: coded quotes located; on their page",
        f"{share([a for a, _ in coded])}; {share([b for _, b in coded])}",
    )
    originals = {hashlib.sha256(path.read_bytes()).hexdigest(): texts / path.name for path in scans.glob("*.pdf")}
    given = list(given_quotes(on_scans, Place(originals)))
    say(
        f"{codebook}: quotes given that stand on the page that they name; under their boxes",
        f"{share([a for a, _ in given])}; {share([b for _, b in given])}",
    )
    for cell, verdict in sorted(said.items()):
        if saw[cell] != verdict:
            print(f"{cell[0]}, {cell[1]}: {verdict} from text, {saw[cell]} from the picture", file=sys.stderr)
    if not fresh:
        return Counter()
    pages = sum(stored.pages or 0 for stored in on_scans.stored_papers())
    return Counter(pages=pages)


def main() -> None:
    print("| what | measured |\n| --- | --- |")
    say("OCR", version())
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        scans, texts = work / "scans", work / "texts"
        for made in (scans, texts):
            made.mkdir()
        for paper in sorted((DEMO / "papers").glob("*.pdf")):
            scan(paper, scans / paper.name, dpi=DPI)
            shutil.copy(paper, texts / paper.name)
        for codebook in ("dl-methods", "study-basics"):
            measure(codebook, scans, texts, work)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    say("peak memory of a worker", f"{peak:.0f} MB")


if __name__ == "__main__":
    main()
