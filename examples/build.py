"""Compile the demo papers from their sources and write their truth table.

Run as `python examples/build.py`. Each paper is a folder `examples/papers/NAME` with its Typst source and `truth.toml`:
one table for each question that the paper answers, with the sentences that prove it. Every quote is looked up in the
text of the compiled PDF, which also gives its page; a quote that stands nowhere, or twice, stops the build. The same
sources give the same bytes: fonts are those that Typst brings, and the time stamp is fixed.
"""

import csv
import io
import re
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pypdfium2
import typst

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT.parent / "src" / "quoth"
CODEBOOKS = ("dl-methods", "study-basics")
TIMESTAMP = 1_735_689_600
"""1 January 2025 in UTC, in seconds, for the PDF's creation date."""
MOST_QUOTES = 4
QUOTE_LENGTH = range(20, 301)
LEAST_PART = 6
"""Folded characters that must stand on either side of a column or page break for a quote to be found in two parts."""

_FOLDED_AWAY = re.compile("[\\s\u00a0\u00ad\u2010\ufffe-]+")


class TruthError(Exception):
    """A truth file says something that the compiled paper or the codebooks do not bear out."""


class Row(NamedTuple):
    """One line of the truth table: `page` counts from 1 and is empty, like `quote`, where the decision is 'no'."""

    paper: str
    codebook: str
    question: str
    decision: str
    value: str
    quote: str
    page: str


class Asked(NamedTuple):
    """What the truth table needs to know of a question."""

    codebook: str
    id: str
    kind: str
    choices: tuple[str, ...]


def papers() -> list[str]:
    """Names of all demo papers, sorted."""
    return sorted(source.parent.name for source in ROOT.glob("papers/*/paper.typ"))


def compile_paper(name: str) -> bytes:
    """The PDF of one paper."""
    source = ROOT / "papers" / name / "paper.typ"
    pdf = typst.compile(source, root=ROOT, ignore_system_fonts=True, timestamp=TIMESTAMP, pdf_tags=False)
    if not isinstance(pdf, bytes):
        raise TypeError(f"{name}: typst gave {type(pdf).__name__}, not one PDF")
    return pdf


def fold(text: str) -> str:
    """Text without white space and hyphens, so that it reads the same however its lines are broken."""
    return _FOLDED_AWAY.sub("", text)


def folded_pages(pdf: bytes) -> list[str]:
    """The folded text of each page, in pdfium's order, which for these papers is the reading order."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [fold(page.get_textpage().get_text_range()) for page in document]
    finally:
        document.close()


def find_page(quote: str, pages: list[str]) -> int:
    """The page, from 1, on which a quote starts; it may run over a column or page break, around what stands there."""
    wanted = fold(quote)
    times = sum(page.count(wanted) for page in pages)
    if times > 1:
        raise TruthError(f"stands {times} times in the paper: {quote}")
    for number, page in enumerate(pages, start=1):
        if wanted in page:
            return number
    for number, page in enumerate(pages, start=1):
        following = page + "\n" + (pages[number] if number < len(pages) else "")
        for cut in range(LEAST_PART, len(wanted) - LEAST_PART + 1):
            start = page.find(wanted[:cut])
            if start >= 0 and following.find(wanted[cut:], start + cut) >= 0:
                return number
    raise TruthError(f"stands nowhere in the paper: {quote}")


def questions() -> list[Asked]:
    """All questions of the bundled codebooks, in their order."""
    asked: list[Asked] = []
    for codebook in CODEBOOKS:
        with (PACKAGE / "codebooks" / f"{codebook}.toml").open("rb") as file:
            items = tomllib.load(file)["question"]
        asked += [Asked(codebook, item["id"], item["kind"], tuple(item.get("choices", ()))) for item in items]
    return asked


def check_value(question: Asked, value: str) -> None:
    """Values belong to yes cells of the kinds number, choice and link, and must be of that kind."""
    fits = {
        "text": value == "",
        "number": re.fullmatch(r"-?\d+(\.\d+)?", value) is not None,
        "choice": value in question.choices,
        "link": re.match(r"https?://\S+|10\.\d{4,}/\S+", value) is not None,
    }
    if not fits[question.kind]:
        raise TruthError(f"{question.id}: {value!r} is no value of kind {question.kind}")


def truth_of(name: str, pdf: bytes) -> list[Row]:
    """The truth table of one paper: at least one row for every question of every codebook."""
    with (ROOT / "papers" / name / "truth.toml").open("rb") as file:
        truth = tomllib.load(file)
    asked = questions()
    unknown = set(truth) - {question.id for question in asked}
    if unknown:
        raise TruthError(f"no such question: {', '.join(sorted(unknown))}")
    pages = folded_pages(pdf)
    rows = []
    for question in asked:
        if question.id not in truth:
            rows.append(Row(name, question.codebook, question.id, "no", "", "", ""))
            continue
        value, quotes = str(truth[question.id].get("value", "")), truth[question.id]["quotes"]
        check_value(question, value)
        if not 1 <= len(quotes) <= MOST_QUOTES or any(len(quote) not in QUOTE_LENGTH for quote in quotes):
            raise TruthError(f"{question.id}: needs one to {MOST_QUOTES} quotes of 20 to 300 characters")
        for quote in quotes:
            page = find_page(quote, pages)
            rows.append(Row(name, question.codebook, question.id, "yes", value, quote, str(page)))
    return rows


def as_csv(rows: list[Row]) -> str:
    """Rows as CSV with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(rows)
    return text.getvalue()


def main() -> int:
    """Write all PDFs and the truth table into the package; 1 if a truth file does not hold."""
    demo = PACKAGE / "demo"
    (demo / "papers").mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    faults: list[str] = []
    for name in papers():
        pdf = compile_paper(name)
        (demo / "papers" / f"{name}.pdf").write_bytes(pdf)
        try:
            rows += truth_of(name, pdf)
        except TruthError as error:
            faults.append(f"{name}: {error}")
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    (demo / "truth.csv").write_text(as_csv(rows), encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
