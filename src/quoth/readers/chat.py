"""Models behind an API that follows OpenAI's: hosted, or a server of one's own.

What a server takes is learned from its refusals: a parameter that it refuses is left out from then on and recorded, a
JSON schema gives way to JSON mode, and that to plain text.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from quoth.errors import BusyError, ReaderError, RejectedError, UnusableError
from quoth.protocol import ChatReader as ChatSettings
from quoth.readers.base import Completion, Endpoint, Request
from quoth.readers.model import ModelReader
from quoth.readers.prices import Tariff, tariff
from quoth.readers.prompts import Showing
from quoth.vocabulary import Encoder

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletion

_MOST_BYTES = 8_000_000
_EXCERPT = 300
_FORMATS = ("json_schema", "json_object", "text")
_FORMAT_WORDS = ("response_format", "json_schema", "json_object", "schema", "grammar", "structured output")
_BUSY = frozenset((408, 409, 423, 425, 429))
_REFUSALS = frozenset((400, 404, 415, 422, 501))


class ChatReader(ModelReader):
    """A model behind an API."""

    def __init__(self, settings: ChatSettings, encoder: Encoder, characters: int) -> None:
        room = settings.window - settings.max_answer_tokens - 1000 if settings.window else None
        showing = Showing(characters, settings.context == "paper", room)
        self._chat = settings
        super().__init__(settings, settings.model, encoder, showing=showing)

    @property
    def concurrency(self) -> int:
        """How many requests it may have at a time."""
        return self._chat.concurrency

    def connect(self) -> Endpoint:
        """The server, with the key from the environment."""
        variable = self._chat.api_key_env
        key = os.environ.get(variable, "") if variable else ""
        if variable and not key:
            raise ReaderError(
                f"reader '{self.name}': the environment variable {variable} holds no key; "
                f"set it and run again: export {variable}=..."
            )
        settings = self._chat
        return ChatEndpoint(
            settings.base_url,
            settings.model,
            Terms({"temperature": settings.temperature, "seed": settings.seed}, settings.max_answer_tokens),
            key=key,
            seconds=settings.seconds_per_request,
        )

    @cached_property
    def _tariff(self) -> Tariff | None:
        return tariff(self._chat)

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float | None:
        """What so many tokens cost, by the protocol's prices or the public ones."""
        return self._tariff(input_tokens, output_tokens, cached_tokens) if self._tariff else None


@dataclass(slots=True)
class Terms:
    """What a server takes beside the messages, as far as it has been learned; `version` counts what was learned."""

    parameters: dict[str, float]
    max_answer_tokens: int
    limit: str = "max_tokens"
    format: str = _FORMATS[0]
    refused: list[str] = field(default_factory=list)
    version: int = 0

    def sent(self, request: Request) -> dict[str, object]:
        """What goes with the messages of a request."""
        given: dict[str, object] = {**self.parameters, self.limit: self.max_answer_tokens}
        if request.schema is not None and self.format == "json_schema":
            schema = {"name": "answer", "strict": True, "schema": request.schema}
            given["response_format"] = {"type": "json_schema", "json_schema": schema}
        elif request.schema is not None and self.format == "json_object":
            given["response_format"] = {"type": "json_object"}
        return given

    def recorded(self, request: Request) -> dict[str, object]:
        """The same for the record."""
        form = {"response_format": self.format} if request.schema is not None else {}
        refused = {"refused": list(self.refused)} if self.refused else {}
        return {**self.parameters, self.limit: self.max_answer_tokens, **form, **refused}

    def learn(self, words: str, *, guess: bool) -> bool:
        """Leave out what a refusal names, or with `guess` what is most likely meant; whether anything was left out."""
        named = words.lower()
        if self.limit == "max_tokens" and "max_completion_tokens" in named:
            self.limit = "max_completion_tokens"
            return self._note("max_tokens")
        for name in self.parameters:
            if name in named:
                return self._drop(name)
        if self.format != "text" and any(word in named for word in _FORMAT_WORDS):
            return self._step_down()
        if not guess:
            return False
        if self.format != "text":
            return self._step_down()
        return self._drop(next(reversed(self.parameters))) if self.parameters else False

    def _step_down(self) -> bool:
        refused, self.format = self.format, _FORMATS[_FORMATS.index(self.format) + 1]
        return self._note(refused)

    def _drop(self, name: str) -> bool:
        del self.parameters[name]
        return self._note(name)

    def _note(self, refused: str) -> bool:
        self.refused.append(refused)
        self.version += 1
        return True


