"""Taking in what people and other programs found: as readers like any other, whole or not at all.

Where a paper's file is there, quotes are located in it and scored. By the first promise a program's 'reported' none of
whose quotes proves true has failed; people's stand, marked as unquoted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from quoth.errors import PaperError
from quoth.ledger import Batch, Ledger, Present, StoredReader
from quoth.pipeline import ReadSettings, read_paper
from quoth.protocol import question_digest
from quoth.quorum import is_unquoted
from quoth.readers.base import ReadPaper
from quoth.readers.verify import Said, Verifier, is_verified
from quoth.study.codes import Code, Codes
from quoth.study.coding import BY_NAME, HUMAN, IMPORTED, coded_key, coder
from quoth.vocabulary import Encoder, Failure, Finding, Key, Located, Paper, Quote, Review, Verdict

UNVERIFIED = "unverified: none of its quotes stands in the paper and answers the question"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import brought; numbers of findings but for `papers`, the names of those that are new, and `quotes`."""

    type: str
    """human or imported."""
    readers: tuple[str, ...]
    new: int
    revised: int
    unchanged: int
    without_verdict: int
    papers: tuple[str, ...]
    quotes: Mapping[str, int]
    """Quotes by how they were located; 'unchecked' where there is no file that could be read."""
    unquoted: int
    """'reported' without a located quote."""
    failed: tuple[tuple[str, str, str], ...]
    """Paper, question and reader of each 'reported' whose quotes proved untrue."""
    not_found: tuple[tuple[str, str, str], ...]
    """Paper, question and reader of each code of a person one of whose quotes does not stand in the paper's file."""
    notes: tuple[str, ...]

    @property
    def findings(self) -> int:
        """How many were recorded."""
        return self.new + self.revised


class Quotes:
    """Verifies the quotes of codes, paper by paper."""

    def __init__(self, files: Mapping[Paper, Mapping[str, Path]], settings: ReadSettings, encoder: Encoder) -> None:
        self._files = {paper.name: (paper, places) for paper, places in files.items()}
        self._settings = settings
        self._encoder = encoder
        self.notes: list[str] = []

    def of(self, name: str, codes: Sequence[Code]) -> list[tuple[Quote, ...] | None]:
        """The quotes of each code of one paper; None where they could not be looked for."""
        if name not in self._files or not any(code.quotes for code in codes):
            return [None] * len(codes)
        paper, places = self._files[name]
        try:
            with read_paper(paper, places, self._settings, self._encoder) as read:
                verifier = Verifier(read, self._encoder)
                return [self._verified(verifier, read, code) for code in codes]
        except PaperError as error:
            self.notes.append(f"{name} cannot be read ({error.reason}): its quotes are unchecked")
            return [None] * len(codes)

    def _verified(self, verifier: Verifier, read: ReadPaper, code: Code) -> tuple[Quote, ...]:
        near = page_bounds(read, code.page) if code.page else None
        return verifier.quotes(code.question, [Said(quote, near) for quote in code.quotes])


def page_bounds(read: ReadPaper, page: int) -> tuple[int, int] | None:
    """Where the text of a page of the first file begins and ends; None where it has no text."""
    document = read.document
    first = document.pages[0].file if document.pages else ""
    for one in document.pages:
        if one.file == first and one.number == page:
            held = np.flatnonzero((document.glyphs >= one.start) & (document.glyphs < one.end))
            return (int(held[0]), int(held[-1]) + 1) if len(held) else None
    return None


def import_codes(found: Codes, type_: str, ledger: Ledger, quotes: Quotes, known: Mapping[str, Paper]) -> Imported:
    """Record what a sheet says; what the ledger says already is not said again.

    Args:
        found: the codes, checked.
        type_: human or imported.
        ledger: where they go, in one transaction.
        quotes: looks their quotes up.
        known: the study's papers by name.
    """
    readers = {name: coder(name, type_) for name in sorted({code.reader for code in found.codes})}
    by_paper: dict[str, list[Code]] = {}
    for code in found.codes:
        by_paper.setdefault(code.paper, []).append(code)
    before = _current(found, readers, ledger)
    rows: list[tuple[Key, Finding]] = []
    reviews: list[Review | None] = []
    located: Counter[str] = Counter()
    unquoted, unchanged, revised = 0, 0, 0
    failed, not_found = [], []
    for name, codes in by_paper.items():
        for code, checked in zip(codes, quotes.of(name, codes), strict=True):
            finding, review = finding_of(code, type_, checked), _review(code, type_)
            located.update("unchecked" if checked is None else quote.located.value for quote in finding.quotes)
            unquoted += is_unquoted(finding)
            if finding.error == UNVERIFIED:
                failed.append((code.paper, code.question.id, code.reader))
            elif checked and type_ == HUMAN and any(quote.located is Located.MISSING for quote in checked):
                not_found.append((code.paper, code.question.id, code.reader))
            key = coded_key(code.paper, code.question, readers[code.reader], code.round)
            if before.get(key) == (finding, review):
                unchanged += 1
                continue
            revised += key in before
            rows.append((key, finding))
            reviews.append(review)
    new_papers = [_paper(name, found.papers[name]) for name in by_paper if name not in known]
    questions = {code.question.id: code.question for code in found.codes}.values()
    versions = [(question, question_digest(question)) for question in questions]
    ledger.put_batch(Batch(new_papers, versions, list(readers.values()), rows, reviews))
    notes = [f"columns passed over: {', '.join(found.columns_passed_over)}"] if found.columns_passed_over else []
    return Imported(
        type_,
        tuple(readers),
        len(rows) - revised,
        revised,
        unchanged,
        found.without_verdict,
        tuple(paper.name for paper in new_papers),
        dict(located),
        unquoted,
        tuple(failed),
        tuple(not_found),
        (*notes, *quotes.notes),
    )


def finding_of(code: Code, type_: str, checked: tuple[Quote, ...] | None) -> Finding:
    """A code as a finding; `checked` are its quotes as they were found in the paper, None where nobody could look."""
    quotes = checked if checked is not None else tuple(Quote(said, "", Located.MISSING) for said in code.quotes)
    finding = Finding(
        code.paper,
        code.question.id,
        code.reader,
        code.verdict,
        value=code.value,
        unit=code.unit or (code.question.unit if code.value is not None else None),
        answer=code.answer,
        score=code.score,
        quotes=quotes,
        error=code.error if code.verdict is Verdict.FAILED else None,
        failure=Failure.FINAL if code.verdict is Verdict.FAILED else None,
    )
    untrue = checked and code.verdict is Verdict.REPORTED and not any(is_verified(quote) for quote in checked)
    if untrue and type_ == IMPORTED:
        return replace(finding, verdict=Verdict.FAILED, error=UNVERIFIED, failure=Failure.FINAL)
    return finding


def _review(code: Code, type_: str) -> Review | None:
    return None if type_ == IMPORTED and not code.note else Review(code.blind, code.note)


def _current(
    found: Codes, readers: Mapping[str, StoredReader], ledger: Ledger
) -> dict[Key, tuple[Finding, Review | None]]:
    present = Present(
        frozenset((code.paper, BY_NAME) for code in found.codes),
        frozenset((code.question.id, question_digest(code.question)) for code in found.codes),
        frozenset((reader.name, reader.digest) for reader in readers.values()),
    )
    return {stored.key: (stored.finding, stored.review) for stored in ledger.current(present)}


def _paper(name: str, about: Mapping[str, str]) -> Paper:
    year = about.get("year")
    return Paper(name, (), about.get("doi"), about.get("title"), int(year) if year else None)
