"""Texts as vectors, each encoded once: two judges that read the same answer share the encoder's work."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from quoth.vocabulary import Encoder

_KEPT = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """One text: its unit vector, and the unit vectors and numbers of its tokens."""

    vector: NDArray[np.float32]
    tokens: NDArray[np.float32]
    ids: NDArray[np.int32]


class Meanings:
    """An encoder that remembers the last texts that it was given."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: OrderedDict[str, Meaning] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, texts: Sequence[str]) -> list[Meaning]:
        """The meaning of each text, in order."""
        with self._lock:
            self._encode([text for text in dict.fromkeys(texts) if text not in self._known])
            found = [self._known[text] for text in texts]
            for text in texts:
                self._known.move_to_end(text)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found

    def _encode(self, texts: Sequence[str]) -> None:
        encoded = self._encoder.encode_tokens(texts)
        tokens = np.asarray(encoded.tokens / 127, np.float32)
        for number, text in enumerate(texts):
            own = slice(int(encoded.starts[number]), int(encoded.starts[number + 1]))
            self._known[text] = Meaning(encoded.vectors[number], tokens[own], encoded.ids[own])


_SHARED: WeakKeyDictionary[Encoder, Meanings] = WeakKeyDictionary()


def meanings(encoder: Encoder) -> Meanings:
    """The one memory of this encoder."""
    return _SHARED.setdefault(encoder, Meanings(encoder))
