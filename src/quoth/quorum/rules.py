"""The rules: from the votes that are heard to a lead for 'reported' in each cell, all cells at once.

A positive lead decides 'reported', a negative one 'not reported', none is a tie.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from quoth.quorum.dawid_skene import dawid_skene
from quoth.quorum.votes import Flags, Floats, Whole


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """The votes that count. Tables have the shape (cells, readers)."""

    yes: Flags
    no: Flags
    evidence: Floats
    """The score of the best verified quote."""
    paper: Whole
    question: Whole
    classes: Whole
    """The class of each question."""
    truth: Whole
    """What people coded: 1 reported, 0 not, -1 not coded; shape (cells,)."""


class Rule(Protocol):
    """Turns votes into leads."""

    name: str
    title: str
    """For a sentence: 'decided by ...'."""
    needs_quotes: bool
    """Whether a 'reported' without a verified quote is left out."""

    def lead(self, heard: Heard) -> Floats:
        """How far 'reported' leads in each cell, shape (cells,)."""
        ...


class Majority:
    """Each vote counts one."""

    name = "majority"
    title = "a simple majority of the readers"
    needs_quotes = False

    def lead(self, heard: Heard) -> Floats:
        """Votes for less votes against."""
        return plain_lead(heard)


class Evidence:
    """A 'reported' weighs the score of its best verified quote, a 'not reported' half of what such quotes mostly score.

    That is half the mean over the question's verified quotes: scores differ from question to question. A search that
    found nothing weighs less than usual words on the page, and more than poor ones.
    """

    name = "evidence"
    title = (
        "a vote in which each 'reported' weighs the score of its best verified quotation, and each 'not reported' half "
        "of the mean score of the question's quotations"
    )
    needs_quotes = True

    def lead(self, heard: Heard) -> Floats:
        """The sum of the quotes' scores less the weights of the votes against."""
        scores = np.where(heard.yes, heard.evidence, 0.0).sum(1)
        questions = len(heard.classes)
        quoted = np.bincount(heard.question, (heard.yes & (heard.evidence > 0)).sum(1), questions)
        mean = np.bincount(heard.question, scores, questions) / np.maximum(quoted, 1)
        against = np.where(quoted > 0, 0.5 * mean, 1.0)[heard.question]
        lead: Floats = scores - against * heard.no.sum(1)
        return lead


class Weighted:
    """Each vote weighs the log odds of its reader's accuracy on cells that people coded in *other* papers.

    These weights are the best for independent voters: S. Nitzan, J. Paroush, Optimal decision rules in uncertain
    dichotomous choice situations, International Economic Review 23 (1982) 289-297. A reader no better than chance
    weighs nothing. Without coded cells all weigh the same.
    """

    name = "weighted"
    title = "a vote weighted by the log odds of each reader's accuracy on coded cells of other papers"
    needs_quotes = True

    RIGHT, WRONG = 3.5, 1.5
    """What is believed of a reader before its first coded cell, in cells."""

    def lead(self, heard: Heard) -> Floats:
        """The weights of the votes for less those of the votes against."""
        weights = self.weights(heard)[heard.paper]
        lead: Floats = (weights * heard.yes).sum(1) - (weights * heard.no).sum(1)
        return lead

    def weights(self, heard: Heard) -> Floats:
        """The weight of each reader in each paper, shape (papers, readers), from the other papers alone."""
        papers = int(heard.paper.max(initial=-1)) + 1
        coded = heard.truth >= 0
        says_yes = heard.truth[coded, None] == 1
        right = np.where(says_yes, heard.yes[coded], heard.no[coded]).astype(float)
        voted = (heard.yes | heard.no)[coded].astype(float)
        rights, votes = (_by_paper(table, heard.paper[coded], papers) for table in (right, voted))
        others_right, others = rights.sum(0) - rights, votes.sum(0) - votes
        accuracy = (others_right + self.RIGHT) / (others + self.RIGHT + self.WRONG)
        weights: Floats = np.clip(np.log(accuracy / (1 - accuracy)), 0.0, None)
        return weights


class DawidSkene:
    """The log odds of 'reported' under the model of Dawid and Skene 1979, with priors; a class is a kind of question.

    The model cannot tell who errs among fewer than three readers; there, in that class, each vote counts one.
    """

    name = "dawid-skene"
    title = (
        "the posterior of a Dawid-Skene model (error rates by reader and kind of question, prevalence by question, "
        "weakly informative priors)"
    )
    needs_quotes = True

    FEWEST = 3

    def lead(self, heard: Heard) -> Floats:
        """Log odds."""
        votes = np.stack([heard.no, heard.yes], axis=2).astype(float)
        fit = dawid_skene(votes, heard.question, heard.classes)
        belief = np.maximum(fit.belief, 1e-300)
        voted = heard.yes | heard.no
        of_cell = heard.classes[heard.question]
        voters = [voted[of_cell == number].any(0).sum() for number in range(len(fit.rates))]
        few = np.array(voters)[of_cell] < self.FEWEST
        log_odds = np.log(belief[:, 1]) - np.log(belief[:, 0])
        return np.where(few | ~voted.any(1), plain_lead(heard), log_odds)


def plain_lead(heard: Heard) -> Floats:
    """Votes for less votes against."""
    lead: Floats = heard.yes.sum(1) - heard.no.sum(1).astype(float)
    return lead


def _by_paper(table: Floats, paper: Whole, papers: int) -> Floats:
    sums = np.zeros((papers, table.shape[1]))
    np.add.at(sums, paper, table)
    return sums


RULES: dict[str, Rule] = {rule.name: rule for rule in (Majority(), Weighted(), DawidSkene(), Evidence())}
