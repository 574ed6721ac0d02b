"""Ranking a paper's passages for a question: lexical and dense retrieval, fused by reciprocal rank.

Fusion: Cormack, Clarke and Büttcher 2009, 'Reciprocal rank fusion outperforms Condorcet and individual rank learning
methods' (SIGIR), with their k = 60.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quoth.retrieval.lexical import LexicalIndex
from quoth.vocabulary import Passage, Question

_K = 60
_LEAST = 60  # characters: what is left of a budget is no room for another passage below this


def query(question: Question) -> str:
    """What is searched for: label and question; the guidance is for the reader and names what does not count."""
    return question.text if question.label == question.id else f"{question.label}. {question.text}"


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Every passage of a paper ranked for one question.

    `order` holds passage numbers, best first; the other arrays, shape (passages,), are by passage number: `fused` from
    0 to 1 (1: first in both), `cosine` of the vectors, `lexical` the BM25 score.
    """

    order: NDArray[np.intp]
    fused: NDArray[np.float64]
    cosine: NDArray[np.float32]
    lexical: NDArray[np.float32]


class PaperIndex:
    """A paper's passages, ready to be searched; `vectors` has shape (passages, dimensions)."""

    def __init__(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        self.passages = tuple(passages)
        self.vectors = vectors

    @cached_property
    def lexical(self) -> LexicalIndex:
        """BM25 over the passages' words and the targets of their links."""
        return LexicalIndex([" ".join((passage.text, *passage.links)) for passage in self.passages])

    def rank(self, question: Question, vector: NDArray[np.float32]) -> Ranking:
        """Rank all passages for a question, whose query has this vector, shape (dimensions,)."""
        cosine = self.vectors @ vector
        lexical = self.lexical.scores(query(question))
        fused = (_K / (_K + _ranks(cosine)) + _K / (_K + _ranks(lexical))) / 2
        return Ranking(np.argsort(-fused, kind="stable"), fused, cosine, lexical)

    def shown(self, ranking: Ranking, characters: int) -> Iterator[int]:
        """The numbers of the passages that fit into a budget of characters, best first, each whole."""
        left = characters
        for number in ranking.order.tolist():
            length = len(self.passages[number].text)
            if length <= left:
                left -= length
                yield number
            if left < _LEAST:
                return


def _ranks(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    return ranks
