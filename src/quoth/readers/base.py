"""What every reader meets."""

import hashlib
import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

from quoth.grounding.audit import Audit
from quoth.ledger import Reply
from quoth.retrieval import PaperIndex
from quoth.vocabulary import Document, Finding, Geometry, Question, Quote


@dataclass(frozen=True, slots=True, eq=False)
class ReadPaper:
    """A paper as a reader meets it: its text, its passages ready to be searched, and the way back to its pages."""

    name: str
    document: Document
    index: PaperIndex
    geometry: Geometry


class Reader(Protocol):
    """Answers questions about papers.

    The same `digest` must give the same findings: it covers the model, the prompt and every parameter that matters.
    """

    name: str
    digest: str

    def manifest(self) -> Mapping[str, object]:
        """What it is, for the record: model, versions, parameters; never a key."""
        ...


class PureReader(Reader, Protocol):
    """A reader that needs nothing but the paper; it may be sent to a worker process."""

    def answer(self, paper: ReadPaper, questions: Sequence[Question]) -> list[Finding]:
        """One finding for each question, in order; what goes wrong with one is its `failed` finding."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a dialogue with a model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is to be sent; `schema` is the JSON schema of its reply, None for free text.

    `shown_digest` names the passages in it.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, object] | None
    shown_digest: str

    def digest(self, identity: Mapping[str, object]) -> str:
        """SHA-256, in hex, of all that decides the reply: `identity` is the model with its parameters."""
        content = {"messages": [asdict(message) for message in self.messages], "schema": self.schema, **identity}
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a dialogue ends with for one question: the finding, and the audit that it comes from, if any."""

    finding: Finding
    audit: Audit | None = None


Dialogue = Generator[Request, Reply, dict[str, Conclusion]]
"""Gives the requests one after the other, takes the reply to each, and ends with the conclusions by question.

A question without a conclusion is to be asked again by itself. What comes and goes, over a network, from the ledger or
in a test, is the business of whoever drives it.
"""


class Sitting(Protocol):
    """One paper in front of a reader."""

    def dialogue(self, questions: Sequence[Question], beside: Sequence[Quote] = ()) -> Dialogue:
        """What has to be said about these questions.

        Args:
            questions: one, or several at once.
            beside: for a second look at one question, the quotes of other readers to be shown beside the passages.
        """
        ...


@dataclass(frozen=True, slots=True)
class Completion:
    """What an endpoint answered; `parameters` holds what was sent beside the messages, and what was refused."""

    text: str
    parameters: Mapping[str, object]
    served_model: str | None = None
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None


class Endpoint(Protocol):
    """Where a model answers."""

    async def complete(self, request: Request) -> Completion:
        """The answer to one request.

        Raises:
            BusyError: not now.
            RejectedError: not to this request.
            UnusableError: not to any request.
        """
        ...

    async def close(self) -> None:
        """Let go of it."""
        ...
