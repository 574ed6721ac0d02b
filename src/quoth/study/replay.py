"""The stored replies once more: parsed and grounded anew, without a network, and compared with what was found."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from quoth.errors import PaperError
from quoth.ledger import Ledger, StoredFinding
from quoth.pipeline import read_paper
from quoth.readers.base import Conclusion, Dialogue, ReadPaper, Sitting
from quoth.readers.model import ModelReader
from quoth.study.bill import Bill, cost_of
from quoth.study.desk import grouped, stored_reply
from quoth.study.plan import Cells, Work
from quoth.study.workshop import Workshop
from quoth.vocabulary import Finding, Key, Question


@dataclass(frozen=True, slots=True)
class Change:
    """A finding that its stored replies do not give as it stands; `before` is None where none stood."""

    before: Finding | None
    after: Finding


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found; `run` is None where nothing changed and nothing was written."""

    run: int | None
    findings: int
    changes: tuple[Change, ...]
    without_reply: int
    unreadable: Mapping[str, str]


def replay(
    shop: Workshop,
    manifest: Mapping[str, object],
    first: Sequence[Work],
    later: Callable[[], Sequence[Work]],
    stored: Iterable[StoredFinding],
) -> Replayed:
    """Make the models' findings anew from the stored replies; those that changed become the next revisions.

    Args:
        shop: what a run works with.
        manifest: of the run that is recorded if anything changed.
        first: the cells to look at, of papers that were read; questions and readers must be recorded.
        later: all second looks, by the first findings as they are when those are made anew.
        stored: the current findings.
    """
    again = _Again(shop, manifest, {one.key: one.finding for one in stored})
    missing = [key for piece in first for key in again.made_of(piece)]
    # What a second look was shown may be another thing by now: one that stands is left as it is.
    missing += [key for piece in later() for key in again.made_of(piece) if key not in again.before]
    return Replayed(again.run, again.findings, tuple(again.changes), len(missing), again.unreadable)


class _Again:
    """What was found anew so far; `before` is what stood."""

    def __init__(self, shop: Workshop, manifest: Mapping[str, object], before: Mapping[Key, Finding]) -> None:
        self.before = before
        self.run: int | None = None
        self.findings = 0
        self.changes: list[Change] = []
        self.unreadable: dict[str, str] = {}
        self._shop = shop
        self._manifest = manifest

    def made_of(self, piece: Work) -> list[Key]:
        """Look at the cells of one paper, and give those that have no reply."""
        try:
            with read_paper(piece.paper, piece.places, self._shop.settings, self._shop.encoder) as read:
                asked = [part.key(read.name, read.document.digest, q) for part in piece.cells for q in part.questions]
                made = dict(_all_again(self._shop, read, piece.cells))
        except PaperError as error:
            self.unreadable[piece.paper.name] = error.reason
            return []
        self.findings += len(made)
        changed = [(key, finding) for key, finding in made.items() if not _same(self.before.get(key), finding)]
        self.changes += [Change(self.before.get(key), finding) for key, finding in changed]
        if changed:
            self.run = self.run or self._shop.ledger.start_run(self._manifest)
            self._shop.ledger.put_findings(self.run, changed, datetime.now(UTC))
        return [key for key in asked if key not in made]


def _all_again(shop: Workshop, read: ReadPaper, parts: Sequence[Cells]) -> Iterator[tuple[Key, Finding]]:
    for cells in parts:
        if isinstance(cells.reader, ModelReader):
            for question, finding in _again(shop, cells, cells.reader, cells.reader.sit(read)):
                yield cells.key(read.name, read.document.digest, question), finding


class _MissingError(Exception):
    """A request that was never answered."""


def _again(shop: Workshop, cells: Cells, reader: ModelReader, sitting: Sitting) -> Iterator[tuple[Question, Finding]]:
    for group in grouped(cells, shop.protocol.questions, reader):
        made = _findings(shop.ledger, reader, sitting.dialogue(group, cells.beside(group[0])))
        for question in group:
            if question.id not in made and len(group) > 1:
                made |= _findings(shop.ledger, reader, sitting.dialogue([question], cells.beside(question)))
            if question.id in made:
                yield question, made[question.id]


def _findings(ledger: Ledger, reader: ModelReader, dialogue: Dialogue) -> dict[str, Finding]:
    """What the stored replies to a dialogue give; nothing where one of them is missing."""
    bill = Bill()
    try:
        made = _driven(dialogue, ledger, reader, bill)
    except _MissingError:
        return {}
    return {question: conclusion.finding for question, conclusion in bill.shared(made).items()}


def _driven(dialogue: Dialogue, ledger: Ledger, reader: ModelReader, bill: Bill) -> dict[str, Conclusion]:
    """What a dialogue ends with when every reply comes from the ledger."""
    try:
        request = next(dialogue)
        while True:
            reply = stored_reply(ledger, request, reader)
            if reply is None:
                raise _MissingError
            bill.add(reply, cost_of(reader, reply))
            request = dialogue.send(reply)
    except StopIteration as stop:
        conclusions: dict[str, Conclusion] = stop.value
        return conclusions


def _same(before: Finding | None, after: Finding) -> bool:
    """Whether two findings say the same; what they cost is not what they say."""
    return before is not None and _said(before) == _said(after)


def _said(finding: Finding) -> tuple[object, ...]:
    return finding.verdict, finding.value, finding.unit, finding.answer, finding.quotes, finding.error
