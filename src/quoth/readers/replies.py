"""A model's reply as data: the JSON schema that is asked for, and what is made of the text that comes.

A reply may stand in a code fence or after the model's thinking; what is no JSON is never mended, only asked for again.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator

from quoth.errors import ReplyError
from quoth.vocabulary import Kind, Question, Verdict

REPLIES_VERSION = "1"
"""Changes whenever the same reply may be understood otherwise."""

_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL)
_MAX_QUOTES = 4
_FIGURE = re.compile(r"[-−–]?(?:\d{1,3}(?:[,\u00a0\u2009\u202f]\d{3})+|\d+)(?:\.\d+)?")
_NOTHING = frozenset(("", "null", "none", "n/a", "na", "not reported", "not_reported"))


@dataclass(frozen=True, slots=True)
class Given:
    """A quote as a model gave it, with the number of the passage that it cites."""

    text: str
    passage: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of one question."""

    verdict: Verdict
    answer: str
    quotes: tuple[Given, ...]
    value: str | None


def schema(questions: Sequence[Question]) -> Mapping[str, object]:
    """The JSON schema of a reply to one question, or to several at once."""
    if len(questions) == 1:
        return _schema(questions[0])
    entries = [_schema(question, named=True) for question in questions]
    distinct = [entry for number, entry in enumerate(entries) if entry not in entries[:number]]
    return _object({"answers": {"type": "array", "items": {"anyOf": distinct}}})


def understand(text: str, question: Question) -> Answer:
    """The answer in a reply to one question.

    Raises:
        ReplyError: it is none; the message says why, in words fit for the model.
    """
    fault = "it holds no JSON object"
    for found in _objects(text):
        try:
            return _answer(found, question)
        except ReplyError as error:
            fault = str(error)
    raise ReplyError(fault)


def understand_several(text: str, questions: Sequence[Question]) -> dict[str, Answer]:
    """The answers in a reply to several questions, by id, as far as they can be understood."""
    asked = {question.id: question for question in questions}
    answers: dict[str, Answer] = {}
    for entry in (entry for found in _objects(text) for entry in _entries(found)):
        question = asked.get(str(entry.get("question", "")).strip())
        if question is None or question.id in answers:
            continue
        try:
            answers[question.id] = _answer(entry, question)
        except ReplyError:
            continue
    return answers


def without_thinking(text: str) -> str:
    """A reply without what the model thought aloud before it."""
    return _THINKING.sub(" ", text)


def _schema(question: Question, *, named: bool = False) -> Mapping[str, object]:
    quote = _object({"passage": {"type": "integer"}, "text": {"type": "string"}})
    fields: dict[str, object] = {"question": {"type": "string", "enum": [question.id]}} if named else {}
    fields["verdict"] = {"type": "string", "enum": [Verdict.REPORTED.value, Verdict.NOT_REPORTED.value]}
    fields["answer"] = {"type": "string"}
    fields["quotes"] = {"type": "array", "items": quote, "maxItems": _MAX_QUOTES}
    match question.kind:
        case Kind.CHOICE:
            fields["value"] = {"anyOf": [{"type": "string", "enum": list(question.choices)}, {"type": "null"}]}
        case Kind.NUMBER:
            fields["value"] = {"type": ["number", "null"]}
        case Kind.LINK:
            fields["value"] = {"type": ["string", "null"]}
        case _:
            pass
    return _object(fields)


def _object(fields: Mapping[str, object]) -> Mapping[str, object]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _objects(text: str) -> Iterator[dict[str, object]]:
    """The JSON objects in a text, outermost ones only; figures stay as they are written."""
    text = without_thinking(text)
    decoder = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
    place = text.find("{")
    while place >= 0:
        try:
            found, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            end = place + 1
        else:
            yield found
        place = text.find("{", end)


def _entries(found: Mapping[str, object]) -> Iterator[dict[str, object]]:
    answers = found.get("answers")
    if isinstance(answers, list):
        yield from (entry for entry in answers if isinstance(entry, dict))
    elif "question" in found:
        yield dict(found)


def _said_verdict(given: object) -> object:
    return re.sub(r"[\s-]+", "_", given.strip().lower()) if isinstance(given, str) else given


def _number_of(given: object) -> object:
    digits = re.fullmatch(r"\D{0,10}(\d{1,6})\D{0,2}", given) if isinstance(given, str) else None
    return int(digits[1]) if digits else None


def _words(given: object) -> object:
    return "" if given is None else given


class _Quote(BaseModel):
    model_config = ConfigDict(extra="ignore")

    text: str
    passage: Annotated[int | None, BeforeValidator(_number_of)] = None

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, given: object) -> object:
        return {"text": given} if isinstance(given, str) else given


class _Reply(BaseModel):
    model_config = ConfigDict(extra="ignore")

    verdict: Annotated[Literal["reported", "not_reported"], BeforeValidator(_said_verdict)]
    answer: Annotated[str, BeforeValidator(_words)] = ""
    quotes: Annotated[tuple[_Quote, ...], BeforeValidator(lambda given: () if given is None else given)] = ()
    value: str | None = None

    @classmethod
    def read(cls, found: Mapping[str, object]) -> Self:
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ReplyError(f"{place or 'the object'}: {first['msg'].lower()}") from None


def _answer(found: Mapping[str, object], question: Question) -> Answer:
    reply = _Reply.read(found)
    if reply.verdict == "not_reported":
        return Answer(Verdict.NOT_REPORTED, "", (), None)
    quotes = tuple(Given(quote.text.strip(), quote.passage) for quote in reply.quotes if quote.text.strip())
    value = _value(reply.value.strip(), question) if reply.value else None
    return Answer(Verdict.REPORTED, reply.answer.strip(), quotes, value)


def _value(said: str, question: Question) -> str | None:
    if question.kind is Kind.CHOICE and (chosen := _chosen(said, question.choices)):
        return chosen
    if said.lower() in _NOTHING:
        return None
    match question.kind:
        case Kind.CHOICE:
            choices = ", ".join(f'"{choice}"' for choice in question.choices)
            raise ReplyError(f'value: "{said}" is none of {choices}')
        case Kind.NUMBER:
            bare = said.removesuffix(question.unit or "").strip()
            if not _FIGURE.fullmatch(bare):
                raise ReplyError(f'value: "{said}" is no number')
            return re.sub(r"[,\u00a0\u2009\u202f]", "", bare).replace("−", "-").replace("–", "-")
        case Kind.LINK:
            return said
        case _:
            return None


def _chosen(said: str, choices: Sequence[str]) -> str | None:
    """The choice that was said, by its text alone; case and white space do not matter where one choice is left."""
    if said in choices:
        return said
    meant = [choice for choice in choices if _plain(choice) == _plain(said)]
    return meant[0] if len(meant) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
