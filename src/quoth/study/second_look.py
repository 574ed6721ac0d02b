"""The second look: models that disagree are shown the other readers' quotes, and asked once more.

It follows from first findings alone, those that were made without sight of others; what came of other second looks has
no part in it, and neither have rule and gold. So it is the same whatever order things were asked in.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from quoth.ledger import Ledger, Present, StoredFinding, Versions
from quoth.protocol import question_digest
from quoth.quorum import rank
from quoth.quorum.dissent import dissenters
from quoth.readers.base import Reader
from quoth.readers.embedded import QUOTE_THRESHOLD
from quoth.readers.model import ModelReader
from quoth.study.coding import BY_NAME
from quoth.study.plan import Cells, SecondLook, Work, first_versions, present
from quoth.vocabulary import Failure, Finding, Paper, Question, Quote


@dataclass(frozen=True, slots=True)
class Disputed:
    """Cells on whose first findings readers disagree."""

    cells: int
    waiting: int
    """Of these, cells that some reader of the protocol has not answered yet: they wait for it."""
    nothing_to_show: int
    """First findings of models that disagree with readers who have no verified quote to show."""


@dataclass(frozen=True, slots=True)
class SecondLooks:
    """What there is to look at once more in the papers, questions and readers that were selected."""

    work: tuple[Work, ...] = ()
    """The cells of each paper that models are to be asked again."""
    disputed: Disputed = Disputed(0, 0, 0)

    @property
    def findings(self) -> int:
        """How many the work will give."""
        return sum(piece.size for piece in self.work)


@dataclass(frozen=True, slots=True)
class Circle:
    """Who takes part: `shown` says whose quotes are shown (machines, all), `readers` are those of the protocol.

    `coders` are the versions of imported readers, and of people where their quotes are shown.
    """

    shown: str
    readers: Sequence[Reader]
    coders: Versions
    tolerance: float


@dataclass(slots=True)
class _Found:
    """What is found on the way through the cells."""

    disputed: int = 0
    waiting: int = 0
    nothing_to_show: int = 0
    beside: dict[str, dict[str, dict[str, tuple[Quote, ...]]]] = field(default_factory=dict)
    """By paper, reader and question."""


def second_looks(
    papers: Mapping[Paper, Mapping[str, Path]],
    questions: Sequence[Question],
    asked: Sequence[Reader],
    circle: Circle,
    *,
    texts: Mapping[str, str],
    ledger: Ledger,
) -> SecondLooks:
    """All that is to be looked at once more, or was.

    Args:
        papers: those to look at, with the places of their files.
        questions: those to look at.
        asked: the readers that may be asked.
        circle: everybody whose first findings count.
        texts: the text digest of each paper that was read.
        ledger: where the findings are.
    """
    by_id = {question.id: question for question in questions}
    names = {paper.name: texts[paper.name] for paper in papers if paper.name in texts}
    first = present(names, questions, first_versions(circle.readers) | circle.coders)
    with_codes = Present(first.papers | {(name, BY_NAME) for name in names}, first.questions, first.readers)
    found = _Found()
    for (paper, id_), cell in groupby(ledger.current(with_codes), key=lambda one: (one.key.paper, one.key.question)):
        _look(found, paper, by_id[id_], list(_newest(cell)), circle)
    work = []
    for one, places in papers.items():
        to_see = found.beside.get(one.name, {})
        parts = [
            Cells(reader, _asked(questions, to_see[reader.name]), second=SecondLook(digest, to_see[reader.name]))
            for reader in asked
            if isinstance(reader, ModelReader) and reader.name in to_see
            for digest in [reader.second_look_digest(circle.shown)]
        ]
        if parts:
            work.append(Work(one, places, tuple(parts), names[one.name]))
    return SecondLooks(tuple(work), Disputed(found.disputed, found.waiting, found.nothing_to_show))


def still_open(looks: SecondLooks, ledger: Ledger, *, retry: bool = False) -> SecondLooks:
    """Those of them that were not taken yet; with `retry`, those that failed for good as well."""
    there = Present(
        frozenset((piece.paper.name, piece.text_digest or "") for piece in looks.work),
        frozenset((q.id, question_digest(q)) for piece in looks.work for cells in piece.cells for q in cells.questions),
        frozenset((c.reader.name, c.second.digest) for piece in looks.work for c in piece.cells if c.second),
    )
    settled = ledger.done_keys(there)
    done = ledger.done_keys(there, again=tuple(Failure)) if retry else settled
    work = []
    for piece in looks.work:
        parts = []
        for cells in piece.cells:
            keys = {q: cells.key(piece.paper.name, piece.text_digest or "", q) for q in cells.questions}
            left = tuple(q for q in cells.questions if keys[q] not in done)
            if left:
                anew = frozenset(q.id for q in left if keys[q] in settled)
                parts.append(replace(cells, questions=left, anew=anew))
        if parts:
            work.append(replace(piece, cells=tuple(parts)))
    return replace(looks, work=tuple(work))


def asked_after(
    work: Sequence[Work], looks: SecondLooks, stopped: Collection[str], limit: int | None = None
) -> list[Work]:
    """What is to be looked at once more after this work, by readers that have not stopped.

    Args:
        work: what is asked for the first time.
        looks: what is open.
        stopped: the names of readers that are not to be asked.
        limit: at most so many papers, those of the work among them.
    """
    begun = {piece.paper.name for piece in work}
    room = len(looks.work) if limit is None else limit - len(begun)
    found = []
    for piece in looks.work:
        cells = tuple(part for part in piece.cells if part.reader.name not in stopped)
        begins = piece.paper.name not in begun
        if cells and (room > 0 or not begins):
            found.append(replace(piece, cells=cells))
            room -= begins
    return found


def _asked(questions: Sequence[Question], beside: Mapping[str, object]) -> tuple[Question, ...]:
    return tuple(question for question in questions if question.id in beside)


def _newest(cell: Iterator[StoredFinding]) -> Iterator[Finding]:
    """Of each reader the finding that counts: a person's that settles the cell before that person's code."""
    for _, group in groupby(cell, key=lambda stored: stored.key.reader):
        yield max(group, key=lambda stored: (rank(stored.key.round, stored.finding.verdict), stored.id)).finding


def _look(found: _Found, paper: str, question: Question, findings: Sequence[Finding], circle: Circle) -> None:
    dissenting = dissenters(findings, question, threshold=QUOTE_THRESHOLD, tolerance=circle.tolerance)
    if not dissenting:
        return
    found.disputed += 1
    answered = {finding.reader for finding in findings if finding.failure is not Failure.TRANSIENT}
    if any(reader.name not in answered for reader in circle.readers):
        found.waiting += 1
        return
    for reader in circle.readers:
        if not isinstance(reader, ModelReader) or reader.name not in dissenting:
            continue
        if beside := dissenting[reader.name]:
            found.beside.setdefault(paper, {}).setdefault(reader.name, {})[question.id] = beside
        else:
            found.nothing_to_show += 1
