"""How far readers agree: percent, Cohen's kappa, Fleiss' kappa, Krippendorff's alpha, Gwet's AC1, with intervals.

Every statistic is a function of sums over cells, so that a bootstrap over papers is one product of matrices: draws x
papers times papers x sums. Missing votes leave a reader out of a cell, not the cell out of the study.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from quoth.quorum.evaluation import DRAWS, FEWEST_PAPERS, Interval, interval, resampled, scores_of
from quoth.quorum.values import Valued, number
from quoth.quorum.votes import NOT_REPORTED, REPORTED, Floats, Votes, Whole
from quoth.vocabulary import Kind, Question


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic and its 95 % interval; None where it has no meaning."""

    value: float | None
    ci: Interval = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two readers on the cells that both voted on."""

    first: str
    second: str
    n: int
    percent: Statistic
    kappa: Statistic
    """Cohen 1960."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """All readers on one question, or on all of them together (`question` None).

    `cells` counts those with at least two votes. `alpha_values` is Krippendorff's alpha of the values that readers
    give, by metric: nominal and ordinal (in the order of the protocol's choices) for choices, interval for numbers.
    """

    question: str | None
    cells: int
    percent: Statistic
    fleiss: Statistic
    alpha: Statistic
    ac1: Statistic
    pairs: tuple[Pair, ...]
    alpha_values: Mapping[str, Statistic]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Overall, and question by question; there is no interval for a figure of fewer than `FEWEST_PAPERS` papers."""

    readers: tuple[str, ...]
    papers: int
    """Papers in which a cell has two votes or more."""
    overall: Agreed
    questions: tuple[Agreed, ...]
    draws: int


def agreement(votes: Votes, questions: Mapping[str, Question], *, draws: int = DRAWS) -> Agreement:
    """Agreement on verdicts ('reported' or 'not reported'; all else is no vote) and on values.

    Args:
        votes: those to be compared.
        questions: by id, for the kinds of values.
        draws: of the bootstrap over papers; 0 for no intervals.
    """
    weights = resampled(len(votes.papers), draws) if draws and len(votes.papers) > 1 else None
    total = np.zeros((len(votes.papers), _SHARED + 4 * _pair_count(votes)))
    found = []
    for place, id_ in enumerate(votes.questions):
        cells = np.flatnonzero(votes.question == place)
        sums = _sums(votes.said[cells], votes.paper[cells], len(votes.papers))
        total += sums
        valued = _alpha_values(votes, cells, questions.get(id_), weights)
        found.append(_agreed(id_, votes.readers, sums, weights, valued))
    overall = _agreed(None, votes.readers, total, weights, {})
    return Agreement(votes.readers, _papers(total[:, 1]), overall, tuple(found), draws)


def _papers(column: Floats) -> int:
    """The papers that have anything in a column of sums."""
    return int((column > 0).sum())


def _enough(column: Floats, weights: Floats | None) -> Floats | None:
    """The draws, where papers with anything in a column of sums are enough for an interval."""
    return weights if _papers(column) >= FEWEST_PAPERS else None


def _pair_count(votes: Votes) -> int:
    return len(votes.readers) * (len(votes.readers) - 1) // 2


Statistics = Callable[[Floats], Floats]

# Statistics from sums, a row for each draw


def sums_width(k: int) -> int:
    """How many sums `unit_sums` gives for `k` categories."""
    return 3 + k + k * k


def unit_sums(counts: Floats) -> Floats:
    """What the statistics of all readers need of each unit, shape (units, k) to (units, 3 + k + k * k).

    Args:
        counts: how many readers put the unit into each category.
    """
    n = counts.sum(1)
    least = np.maximum(n, 1)
    many = n > 1
    agreeing = np.where(many, (counts * (counts - 1)).sum(1) / (least * np.maximum(n - 1, 1)), 0.0)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(counts.shape[1])
    coincidences = pairs * np.where(many, 1 / np.maximum(n - 1, 1), 0.0)[:, None, None]
    columns = [(n > 0)[:, None], many[:, None], agreeing[:, None], counts / least[:, None]]
    return np.hstack([*(np.asarray(column, float) for column in columns), coincidences.reshape(len(counts), -1)])


def of_sums(sums: Floats, k: int) -> Floats:
    """Percent, Fleiss' kappa, Krippendorff's nominal alpha and Gwet's AC1, shape (draws, 4); NaN where there is none.

    Percent is the chance that two readers of a unit agree. Fleiss: J. L. Fleiss, Psychological Bulletin 76 (1971)
    378-382, for unequal numbers of readers as in K. L. Gwet, Handbook of Inter-Rater Reliability, 4th ed., 2014. AC1:
    K. L. Gwet, British Journal of Mathematical and Statistical Psychology 61 (2008) 29-48.

    Args:
        sums: of `unit_sums`, summed over units.
        k: the number of categories.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        percent, shares = sums[:, 2] / sums[:, 1], sums[:, 3 : 3 + k] / sums[:, :1]
        by_fleiss, by_gwet = (shares**2).sum(1), (shares * (1 - shares)).sum(1) / (k - 1)
        # All votes alike: nothing to agree about by chance, and nothing to tell from it.
        fleiss = np.where(by_fleiss < 1, (percent - by_fleiss) / (1 - by_fleiss), np.nan)
        ac1 = (percent - by_gwet) / (1 - by_gwet)
    coincidences = sums[:, 3 + k :].reshape(-1, k, k)
    return np.stack([percent, fleiss, alpha(coincidences, nominal), ac1], axis=1)


# Sums over the cells of each paper

_SHARED = sums_width(2)


def _sums(said: NDArray[np.int8], paper: Whole, papers: int) -> Floats:
    """What all statistics need, shape (papers, sums of all readers + 4 * pairs)."""
    yes, no = said == REPORTED, said == NOT_REPORTED
    columns = []
    for i, j in combinations(range(said.shape[1]), 2):
        # As a confusion: both yes, only the second, only the first, both no.
        columns += [yes[:, i] & yes[:, j], no[:, i] & yes[:, j], yes[:, i] & no[:, j], no[:, i] & no[:, j]]
    pairs = np.stack(columns, axis=1).astype(float) if columns else np.zeros((len(said), 0))
    of_all = unit_sums(np.stack([yes.sum(1), no.sum(1)], axis=1).astype(float))
    return _by_paper(np.hstack([of_all, pairs]), paper, papers)


def _by_paper(rows: Floats, paper: Whole, papers: int) -> Floats:
    sums = np.zeros((papers, rows.shape[1]))
    np.add.at(sums, paper, rows)
    return sums


def _agreed(
    question: str | None, readers: Sequence[str], sums: Floats, weights: Floats | None, valued: Mapping[str, Statistic]
) -> Agreed:
    shared = sums[:, :_SHARED]
    values = of_sums(shared.sum(0)[None], 2)[0]
    enough = _enough(shared[:, 1], weights)
    drawn = None if enough is None else of_sums(enough @ shared, 2)
    percent, fleiss, alpha, ac1 = (_statistic(values[i], drawn, i) for i in range(4))
    pairs = []
    for place, (first, second) in enumerate(combinations(readers, 2)):
        mine = sums[:, _SHARED + 4 * place : _SHARED + 4 * place + 4]
        n = int(mine.sum())
        if n:
            enough = _enough(mine.sum(1), weights)
            at, boot = scores_of(mine.sum(0)[None])[0], None if enough is None else scores_of(enough @ mine)
            pairs.append(Pair(first, second, n, _statistic(at[0], boot, 0), _statistic(at[1], boot, 1)))
    return Agreed(question, int(sums[:, 1].sum()), percent, fleiss, alpha, ac1, tuple(pairs), valued)


def _statistic(value: float, drawn: Floats | None, column: int) -> Statistic:
    there = None if np.isnan(value) else float(value)
    return Statistic(there, interval(drawn[:, column]) if drawn is not None and there is not None else None)


def nominal(marginals: Floats) -> Floats:
    """The metric for which two categories are the same or not, shape (draws, k, k)."""
    k = marginals.shape[1]
    unlike: Floats = np.broadcast_to(1.0 - np.eye(k), (len(marginals), k, k))
    return unlike


def ordinal(marginals: Floats) -> Floats:
    """The metric for ordered categories: how many values lie between them, shape (draws, k, k)."""
    until = marginals.cumsum(1) - marginals / 2
    squares: Floats = (until[:, :, None] - until[:, None, :]) ** 2
    return squares


def alpha(coincidences: Floats, metric: Statistics = nominal) -> Floats:
    """Krippendorff's alpha from coincidence matrices, shape (draws, k, k); NaN where values do not vary.

    K. Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011 (University of Pennsylvania).
    """
    marginals = coincidences.sum(2)
    n = marginals.sum(1)
    distances = metric(marginals)
    expected = (marginals[:, :, None] * marginals[:, None, :] * distances).sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        disagreement = (coincidences * distances).sum((1, 2)) * (n - 1) / expected
    return np.where(expected > 0, 1 - disagreement, np.nan)


def interval_alpha(sums: Floats) -> Floats:
    """Alpha of numbers from sums over units, shape (draws, 4): values, sum, sum of squares, disagreement within."""
    n, total, squares, within = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        among = 2 * (n * squares - total**2) / (n * (n - 1))
        return np.where(among > 1e-12, 1 - within / n / among, np.nan)


# Values


def _alpha_values(
    votes: Votes, cells: Whole, question: Question | None, weights: Floats | None
) -> dict[str, Statistic]:
    if question is None or question.kind not in (Kind.NUMBER, Kind.CHOICE):
        return {}
    rows = votes.values[cells]
    paper, papers = votes.paper[cells], len(votes.papers)
    if question.kind is Kind.NUMBER:
        units = _by_paper(_numbers(rows, question.unit), paper, papers)
        return {"interval": _drawn(interval_alpha, units, weights)}
    k = len(question.choices)
    coincidences = _by_paper(unit_sums(_chosen(rows, question.choices))[:, 3 + k :], paper, papers)
    return {
        "nominal": _drawn(lambda sums: alpha(sums.reshape(-1, k, k), nominal), coincidences, weights),
        "ordinal": _drawn(lambda sums: alpha(sums.reshape(-1, k, k), ordinal), coincidences, weights),
    }


def _drawn(statistic: Statistics, sums: Floats, weights: Floats | None) -> Statistic:
    enough = _enough(np.abs(sums).sum(1), weights)
    drawn = None if enough is None else statistic(enough @ sums)[:, None]
    return _statistic(statistic(sums.sum(0)[None])[0], drawn, 0)


def _numbers(rows: NDArray[np.object_], unit: str | None) -> Floats:
    """The sums of `interval_alpha` for each cell, of values in the question's unit; one value alone counts nothing."""
    sums = np.zeros((len(rows), 4))
    for place, row in enumerate(rows):
        given = np.array([figure for valued in row if (figure := _figure(valued, unit)) is not None])
        if len(given) > 1:
            total, squares = given.sum(), (given**2).sum()
            within = 2 * (len(given) * squares - total**2) / (len(given) - 1)
            sums[place] = len(given), total, squares, within
    return sums


def _figure(valued: Valued | None, unit: str | None) -> float | None:
    if valued is None or (valued[1] or unit) != unit:
        return None
    return number(valued[0])


def _chosen(rows: NDArray[np.object_], choices: Sequence[str]) -> Floats:
    """How many readers make each choice, shape (cells, choices)."""
    places = {choice: place for place, choice in enumerate(choices)}
    counts = np.zeros((len(rows), len(choices)))
    for cell, row in enumerate(rows):
        for valued in row:
            if valued is not None and valued[0] in places:
                counts[cell, places[valued[0]]] += 1
    return counts
