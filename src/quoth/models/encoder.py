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

DIMENSIONS = 384
"""Length of a vector."""

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
        session, tokenizer = _session(), _tokenizer(self.max_tokens)

        def vector(text: str) -> NDArray[np.float32]:
            # A PDF can hold lone surrogates, which no tokenizer takes.
            tokens = tokenizer.encode(text.encode("utf-8", "replace").decode()).ids
            found: NDArray[np.float32] = session.run(["vector"], {"ids": np.array([tokens], np.int64)})[0][0]
            return found

        if self.threads == 1:
            return np.stack([vector(text) for text in texts])
        with ThreadPoolExecutor(self.threads) as pool:
            return np.stack(list(pool.map(vector, texts)))


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
