"""Pages per second: quoth's parsing, with all that retrieval needs, and PDFMiner's plain text in the same process."""

import argparse
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pypdfium2 as pdfium
from pdfminer.high_level import extract_text

from quoth.papers import parse

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Speed:
    """Pages per second: the best of the rounds."""

    quoth: float
    pdfminer: float

    @property
    def ratio(self) -> float:
        """How many times faster quoth is."""
        return self.quoth / self.pdfminer


def compare(papers: Path) -> Speed:
    """Parse every PDF of a folder with either program, in alternating rounds.

    Raises:
        FileNotFoundError: the folder holds no PDF.
    """
    files = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(papers.glob("*.pdf"))}
    if not files:
        raise FileNotFoundError(f"no PDF in {papers.name}/")
    pages = sum(_pages(path) for path in files)
    ours, theirs = [], []
    parse(*next(iter(files.items())))  # imports and pdfium's own start are no part of either's pace
    for _ in range(ROUNDS):
        ours.append(_seconds(lambda: [parse(path, digest) for path, digest in files.items()]))
        theirs.append(_seconds(lambda: [extract_text(path) for path in files]))
    return Speed(pages / min(ours), pages / min(theirs))


def _pages(path: Path) -> int:
    with pdfium.PdfDocument(path) as document:
        return len(document)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("papers", type=Path, help="a folder of PDFs")
    speed = compare(parser.parse_args().papers)
    print(f"quoth     {speed.quoth:7.1f} pages per second")
    print(f"PDFMiner  {speed.pdfminer:7.1f} pages per second")
    print(f"ratio     {speed.ratio:7.1f}")


if __name__ == "__main__":
    main()