class ChatEndpoint:
    """A server that follows OpenAI's API; meets `readers.base.Endpoint`."""

    def __init__(self, base_url: str, model: str, terms: Terms, *, key: str, seconds: float) -> None:
        self._base_url = base_url
        self._model = model
        self._terms = terms
        self._key = key
        self._seconds = seconds
        self._answered = False
        import_module("openai.resources.chat")  # here and not with the first request, which others wait for

    @cached_property
    def _client(self) -> "openai.AsyncOpenAI":
        import openai

        # Retries are the asker's business, which knows the other requests.
        return openai.AsyncOpenAI(
            base_url=self._base_url, api_key=self._key or "none", timeout=self._seconds, max_retries=0
        )

    async def complete(self, request: Request) -> Completion:
        """The answer to one request; see `readers.base.Endpoint`."""
        while True:
            version, recorded = self._terms.version, self._terms.recorded(request)
            try:
                body = await self._sent(request)
            except _RefusedError as refused:
                # While it was under way another request may have learned the same.
                guess = not self._answered and refused.status != 404
                if version != self._terms.version or self._terms.learn(refused.words, guess=guess):
                    continue
                raise self._refusal(refused.status, refused.words) from None
            completion = self._completion(body, recorded)
            self._answered = True
            return completion

    async def close(self) -> None:
        """Close the connections."""
        if "_client" in self.__dict__:
            await self._client.close()

    async def _sent(self, request: Request) -> bytes:
        import openai

        messages = [{"role": message.role, "content": message.content} for message in request.messages]
        # As they are: the client would look at each message to see whether it means a file.
        body = {"messages": messages, **self._terms.sent(request)}
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.chat.completions.with_streaming_response.create(
                    model=self._model, messages=[], extra_body=body
                ) as response,
            ):
                return await _body(response)
        except openai.APIStatusError as error:
            raise self._status(error) from None
        except (TimeoutError, openai.APITimeoutError):
            raise BusyError(f"no answer within {self._seconds:g} s") from None
        except openai.APIConnectionError as error:
            cause = str(error.__cause__ or error)
            raise BusyError(f"no connection ({self._hidden(cause)[:_EXCERPT] or 'it was closed'})") from None
        except openai.OpenAIError as error:
            raise BusyError(self._hidden(str(error))[:_EXCERPT]) from None

    def _status(self, error: "openai.APIStatusError") -> Exception:
        """What a refusal by its status means."""
        status, words = error.status_code, self._words(error)
        if status == 429 and "insufficient_quota" in words:
            return UnusableError(f"the account has no credit left ({words})")
        if status in _REFUSALS:
            return _RefusedError(status, words)
        if status in _BUSY or status >= 500:
            return BusyError(f"status {status}: {words}", wait=_wait(error.response.headers))
        return self._refusal(status, words)

    def _refusal(self, status: int, words: str) -> ReaderError:
        if status in (401, 402, 403, 404) and not (self._answered and status in (403, 404)):
            remedy = {
                401: "it refuses the key: check the variable that api_key_env names",
                402: "the account has no credit left",
                403: "it refuses the key: check the variable that api_key_env names",
                404: "it has no such model or address: check model and base_url",
            }[status]
            return UnusableError(f"{remedy} (status {status}: {words})")
        return RejectedError(f"status {status}: {words}")

    def _words(self, error: "openai.APIStatusError") -> str:
        body = error.body
        if isinstance(body, Mapping):
            inner = body.get("error", body)
            words = json.dumps(inner, ensure_ascii=False) if not isinstance(inner, str) else inner
            if isinstance(inner, Mapping) and isinstance(inner.get("message"), str):
                details = [str(inner[name]) for name in ("param", "code") if inner.get(name)]
                words = " ".join((inner["message"], *details))
        else:
            words = str(body or error.message)
        return self._hidden(" ".join(words.split()))[:_EXCERPT]

    def _hidden(self, text: str) -> str:
        """Words from outside, without the key: some servers repeat it."""
        return text.replace(self._key, "[key]") if self._key else text

    def _completion(self, body: bytes, recorded: Mapping[str, object]) -> Completion:
        text = body.decode("utf-8", "replace")
        try:
            read = _Body.model_validate(json.loads(text))
        except (ValueError, ValidationError, RecursionError):
            start = self._hidden(" ".join(text[:_EXCERPT].split()))[:80]
            raise BusyError(
                f"the reply is no JSON as the API has it, and begins with {start!r}: check base_url"
            ) from None
        if read.error is not None and not read.choices:
            words = self._hidden(json.dumps(read.error, ensure_ascii=False))[:_EXCERPT]
            raise BusyError(f"the server says {words}")
        usage = read.usage or _Usage()
        choice = read.choices[0] if read.choices else _Choice()
        return Completion(
            self._hidden(choice.text),
            recorded,
            served_model=self._hidden(read.model) if read.model else None,
            finish_reason=choice.finish_reason,
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            cached_tokens=usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None,
        )


class _RefusedError(Exception):
    """A request that the server does not take as it is."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class _Details(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Part(BaseModel):
    text: str = ""


class _Said(BaseModel):
    content: str | list[_Part] | None = None


class _Choice(BaseModel):
    message: _Said | None = None
    finish_reason: str | None = None

    @property
    def text(self) -> str:
        content = self.message.content if self.message else None
        return "".join(part.text for part in content) if isinstance(content, list) else content or ""


class _Body(BaseModel):
    choices: list[_Choice] = []
    model: str | None = None
    usage: _Usage | None = None
    error: object = None


async def _body(response: "openai.AsyncAPIResponse[ChatCompletion]") -> bytes:
    """The whole body, as long as it is one that an answer can have."""
    import httpx2

    parts, size = [], 0
    try:
        async for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > _MOST_BYTES:
                raise RejectedError(f"the reply is larger than {_MOST_BYTES // 1_000_000} MB, which no answer is")
    except httpx2.TransportError as error:
        raise BusyError(f"the connection broke in the middle of a reply ({type(error).__name__})") from None
    return b"".join(parts)


def _wait(headers: Mapping[str, str]) -> float | None:
    """The seconds that `Retry-After` asks for, which may be a number or a date."""
    given = headers.get("retry-after")
    if given is None:
        return None
    try:
        return max(0.0, float(given))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(given) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
