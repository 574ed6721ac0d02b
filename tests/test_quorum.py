"""From findings to decisions: who votes, who stands above, what ties and doubts become."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quoth.quorum import RULES, Terms, Votes, decide, rule_on
from quoth.quorum.ruling import OUTCOMES
from quoth.vocabulary import Decision, Failure, Finding, Kind, Located, Outcome, Question, Quote, Verdict, Vote

YES, NO, UNCLEAR, FAILED = Verdict.REPORTED, Verdict.NOT_REPORTED, Verdict.UNCLEAR, Verdict.FAILED
PEOPLE = ("ann", "bob")


def said(reader: str, verdict: Verdict, **more: object) -> Finding:
    return replace(Finding("paper", "q1", reader, verdict), **more)  # type: ignore[arg-type]


def decide_cell(findings: Sequence[Finding], people: Sequence[str] = (), **terms: object) -> Decision:
    (decision,) = decide(findings, Terms(**terms), people=people)  # type: ignore[arg-type]
    return decision


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


def test_the_right_values_are_one_value_and_others_are_not() -> None:
    questions = {
        "q1": Question("q1", "Epochs", "How many epochs?", Kind.NUMBER, unit="epochs"),
        "q2": Question("q2", "Code", "Where is the code?", Kind.LINK),
    }

    def value(question: str, *given: tuple[str, str | None], **terms: object) -> str | None:
        said_so = [
            Finding("paper", question, str(i), YES, value=value, unit=unit) for i, (value, unit) in enumerate(given)
        ]
        (decision,) = decide(said_so, Terms(**terms), questions=questions)  # type: ignore[arg-type]
        return decision.value

    assert value("q1", ("30", None), ("60", None), ("600", None)) is None, "three numbers are no agreement"
    assert value("q1", ("30", "epochs"), ("30.0", None), ("600", None)) == "30"
    assert value("q1", ("1,000", None), ("1000", None), ("100", None), ("10", None)) == "1,000"
    assert value("q1", ("30", "epochs"), ("30", "hours")) is None, "the unit is part of the value"
    assert value("q1", ("2019", None), ("2020", None)) is None
    assert value("q1", ("0.94", None), ("0.943", None)) is None
    assert value("q1", ("0.94", None), ("0.943", None), tolerance=0.005) == "0.94"
    assert value("q2", ("https://github.com/a/b", None), ("github.com/a/b/", None), ("x.org", None)) is not None


def test_an_adjudicated_code_stands_above_people_and_rule() -> None:
    def vote(reader: str, verdict: Verdict, round_: int = 0) -> Vote:
        return Vote("paper", "q1", reader, round_, verdict.value)

    machines = [vote(name, NO) for name in "xyz"]
    people = [vote("ann", NO), vote("bob", NO)]
    ruling = rule_on(Votes.of([*machines, *people, vote("eve", YES, 1)], ["ann", "bob", "eve"]), Terms())
    assert OUTCOMES[ruling.outcome[0]] is Outcome.REPORTED
    assert ruling.basis[ruling.by[0]] == "adjudicated"
    assert ruling.reported[0] == 1
    ruling = rule_on(Votes.of([*people, vote("eve", YES, 1), vote("ann", NO, 1)], ["ann", "bob", "eve"]), Terms())
    assert OUTCOMES[ruling.outcome[0]] is Outcome.UNDECIDED, "two who settle it differently settle nothing"


@pytest.mark.parametrize("said_so", [Verdict.EXCLUDED, Verdict.NOT_APPLICABLE])
def test_people_take_a_cell_out(said_so: Verdict) -> None:
    decision = decide_cell([said("a", YES), said("b", YES), said("ann", said_so)], people=PEOPLE)
    assert decision.decision == Outcome(said_so.value)
    assert outcome(said("a", YES), said("ann", said_so), said("bob", NO)) is Outcome.REPORTED, "they disagree"


# Rules


def quoted(score: float) -> tuple[Quote, ...]:
    return (Quote("w", "w", Located.EXACT, score),)


def test_by_evidence_words_on_the_page_weigh_their_score() -> None:
    usual = [Finding(f"p{i}", "q1", "a", YES, quotes=quoted(0.6)) for i in range(50)]

    def decided(*cell: Finding) -> Outcome:
        return decide([*cell, *usual], Terms(rule="evidence"))[-1].decision

    def yes(score: float) -> Finding:
        return Finding("q", "q1", "a", YES, quotes=quoted(score))

    no = [Finding("q", "q1", reader, NO) for reader in "bcd"]
    assert decided(yes(0.9), *no[:2]) is Outcome.REPORTED, "good words outweigh two who found nothing"
    assert decided(yes(0.9), *no) is Outcome.NOT_REPORTED
    assert decided(yes(0.5), *no[:1]) is Outcome.REPORTED
    assert decided(yes(0.2), *no[:1]) is Outcome.NOT_REPORTED, "poor words do not"


def test_by_weight_who_is_right_in_other_papers_counts_more() -> None:
    findings = []
    for number in range(12):
        truth = YES if number % 2 else NO
        for reader, verdict in (("good", truth), ("poor", NO), ("worse", NO), ("ann", truth)):
            quotes = quoted(0.9) if verdict is YES else ()
            findings.append(Finding(f"p{number:02}", "q1", reader, verdict, quotes=quotes))
    disputed = [
        Finding("new", "q1", "good", YES, quotes=quoted(0.9)),
        *(Finding("new", "q1", reader, NO) for reader in ("poor", "worse")),
    ]
    by_weight, by_count = (
        decide([*findings, *disputed], Terms(rule=rule), people=["ann"])[0] for rule in ("weighted", "majority")
    )
    assert (by_weight.paper, by_weight.decision, by_weight.basis) == ("new", Outcome.REPORTED, "weighted")
    assert by_count.decision is Outcome.NOT_REPORTED


def test_without_coded_cells_all_weigh_the_same() -> None:
    cell = [said("a", YES, quotes=quoted(0.9)), said("b", NO), said("c", NO)]
    assert decide_cell(cell, rule="weighted").decision is Outcome.NOT_REPORTED
    assert decide_cell(cell[:2], rule="weighted").decision is Outcome.UNDECIDED


@given(
    st.lists(st.lists(st.sampled_from([YES, NO, FAILED]), min_size=2, max_size=5), min_size=1, max_size=8),
    st.sampled_from(sorted(RULES)),
    st.data(),
)
def test_who_says_reported_to_everything_changes_no_decision(
    verdicts: list[list[Verdict]], rule: str, data: st.DataObject
) -> None:
    """Titles are quoted in vain: the quotes prove nothing, or nobody could look."""
    honest = [
        Finding(f"p{p}", "q1", f"r{r}", verdict, quotes=quoted(0.8) if verdict is YES else ())
        for p, cell in enumerate(verdicts)
        for r, verdict in enumerate(cell)
    ]
    title = data.draw(st.sampled_from([(), (Quote("A title", "", Located.MISSING),), quoted(0.0)]))
    liar = [Finding(f"p{p}", "q1", "liar", YES, quotes=title) for p in range(len(verdicts))]
    terms = Terms(rule=rule, unquoted="none" if rule == "majority" else "majority")
    before, after = (decide(them, terms, threshold=0.3) for them in (honest, honest + liar))
    assert [d.decision for d in before] == [d.decision for d in after]
    assert [d.votes_reported for d in before] == [d.votes_reported for d in after]


def test_plain_majority_counts_labels_that_quote_nothing() -> None:
    labels = [said("a", YES), said("b", YES), said("c", NO)]
    assert outcome(*labels) is Outcome.REPORTED
    assert outcome(*labels, rule="dawid-skene") is Outcome.NOT_REPORTED
    assert outcome(*labels, rule="dawid-skene", unquoted="all") is Outcome.REPORTED
    assert outcome(*labels[:2], rule="weighted") is Outcome.UNDECIDED
    assert outcome(*labels, rule="evidence") is Outcome.NOT_REPORTED
    # Who shows a quote elsewhere is heard where it needs none.
    shown = Finding("other", "q1", "a", YES, quotes=quoted(0.9))
    (_, here) = decide([shown, said("a", NO)], Terms(rule="evidence"))
    assert here.decision is Outcome.NOT_REPORTED


findings = st.builds(
    said,
    st.sampled_from(["a", "b", "c", "d", "e", "ann", "bob"]),
    st.sampled_from([YES, NO, UNCLEAR]),
    value=st.sampled_from([None, "1", "2"]),
    score=st.sampled_from([None, 0.6, 0.8]),
    answer=st.sampled_from(["", "x", "y"]),
)
cells = st.lists(findings, min_size=1, max_size=7, unique_by=lambda finding: finding.reader)


@given(cells, st.randoms(use_true_random=False), st.integers(1, 3), st.sampled_from(sorted(RULES)))
def test_the_order_of_findings_does_not_matter(cell: list[Finding], random: object, minimum: int, rule: str) -> None:
    shuffled = list(cell)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    decided = decide_cell(cell, people=PEOPLE, minimum_votes=minimum, rule=rule, unquoted="all")
    assert decide_cell(shuffled, people=PEOPLE, minimum_votes=minimum, rule=rule, unquoted="all") == decided


@given(cells.filter(lambda cell: all(f.reader not in ("d", "ann") for f in cell)), st.sampled_from(["d", "ann"]))
def test_a_failure_changes_the_count_of_failures_alone(cell: list[Finding], who: str) -> None:
    failed = said(who, FAILED, error="not read", failure=Failure.FINAL)
    before = decide_cell(cell, people=PEOPLE)
    after = decide_cell([*cell, failed], people=PEOPLE)
    assert replace(after, votes_failed=before.votes_failed) == before
    if (who in PEOPLE) == (before.basis == "people"):
        assert after.votes_failed == before.votes_failed + 1
