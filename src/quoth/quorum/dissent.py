"""Who disagrees on a cell, and what of the others' evidence they have not seen: the ground for a second look.

Rule and gold have no part in it: who is asked again depends neither on how decisions are made, nor on people's codes
unless these are given.
"""

from collections.abc import Iterable, Sequence

from quoth.quorum.values import TOLERANCE, same
from quoth.vocabulary import Finding, Located, Question, Quote, Verdict

_VOTES = (Verdict.REPORTED, Verdict.NOT_REPORTED)


def dissenters(
    findings: Sequence[Finding], question: Question, *, threshold: float, tolerance: float = TOLERANCE
) -> dict[str, tuple[Quote, ...]]:
    """The readers who disagree with another, by name, each with the others' verified quotes that it did not give.

    Two readers disagree where one says 'reported' and the other 'not reported', or where both give a value and not the
    same one. A reader for whom those that it disagrees with have no such quote has an empty tuple: there is nothing
    that it could be shown.

    Args:
        findings: one of each reader for one cell; those that are no vote are passed over.
        question: the cell's, for the kind and unit of values.
        threshold: the score from which a quote counts as verified.
        tolerance: the relative difference up to which two numbers are one value.
    """
    voting = [finding for finding in findings if finding.verdict in _VOTES]
    proofs = {finding.reader: verified(finding, threshold) for finding in voting}
    found = {}
    for finding in voting:
        others = [other for other in voting if other.reader != finding.reader]
        against = [other for other in others if _differ(finding, other, question, tolerance)]
        if against:
            own = proofs[finding.reader]
            new = any(_missing(proofs[other.reader], own) for other in against)
            shown = _once(quote for other in others for quote in _missing(proofs[other.reader], own))
            found[finding.reader] = shown if new else ()
    return found


def verified(finding: Finding, threshold: float) -> list[Quote]:
    """The quotes of a 'reported' that stand in the paper and answer the question."""
    if finding.verdict is not Verdict.REPORTED:
        return []
    located = (quote for quote in finding.quotes if quote.located is not Located.MISSING and quote.spans)
    return [quote for quote in located if quote.score is not None and quote.score >= threshold]


def _differ(one: Finding, other: Finding, question: Question, tolerance: float) -> bool:
    if one.verdict is not other.verdict:
        return True
    if one.value is None or other.value is None:
        return False
    return (
        len(set(same([(one.value, one.unit), (other.value, other.unit)], question.kind, question.unit, tolerance))) > 1
    )


def _missing(quotes: Iterable[Quote], among: Sequence[Quote]) -> list[Quote]:
    """The quotes that stand within none of the others."""
    return [quote for quote in quotes if not any(_within(quote, other) for other in among)]


def _within(quote: Quote, other: Quote) -> bool:
    return other.spans[0].start <= quote.spans[0].start and quote.spans[-1].end <= other.spans[-1].end


def _once(quotes: Iterable[Quote]) -> tuple[Quote, ...]:
    """In the paper's order, none within another."""
    kept: list[Quote] = []
    for quote in sorted(quotes, key=lambda one: (one.spans[0].start, -one.spans[-1].end, one.text)):
        if not any(_within(quote, other) for other in kept):
            kept.append(quote)
    return tuple(kept)
