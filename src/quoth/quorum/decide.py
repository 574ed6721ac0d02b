"""From findings to decisions: the ruling on each cell with the value, the answer and the quotes that go with it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from quoth.quorum.ruling import CODES, OUTCOMES, Ruling, Terms, rule_on
from quoth.quorum.values import TOLERANCE, mode
from quoth.quorum.votes import Votes
from quoth.vocabulary import Decision, Finding, Located, Question, Verdict, Vote


def decisions(
    findings: Iterable[Finding],
    votes: Votes,
    ruling: Ruling,
    questions: Mapping[str, Question] | None = None,
    tolerance: float = TOLERANCE,
) -> Iterator[Decision]:
    """The ruling on each cell, with value, answer and quotes from the findings that it follows.

    Args:
        findings: standing ones, those of a cell next to each other; cells without a vote are passed over.
        votes: made of the same findings.
        ruling: on these votes.
        questions: by id, for kinds and units of values.
        tolerance: see `Terms`.
    """
    places = {cell: number for number, cell in enumerate(votes.cells())}
    columns = {name: number for number, name in enumerate(votes.readers)}
    for cell, group in groupby(findings, key=lambda finding: (finding.paper, finding.question)):
        if (place := places.get(cell)) is None:
            continue
        outcome = OUTCOMES[ruling.outcome[place]]
        voters = [finding for finding in group if ruling.electorate[place, columns[finding.reader]]]
        agreeing = [finding for finding in voters if CODES.get(finding.verdict) is outcome]
        best = min(agreeing, key=_standing, default=None)
        yes, no = int(ruling.reported[place]), int(ruling.not_reported[place])
        question = questions.get(cell[1]) if questions else None
        kind, unit = (question.kind, question.unit) if question else (None, None)
        given = [(finding.value, finding.unit) for finding in agreeing if finding.value is not None]
        yield Decision(
            *cell,
            decision=outcome,
            value=mode(given, kind, unit, tolerance),
            # Readers' scores do not add up to one; with a single voter its own score holds.
            score=best.score if best and yes + no == 1 else None,
            votes_reported=yes,
            votes_not_reported=no,
            votes_failed=int(ruling.failed[place]),
            basis=ruling.basis[ruling.by[place]],
            answer=best.answer if best else "",
            quotes=best.quotes if best else (),
        )


def decide(
    findings: Sequence[Finding],
    terms: Terms = Terms(),  # noqa: B008 (frozen)
    *,
    people: Collection[str] = (),
    questions: Mapping[str, Question] | None = None,
    threshold: float = 0.0,
) -> list[Decision]:
    """One decision for each cell, in order: all of the above for findings at hand.

    Args:
        findings: one of each reader for each cell.
        terms: rule, ties and so on.
        people: the names of the readers who are people.
        questions: by id, for kinds and units.
        threshold: the score from which a quote counts as verified.
    """
    cast = (vote_of(finding) for finding in findings)
    votes = Votes.of(cast, people, threshold=threshold)
    kinds = {id_: question.kind for id_, question in questions.items()} if questions else None
    ordered = sorted(findings, key=lambda finding: (finding.paper, finding.question, finding.reader))
    return list(decisions(ordered, votes, rule_on(votes, terms, kinds), questions, terms.tolerance))


def vote_of(finding: Finding, round_: int = 0, *, blind: bool = True) -> Vote:
    """A finding as a vote."""
    scores = [q.score for q in finding.quotes if q.score is not None and q.located is not Located.MISSING]
    evidence = max(scores, default=None)
    words = (finding.verdict.value, evidence, finding.value, finding.unit)
    return Vote(finding.paper, finding.question, finding.reader, round_, *words, blind=blind)


def is_unquoted(finding: Finding | Decision) -> bool:
    """Whether 'reported' is said without a quote that was found in the paper: people and other programs may."""
    said = finding.verdict if isinstance(finding, Finding) else finding.decision
    located = any(quote.located is not Located.MISSING for quote in finding.quotes)
    return said.value == Verdict.REPORTED.value and not located


def rank(round_: int, verdict: Verdict) -> int:
    """Which of a reader's findings of a cell stands, the highest: a later round that failed takes nothing back."""
    return -1 if round_ and verdict is Verdict.FAILED else round_


def _standing(finding: Finding) -> tuple[bool, float, str, str]:
    """Whose answer stands for the cell: with quotes first, then by score; ties by name, whatever order they come in."""
    located = any(quote.located is not Located.MISSING for quote in finding.quotes)
    return not located, -(finding.score or 0.0), finding.reader, repr(finding)
