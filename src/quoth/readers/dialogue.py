"""The dialogue with a model that must quote: ask, have a reply corrected once, have quotes that do not hold corrected
once, and believe only what is verified.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from quoth.errors import ReplyError
from quoth.ledger import Reply
from quoth.papers.sentences import sentences
from quoth.readers.base import Conclusion, Dialogue, Message, ReadPaper, Request
from quoth.readers.prompts import Showing, Shown, messages, not_understood, not_verified, shown_to
from quoth.readers.replies import Answer, Given, schema, understand, understand_several
from quoth.readers.values import is_shown, targets_of
from quoth.readers.verify import Said, Verifier, is_verified
from quoth.vocabulary import Failure, Finding, Located, Question, Quote, Verdict

UNVERIFIED = "unverified"
"""How the error of a 'reported' begins whose quotes do not hold."""

NOT_UNDERSTOOD = "not understood"
"""How the error of a finding begins whose replies cannot be used."""

_LONGEST = 600  # characters; a quote is shorter
_QUOTES = 4


@dataclass(frozen=True, slots=True)
class QuotesSitting:
    """One paper in front of one model, in the style `quotes`; meets `readers.base.Sitting`."""

    reader: str
    paper: ReadPaper
    verifier: Verifier
    showing: Showing

    def dialogue(self, questions: Sequence[Question], beside: Sequence[Quote] = ()) -> Dialogue:
        """What has to be said about one question, or about several at once; see `readers.base.Sitting`."""
        if not self.paper.index.passages:
            error = "no sentence to answer from: the paper's text holds none"
            return {question.id: Conclusion(self._failed(question, error)) for question in questions}
        rankings = [self.verifier.ranking(question) for question in questions]
        shown = shown_to(self.paper, rankings, self.showing, anew(self.verifier, questions[0], beside))
        if len(questions) > 1:
            return (yield from self._several(shown, questions))
        (question,) = questions
        return {question.id: Conclusion((yield from self._one(shown, question)))}

    def _several(self, shown: Shown, questions: Sequence[Question]) -> Dialogue:
        """What holds at once; the other questions have no finding, and are asked by themselves."""
        reply = yield Request(messages(shown, questions), schema(questions), shown.digest)
        answers = understand_several(reply.text, questions)
        findings = {}
        for question in questions:
            if answer := answers.get(question.id):
                quotes = self._quotes(question, answer.quotes, shown)
                if answer.verdict is Verdict.NOT_REPORTED or any(map(holds, quotes)):
                    findings[question.id] = Conclusion(self._finding(question, answer, quotes))
        return findings

    def _one(self, shown: Shown, question: Question) -> Generator[Request, Reply, Finding]:
        turns = messages(shown, [question])
        try:
            turns, answer = yield from self._understood(turns, shown, question)
        except ReplyError as error:
            return self._failed(question, f"{NOT_UNDERSTOOD}: {error}")
        quotes = self._quotes(question, answer.quotes, shown)
        if answer.verdict is Verdict.REPORTED and not any(map(holds, quotes)):
            missing = [quote.said for quote in quotes if quote.located is Located.MISSING]
            beside = [quote.said for quote in quotes if quote.located is not Located.MISSING]
            reply = yield Request((*turns, not_verified(missing, beside)), schema([question]), shown.digest)
            try:
                answer = understand(reply.text, question)
            except ReplyError as error:
                return self._unverified(question, quotes, f"the reply that should have proved it: {error}")
            quotes = self._quotes(question, answer.quotes, shown)
        if answer.verdict is Verdict.REPORTED and not any(map(holds, quotes)):
            return self._unverified(question, quotes, _why(quotes))
        return self._finding(question, answer, quotes)

    def _understood(
        self, turns: tuple[Message, ...], shown: Shown, question: Question
    ) -> Generator[Request, Reply, tuple[tuple[Message, ...], Answer]]:
        """The answer, corrected once where it has to be, and the dialogue up to it."""
        for last in (False, True):
            reply = yield Request(turns, schema([question]), shown.digest)
            turns = (*turns, Message("assistant", reply.text))
            try:
                return turns, understand(reply.text, question)
            except ReplyError as error:
                reason = "it was cut off, so be brief" if reply.finish_reason == "length" else str(error)
                if last:
                    raise ReplyError(reason) from None
                turns = (*turns, not_understood(reason))
        raise AssertionError("the second reply is returned or refused")

    def _quotes(self, question: Question, given: Sequence[Given], shown: Shown) -> tuple[Quote, ...]:
        said = [Said(text, shown.near(one.passage)) for one in given[:_QUOTES] for text in shorter(one.text)]
        return self.verifier.quotes(question, said)

    def _finding(self, question: Question, answer: Answer, quotes: Sequence[Quote]) -> Finding:
        if answer.verdict is Verdict.NOT_REPORTED:
            return Finding(self.paper.name, question.id, self.reader, Verdict.NOT_REPORTED)
        verified = sorted(filter(holds, quotes), key=lambda quote: -(quote.score or 0))
        kept = tuple({quote.spans: quote for quote in verified}.values())[:_QUOTES]
        value = answer.value
        if value is not None and not is_shown(question, value, kept, targets_of(self.paper.document, kept)):
            value = None
        return Finding(
            self.paper.name,
            question.id,
            self.reader,
            Verdict.REPORTED,
            value=value,
            unit=question.unit if value is not None else None,
            answer=answer.answer or kept[0].text,
            quotes=kept,
        )

    def _failed(self, question: Question, error: str, quotes: Sequence[Quote] = ()) -> Finding:
        return Finding(
            self.paper.name,
            question.id,
            self.reader,
            Verdict.FAILED,
            quotes=tuple(quotes[:_QUOTES]),
            error=error,
            failure=Failure.FINAL,
        )

    def _unverified(self, question: Question, quotes: Sequence[Quote], why: str) -> Finding:
        return self._failed(question, f"{UNVERIFIED}: {why}", quotes)


def anew(verifier: Verifier, question: Question, quotes: Sequence[Quote]) -> list[Quote]:
    """Others' quotes as they stand in the text that this reader has: codes by a paper's name may be of an older one."""
    said = [Said(quote.text, (quote.spans[0].start, quote.spans[-1].end)) for quote in quotes if quote.spans]
    return list(filter(holds, verifier.quotes(question, said)))


def holds(quote: Quote) -> bool:
    """Whether a quote is verified, and short enough to be one."""
    return is_verified(quote) and len(quote.text) < _LONGEST


def shorter(text: str) -> list[str]:
    """A quote as it is, or its sentences where it is too long to stand as one."""
    if len(text) < _LONGEST:
        return [text]
    return [text[start:end] for start, end in sentences(text) if end - start < _LONGEST]


def _why(quotes: Sequence[Quote]) -> str:
    if not quotes:
        return "the reader gave no quote"
    missing = sum(quote.located is Located.MISSING for quote in quotes)
    parts = [f"{missing} not in the paper"] if missing else []
    parts += [f"{len(quotes) - missing} in the paper but no answer to the question"] if missing < len(quotes) else []
    return f"of the quotes given, {' and '.join(parts)}"
