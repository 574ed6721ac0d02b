"""Readers and rules against a gold: what is right, how sure that is, and what a constant would have got.

The constant answers each question with the majority of the other papers; it knows the questions and no paper. Intervals
are percentile intervals of a bootstrap over papers (B. Efron, R. Tibshirani: An Introduction to the Bootstrap, 1993):
cells of one paper are not independent.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quoth.quorum.votes import Flags, Floats, Whole

DRAWS = 1000
SEED = 20240917
LEVEL = 0.95

FEWEST_PAPERS = 5
"""A bootstrap over fewer papers draws the same few sets again and again: its intervals would be far too narrow."""

Interval = tuple[float, float] | None

YES, NO, UNDECIDED, FAILED, MISSING = 1, 0, -1, -2, -3
"""What a reader or rule makes of a gold cell."""


@dataclass(frozen=True, slots=True, eq=False)
class Gold:
    """Coded cells; arrays have the shape (cells,)."""

    papers: tuple[str, ...]
    questions: tuple[str, ...]
    paper: Whole
    question: Whole
    truth: Flags

    @classmethod
    def of(cls, cells: Mapping[tuple[str, str], bool]) -> "Gold":
        """From whether a paper reports what a question asks for, by paper and question."""
        papers, questions = (tuple(sorted({cell[i] for cell in cells})) for i in (0, 1))
        by_paper, by_question = ({name: i for i, name in enumerate(names)} for names in (papers, questions))
        keys = sorted(cells)
        return cls(
            papers,
            questions,
            np.array([by_paper[paper] for paper, _ in keys], np.int64),
            np.array([by_question[question] for _, question in keys], np.int64),
            np.array([cells[key] for key in keys], bool),
        )

    def cells(self) -> list[tuple[str, str]]:
        """Paper and question of each cell, in order."""
        pairs = zip(self.paper.tolist(), self.question.tolist(), strict=True)
        return [(self.papers[p], self.questions[q]) for p, q in pairs]

    def constant(self) -> Flags:
        """Each question answered with the majority of the other papers; a tie is 'reported'."""
        shape = (len(self.questions), len(self.papers))
        yes, coded = np.zeros(shape), np.zeros(shape)
        np.add.at(yes, (self.question, self.paper), self.truth)
        np.add.at(coded, (self.question, self.paper), 1)
        others = 2 * (yes.sum(1, keepdims=True) - yes) >= coded.sum(1, keepdims=True) - coded
        answers: Flags = others[self.question, self.paper]
        return answers


@dataclass(frozen=True, slots=True)
class Confusion:
    """Numbers of cells: true and false 'reported', true and false 'not reported'."""

    true_reported: int
    false_reported: int
    true_not_reported: int
    false_not_reported: int


@dataclass(frozen=True, slots=True)
class Scores:
    """What a confusion is worth; None where it is not defined (no cell, nothing of the kind, one class alone)."""

    accuracy: float | None
    kappa: float | None
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of a reliability curve: verdicts, their mean score for 'reported', and the share truly reported."""

    n: int
    score: float
    reported: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """How a reader's scores stand: Brier score, expected calibration error, reliability in ten bins."""

    n: int
    brier: float
    error: float
    curve: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class QuestionFigures:
    """One question's figures."""

    question: str
    n: int
    correct: int
    undecided: int
    failed: int
    accuracy: float | None
    kappa: float | None
    precision: float | None
    recall: float | None
    constant_accuracy: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """A reader or a rule against the gold.

    `n` counts gold cells of which it says anything; `correct`, `undecided` and `failed` are among them, `missing` are
    the others. Undecided and failed cells are left out of accuracy, kappa, precision, recall and F1, and stand as
    errors in `as_errors`. The constant is scored on the very cells that count in `accuracy`.
    """

    name: str
    n: int
    correct: int
    undecided: int
    failed: int
    missing: int
    accuracy: float | None
    kappa: float | None
    kappa_ci: Interval
    precision: float | None
    recall: float | None
    f1: float | None
    constant_accuracy: float | None
    constant_kappa: float | None
    accuracy_ci: Interval
    precision_ci: Interval
    recall_ci: Interval
    f1_ci: Interval
    as_errors: Scores
    confusion: Confusion
    questions: tuple[QuestionFigures, ...]
    calibration: Calibration | None = None
    values: int = 0
    """Gold values of cells that are rightly called reported."""
    values_correct: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """McNemar's exact test of two readers on the cells that both decided (Q. McNemar, Psychometrika 12 (1947) 153-157).

    `first_only` cells are right by the first reader alone. `p_holm` is corrected for the number of pairs (S. Holm,
    Scandinavian Journal of Statistics 6 (1979) 65-70).
    """

    first: str
    second: str
    n: int
    first_only: int
    second_only: int
    p: float
    p_holm: float


