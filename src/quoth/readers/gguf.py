"""Models in this process: any GGUF file through llama.cpp, which xllamacpp brings ready-made.

llama.cpp's own server runs inside this process on a loopback port that only this process has the key to, so that a
GGUF file goes the same way as every other model; the JSON schema becomes a grammar there.
"""

import asyncio
import hashlib
import json
import os
import secrets
from importlib import import_module
from pathlib import Path
from types import ModuleType

from quoth.errors import ReaderError, UnusableError
from quoth.protocol import GgufReader as GgufSettings
from quoth.readers.base import Completion, Endpoint, Request
from quoth.readers.chat import ChatEndpoint, Terms
from quoth.readers.model import ModelReader
from quoth.readers.prompts import Showing
from quoth.vocabulary import Encoder

_MAGIC = b"GGUF"


class GgufReader(ModelReader):
    """A model from a GGUF file."""

    def __init__(self, settings: GgufSettings, encoder: Encoder, characters: int, *, file: Path, memo: Path) -> None:
        """Args: `file` is the model, `memo` where its digest is kept, which takes long to compute.

        Raises:
            ReaderError: the file is not there, or no GGUF file.
        """
        self._gguf = settings
        self._file = file
        room = settings.window - settings.max_answer_tokens - 1000
        showing = Showing(characters, settings.context == "paper", max(0, room))
        super().__init__(settings, _digest(settings.name, file, memo), encoder, showing=showing)

    def connect(self) -> Endpoint:
        """llama.cpp with the model, in this process."""
        return GgufEndpoint(self._gguf, self._file)

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float | None:
        """Nothing: it runs here."""
        return 0.0


class GgufEndpoint:
    """llama.cpp in this process; meets `readers.base.Endpoint`. The model is loaded with the first request."""

    def __init__(self, settings: GgufSettings, file: Path) -> None:
        """Raises ReaderError where xllamacpp is not installed."""
        self._settings = settings
        self._file = file
        self._server: object = None
        self._chat: ChatEndpoint | None = None
        _xllamacpp(settings.name)

    async def complete(self, request: Request) -> Completion:
        """The answer to one request; see `readers.base.Endpoint`."""
        if self._chat is None:
            self._chat = await asyncio.to_thread(self._started)
        return await self._chat.complete(request)

    async def close(self) -> None:
        """Let go of the model."""
        if self._chat is not None:
            await self._chat.close()
        self._chat = self._server = None

    def _started(self) -> ChatEndpoint:
        xllamacpp, settings, key = _xllamacpp(self._settings.name), self._settings, secrets.token_urlsafe()
        params = xllamacpp.CommonParams()
        params.model.path = str(self._file)
        params.model_alias = {self._file.name}
        params.n_ctx = settings.window
        params.n_parallel = 1
        params.cache_ram_mib = 0  # eight gigabytes otherwise, for prompts of which no other will make use
        params.hostnames, params.port, params.api_keys = ["127.0.0.1"], 0, [key]
        params.ui = False
        params.verbosity = -1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings.threads or os.cpu_count() or 1
        try:
            server = xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise UnusableError(f"llama.cpp cannot load {self._file.name} ({error})") from None
        terms = Terms({"temperature": settings.temperature, "seed": settings.seed}, settings.max_answer_tokens)
        self._server, address = server, f"{server.listening_address}/v1"
        return ChatEndpoint(address, self._file.name, terms, key=key, seconds=settings.seconds_per_request)


def _xllamacpp(name: str) -> ModuleType:
    try:
        return import_module("xllamacpp")
    except ImportError:
        raise ReaderError(f"reader '{name}': GGUF models need llama.cpp: pip install 'quoth[gguf]'") from None


def _digest(name: str, file: Path, memo: Path) -> str:
    """SHA-256, in hex, of a model file; it is read again only when its size or its time changed.

    A study can be looked at where its model is not: then the digest is the one that was last seen.
    """
    known = _known(memo)
    try:
        found = file.stat()
    except OSError:
        if entry := known.get(file.name):
            return entry[2]
        raise ReaderError(f"reader '{name}': there is no file {file}; put the GGUF file there") from None
    entry = known.get(file.name)
    if entry is None or entry[:2] != (found.st_size, found.st_mtime_ns):
        with file.open("rb") as content:
            if content.read(len(_MAGIC)) != _MAGIC:
                raise ReaderError(f"reader '{name}': {file} is no GGUF file")
            content.seek(0)
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        entry = (found.st_size, found.st_mtime_ns, digest)
        memo.parent.mkdir(parents=True, exist_ok=True)
        memo.write_text(json.dumps({**known, file.name: entry}), encoding="utf-8")
    return entry[2]


def _known(memo: Path) -> dict[str, tuple[int, int, str]]:
    try:
        entries = json.loads(memo.read_text(encoding="utf-8"))
        return {name: (int(size), int(time), str(digest)) for name, (size, time, digest) in entries.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
