"""What the report's script draws from: compact JSON, deflated, in base64, so that a large study is still one file.

The matrix comes in one piece, small enough to be there at once. What a cell opens into comes in pieces of some papers
each, which the script unpacks while people already look.
"""

import json
import zlib
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from quoth.ledger import StoredFinding, audit_item
from quoth.quorum import is_unquoted
from quoth.reports.pictures import Place
from quoth.vocabulary import Decision, Finding, Outcome, Quote, Verdict

JSON = str | int | float | bool | None | Sequence["JSON"] | Mapping[str, "JSON"]

VERDICT_LETTERS = {
    Verdict.REPORTED: "r",
    Verdict.NOT_REPORTED: "n",
    Verdict.UNCLEAR: "u",
    Verdict.FAILED: "f",
    Verdict.EXCLUDED: "x",
    Verdict.NOT_APPLICABLE: "a",
}
OUTCOME_LETTERS = {
    Outcome.REPORTED: "r",
    Outcome.NOT_REPORTED: "n",
    Outcome.UNDECIDED: "u",
    Outcome.EXCLUDED: "x",
    Outcome.NOT_APPLICABLE: "a",
}
UNQUOTED, NOTHING = "q", "-"
"""'Reported' without a located quote; no finding at all."""

_PAPERS_TOGETHER = 24


@dataclass(frozen=True, slots=True)
class Cell:
    """One paper and question: what was decided, the standing finding of each reader, and models' of another round."""

    decision: Decision | None
    findings: tuple[StoredFinding, ...] = ()
    others: tuple[StoredFinding, ...] = ()


Row = Mapping[str, Cell]
"""The cells of one paper by question."""

Audits = Mapping[str, Sequence[tuple[str, str]]]
"""The sentences of audited answers with their labels, by item."""


def packed(value: JSON) -> str:
    """JSON as the browser's DecompressionStream('deflate') reads it, in base64."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode()


def state(cell: Cell) -> str:
    """The letter of a cell's decision; 'f' where nothing but failures led to it."""
    decision = cell.decision
    if decision is None:
        return NOTHING
    if is_unquoted(decision):
        return UNQUOTED
    voted = decision.votes_reported or decision.votes_not_reported
    if decision.decision is Outcome.UNDECIDED and decision.votes_failed and not voted:
        return VERDICT_LETTERS[Verdict.FAILED]
    return OUTCOME_LETTERS[decision.decision]


def votes(cell: Cell, readers: Sequence[str]) -> str:
    """A letter for each reader: what it says of the cell."""
    said = {stored.finding.reader: _letter(stored.finding) for stored in cell.findings}
    return "".join(said.get(reader, NOTHING) for reader in readers)


def _letter(finding: Finding) -> str:
    return UNQUOTED if is_unquoted(finding) else VERDICT_LETTERS[finding.verdict]


@dataclass(frozen=True, slots=True)
class Details:
    """How cells are written: by the order of questions and readers, the names of files, the numbers of pictures."""

    questions: Sequence[str]
    readers: Sequence[str]
    files: Mapping[str, int]
    pictures: Mapping[Place, int]
    audits: Audits

    def pieces(self, rows: Sequence[Row]) -> Iterator[str]:
        """The cells of all papers in order, some papers to a piece, packed."""
        for start in range(0, len(rows), _PAPERS_TOGETHER):
            yield packed([self._paper(row) for row in rows[start : start + _PAPERS_TOGETHER]])

    @property
    def together(self) -> int:
        """How many papers a piece holds."""
        return _PAPERS_TOGETHER

    def _paper(self, row: Row) -> JSON:
        """All texts of a paper once, as several readers quote the same sentence, and its cells that point to them."""
        texts = _Texts()
        cells: dict[str, JSON] = {
            str(number): self._cell(row[id_], texts) for number, id_ in enumerate(self.questions) if id_ in row
        }
        return {"texts": list(texts.numbers), "cells": cells}

    def _cell(self, cell: Cell, texts: "_Texts") -> JSON:
        findings = [stored for stored in cell.findings if stored.finding.reader in self.readers]
        decision: JSON = None
        if (found := cell.decision) is not None:
            counts = (found.votes_reported, found.votes_not_reported, found.votes_failed)
            leading = next((i for i, one in enumerate(findings) if _leads(one.finding, found)), -1)
            decision = [texts[found.value], found.score, found.basis, *counts, leading]
        others = [stored for stored in cell.others if stored.finding.reader in self.readers]
        twice = {stored.finding.reader for stored in others}
        looks = [_look(stored, twice) for stored in (*findings, *others)]
        written = [
            [*self._finding(stored, texts), look, self._audit(stored, texts)]
            for stored, look in zip((*findings, *others), looks, strict=True)
        ]
        return [decision, written]

    def _finding(self, stored: StoredFinding, texts: "_Texts") -> list[JSON]:
        found, review = stored.finding, stored.review
        return [
            self.readers.index(found.reader),
            _letter(found),
            texts[found.value],
            found.unit,
            texts[found.answer or None],
            found.score,
            texts[found.error],
            [self._quote(quote, texts) for quote in found.quotes],
            None if review is None else [review.blind, texts[review.note or None], stored.key.round],
            [found.seconds, found.input_tokens, found.output_tokens, found.cost_usd],
        ]

    def _audit(self, stored: StoredFinding, texts: "_Texts") -> JSON:
        """The sentences of a model's answer, each with its label; None for an answer that was not audited."""
        found = stored.finding
        item = audit_item(found.paper, found.question, found.reader, again=stored.key.round > 0)
        sentences = self.audits.get(item, ())
        # The audit of an answer that another reply has replaced says nothing of this one.
        if stored.review is not None or not sentences or not all(text in found.answer for text, _ in sentences):
            return None
        return [[texts[text], label] for text, label in sentences]

    def _quote(self, quote: Quote, texts: "_Texts") -> JSON:
        spans = [
            [self.files.get(span.file, -1), span.page, self.pictures.get(Place.of(span), -1), span.ocr]
            for span in quote.spans
        ]
        said = quote.said if quote.said != quote.text else None
        return [texts[quote.text], texts[said], quote.located.value, quote.score, spans]


def _look(stored: StoredFinding, twice: Collection[str]) -> str | None:
    """Which of a model's two looks a finding is of, where it looked twice."""
    if stored.review is not None or stored.finding.reader not in twice:
        return None
    return "second look" if stored.key.round else "first look"


class _Texts:
    """Numbers texts by their first mention."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __getitem__(self, text: str | None) -> int:
        return -1 if text is None else self.numbers.setdefault(text, len(self.numbers))


def _leads(finding: Finding, decision: Decision) -> bool:
    """Whether the decision's answer and quotes are this finding's."""
    same = VERDICT_LETTERS[finding.verdict] == OUTCOME_LETTERS[decision.decision]
    return same and finding.answer == decision.answer and finding.quotes == decision.quotes
