"""Planted quotes: how many true quotes are located on the right page, and how many false ones are refused.

True quotes are sentences of the documents, changed as careless copying and typesetting change them; false ones differ
from every sentence in what they claim. Both are made from the documents themselves with a fixed seed. What is judged is
any function from a document's number and the words said to the pages where they were found (`Finder`).

    python benchmarks/planted_quotes.py FOLDER [--number 2000] [--seed 20240229] [--langextract]

With `--langextract` its aligner looks for the same quotes beside the locator: more than an hour for 4,000 of them.
"""

import argparse
import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from planting import NUMBER, SEED, Pages, Planted, plant

from quoth.grounding import Locator
from quoth.vocabulary import Document, Geometry, Located

Finder = Callable[[int, str], Pages | None]
"""Document number and words said to the pages where they stand; None where they stand nowhere."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a finder did with one kind of quote."""

    kind: str
    true: bool
    planted: int
    located: int
    right_page: int
    seconds: float


def measure(planted: Sequence[Planted], find: Finder) -> list[Row]:
    """One row for each kind, in the order of the quotes."""
    rows = []
    for kind, true in dict.fromkeys((one.kind, one.pages is not None) for one in planted):
        of_kind = [one for one in planted if one.kind == kind and (one.pages is not None) == true]
        started = time.perf_counter()
        found = [find(one.document, one.said) for one in of_kind]
        seconds = time.perf_counter() - started
        located = sum(pages is not None for pages in found)
        right = sum(pages is not None and pages == one.pages for one, pages in zip(of_kind, found, strict=True))
        rows.append(Row(kind, true, len(of_kind), located, right, seconds))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows and the two rates as text."""
    lines = [f"{'quotes':<8}{'kind':<22}{'n':>6}{'located':>9}{'right page':>12}{'per second':>12}"]
    for row in rows:
        rate = row.planted / row.seconds if row.seconds else 0.0
        sort, page = ("true", str(row.right_page)) if row.true else ("false", "")
        lines.append(f"{sort:<8}{row.kind:<22}{row.planted:>6}{row.located:>9}{page:>12}{rate:>12,.0f}")
    true = [row for row in rows if row.true]
    false = [row for row in rows if not row.true]
    n_true, n_false = sum(row.planted for row in true), sum(row.planted for row in false)
    right, refused = sum(row.right_page for row in true), n_false - sum(row.located for row in false)
    lines.append(f"true quotes located on the right page: {right} of {n_true} ({right / max(n_true, 1):.2%})")
    lines.append(f"false quotes not located: {refused} of {n_false} ({refused / max(n_false, 1):.2%})")
    return "\n".join(lines)


def locator_finder(documents: Sequence[Document], geometries: Sequence[Geometry]) -> Finder:
    """Finds with one prepared `Locator` for each document."""
    locators = [Locator(document, geometry) for document, geometry in zip(documents, geometries, strict=True)]

    def find(document: int, said: str) -> Pages | None:
        quote = locators[document].locate(said)
        if quote.located is Located.MISSING:
            return None
        return frozenset((span.file, span.page) for span in quote.spans)

    return find


def main(arguments: Sequence[str] | None = None) -> None:
    """Read a folder of PDFs, plant quotes in them and print how many of each kind the locator finds."""
    parser = argparse.ArgumentParser(description="Locate planted true and false quotes in the PDFs of a folder.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, default=NUMBER, help="true quotes, and as many false ones")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--langextract", action="store_true", help="run LangExtract's aligner on the same quotes")
    options = parser.parse_args(arguments)

    from quoth.papers import PageGeometry, parse

    documents: list[Document] = []
    with ExitStack() as stack:
        geometries = []
        for path in sorted(options.folder.rglob("*.pdf")):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            documents.append(parse(path, digest))
            geometries.append(stack.enter_context(PageGeometry(documents[-1], {digest: path})))
        if not documents:
            parser.error(f"no PDF in {options.folder}")
        planted = plant(documents, options.number, options.seed)
        print(f"{len(planted)} quotes planted in {len(documents)} papers, seed {options.seed}")
        print(table(measure(planted, locator_finder(documents, geometries))))
    if options.langextract:
        beside(documents, planted)


def beside(documents: Sequence[Document], planted: Sequence[Planted]) -> None:
    """The same table for LangExtract's aligner, as it comes and without the partial matches that it counts."""
    from langextract_aligner import Aligned

    for title, partial in (("as it comes", True), ("partial matches (MATCH_LESSER) refused", False)):
        aligned = Aligned(documents, partial=partial)
        rows = measure(planted, aligned)
        print(f"\nLangExtract {aligned.version}, {title}\n{table(rows)}")
        print("by status:", ", ".join(f"{status} {number}" for status, number in sorted(aligned.statuses.items())))


if __name__ == "__main__":
    main()
