"""From standing votes to a ruling on every cell: a pure function of votes and rule.

People stand above every rule: an adjudicated code first, then people who agree, then the rule over the other readers.
`failed` and `unclear` never vote. A cell that people exclude, or to which the question does not apply, is decided so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quoth.quorum.rules import RULES, Heard, Rule
from quoth.quorum.values import TOLERANCE
from quoth.quorum.votes import FAILED, NOT_REPORTED, REPORTED, VERDICTS, Flags, Votes, Whole
from quoth.vocabulary import Kind, Outcome, Verdict

ADJUDICATED, PEOPLE = "adjudicated", "people"

OUTCOMES = tuple(Outcome)
_UNDECIDED = OUTCOMES.index(Outcome.UNDECIDED)
CODES: dict[Verdict, Outcome] = {
    verdict: Outcome(verdict) for verdict in Verdict if verdict not in (Verdict.UNCLEAR, Verdict.FAILED)
}
"""What each verdict decides; the others decide nothing."""
_OUTCOME = np.array([OUTCOMES.index(CODES.get(verdict, Outcome.UNDECIDED)) for verdict in VERDICTS], np.int8)
_IS_CODE = np.array([verdict in CODES for verdict in VERDICTS])


@dataclass(frozen=True, slots=True)
class Terms:
    """How a rule is applied.

    `unquoted` says where a 'reported' without a verified quote votes: 'none', under 'majority' alone, or under 'all'
    rules. `tolerance` is the relative difference up to which two numbers are one.
    """

    rule: str = "majority"
    ties: Outcome = Outcome.UNDECIDED
    minimum_votes: int = 1
    unquoted: str = "majority"
    tolerance: float = TOLERANCE


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """What became of each cell; arrays have the shape (cells,)."""

    outcome: NDArray[np.int8]
    """Index into `OUTCOMES`."""
    basis: tuple[str, ...]
    """The names that `by` counts: adjudicated, people, the rule's."""
    by: NDArray[np.int8]
    electorate: Flags
    """Who had a vote, shape (cells, readers)."""
    reported: Whole
    not_reported: Whole
    failed: Whole


def rule_on(votes: Votes, terms: Terms, kinds: Mapping[str, Kind] | None = None, truth: Whole | None = None) -> Ruling:
    """Decide every cell.

    Args:
        votes: the standing ones.
        terms: rule, ties and so on.
        kinds: the kind of each question, which is its class for the rules that learn; one class without it.
        truth: coded cells that the rules may learn from (1 reported, 0 not, -1 not coded); people's codes if None.
    """
    rule = RULES[terms.rule]
    adjudicated, settled, agreed = _authority(votes)
    by = np.select([adjudicated, agreed >= 0], [0, 1], 2).astype(np.int8)
    heard = audible(votes, rule, terms.unquoted)
    yes, no = votes.said == REPORTED, votes.said == NOT_REPORTED
    if truth is None:
        truth = coded_by_people(votes)
    classes = _classes(votes.questions, kinds)
    evidence = votes.evidence.astype(float)
    lead = rule.lead(Heard(heard & yes, heard & no, evidence, votes.paper, votes.question, classes, truth))
    ruled = _ruled(lead, heard.sum(1), terms)
    outcome = np.select([by == 0, by == 1], [_named(settled), _named(agreed)], ruled).astype(np.int8)
    whose = [by[:, None] == 0, by[:, None] == 1]
    voting = np.select(whose, [votes.settles, votes.people & ~votes.settles], heard)
    failed = (votes.said == FAILED) & np.where(by[:, None] == 2, ~votes.people, votes.people)
    basis = (ADJUDICATED, PEOPLE, rule.name)
    return Ruling(outcome, basis, by, voting, (voting & yes).sum(1), (voting & no).sum(1), failed.sum(1))


def audible(votes: Votes, rule: Rule, unquoted: str) -> Flags:
    """Whose votes a rule hears, shape (cells, readers): those of all readers but people.

    Where a 'reported' needs a verified quote, one without is not heard, and neither is anything of a reader who says
    'reported' and never shows one: its 'not reported' alone would speak for one side.
    """
    heard: Flags = ~votes.people & ((votes.said == REPORTED) | (votes.said == NOT_REPORTED))
    if unquoted == "all" or (unquoted == "majority" and not rule.needs_quotes):
        return heard
    heard &= ~votes.unquoted() & ~mute(votes)
    return heard


def mute(votes: Votes) -> Flags:
    """Which readers say 'reported' and never have a verified quote for it, shape (readers,)."""
    silent: Flags = votes.unquoted().any(0) & ~((votes.said == REPORTED) & (votes.evidence > 0)).any(0)
    return silent


def coded_by_people(votes: Votes) -> Whole:
    """What people made of each cell: 1 reported, 0 not reported, -1 where nobody settled it or they disagree."""
    adjudicated, settled, agreed = _authority(votes)
    said = np.where(adjudicated, settled, agreed)
    return np.select([said == REPORTED, said == NOT_REPORTED], [1, 0], -1)


def _authority(votes: Votes) -> tuple[Flags, Whole, Whole]:
    """Whether a cell was adjudicated, the verdict of that, and the verdict of people who agree (-1 for none)."""
    coded = (votes.said >= 0) & _IS_CODE[votes.said]
    adjudicated, settled = _agreed(votes, votes.settles & coded)
    return adjudicated, settled, _agreed(votes, votes.people & ~votes.settles & coded)[1]


def _agreed(votes: Votes, voting: Flags) -> tuple[Flags, Whole]:
    """Whether anybody votes on a cell, and the verdict that all of them give, or -1."""
    if not votes.readers:
        return np.zeros(len(votes), bool), np.full(len(votes), -1)
    low = np.where(voting, votes.said, np.int8(127)).min(1)
    high = np.where(voting, votes.said, np.int8(-1)).max(1)
    return high >= 0, np.where(low == high, high, -1).astype(np.int64)


def _named(verdict: Whole) -> NDArray[np.int8]:
    return np.where(verdict >= 0, _OUTCOME[verdict], _UNDECIDED).astype(np.int8)


def _ruled(lead: NDArray[np.float64], voters: Whole, terms: Terms) -> NDArray[np.int8]:
    tied = np.isclose(lead, 0.0, atol=1e-9)
    won = np.where(lead > 0, OUTCOMES.index(Outcome.REPORTED), OUTCOMES.index(Outcome.NOT_REPORTED))
    decided = np.where(tied, OUTCOMES.index(terms.ties), won)
    return np.where(voters < max(1, terms.minimum_votes), _UNDECIDED, decided).astype(np.int8)


def _classes(questions: Sequence[str], kinds: Mapping[str, Kind] | None) -> Whole:
    named = [kinds.get(question, "") if kinds else "" for question in questions]
    order = {name: number for number, name in enumerate(dict.fromkeys(named))}
    return np.array([order[name] for name in named], np.int64)