def figures(name: str, gold: Gold, said: Whole, *, draws: int = DRAWS) -> Figures:
    """The figures of one reader or rule.

    Args:
        name: its name.
        gold: the truth.
        said: what it makes of each gold cell: YES, NO, UNDECIDED, FAILED or MISSING.
        draws: of the bootstrap; 0 for no intervals.
    """
    decided = said >= 0
    answered = decided | (said == UNDECIDED) | (said == FAILED)
    counts = _counts(gold.truth, said == YES, gold.paper, len(gold.papers), decided)
    constant = gold.constant()
    total = counts.sum(0)
    scores, of_constant = _scores(total), _scores(_counted(gold.truth, constant, decided))
    wrong = np.where(decided, said == YES, ~gold.truth)
    intervals = _intervals(counts[np.bincount(gold.paper, decided, len(gold.papers)) > 0], draws)
    tp, fp, fn, tn = (int(count) for count in total)
    return Figures(
        name,
        int(answered.sum()),
        tp + tn,
        int((said == UNDECIDED).sum()),
        int((said == FAILED).sum()),
        int((said == MISSING).sum()),
        scores.accuracy,
        scores.kappa,
        intervals[1],
        scores.precision,
        scores.recall,
        scores.f1,
        of_constant.accuracy,
        of_constant.kappa,
        intervals[0],
        intervals[2],
        intervals[3],
        intervals[4],
        _scores(_counted(gold.truth, wrong, answered)),
        Confusion(tp, fp, tn, fn),
        tuple(_of_question(gold, number, said, constant) for number in range(len(gold.questions))),
    )


def _of_question(gold: Gold, number: int, said: Whole, constant: Flags) -> QuestionFigures:
    mine = gold.question == number
    decided = mine & (said >= 0)
    counted = _counted(gold.truth, said == YES, decided)
    scores = _scores(counted)
    undecided, failed = (int((mine & (said == what)).sum()) for what in (UNDECIDED, FAILED))
    return QuestionFigures(
        gold.questions[number],
        int(decided.sum()) + undecided + failed,
        int(counted[0] + counted[3]),
        undecided,
        failed,
        scores.accuracy,
        scores.kappa,
        scores.precision,
        scores.recall,
        _scores(_counted(gold.truth, constant, decided)).accuracy,
    )


def calibration(probability: Floats, truth: Flags) -> Calibration | None:
    """How probabilities of 'reported' stand against the truth; None where there is none.

    Brier: G. W. Brier, Monthly Weather Review 78 (1950) 1-3.
    """
    if not len(truth):
        return None
    from sklearn.metrics import brier_score_loss

    bins = np.minimum((probability * 10).astype(int), 9)
    curve = tuple(
        Bin(int((bins == b).sum()), float(probability[bins == b].mean()), float(truth[bins == b].mean()))
        for b in np.unique(bins)
    )
    error = sum(one.n * abs(one.score - one.reported) for one in curve) / len(truth)
    return Calibration(len(truth), float(brier_score_loss(truth, probability, pos_label=True)), float(error), curve)


