"""Are these the paper's words, and do they answer the question: the test that every reader's quotes must pass.

A quote is located in the whole document and scored for its question by the model that picks the embedded reader's own
quotes. Evidence stands in a passage: what mainly stands in the title, a heading, a running head, a figure's labels or
the reference list scores nothing, and neither do a heading's words wherever they are repeated.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from quoth.grounding import Locator
from quoth.readers.base import ReadPaper
from quoth.readers.embedded import QUOTE_THRESHOLD, Asked, Candidate, ReaderModel
from quoth.retrieval import Ranking
from quoth.vocabulary import BlockKind, Encoder, Located, Question, Quote, Sentence

Offsets = NDArray[np.intp]

_SIGN = re.compile(r"[\W_]+")
_MAINLY = 0.5


@dataclass(frozen=True, slots=True)
class Said:
    """What a reader gave as a quote; `near` are the offsets of the passage that it cites for it."""

    text: str
    near: tuple[int, int] | None = None


class Verifier:
    """Verifies quotes from one paper; what is found out about the paper serves all of its questions."""

    def __init__(self, paper: ReadPaper, encoder: Encoder) -> None:
        self._paper = paper
        self._encoder = encoder
        self._rankings: dict[Question, Ranking] = {}

    def quotes(self, question: Question, said: Sequence[Said]) -> tuple[Quote, ...]:
        """What was said, located and scored for the question, in the same order.

        A quote that is missing has no score; one that stands where no evidence stands has the score 0.
        """
        return tuple(self._scored(question, self._locator.locate(one.text, one.near)) for one in said)

    def ranking(self, question: Question) -> Ranking:
        """The paper's passages, ranked for a question."""
        if question not in self._rankings:
            self._rankings[question] = self._asked.ranking(question)
        return self._rankings[question]

    @cached_property
    def _locator(self) -> Locator:
        return Locator(self._paper.document, self._paper.geometry)

    @cached_property
    def _asked(self) -> Asked:
        return Asked(self._paper, self._encoder, ReaderModel.packaged())

    @cached_property
    def _bounds(self) -> tuple[Offsets, Offsets]:
        passages = self._paper.index.passages
        return np.array([p.start for p in passages], np.intp), np.array([p.end for p in passages], np.intp)

    @cached_property
    def _headings(self) -> tuple[str, ...]:
        document = self._paper.document
        headings = (block for block in document.blocks if block.kind is BlockKind.HEADING)
        return tuple(_signs(document.text[block.start : block.end]) for block in headings)

    def _scored(self, question: Question, quote: Quote) -> Quote:
        if quote.located is Located.MISSING:
            return quote
        candidates = self._candidates(quote)
        if not candidates:
            return replace(quote, score=0.0)
        scores = self._asked.scores(question, self.ranking(question), candidates)
        return replace(quote, score=round(float(scores.max()), 4))

    def _candidates(self, quote: Quote) -> list[Candidate]:
        """The quote as a whole, and each sentence that is mainly in it: one that answers is enough."""
        start, end = quote.spans[0].start, quote.spans[-1].end
        starts, ends = self._bounds
        inside = np.clip(np.minimum(ends, end) - np.maximum(starts, start), 0, None)
        if inside.sum() < _MAINLY * (end - start) or any(_signs(quote.text) in heading for heading in self._headings):
            return []
        whole = Candidate(Sentence(start, end, -1), int(inside.argmax()))
        parts = [
            Candidate(sentence, number)
            for number in np.flatnonzero(inside).tolist()
            for sentence in self._asked.sentences(number)
            if min(end, sentence.end) - max(start, sentence.start) > _MAINLY * (sentence.end - sentence.start)
        ]
        return [whole, *parts]


def is_verified(quote: Quote) -> bool:
    """Whether a quote is located and its words answer its question."""
    return quote.located is not Located.MISSING and quote.score is not None and quote.score >= QUOTE_THRESHOLD


def _signs(text: str) -> str:
    """Only letters and digits, without case."""
    return _SIGN.sub("", text).casefold()
