"""Who is right, from who agrees with whom: the model of Dawid and Skene 1979, fitted by expectation-maximisation.

A. P. Dawid, A. M. Skene: Maximum likelihood estimation of observer error-rates using the EM algorithm. Applied
Statistics 28 (1979) 20-28. Here with a prevalence for each question, error rates for each reader in each class of
questions, and priors (maximum a posteriori), so that few cells or readers do not send the estimates to 0 or 1.
"""

from dataclasses import dataclass

import numpy as np

from quoth.quorum.votes import Floats, Whole

_KEPT = 1e-10  # probabilities stay so far from 0


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed before the first vote, in cells: of `right + wrong` cells a reader gets `right` right.

    A question's prevalences are those of its class, worth `prevalence` cells; a tenth of these are alike for all.
    """

    right: float = 4.0
    wrong: float = 1.0
    prevalence: float = 2.0


NO_PRIOR = Prior(0.0, 0.0, 0.0)
"""Maximum likelihood, as in the paper."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The estimates.

    `belief` is the probability of each category of each cell, shape (cells, k); `rates` what each reader says of which
    truth, shape (classes, truth k, readers, said k); `prevalence` has the shape (questions, k).
    """

    belief: Floats
    rates: Floats
    prevalence: Floats


def dawid_skene(
    votes: Floats,
    question: Whole,
    classes: Whole,
    *,
    prior: Prior = Prior(),  # noqa: B008, RUF100 (frozen)
    iterations: int = 200,
    tolerance: float = 1e-7,
) -> Fit:
    """Fit the model.

    Args:
        votes: how often each reader says what of each cell, shape (cells, readers, k); zeros where a reader is silent.
        question: the question of each cell, from 0.
        classes: the class of each question, from 0.
        prior: `NO_PRIOR` for maximum likelihood.
        iterations: at most so many.
        tolerance: the mean change of a probability at which it ends.
    """
    cells, readers, k = votes.shape
    flat = votes.reshape(cells, readers * k)
    total = votes.sum(1)
    belief = np.where(total.sum(1, keepdims=True) > 0, total / np.maximum(total.sum(1, keepdims=True), 1), 1 / k)
    members = [np.flatnonzero(classes[question] == number) for number in range(int(classes.max(initial=-1)) + 1)]
    while True:
        prevalence = _prevalence(belief, question, classes, prior)
        rates = np.stack([_rates(flat[mine], belief[mine], readers, prior) for mine in members])
        odds = np.log(prevalence)[question]
        for number, mine in enumerate(members):
            odds[mine] += flat[mine] @ np.log(rates[number]).reshape(k, readers * k).T
        new = np.exp(odds - odds.max(1, keepdims=True))
        new /= new.sum(1, keepdims=True)
        moved, belief, iterations = float(np.abs(new - belief).mean()), new, iterations - 1
        if moved < tolerance or not iterations:
            return Fit(belief, rates, prevalence)


def _prevalence(belief: Floats, question: Whole, classes: Whole, prior: Prior) -> Floats:
    """The share of each category of each question."""
    questions, k = len(classes), belief.shape[1]
    total = np.stack([np.bincount(question, belief[:, category], questions) for category in range(k)], axis=1)
    sums = np.stack([np.bincount(classes, total[:, category]) for category in range(k)], axis=1).astype(float)
    of_class = sums / np.maximum(sums.sum(1, keepdims=True), _KEPT)
    # A category that nobody votes for in a class is rare there, and not impossible.
    total += prior.prevalence * (0.9 * of_class[classes] + 0.1 / k)
    shares: Floats = np.maximum(total / np.maximum(total.sum(1, keepdims=True), _KEPT), _KEPT)
    return shares


def _rates(flat: Floats, belief: Floats, readers: int, prior: Prior) -> Floats:
    """What each reader says of which truth, shape (truth, readers, said)."""
    k = belief.shape[1]
    counts = (belief.T @ flat).reshape(k, readers, k)
    counts += np.where(np.eye(k, dtype=bool), prior.right, prior.wrong / max(k - 1, 1))[:, None, :]
    whole = counts.sum(2, keepdims=True)
    shares: Floats = np.where(whole > 0, counts / np.maximum(whole, _KEPT), 1 / k)
    return np.maximum(shares, _KEPT)