def compare(gold: Gold, said: Mapping[str, Whole]) -> tuple[Comparison, ...]:
    """Each pair of readers, in order; pairs without a cell that both decided are left out."""
    from statsmodels.stats.contingency_tables import mcnemar
    from statsmodels.stats.multitest import multipletests

    names = list(said)
    found: list[tuple[str, str, int, int, int, float]] = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            both = (said[first] >= 0) & (said[second] >= 0)
            right = [(said[name] == YES)[both] == gold.truth[both] for name in (first, second)]
            only = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
            if both.any():
                p = float(mcnemar([[0, only[0]], [only[1], 0]], exact=True).pvalue)
                found.append((first, second, int(both.sum()), *only, p))
    if not found:
        return ()
    corrected = multipletests([row[-1] for row in found], method="holm")[1]
    return tuple(Comparison(*row, p_holm=float(p)) for row, p in zip(found, corrected, strict=True))


# Counting: columns are true reported, false reported, false not reported, true not reported


def _counts(truth: Flags, said: Flags, paper: Whole, papers: int, counted: Flags) -> Floats:
    cells = (truth & said, ~truth & said, truth & ~said, ~truth & ~said)
    counts: Floats = np.stack([np.bincount(paper, cell & counted, papers) for cell in cells], axis=1)
    return counts


def _counted(truth: Flags, said: Flags, counted: Flags) -> Floats:
    counts: Floats = _counts(truth, said, np.zeros(len(truth), np.int64), 1, counted)[0]
    return counts


def _scores(counts: Floats) -> Scores:
    return Scores(*(None if np.isnan(value) else float(value) for value in scores_of(counts[None])[0]))


def scores_of(counts: Floats) -> Floats:
    """Accuracy, kappa, precision, recall and F1 of confusions, shape (n, 4) to (n, 5); NaN where there is none.

    In closed form because the bootstrap needs thousands at once.
    """
    tp, fp, fn, tn = counts.T
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = [
            (tp + tn) / counts.sum(1),
            cohen(counts[:, [0, 1, 2, 3]].reshape(-1, 2, 2)),
            tp / (tp + fp),
            tp / (tp + fn),
            2 * tp / (2 * tp + fp + fn),
        ]
    scores: Floats = np.stack(columns, axis=1)
    return scores


def cohen(tables: Floats) -> Floats:
    """Kappa of tables of two readers' verdicts, shape (n, k, k) to (n,); NaN where it is not defined.

    It is not where both give the same verdict to every cell: chance agrees as well then, and nothing is left to tell.

    J. Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20 (1960) 37-46.
    """
    n = tables.sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        agreed = np.trace(tables, axis1=1, axis2=2) / n
        chance = (tables.sum(1) * tables.sum(2)).sum(1) / n**2
        return np.where(chance < 1, (agreed - chance) / (1 - chance), np.nan)


def _intervals(counts: Floats, draws: int) -> list[Interval]:
    """Of the five scores, from the counts of each paper."""
    if len(counts) < FEWEST_PAPERS or not draws:
        return [None] * 5
    values = scores_of(resampled(len(counts), draws) @ counts)
    return [interval(values[:, column]) for column in range(5)]


def resampled(papers: int, draws: int) -> Floats:
    """How often each paper stands in each draw of a bootstrap, shape (draws, papers)."""
    drawn = np.random.default_rng(SEED).multinomial(papers, np.full(papers, 1 / papers), size=draws)
    return drawn.astype(float)


def interval(values: NDArray[np.float64]) -> Interval:
    """The percentile interval of draws; None where fewer than half of them have a value."""
    there = values[np.isfinite(values)]
    if len(there) < max(1, len(values) / 2):
        return None
    low, high = np.quantile(there, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return round(float(low), 6), round(float(high), 6)
