"""From findings to decisions: who votes, who stands above, what ties and doubts become."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.quorum import decide, decide_cell
from quoth.vocabulary import Failure, Finding, Located, Outcome, Quote, Verdict

YES, NO, UNCLEAR, FAILED = Verdict.REPORTED, Verdict.NOT_REPORTED, Verdict.UNCLEAR, Verdict.FAILED
PEOPLE = ("ann", "bob")


def said(reader: str, verdict: Verdict, **more: object) -> Finding:
    return replace(Finding("paper", "q1", reader, verdict), **more)  # type: ignore[arg-type]


def outcome(*findings: Finding, **rule: object) -> Outcome:
    return decide_cell(findings, people=PEOPLE, **rule).decision  # type: ignore[arg-type]


def test_the_majority_decides() -> None:
    decision = decide_cell([said("a", YES), said("b", NO), said("c", YES)])
    assert decision.decision is Outcome.REPORTED
    assert (decision.votes_reported, decision.votes_not_reported, decision.votes_failed) == (2, 1, 0)
    assert decision.basis == "majority"
    assert outcome(said("a", YES), said("b", NO), said("c", NO)) is Outcome.NOT_REPORTED


@pytest.mark.parametrize("ties", [Outcome.UNDECIDED, Outcome.NOT_REPORTED])
def test_a_tie_becomes_what_the_protocol_says(ties: Outcome) -> None:
    assert outcome(said("a", YES), said("b", NO), ties=ties) is ties


def test_too_few_votes_leave_a_cell_undecided() -> None:
    assert outcome(said("a", YES), minimum_votes=2) is Outcome.UNDECIDED
    assert outcome(said("a", YES), said("b", YES), minimum_votes=2) is Outcome.REPORTED


def test_failed_and_unclear_never_vote() -> None:
    assert outcome(said("a", YES), said("b", FAILED), said("c", FAILED)) is Outcome.REPORTED
    assert outcome(said("a", YES), said("b", UNCLEAR), said("c", UNCLEAR)) is Outcome.REPORTED
    assert outcome(said("a", YES), said("b", FAILED), minimum_votes=2) is Outcome.UNDECIDED
    alone = decide_cell([said("a", FAILED)], ties=Outcome.NOT_REPORTED)
    assert alone.decision is Outcome.UNDECIDED, "a failure is no 'not reported', whatever ties become"
    assert alone.votes_failed == 1


def test_people_who_agree_stand_above_all_readers() -> None:
    machines = [said(name, NO) for name in ("a", "b", "c")]
    decision = decide_cell([*machines, said("ann", YES)], people=PEOPLE)
    assert (decision.decision, decision.basis) == (Outcome.REPORTED, "people")
    assert (decision.votes_reported, decision.votes_not_reported) == (1, 0)
    assert outcome(*machines, said("ann", YES), said("bob", YES)) is Outcome.REPORTED
    assert outcome(*machines, said("ann", YES), said("bob", UNCLEAR)) is Outcome.REPORTED
    assert outcome(said("ann", YES), minimum_votes=3) is Outcome.REPORTED, "the minimum is the rule's, not theirs"


def test_people_who_disagree_leave_it_to_the_rule() -> None:
    disagreeing = [said("ann", YES), said("bob", NO)]
    decision = decide_cell([said("a", NO), *disagreeing], people=PEOPLE)
    assert (decision.decision, decision.basis) == (Outcome.NOT_REPORTED, "majority")
    assert outcome(*disagreeing) is Outcome.UNDECIDED
    assert outcome(said("a", NO), said("ann", UNCLEAR)) is Outcome.NOT_REPORTED


def test_the_value_is_the_one_that_most_of_the_agreeing_give() -> None:
    def value(*values: str | None) -> str | None:
        return decide_cell([said(str(i), YES, value=v) for i, v in enumerate(values)]).value

    assert value("3", "3", "4") == "3"
    assert value("3", "4") is None
    assert value("3", None, None) == "3"
    assert value(None) is None
    against = decide_cell([said("a", YES, value="3"), said("b", YES), said("c", NO, value="9")])
    assert against.value == "3"


def test_the_answer_comes_with_quotes_and_the_best_score() -> None:
    quoted = (Quote("w", "w", Located.EXACT, 0.9),)
    bare = said("a", YES, answer="bare", score=0.99)
    weak = said("b", YES, answer="weak", score=0.6, quotes=quoted)
    strong = said("c", YES, answer="strong", score=0.8, quotes=quoted)
    decision = decide_cell([bare, weak, strong])
    assert (decision.answer, decision.quotes) == ("strong", quoted)
    assert decision.score is None, "scores of several readers do not add up to one"
    assert decide_cell([strong]).score == 0.8


def test_one_decision_for_each_cell_in_order() -> None:
    cells = [("p1", "q1"), ("p1", "q2"), ("p2", "q1")]
    findings = [Finding(paper, question, reader, YES) for paper, question in cells for reader in "ab"]
    decisions = list(decide(findings))
    assert [(d.paper, d.question) for d in decisions] == cells
    assert all(d.votes_reported == 2 for d in decisions)


findings = st.builds(
    said,
    st.sampled_from(["a", "b", "c", "ann", "bob"]),
    st.sampled_from([YES, NO, UNCLEAR]),
    value=st.sampled_from([None, "1", "2"]),
    score=st.sampled_from([None, 0.6, 0.8]),
    answer=st.sampled_from(["", "x", "y"]),
)


@given(st.lists(findings, min_size=1, max_size=7), st.randoms(use_true_random=False), st.integers(1, 3))
def test_the_order_of_findings_does_not_matter(cell: list[Finding], random: object, minimum: int) -> None:
    shuffled = list(cell)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    decided = decide_cell(cell, people=PEOPLE, minimum_votes=minimum)
    assert decide_cell(shuffled, people=PEOPLE, minimum_votes=minimum) == decided


@given(st.lists(findings, min_size=1, max_size=6), st.sampled_from(["d", "ann"]))
def test_a_failure_changes_the_count_of_failures_alone(cell: Sequence[Finding], who: str) -> None:
    failed = said(who, FAILED, error="not read", failure=Failure.FINAL)
    before = decide_cell(cell, people=PEOPLE)
    after = decide_cell([*cell, failed], people=PEOPLE)
    assert replace(after, votes_failed=before.votes_failed) == before
    if (who in PEOPLE) == (before.basis == "people"):
        assert after.votes_failed == before.votes_failed + 1
