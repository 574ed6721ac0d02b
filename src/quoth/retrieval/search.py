"""Ranking a paper's passages for a question: lexical and dense retrieval, and a scorer that has learned from both.

The scorer keeps plain fusion among its features (Cormack, Clarke and Büttcher 2009, 'Reciprocal rank fusion outperforms
Condorcet and individual rank learning methods', SIGIR, with their k = 60).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quoth.models.encoder import part, split
from quoth.models.scorer import Scorer, Similar, Texts, cues, fusion, likeness, matches
from quoth.retrieval.late import LateIndex, Tokens
from quoth.retrieval.lexical import LexicalIndex, Words
from quoth.vocabulary import Encoded, Passage, Question

_NEIGHBOUR = 0.2  # of the better neighbour's score: evidence seldom stands alone
_LEAST = 60  # characters: what is left of a budget is no room for another passage below this


def query(question: Question) -> str:
    """What is searched for: label and question; the guidance is for the reader and names what does not count."""
    return question.text if question.label == question.id else f"{question.label}. {question.text}"


def texts_of(passages: Sequence[Passage]) -> list[str]:
    """What an index of these passages has to have as vectors: all of them, and then all of their sentences."""
    return [*(passage.text for passage in passages), *(text for passage in passages for text in passage.said)]


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
        """Args: the passages, the vectors of `texts_of` them, and another scorer than the one that ships with quoth."""
        self.passages = tuple(passages)
        self.encoded = encoded
        self._scorer = scorer
        self._vectors, self._sentences = split(encoded, len(self.passages))
        self._said = [passage.said for passage in self.passages]
        self._starts = np.cumsum([0, *map(len, self._said)])[:-1]

    @property
    def scorer(self) -> Scorer:
        """What judges the passages."""
        return self._scorer or Scorer.packaged()

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
        return LateIndex(self._vectors)

    @cached_property
    def _sentence_tokens(self) -> Tokens:
        return Tokens(self._sentences)

    @cached_property
    def _sentence_words(self) -> Words:
        return Words([text for said in self._said for text in said])

    @cached_property
    def _sentence_surface(self) -> NDArray[np.float32]:
        return cues([text for said in self._said for text in said])

    def rank(self, question: Question, asked: Encoded) -> Ranking:
        """Rank all passages for a question, whose query was encoded as `asked`."""
        words = query(question)
        lexical, coverage = self.lexical.scores(words), self.lexical.coverage(words)
        cosine, late = self._vectors.vectors @ asked.vectors[0], self.late.scores(asked)[0]
        if not len(lexical):
            return Ranking(np.zeros(0, np.intp), *[np.zeros(0, np.float32)] * 7)
        similar = Similar(lexical[None], cosine[None], late[None], coverage[None])
        passages = Texts(self._vectors.vectors, self.surface, matches(similar))
        score = self.scorer.scores(asked.vectors, passages, self._beside(words, asked), self._starts)[0]
        supported = score + _NEIGHBOUR * _better_neighbour(score)
        share = np.exp(supported - supported.max())
        fused = fusion(lexical[None], cosine[None])[0]
        order = np.argsort(-supported, kind="stable")
        return Ranking(order, score, share / share.sum(), fused, cosine, lexical, coverage, late)

    def sentence(self, place: tuple[int, int]) -> Encoded | None:
        """The vectors of the sentence at these offsets, as exact as they were given; None if no passage has it."""
        number = self._numbers.get(place)
        return None if number is None else part(self._sentences, number)

    @cached_property
    def _numbers(self) -> dict[tuple[int, int], int]:
        places = (place for passage in self.passages for place in passage.places)
        return {place: number for number, place in enumerate(places)}

    def _beside(self, words: str, asked: Encoded) -> Texts:
        """The sentences, compared with what is asked."""
        vectors = self._sentences.vectors
        late = self.late.scores(asked, self._sentence_tokens)
        matched = likeness(late, asked.vectors @ vectors.T, self.lexical.coverage(words, self._sentence_words)[None])
        return Texts(vectors, self._sentence_surface, matched)

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
