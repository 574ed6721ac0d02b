"""Votes as a table, a row for each cell and a column for each reader: what every rule and statistic counts."""

from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quoth.vocabulary import Verdict, Vote, VoteColumns

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
        """The standing votes among `votes`: see `of_columns`."""
        rows = list(votes)
        return cls.of_columns([VoteColumns(*zip(*rows, strict=True))] if rows else [], people, threshold=threshold)

    @classmethod
    def of_columns(
        cls,
        blocks: Iterable[VoteColumns],
        people: Collection[str] = (),
        *,
        threshold: float = 0.0,
        rounds: Collection[int] | None = None,
    ) -> "Votes":
        """The standing votes: a reader's of the last round that did not fail, and of those the last one given.

        Args:
            blocks: a later vote of the same reader, cell and round stands.
            people: the names of readers who are people.
            threshold: the score from which a quote counts as verified.
            rounds: votes of these alone; None for all.
        """
        papers, questions, readers = _Numbers(), _Numbers(), _Numbers()
        of_paper, of_question, who = array("q"), array("q"), array("q")
        rounds_, said, blind, evidence = array("q"), array("b"), array("b"), array("f")
        valued: dict[int, tuple[str, str | None]] = {}
        for block in blocks:
            valued |= {len(who) + i: (value, block.unit[i]) for i, value in enumerate(block.value) if value is not None}
            of_paper.extend(map(papers.__getitem__, block.paper))
            of_question.extend(map(questions.__getitem__, block.question))
            who.extend(map(readers.__getitem__, block.reader))
            rounds_.extend(block.round)
            said.extend(map(_NUMBER.__getitem__, block.verdict))
            evidence.extend(-1.0 if score is None else score for score in block.evidence)
            blind.extend(block.blind)
        where, cell_paper, cell_question = _ordered(np.asarray(of_paper), np.asarray(of_question), papers, questions)
        names = sorted(readers)
        column = np.argsort(np.argsort(np.array(list(readers), str)))
        order = np.argsort(_ranks(np.asarray(rounds_), np.asarray(said)), kind="stable")
        if rounds is not None:
            order = order[np.isin(np.asarray(rounds_)[order], list(rounds))]
        row, of = where[order], column[np.asarray(who)[order]]
        shape = (len(cell_paper), len(names))
        scores = np.asarray(evidence, np.float32)
        scores[scores < threshold] = 0.0
        is_person = np.array([name in people for name in names], bool)
        values = np.full(shape, None, object)
        for number in order[np.isin(order, np.fromiter(valued, int, len(valued)))].tolist():
            values[where[number], column[who[number]]] = valued[number]
        return cls(
            tuple(sorted(papers)),
            tuple(sorted(questions)),
            tuple(names),
            is_person,
            cell_paper,
            cell_question,
            _spread(shape, row, of, np.asarray(said, np.int8)[order], ABSENT),
            _spread(shape, row, of, np.clip(scores, 0.0, 1.0)[order], 0.0),
            _spread(shape, row, of, np.asarray(rounds_)[order] > 0, False) & is_person,
            _spread(shape, row, of, np.asarray(blind, bool)[order], True),
            values,
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

    def only(self, kept: Flags) -> "Votes":
        """The same with the votes where `kept` alone, and with the readers who have one; shape (cells, readers)."""
        silent = {self.readers[column] for column in np.flatnonzero(~kept.any(axis=0)).tolist()}
        values, said = self.values.copy(), self.said.copy()
        values[~kept], said[~kept] = None, ABSENT
        return replace(self, said=said, values=values).without(silent)

    def unquoted(self) -> Flags:
        """Where a reader said 'reported' without a verified quote; shape (cells, readers)."""
        bare: Flags = (self.said == REPORTED) & (self.evidence <= 0)
        return bare


def _ranks(rounds: Whole, said: NDArray[np.int8]) -> Whole:
    """Which vote of a reader stands, the highest: a later round that failed takes nothing back."""
    ranks: Whole = np.where((said == FAILED) & (rounds > 0), -1, rounds)
    return ranks


class _Numbers(dict[str, int]):
    """Numbers names as they come."""

    def __missing__(self, name: str) -> int:
        self[name] = number = len(self)
        return number


def _ordered(paper: Whole, question: Whole, papers: _Numbers, questions: _Numbers) -> tuple[Whole, Whole, Whole]:
    """For votes by the numbers of their papers and questions: the row of each; then paper and question of each row."""
    # Code points, as the ledger sorts.
    by_paper, by_question = (np.argsort(np.argsort(np.array(list(names), str))) for names in (papers, questions))
    width = max(len(questions), 1)
    cells, rows = np.unique(by_paper[paper] * width + by_question[question], return_inverse=True)
    return rows.astype(np.int64), cells // width, cells % width


def _spread(shape: tuple[int, int], row: Whole, column: Whole, values: NDArray, fill: object) -> NDArray:  # type: ignore[type-arg]
    """A table of `values` at their places; of several for one place the last stands."""
    table = np.full(shape, fill, values.dtype)
    table[row, column] = values
    return table
