"""Votes as a table, a row for each cell and a column for each reader: what every rule and statistic counts."""

from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quoth.vocabulary import Verdict, Vote

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

VERDICTS = tuple(Verdict)
_NUMBER = {verdict.value: number for number, verdict in enumerate(VERDICTS)}
REPORTED, NOT_REPORTED, UNCLEAR, FAILED, EXCLUDED, NOT_APPLICABLE = range(len(VERDICTS))
ABSENT = -1


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """The standing vote of each reader on each cell; cells are in the order of their papers and questions."""

    papers: tuple[str, ...]
    """Names, in order; `paper` has each cell's index into them."""
    questions: tuple[str, ...]
    """Ids, in order; `question` has each cell's index into them."""
    readers: tuple[str, ...]
    """Names, in order: the columns."""
    people: Flags
    """Which readers are people, shape (readers,)."""
    paper: Whole
    question: Whole
    said: NDArray[np.int8]
    """Index into `VERDICTS`, or ABSENT; shape (cells, readers)."""
    evidence: NDArray[np.float32]
    """The score of the best verified quote, 0 without one; shape (cells, readers)."""
    settles: Flags
    """Whether a person's vote settles the cell (an adjudicated code); shape (cells, readers)."""
    blind: Flags
    """Whether a vote was given without seeing those of others; shape (cells, readers)."""
    values: NDArray[np.object_]
    """Pairs of value and unit, or None; shape (cells, readers)."""

    @classmethod
    def of(cls, votes: Iterable[Vote], people: Collection[str] = (), *, threshold: float = 0.0) -> "Votes":
        """The standing votes among `votes`: a reader's of the last round, and of those the last one given.

        Args:
            votes: in any order but this: a later one of the same reader, cell and round stands.
            people: the names of readers who are people.
            threshold: the score from which a quote counts as verified.
        """
        papers, questions, readers = _Numbers(), _Numbers(), _Numbers()
        cells: dict[tuple[int, int], int] = {}
        where, who, rounds, said, blind = array("q"), array("l"), array("l"), array("b"), array("b")
        evidence = array("f")
        valued: dict[int, tuple[str, str | None]] = {}
        for number, vote in enumerate(votes):
            cell = papers[vote.paper], questions[vote.question]
            where.append(cells.setdefault(cell, len(cells)))
            who.append(readers[vote.reader])
            rounds.append(vote.round)
            said.append(_NUMBER[vote.verdict])
            blind.append(vote.blind)
            evidence.append(-1.0 if vote.evidence is None else vote.evidence)
            if vote.value is not None:
                valued[number] = vote.value, vote.unit
        turn, paper, question = _ordered(cells, papers, questions)
        names = sorted(readers)
        column = np.argsort(np.argsort(np.array(list(readers)))) if readers else np.zeros(0, int)
        order = np.argsort(np.asarray(rounds), kind="stable")
        row, of = turn[np.asarray(where, int)[order]], column[np.asarray(who, int)[order]]
        shape = (len(cells), len(names))
        scores = np.asarray(evidence, np.float32)
        scores[scores < threshold] = 0.0
        is_person = np.array([name in people for name in names], bool)
        held = np.full(shape, None, object)
        for number in order[np.isin(order, np.fromiter(valued, int, len(valued)))].tolist():
            held[turn[where[number]], column[who[number]]] = valued[number]
        return cls(
            tuple(sorted(papers)),
            tuple(sorted(questions)),
            tuple(names),
            is_person,
            paper,
            question,
            _spread(shape, row, of, np.asarray(said, np.int8)[order], ABSENT),
            _spread(shape, row, of, np.clip(scores, 0.0, 1.0)[order], 0.0),
            _spread(shape, row, of, np.asarray(rounds)[order] > 0, False) & is_person,
            _spread(shape, row, of, np.asarray(blind, bool)[order], True),
            held,
        )

    def __len__(self) -> int:
        """The number of cells."""
        return len(self.paper)

    def cells(self) -> list[tuple[str, str]]:
        """Paper and question of each cell, in order."""
        papers, questions = self.papers, self.questions
        return [(papers[p], questions[q]) for p, q in zip(self.paper.tolist(), self.question.tolist(), strict=True)]

    def without(self, readers: Collection[str]) -> "Votes":
        """The same without the columns of some readers; cells stay, voted on or not."""
        kept = np.array([name not in readers for name in self.readers], bool)
        return replace(
            self,
            readers=tuple(name for name in self.readers if name not in readers),
            people=self.people[kept],
            said=self.said[:, kept],
            evidence=self.evidence[:, kept],
            settles=self.settles[:, kept],
            blind=self.blind[:, kept],
            values=self.values[:, kept],
        )

    def unquoted(self) -> Flags:
        """Where a reader said 'reported' without a verified quote; shape (cells, readers)."""
        bare: Flags = (self.said == REPORTED) & (self.evidence <= 0)
        return bare


class _Numbers(dict[str, int]):
    """Numbers names as they come."""

    def __missing__(self, name: str) -> int:
        self[name] = number = len(self)
        return number


def _ordered(cells: dict[tuple[int, int], int], papers: _Numbers, questions: _Numbers) -> tuple[Whole, Whole, Whole]:
    """For cells as they came: their place in the order by name; then paper and question of each place."""
    if not cells:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    came = np.array(list(cells), np.int64)
    # Code points, as the ledger sorts.
    by_paper, by_question = (np.argsort(np.argsort(np.array(list(names)))) for names in (papers, questions))
    paper, question = by_paper[came[:, 0]], by_question[came[:, 1]]
    order = np.lexsort((question, paper))
    turn = np.empty(len(order), np.int64)
    turn[order] = np.arange(len(order))
    return turn, paper[order], question[order]


def _spread(shape: tuple[int, int], row: Whole, column: Whole, values: NDArray, fill: object) -> NDArray:  # type: ignore[type-arg]
    """A table of `values` at their places; of several for one place the last stands."""
    table = np.full(shape, fill, values.dtype)
    table[row, column] = values
    return table
