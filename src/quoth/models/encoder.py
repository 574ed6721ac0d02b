"""The sentence encoder: all-MiniLM-L6-v2 as int8 ONNX, on the CPU.

The model quantises its activations with one scale for all that it is given at once, so that in a batch the vector of a
text would depend on its neighbours. Each text therefore runs alone, in one thread, and `threads` texts run side by
side: the same text gives the same bytes whatever stands beside it and however many threads there are, and nothing is
spent on padding.
"""

import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from quoth.models import ENCODER_MODEL, ENCODER_TOKENIZER, path_of
from quoth.vocabulary import Encoded

DIMENSIONS = 384
"""Length of a vector."""

TOKEN_DIMENSIONS = 64
"""Length of a token's vector."""

LONGEST = 256
"""Most tokens that the model can take in."""


class Encoder:
    """Turns texts into unit vectors; meets `vocabulary.Encoder`.

    It holds settings only, so it is cheap to make and to send to a worker; the model is loaded with the first text and
    shared by all encoders of a process.
    """

    digest: str
    """SHA-256 over the model, its tokenizer and the settings that change a vector."""

    def __init__(self, *, max_tokens: int = 128, threads: int = 1) -> None:
        """Args: `max_tokens` of a text are read, the rest is left out; `threads` texts are encoded at a time."""
        if not 3 <= max_tokens <= LONGEST:
            raise ValueError(f"max_tokens must lie between 3 and {LONGEST}, not {max_tokens}")
        if threads < 1:
            raise ValueError(f"threads must be at least 1, not {threads}")
        self.max_tokens = max_tokens
        self.threads = threads
        identity = f"{ENCODER_MODEL.digest} {ENCODER_TOKENIZER.digest} max_tokens={max_tokens}"
        self.digest = hashlib.sha256(identity.encode()).hexdigest()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (texts, 384); two of them multiplied give their cosine.

        Raises:
            ModelError: a file of the model is missing or altered.
        """
        if not texts:
            return np.empty((0, DIMENSIONS), np.float32)
        return np.stack([outputs[0] for _, outputs in self._run(texts, ["vector"])])

    def encode_tokens(self, texts: Sequence[str]) -> Encoded:
        """What `encode` gives, and unit vectors of the texts' tokens on 64 axes, without the marks at either end.

        Raises:
            ModelError: a file of the model is missing or altered.
        """
        found = self._run(texts, ["vector", "token_vectors"])
        none = np.empty((0, TOKEN_DIMENSIONS), np.int8)
        return Encoded(
            np.stack([outputs[0] for _, outputs in found]) if found else np.empty((0, DIMENSIONS), np.float32),
            np.concatenate([none, *(np.rint(outputs[1][1:-1] * 127).astype(np.int8) for _, outputs in found)]),
            np.array([number for ids, _ in found for number in ids[1:-1]], np.int32),
            np.cumsum([0, *(len(ids) - 2 for ids, _ in found)], dtype=np.int64),
        )

    def _run(self, texts: Sequence[str], outputs: list[str]) -> list[tuple[list[int], list[NDArray[np.float32]]]]:
        """Each text's tokens, and what the model gives for them."""
        session, tokenizer = _session(), _tokenizer(self.max_tokens)

        def run(text: str) -> tuple[list[int], list[NDArray[np.float32]]]:
            # A PDF can hold lone surrogates, which no tokenizer takes.
            ids = tokenizer.encode(text.encode("utf-8", "replace").decode()).ids
            return ids, [output[0] for output in session.run(outputs, {"ids": np.array([ids], np.int64)})]

        # A passage that is one sentence comes twice.
        each = dict.fromkeys(texts)
        if self.threads == 1:
            found = {text: run(text) for text in each}
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                found = dict(zip(each, pool.map(run, each), strict=True))
        return [found[text] for text in texts]


def part(encoded: Encoded, number: int) -> Encoded:
    """One of the encoded texts."""
    start, end = encoded.starts[number : number + 2].tolist()
    tokens = slice(start, end)
    vector = encoded.vectors[number : number + 1]
    return Encoded(vector, encoded.tokens[tokens], encoded.ids[tokens], np.array([0, end - start], np.int64))


def split(encoded: Encoded, number: int) -> tuple[Encoded, Encoded]:
    """The first so many of the encoded texts, and the others."""
    at = int(encoded.starts[number])
    first = Encoded(encoded.vectors[:number], encoded.tokens[:at], encoded.ids[:at], encoded.starts[: number + 1])
    rest = Encoded(encoded.vectors[number:], encoded.tokens[at:], encoded.ids[at:], encoded.starts[number:] - at)
    return first, rest


def together(parts: Sequence[Encoded]) -> Encoded:
    """Encoded texts, one after the other; at least one."""
    return Encoded(
        np.concatenate([one.vectors for one in parts]),
        np.concatenate([one.tokens for one in parts]),
        np.concatenate([one.ids for one in parts]),
        np.cumsum([0, *(size for one in parts for size in np.diff(one.starts))], dtype=np.int64),
    )


# A lock, because a cached function that two threads call at once for the first time runs twice: two models in memory.
_LOADING = threading.Lock()


def _session() -> onnxruntime.InferenceSession:
    with _LOADING:
        return _load_session()


@cache
def _load_session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path_of(ENCODER_MODEL), options, providers=["CPUExecutionProvider"])


@cache
def _tokenizer(max_tokens: int) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(path_of(ENCODER_TOKENIZER)))
    tokenizer.enable_truncation(max_tokens)
    return tokenizer
