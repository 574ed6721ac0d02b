"""Who is right, from who agrees with whom: the model of Dawid and Skene 1979, fitted by expectation-maximisation.

A. P. Dawid, A. M. Skene: Maximum likelihood estimation of observer error-rates using the EM algorithm. Applied
Statistics 28 (1979) 20-28. Here with two categories, a prevalence for each question, a sensitivity and a specificity
for each reader in each class of questions, and priors (maximum a posteriori), so that few cells or readers do not send
the estimates to 0 or 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quoth.quorum.votes import Flags, Floats, Whole

_KEPT = 1e-10  # probabilities stay so far from 0 and 1


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before the first vote, in cells: a reader is right in `right` of `right + wrong` cells."""

    right: float = 4.0
    wrong: float = 1.0
    prevalence: float = 2.0
    """A question's prevalence is that of its class, worth so many cells."""


NO_PRIOR = Prior(0.0, 0.0, 0.0)
"""Maximum likelihood, as in the paper."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Log odds of 'reported' of each cell; sensitivity and specificity, shape (classes, readers); prevalences."""

    log_odds: Floats
    sensitivity: Floats
    specificity: Floats
    prevalence: Floats


def dawid_skene(
    yes: Flags,
    no: Flags,
    question: Whole,
    classes: Whole,
    *,
    prior: Prior = Prior(),
    iterations: int = 200,
    tolerance: float = 1e-7,
) -> Fit:
    """Fit the model to votes.

    Args:
        yes: who voted 'reported', shape (cells, readers).
        no: who voted 'not reported', likewise.
        question: the question of each cell, from 0.
        classes: the class of each question, from 0.
        prior: `NO_PRIOR` for maximum likelihood.
        iterations: at most so many.
        tolerance: the mean change of a probability at which it ends.
    """
    said_yes, said_no = yes.astype(float), no.astype(float)
    votes = said_yes.sum(1) + said_no.sum(1)
    belief = np.where(votes > 0, said_yes.sum(1) / np.maximum(votes, 1), 0.5)
    members = [np.flatnonzero(classes[question] == number) for number in range(int(classes.max(initial=-1)) + 1)]
    while True:
        prevalence = _prevalence(belief, question, classes, prior)
        sensitivity = np.stack([_right(said_yes[m], said_no[m], belief[m], prior) for m in members])
        specificity = np.stack([_right(said_no[m], said_yes[m], 1 - belief[m], prior) for m in members])
        odds = _logit(prevalence)[question]
        for number, cells in enumerate(members):
            hit, correct = sensitivity[number], specificity[number]
            odds[cells] += said_yes[cells] @ (np.log(hit) - np.log1p(-correct))
            odds[cells] += said_no[cells] @ (np.log1p(-hit) - np.log(correct))
        new = 1 / (1 + np.exp(-np.clip(odds, -700, 700)))
        moved, belief, iterations = float(np.abs(new - belief).mean()), new, iterations - 1
        if moved < tolerance or not iterations:
            return Fit(odds, sensitivity, specificity, prevalence)


def _prevalence(belief: Floats, question: Whole, classes: Whole, prior: Prior) -> Floats:
    """The share of 'reported' of each question."""
    total = np.bincount(question, belief, len(classes))
    cells = np.bincount(question, minlength=len(classes)).astype(float)
    of_class = np.bincount(classes, total) / np.maximum(np.bincount(classes, cells), 1)
    # Half a cell each way keeps a class that nobody reports from being certain.
    spread = prior.prevalence * (0.8 * of_class[classes] + 0.1)
    shares: Floats = (total + spread) / np.maximum(cells + prior.prevalence, _KEPT)
    return np.clip(shares, _KEPT, 1 - _KEPT)


def _right(agreeing: Floats, opposing: Floats, belief: Floats, prior: Prior) -> Floats:
    """The share of the cells of one kind that each reader gets right, given the belief that they are of that kind."""
    right, wrong = belief @ agreeing + prior.right, belief @ opposing + prior.wrong
    shares: Floats = np.where(right + wrong > 0, right / np.maximum(right + wrong, _KEPT), 0.5)
    return np.clip(shares, _KEPT, 1 - _KEPT)


def _logit(shares: NDArray[np.float64]) -> Floats:
    odds: Floats = np.log(shares) - np.log1p(-shares)
    return odds
