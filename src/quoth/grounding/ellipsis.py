"""Quotes with an ellipsis: parts that follow one another in the document, with little of no weight between them."""

import re
from bisect import bisect_right
from collections.abc import Sequence

from quoth.grounding.align import Aligner, Place
from quoth.grounding.fold import Folded
from quoth.grounding.words import WEIGHTY_WORDS
from quoth.vocabulary import Sentence

MAX_LEFT_OUT = 30
"""An ellipsis stands for at most so many words."""

_MAX_PARTS = 6
_MARK = re.compile(r" ?(?:\[\.{2,20}\]|\(\.{2,20}\)|\.{3,20}) ?")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_SIGNS = re.compile(r"[0-9<>±%≈]")


def split_at_ellipses(folded_core: str) -> list[str]:
    """The parts of a folded quote; one part where it holds no ellipsis, none where it holds too many."""
    parts = [part for part in _MARK.split(folded_core) if part]
    return parts if len(parts) <= _MAX_PARTS else []


class Gaps:
    """Judges what an ellipsis leaves out of a document."""

    def __init__(self, folded: Folded, sentences: Sequence[Sentence], aligner: Aligner) -> None:
        self._folded = folded
        self._aligner = aligner
        self._starts = [sentence.start for sentence in sentences]
        self._ends = [sentence.end for sentence in sentences]

    def chain(self, parts: Sequence[Sequence[Place]]) -> list[Place]:
        """The stretches that hold one place of each part, in order, each gap a lawful one."""
        chains = list(parts[0])
        for part in parts[1:]:
            following = sorted(part, key=lambda place: place.start)
            chains = [longer for chain in chains if (longer := self._extended(chain, following)) is not None]
        return chains

    def _extended(self, chain: Place, following: Sequence[Place]) -> Place | None:
        for place in following[bisect_right(following, chain.end - 1, key=lambda place: place.start) :]:
            if place.start - chain.end > 1000:
                return None
            if self._may_be_left_out(chain.end, place.start):
                return Place(chain.start, place.end, chain.slips + place.slips)
        return None

    def _may_be_left_out(self, start: int, end: int) -> bool:
        """Whether that stretch lies inside one sentence, is short, and holds no negation, number or comparison."""
        at = self._folded.at
        before, after = int(at[start - 1]), int(at[end])
        index = bisect_right(self._starts, before) - 1
        if index < 0 or after >= self._ends[index]:
            return False
        text = self._aligner.without_markers(start, end)
        words = _WORD.findall(text)
        return (
            len(words) <= MAX_LEFT_OUT
            and not _SIGNS.search(text)
            and not any(word.replace("'", "") in WEIGHTY_WORDS or word.endswith("n't") for word in words)
        )
