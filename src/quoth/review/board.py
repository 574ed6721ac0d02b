"""Who has coded what, and what is left: the queues, the progress, the agreement between people.

The board is held in memory and takes in only what is new in the ledger, so that a queue over many thousand cells costs
nothing while a run goes on and others code.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from quoth.ledger import NewFinding, StoredPaper
from quoth.quorum import Votes, rank
from quoth.quorum.agreement import Agreement, agreement
from quoth.review.desk import Cell, Desk
from quoth.vocabulary import Verdict, Vote

_COMPARED = (Verdict.REPORTED, Verdict.NOT_REPORTED)
_UNSURE = 0.75
"""What a verdict without a calibrated score is taken to be worth, when cells are ordered by doubt."""


class Queue(StrEnum):
    """In which order cells come."""

    DOUBTFUL = "doubtful"
    PAPER = "paper"
    DISAGREEMENTS = "disagreements"


@dataclass(frozen=True, slots=True)
class Progress:
    """What one person has coded; `blind` of them without seeing other readers' findings."""

    name: str
    coded: int
    blind: int
    settled: int
    cells: int


class Board:
    """The standing votes of a study, as far as they are known; call `refresh` before asking."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._upto = 0
        self._votes: dict[Cell, dict[tuple[str, int], NewFinding]] = defaultdict(dict)
        self._coded: dict[str, set[Cell]] = defaultdict(set)
        self._disputed: set[Cell] = set()
        self._orders: dict[Queue, tuple[Cell, ...]] = {}
        self._listed: Mapping[str, StoredPaper] = {}
        self._people: frozenset[str] = frozenset()
        self._agreement: tuple[int, Agreement | None] = (-1, None)

    def refresh(self) -> None:
        """Take in what is new."""
        with self._lock:
            news, self._upto = self._desk.news(self._upto)
            if not news:
                return
            self._people = self._desk.people()
            for vote in news:
                self._take(vote)

    def _take(self, vote: NewFinding) -> None:
        cell, slot = Cell(vote.paper, vote.question), (vote.reader, vote.round)
        if vote.reader in self._people and vote.verdict == Verdict.FAILED:
            self._votes[cell].pop(slot, None)
            if not vote.round:
                self._coded[vote.reader].discard(cell)
        else:
            self._votes[cell][slot] = vote
            if vote.reader in self._people and not vote.round:
                self._coded[vote.reader].add(cell)
        if vote.reader not in self._people:
            self._orders = {}
        elif len({code.verdict for code in self.codes(cell).values()} - {Verdict.UNCLEAR}) > 1:
            self._disputed.add(cell)
        else:
            self._disputed.discard(cell)

    # One cell

    def codes(self, cell: Cell) -> dict[str, NewFinding]:
        """The first votes of people, by name."""
        return {name: vote for (name, round_), vote in self._of(cell) if round_ == 0 and name in self._people}

    def settlers(self, cell: Cell) -> list[str]:
        """Who has settled a cell."""
        return [name for (name, round_), _ in self._of(cell) if round_ > 0 and name in self._people]

    def machines(self, cell: Cell) -> list[NewFinding]:
        """The standing votes of readers who are no people."""
        votes = (vote for (name, _), vote in self._of(cell) if name not in self._people)
        return list(
            {vote.reader: vote for vote in sorted(votes, key=lambda vote: rank(vote.round, vote.verdict))}.values()
        )

    def tally(self, cell: Cell) -> tuple[int, int]:
        """How many readers who are no people say reported, and how many not reported; a failed one says neither."""
        said = [vote.verdict for vote in self.machines(cell)]
        return said.count(Verdict.REPORTED), said.count(Verdict.NOT_REPORTED)

    def disputed(self, cell: Cell) -> bool:
        """Whether people's codes differ."""
        return cell in self._disputed

    def may_settle(self, coder: str, cell: Cell) -> bool:
        """Whether this person is a third: one whose own code is not among those that differ."""
        return self.disputed(cell) and cell not in self._coded[coder]

    def _of(self, cell: Cell) -> list[tuple[tuple[str, int], NewFinding]]:
        # A copy: others may take in news meanwhile.
        return list(self._votes[cell].items()) if cell in self._votes else []

    # Queues

    def cells(self) -> Iterator[Cell]:
        """All cells of the study, paper by paper."""
        for paper in self._desk.papers():
            for question in self._desk.questions:
                yield Cell(paper, question)

    def order(self, queue: Queue) -> tuple[Cell, ...]:
        """All cells of a queue, coded or not, in its order."""
        if queue is Queue.DISAGREEMENTS:
            return tuple(cell for cell in self.order(Queue.PAPER) if cell in self._disputed)
        papers = self._desk.papers()
        if papers is not self._listed:
            self._listed, self._orders = papers, {}
        orders = self._orders  # others may take in news meanwhile
        if queue not in orders:
            cells = tuple(self.cells())
            # Who cannot open the paper cannot code it: last. The sort keeps the order of papers among equals.
            doubt = sorted(cells, key=lambda cell: (bool(papers[cell.paper].reason), -self.doubt(cell)))
            orders = self._orders = {Queue.PAPER: cells, Queue.DOUBTFUL: tuple(doubt)}
        return orders[queue]

    def left(self, queue: Queue, coder: str) -> list[Cell]:
        """The cells of a queue that wait for this person."""
        return [cell for cell in self.order(queue) if self.waits(queue, coder, cell)]

    def waits(self, queue: Queue, coder: str, cell: Cell) -> bool:
        """Whether a cell waits for this person: not coded yet, or for a third to settle."""
        if queue is Queue.DISAGREEMENTS:
            return self.may_settle(coder, cell) and not self.settlers(cell)
        return cell not in self._coded[coder]

    def next(self, queue: Queue, coder: str, after: Cell | None) -> Cell | None:
        """The next cell that waits for this person, from the beginning again at the end; None where there is none."""
        order = self.order(queue)
        start = order.index(after) + 1 if after in order else 0
        return next((cell for cell in order[start:] + order[:start] if self.waits(queue, coder, cell)), None)

    def neighbours(self, queue: Queue, cell: Cell) -> tuple[Cell | None, Cell | None]:
        """The cells before and after one, coded or not."""
        order = self.order(queue)
        place = order.index(cell) if cell in order else -1
        before = order[place - 1] if place > 0 else None
        return before, order[place + 1] if 0 <= place < len(order) - 1 else None

    def doubt(self, cell: Cell) -> float:
        """How much the readers leave open, from 0 (all agree and are sure) to 1 (as good as a coin, or no vote)."""
        shares = [_share(vote) for vote in self.machines(cell) if vote.verdict in _COMPARED]
        mean = sum(shares) / len(shares) if shares else 0.5
        return round(1 - abs(2 * mean - 1), 6)

    # People

    def progress(self) -> list[Progress]:
        """What everybody has done, by name."""
        coded: Mapping[str, list[NewFinding]] = defaultdict(list)
        settled: dict[str, int] = defaultdict(int)
        for cell in self.cells():
            for (name, round_), vote in self._of(cell):
                if name in self._people and round_ > 0:
                    settled[name] += 1
                elif name in self._people:
                    coded[name].append(vote)
        total = len(self._desk.papers()) * len(self._desk.questions)
        return [
            Progress(name, len(coded[name]), sum(vote.blind for vote in coded[name]), settled[name], total)
            for name in sorted({*coded, *settled})
        ]

    def agreement(self) -> Agreement | None:
        """How far people agree on their first blind codes; None with fewer than two of them."""
        upto, found = self._agreement
        if upto != self._upto:
            first = (
                Vote(*cell, vote.reader, 0, vote.verdict)
                for cell in self.cells()
                for vote in self.codes(cell).values()
                if vote.blind and vote.verdict in _COMPARED
            )
            upto, votes = self._upto, Votes.of(first, self._people)
            found = agreement(votes, self._desk.questions, draws=0) if len(votes.readers) > 1 else None
            self._agreement = upto, found
        return found


def _share(vote: NewFinding) -> float:
    """What a vote says for 'reported', from 0 to 1."""
    sure = _UNSURE if vote.score is None else vote.score
    return sure if vote.verdict == Verdict.REPORTED else 1 - sure
