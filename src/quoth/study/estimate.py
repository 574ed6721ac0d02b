"""What a run would cost before anything is spent: calls, tokens, dollars and time for each reader.

What a reader's earlier replies took is the best guess at its next ones; without any, a question is taken to need one
call, an answer 150 tokens, and a call five seconds. Papers that were not read yet are taken for as long as the others.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from quoth.engine.asking import Limits
from quoth.ledger import Asked, Ledger
from quoth.readers.model import ModelReader
from quoth.study.desk import limits_of
from quoth.study.plan import Work
from quoth.vocabulary import Question

_TYPICAL_PAPER = 45_000  # characters
_TYPICAL_ANSWER = 150  # tokens
_TYPICAL_SECONDS = 5.0
_PROMPT = 1_600  # characters of rules and fences
_HEADINGS = 1.15  # what section titles, page numbers and whole sentences add to the budget of characters
_CHARACTERS_PER_TOKEN = 4.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one reader would do; None where nobody knows, or where nothing is sent anywhere.

    `tokens` are input and output together; `most_usd` is the cost if every answer were as long as it may be. A second
    look is an estimate of its own, of what is known to need one by now.
    """

    reader: str
    papers: int
    findings: int
    calls: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    most_usd: float | None = None
    seconds: float | None = None
    second_look: bool = False


def estimate(work: Sequence[Work], ledger: Ledger, characters: int) -> list[Estimate]:
    """One estimate for each reader that has something to do; `characters` are shown to it for each question."""
    lengths = {one.paper.name: one.characters for one in ledger.papers() if one.characters}
    typical = mean(lengths.values()) if lengths else _TYPICAL_PAPER
    before = {one.reader: one for one in ledger.asked() if one.replies}
    wanted = ((cells.reader, cells.second is not None) for piece in work for cells in piece.cells)
    found = []
    for reader, again in dict.fromkeys(wanted):
        parts = [
            (lengths.get(piece.paper.name, typical), cells.questions)
            for piece in work
            for cells in piece.cells
            if cells.reader is reader and (cells.second is not None) is again
        ]
        plain = Estimate(reader.name, len(parts), sum(len(questions) for _, questions in parts), second_look=again)
        found.append(_of_model(plain, reader, parts, before, characters) if isinstance(reader, ModelReader) else plain)
    return found


def _of_model(
    plain: Estimate,
    reader: ModelReader,
    parts: Sequence[tuple[float, Sequence[Question]]],
    before: Mapping[str, Asked],
    characters: int,
) -> Estimate:
    known, size = before.get(reader.name), 1 if plain.second_look else reader.settings.questions_per_call
    calls, sent = 0, 0.0
    for length, questions in parts:
        number = math.ceil(len(questions) / size)
        shown = length if reader.showing.whole else min(length, characters * _HEADINGS * len(questions) / number)
        own = sum(len(question.text) + len(question.guidance) for question in questions)
        calls += number
        sent += (number * (shown + _PROMPT) + own) / _CHARACTERS_PER_TOKEN
    answer = known.output_tokens / known.replies if known and known.output_tokens else _TYPICAL_ANSWER * size
    input_tokens, output_tokens = round(sent), round(calls * answer)
    return replace(
        plain,
        calls=calls,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_usd=reader.cost(input_tokens, output_tokens),
        most_usd=reader.cost(input_tokens, calls * reader.settings.max_answer_tokens),
        seconds=_seconds(limits_of(reader), calls, input_tokens + output_tokens, known),
    )


def _seconds(limits: Limits, calls: int, tokens: int, known: Asked | None) -> float:
    """The time that the slowest of the limits leaves."""
    each = known.seconds / known.replies if known else _TYPICAL_SECONDS
    paces = [calls * each / limits.concurrency]
    paces += [60 * calls / limits.requests_per_minute] if limits.requests_per_minute else []
    paces += [60 * tokens / limits.tokens_per_minute] if limits.tokens_per_minute else []
    return max(paces)
