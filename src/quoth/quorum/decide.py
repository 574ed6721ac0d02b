"""From the current findings of a cell to its decision: a pure function of findings and rule.

People stand above every rule: an adjudicated code first, then people who agree, then the rule over the other readers.
`failed` and `unclear` never vote.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby

from quoth.vocabulary import Decision, Finding, Outcome, Verdict

MAJORITY = "majority"
PEOPLE = "people"

_VOTES = {Verdict.REPORTED: Outcome.REPORTED, Verdict.NOT_REPORTED: Outcome.NOT_REPORTED}


def decide(
    findings: Iterable[Finding],
    *,
    ties: Outcome = Outcome.UNDECIDED,
    minimum_votes: int = 1,
    people: Collection[str] = (),
) -> Iterator[Decision]:
    """One decision for each cell by majority.

    Args:
        findings: current ones, those of a cell (paper and question) next to each other.
        ties: what a tie becomes, undecided or not_reported.
        minimum_votes: with fewer votes the rule leaves a cell undecided; people who agree need no minimum.
        people: the names of the readers who are people.
    """
    for _, cell in groupby(findings, key=lambda finding: (finding.paper, finding.question)):
        yield decide_cell(list(cell), ties=ties, minimum_votes=minimum_votes, people=people)


def decide_cell(
    findings: Sequence[Finding],
    *,
    ties: Outcome = Outcome.UNDECIDED,
    minimum_votes: int = 1,
    people: Collection[str] = (),
) -> Decision:
    """The decision of one cell, which has at least one finding."""
    coded = {finding.verdict for finding in findings if finding.reader in people} & set(_VOTES)
    if len(coded) == 1:
        electorate, basis, least = [finding for finding in findings if finding.reader in people], PEOPLE, 1
    else:
        electorate, basis = [finding for finding in findings if finding.reader not in people], MAJORITY
        least = max(1, minimum_votes)
    votes = Counter(_VOTES[finding.verdict] for finding in electorate if finding.verdict in _VOTES)
    yes, no = votes[Outcome.REPORTED], votes[Outcome.NOT_REPORTED]
    if yes + no < least:
        outcome = Outcome.UNDECIDED
    elif yes == no:
        outcome = ties
    else:
        outcome = Outcome.REPORTED if yes > no else Outcome.NOT_REPORTED
    agreeing = [finding for finding in electorate if _VOTES.get(finding.verdict) is outcome]
    best = min(agreeing, key=_standing, default=None)
    return Decision(
        paper=findings[0].paper,
        question=findings[0].question,
        decision=outcome,
        value=_value(agreeing),
        # Readers' scores do not add up to one; with a single voter its own score holds.
        score=best.score if best and yes + no == 1 else None,
        votes_reported=yes,
        votes_not_reported=no,
        votes_failed=sum(finding.verdict is Verdict.FAILED for finding in electorate),
        basis=basis,
        answer=best.answer if best else "",
        quotes=best.quotes if best else (),
    )


def _standing(finding: Finding) -> tuple[bool, float, str, str]:
    """Whose answer stands for the cell: with quotes first, then by score; ties by name, whatever order they come in."""
    return not finding.quotes, -(finding.score or 0.0), finding.reader, repr(finding)


def _value(agreeing: Sequence[Finding]) -> str | None:
    """The value that most of the agreeing readers give; none where the most frequent ones tie."""
    counted = Counter(finding.value for finding in agreeing if finding.value is not None).most_common(2)
    if not counted or (len(counted) == 2 and counted[0][1] == counted[1][1]):
        return None
    return counted[0][0]
