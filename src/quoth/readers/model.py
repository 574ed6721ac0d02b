"""What every reader that is a large language model has in common, behind an API or in this process."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property

from quoth.grounding.answers import AnswerJudge
from quoth.grounding.audit import Auditor
from quoth.grounding.support import SupportJudge
from quoth.models import EMBEDDED_READER, SCORER
from quoth.protocol import ModelReader as ModelSettings
from quoth.readers.base import Endpoint, ReadPaper, Request, Sitting
from quoth.readers.classic import ClassicSitting, Judges
from quoth.readers.dialogue import QuotesSitting
from quoth.readers.embedded import VERSION as QUOTE_MODEL_VERSION
from quoth.readers.prompts import PROMPTS_VERSION, SECOND_LOOK_VERSION, Showing
from quoth.readers.replies import REPLIES_VERSION
from quoth.readers.verify import Verifier
from quoth.retrieval import PASSAGES_VERSION
from quoth.vocabulary import Encoder


class ModelReader(ABC):
    """A large language model that answers by quoting; meets `readers.base.Reader`."""

    def __init__(self, settings: ModelSettings, model: str, encoder: Encoder, *, showing: Showing) -> None:
        """Args: `model` is what it is called where it runs, or the digest of its file."""
        self.settings = settings
        self.name = settings.name
        self.showing = showing
        self._encoder = encoder
        self.identity: Mapping[str, object] = {
            "model": model,
            "temperature": settings.temperature,
            "seed": settings.seed,
            "max_answer_tokens": settings.max_answer_tokens,
        }
        self.digest = _digest(self.manifest())

    def manifest(self) -> Mapping[str, object]:
        """What it is, for the record; never where it runs, and never a key."""
        classic = {}
        if self.settings.style == "classic":
            classic = {"judges": [SupportJudge(self._encoder).digest, AnswerJudge(self._encoder).digest]}
        return {
            "type": "model",
            **self.identity,
            "style": self.settings.style,
            "context": self.settings.context,
            "questions_per_call": self.settings.questions_per_call,
            "characters": self.showing.characters,
            "tokens": self.showing.tokens,
            "prompts": PROMPTS_VERSION,
            "replies": REPLIES_VERSION,
            "passages": PASSAGES_VERSION,
            "quote_model": [QUOTE_MODEL_VERSION, EMBEDDED_READER.digest, SCORER.digest, self._encoder.digest],
            **classic,
        }

    def second_look_manifest(self, shown: str) -> Mapping[str, object]:
        """What it is at a second look: a version of its own, so that one may change without the other.

        Args:
            shown: whose quotes it is shown, as the protocol has it.
        """
        return {**self.manifest(), "second_look": shown, "second_look_prompts": SECOND_LOOK_VERSION}

    def second_look_digest(self, shown: str) -> str:
        """The digest of that version."""
        return _digest(self.second_look_manifest(shown))

    def request_digest(self, request: Request) -> str:
        """What names a request of this reader: another reader's reply is not its own, be the model called the same."""
        return request.digest({"reader": self.name, **self.identity})

    @cached_property
    def _judges(self) -> Judges:
        return Judges(Auditor(), AnswerJudge(self._encoder))

    @property
    def concurrency(self) -> int:
        """How many requests it may have at a time."""
        return 1

    def sit(self, paper: ReadPaper) -> Sitting:
        """The reader with one paper in front of it."""
        if self.settings.style == "classic":
            return ClassicSitting(self.name, paper, Verifier(paper, self._encoder), self.showing, self._judges)
        return QuotesSitting(self.name, paper, Verifier(paper, self._encoder), self.showing)

    @abstractmethod
    def connect(self) -> Endpoint:
        """Where it answers.

        Raises:
            ReaderError: it cannot be reached as the protocol describes it.
        """

    @abstractmethod
    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float | None:
        """What so many tokens cost, in US dollars; None where nobody knows."""


def _digest(manifest: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
