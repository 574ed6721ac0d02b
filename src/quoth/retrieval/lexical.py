"""Lexical retrieval: BM25 over stemmed words, with bm25s."""

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import bm25s
import numpy as np
import Stemmer
from numpy.typing import NDArray

_TOKEN = r"(?u)\b\w[\w+#-]*\w\b|\b\w\b"


class LexicalIndex:
    """BM25 over a paper's passages."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        self._index = bm25s.BM25(method="lucene", k1=1.2, b=0.6)
        tokens = _tokens(texts)
        self._empty = not any(tokens)
        self._words = [frozenset(words) for words in tokens]
        self._holders = Counter(word for words in self._words for word in words)
        if not self._empty:
            self._index.index(tokens, show_progress=False)

    def scores(self, query: str) -> NDArray[np.float32]:
        """BM25 score of each passage, shape (passages,)."""
        words = [] if self._empty else [word for word in _words(query) if word in self._index.vocab_dict]
        if not words:
            return np.zeros(self._size, np.float32)
        return np.asarray(self._index.get_scores(words), np.float32)

    def coverage(self, query: str, texts: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Share of a query's words that each text (each passage without `texts`) holds, rare words weighing more.

        Unlike a BM25 score it means the same in every paper: a word that the whole paper lacks counts against all.
        """
        read = self._words if texts is None else [frozenset(words) for words in _tokens(texts)]
        asked = frozenset(_words(query))
        weights = {word: math.log(1 + self._size / (0.5 + self._holders[word])) for word in sorted(asked)}
        whole = sum(weights.values())
        if not whole:
            return np.zeros(len(read), np.float32)
        held = [sum(weight for word, weight in weights.items() if word in words) for words in read]
        return np.array(held, np.float32) / np.float32(whole)


@lru_cache(4096)
def _words(query: str) -> tuple[str, ...]:
    """A query's words, kept for the next paper."""
    return tuple(_tokens([query])[0])


def _tokens(texts: Sequence[str]) -> list[list[str]]:
    found = bm25s.tokenize(
        list(texts),
        stopwords="en",
        stemmer=Stemmer.Stemmer("english"),
        token_pattern=_TOKEN,
        return_ids=False,
        show_progress=False,
    )
    return [list(words) for words in found]
