"""Which cells people should code, and how narrow an interval so many cells buy."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from quoth.errors import StudyError
from quoth.quorum import Votes
from quoth.quorum.rules import RULES
from quoth.quorum.ruling import audible
from quoth.quorum.votes import NOT_REPORTED, REPORTED
from quoth.vocabulary import Question

Cell = tuple[str, str]

LIKELY = (0.8, 0.5)
"""Accuracies for which the interval is told: a usual one, and the one with the widest."""


class How(StrEnum):
    """How cells are drawn: all alike, the same number of each question, or where readers disagree most."""

    RANDOM = "random"
    STRATIFIED = "stratified"
    DISAGREEMENT = "disagreement"


@dataclass(frozen=True, slots=True)
class Width:
    """The 95 % Wilson interval that an accuracy would have."""

    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Sample:
    """Cells to be coded, of how many that nobody has coded yet, and what they buy."""

    how: How
    cells: tuple[Cell, ...]
    among: int
    widths: tuple[Width, ...]

    def sheet(self, questions: Mapping[str, Question]) -> pd.DataFrame:
        """The sheet for a coder, ready for `quoth import`: the questions in words, and room for the codes."""
        rows = [(paper, id_, questions[id_].label, questions[id_].text) for paper, id_ in self.cells]
        frame = pd.DataFrame(rows, columns=["paper", "question", "label", "text"], dtype="string")
        for column in ("verdict", "value", "quote", "page", "note"):
            frame[column] = pd.Series([None] * len(frame), dtype="string")
        return frame


def sample(
    votes: Votes, papers: Sequence[str], questions: Sequence[str], n: int, how: How | str, seed: int = 0
) -> Sample:
    """Draw `n` cells that no person has coded.

    Args:
        votes: the standing ones.
        papers: those that can be read, or are known by name.
        questions: ids.
        n: how many cells; fewer where there are fewer.
        how: random, stratified or disagreement.
        seed: the same seed draws the same cells.

    Raises:
        StudyError: there is no such way, or no cell is left.
    """
    if how not in list(How):
        raise StudyError(f"there is no sample '{how}': choose one of {', '.join(How)}")
    coded = _coded(votes)
    left = [(paper, question) for paper in papers for question in questions if (paper, question) not in coded]
    if not left:
        raise StudyError("no cell is left to be coded: people have coded all of them, or there is no paper")
    draw: dict[str, Callable[[], list[Cell]]] = {
        How.RANDOM: lambda: _shuffled(left, seed)[:n],
        How.STRATIFIED: lambda: _stratified(left, questions, n, seed),
        How.DISAGREEMENT: lambda: _disputed(votes, left, n, seed),
    }
    cells = sorted(draw[how]())
    return Sample(How(how), tuple(cells), len(left), tuple(width(len(cells), accuracy) for accuracy in LIKELY))


def width(n: int, accuracy: float) -> Width:
    """The interval of an accuracy measured on `n` cells."""
    return Width(accuracy, *interval_of(accuracy * n, n))


def interval_of(count: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a share (E. B. Wilson, J. American Statistical Association 22 (1927) 209-212)."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(count, n, alpha=0.05, method="wilson")
    return round(float(low), 4), round(float(high), 4)


def _coded(votes: Votes) -> Collection[Cell]:
    touched = np.flatnonzero((votes.said[:, votes.people] >= 0).any(axis=1))
    cells = votes.cells()
    return {cells[number] for number in touched.tolist()}


def _shuffled(cells: Sequence[Cell], seed: int) -> list[Cell]:
    return [cells[number] for number in np.random.default_rng(seed).permutation(len(cells)).tolist()]


def _stratified(cells: Sequence[Cell], questions: Sequence[str], n: int, seed: int) -> list[Cell]:
    """In turn one cell of each question, the papers of each in random order."""
    # With fewer cells than turns, which questions come short must be chance too.
    turn_of = np.random.default_rng(seed).permutation(len(questions)).tolist()
    order = dict(zip(questions, turn_of, strict=True))
    turns: dict[str, int] = {}
    ranked = []
    for paper, question in _shuffled(cells, seed):
        turns[question] = turns.get(question, -1) + 1
        ranked.append((turns[question], order[question], paper, question))
    return [(paper, question) for _, _, paper, question in sorted(ranked)[:n]]


def _disputed(votes: Votes, cells: Sequence[Cell], n: int, seed: int) -> list[Cell]:
    """The cells whose votes are nearest to a tie first; among equals those with more votes, then at random."""
    heard = audible(votes, RULES["majority"], "majority")
    yes, no = ((heard & (votes.said == said)).sum(1) for said in (REPORTED, NOT_REPORTED))
    minority = np.minimum(yes, no) / np.maximum(yes + no, 1)
    dispute = {
        cell: (-share, -count)
        for cell, share, count in zip(votes.cells(), minority.tolist(), (yes + no).tolist(), strict=True)
    }
    return sorted(_shuffled(cells, seed), key=lambda cell: dispute.get(cell, (0.0, 0)))[:n]
