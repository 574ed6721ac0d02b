"""Lexical retrieval: BM25 over stemmed words, with bm25s."""

import math
from collections.abc import Sequence
from functools import lru_cache

import bm25s
import numpy as np
import Stemmer
from numpy.typing import NDArray

_TOKEN = r"(?u)\b\w[\w+#-]*\w\b|\b\w\b"


class Words:
    """Which of some texts hold a word."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.tokens = _tokens(texts)
        holders: dict[str, list[int]] = {}
        for number, words in enumerate(self.tokens):
            for word in dict.fromkeys(words):
                holders.setdefault(word, []).append(number)
        self._holders = {word: np.array(numbers, np.intp) for word, numbers in holders.items()}

    def holders(self, word: str) -> NDArray[np.intp]:
        """The numbers of the texts that hold it."""
        return self._holders.get(word, _NOWHERE)


_NOWHERE = np.zeros(0, np.intp)


class LexicalIndex:
    """BM25 over a paper's passages."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        self._index = bm25s.BM25(method="lucene", k1=1.2, b=0.6)
        self._words = Words(texts)
        self._empty = not any(self._words.tokens)
        if not self._empty:
            self._index.index(self._words.tokens, show_progress=False)

    def scores(self, query: str) -> NDArray[np.float32]:
        """BM25 score of each passage, shape (passages,)."""
        words = [] if self._empty else [word for word in _words(query) if word in self._index.vocab_dict]
        if not words:
            return np.zeros(self._size, np.float32)
        return np.asarray(self._index.get_scores(words), np.float32)

    def coverage(self, query: str, texts: Words | None = None) -> NDArray[np.float32]:
        """Share of a query's words that each text (each passage without `texts`) holds, rare words weighing more.

        Unlike a BM25 score it means the same in every paper: a word that the whole paper lacks counts against all.
        """
        read = texts or self._words
        held, whole = np.zeros(len(read.tokens)), 0.0
        for word in sorted(set(_words(query))):
            weight = math.log(1 + self._size / (0.5 + len(self._words.holders(word))))
            held[read.holders(word)] += weight
            whole += weight
        return held.astype(np.float32) / np.float32(whole or 1)


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
