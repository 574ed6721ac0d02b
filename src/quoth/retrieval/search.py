"""Ranking a paper's passages for a question: lexical and dense retrieval, and a scorer that has learned from both.

The scorer keeps plain fusion among its features (Cormack, Clarke and Büttcher 2009, 'Reciprocal rank fusion outperforms
Condorcet and individual rank learning methods', SIGIR, with their k = 60).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quoth.models.scorer import Scorer, Similar, cues, fusion
from quoth.retrieval.late import LateIndex
from quoth.retrieval.lexical import LexicalIndex
from quoth.vocabulary import Encoded, Passage, Question

_NEIGHBOUR = 0.2  # of the better neighbour's score: evidence seldom stands alone
_LEAST = 60  # characters: what is left of a budget is no room for another passage below this


def query(question: Question) -> str:
    """What is searched for: label and question; the guidance is for the reader and names what does not count."""
    return question.text if question.label == question.id else f"{question.label}. {question.text}"


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Every passage of a paper ranked for one question.

    `order` holds passage numbers, best first; the other arrays, shape (passages,), are by passage number: `score` the
    scorer's log odds of 'it answers', `share` the softmax over the paper of these, supported by the better neighbour,
    by which `order` goes, `fused` plain fusion from 0 to 1 (1: first in both),
    `cosine` of the vectors, `lexical` the BM25 score, `coverage` the share of the question's words, `late` how well
    its tokens match those of the question.
    """

    order: NDArray[np.intp]
    score: NDArray[np.float32]
    share: NDArray[np.float32]
    fused: NDArray[np.float32]
    cosine: NDArray[np.float32]
    lexical: NDArray[np.float32]
    coverage: NDArray[np.float32]
    late: NDArray[np.float32]


class PaperIndex:
    """A paper's passages, ready to be searched."""

    def __init__(self, passages: Sequence[Passage], encoded: Encoded, scorer: Scorer | None = None) -> None:
        """Args: the passages, the same as vectors, and another scorer than the one that ships with quoth."""
        self.passages = tuple(passages)
        self.encoded = encoded
        self.scorer = scorer or Scorer.packaged()

    @cached_property
    def lexical(self) -> LexicalIndex:
        """BM25 over the passages' words and the targets of their links."""
        return LexicalIndex(self._words)

    @cached_property
    def surface(self) -> NDArray[np.float32]:
        """Marks on the surface of each passage; see `models.scorer.cues`."""
        return cues(self._words)

    @property
    def _words(self) -> list[str]:
        return [" ".join((passage.text, *passage.links)) for passage in self.passages]

    @cached_property
    def late(self) -> LateIndex:
        """Late interaction with the passages' tokens."""
        return LateIndex(self.encoded)

    def rank(self, question: Question, asked: Encoded) -> Ranking:
        """Rank all passages for a question, whose query was encoded as `asked`."""
        words = query(question)
        lexical, coverage = self.lexical.scores(words), self.lexical.coverage(words)
        cosine, late = self.encoded.vectors @ asked.vectors[0], self.late.scores(asked)[0]
        if not len(lexical):
            return Ranking(np.zeros(0, np.intp), *[np.zeros(0, np.float32)] * 7)
        similar = Similar(lexical[None], cosine[None], late[None], coverage[None])
        score = self.scorer.scores(asked.vectors, self.encoded.vectors, self.surface, similar)[0]
        supported = score + _NEIGHBOUR * _better_neighbour(score)
        share = np.exp(supported - supported.max())
        fused = fusion(lexical[None], cosine[None])[0]
        order = np.argsort(-supported, kind="stable")
        return Ranking(order, score, share / share.sum(), fused, cosine, lexical, coverage, late)

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


def _better_neighbour(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.concatenate([scores[:1], scores, scores[-1:]])
    better: NDArray[np.float32] = np.maximum(padded[:-2], padded[2:])
    return better
