"""Folded text as tokens: words, numbers and signs, and the citation markers among them."""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from quoth.grounding.fold import LINK, Folded
from quoth.grounding.words import INTERVAL_WORDS

# A word, a number with what stands between its digits, or a single sign. Brackets, commas and stops are no tokens.
_TOKEN = re.compile(
    r"[^\W_]+(?:(?:(?<=[0-9])[.,:/-]|[.,:/-](?=[0-9])|['_-])[^\W_]+)*"
    r"|(?<=[0-9] )-(?= [0-9])|(?<! )-(?! )|-(?=[0-9.])|(?<=[0-9])'+|\.(?=[0-9])|(?<=[0-9])\*(?=[0-9])"
    r"|[^\w\s,.;:!?()\[\]{}\"'*•|-]"
)
_BRACKET = re.compile(r"\[[0-9]{1,3}(?:(?:, ?|-|; ?)[0-9]{1,3}){0,20}\]")
_NAME = r"[A-Z][\w'’-]{1,30}(?: (?:[a-z]{2,3} )?[A-Z][\w'’-]{1,30}){0,2}"
_WORK = rf"(?:(?:see|e\.g\.|cf\.),? )?{_NAME}(?: et al\.?|,? (?:and|&) {_NAME})?,? (?:19|20)[0-9]{{2}}[a-z]?"
_AUTHOR_YEAR = re.compile(rf"\({_WORK}(?:(?:; ?{_WORK})|, ?(?:19|20)[0-9]{{2}}[a-z]?){{0,12}}\)")
_MONTH = re.compile(r"\((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)")
_JOINTS = re.compile(r"[-'\u2019\u00ad\ufffe\u2010-\u2015\u2212\s]+")
_LAST_WORD = re.compile(r"(\w+) ?$")
_NUMBERED_SCHEME = 5
_LINK_REACH = 200


def citation_markers(folded: Folded) -> list[tuple[int, int]]:
    """Where `[12]` and `(Smith et al., 2020)` stand in a folded text, in order.

    Numbers in brackets count as citations only in a document that cites so throughout, and never where they may be an
    interval.
    """
    text, cased = folded.text, folded.cased
    brackets = list(_BRACKET.finditer(text))
    single = {match.group() for match in brackets if match.group()[1:-1].isdigit()}
    found = [match.span() for match in brackets if _is_citation(text, match)] if len(single) >= _NUMBERED_SCHEME else []
    found += [match.span() for match in _AUTHOR_YEAR.finditer(cased) if not _MONTH.match(match.group())]
    return sorted(found)


def _is_citation(text: str, match: re.Match[str]) -> bool:
    numbers = [int(one) for one in re.findall("[0-9]+", match.group())]
    word = _LAST_WORD.search(text, max(0, match.start() - 20), match.start())
    ascending = all(one < other for one, other in pairwise(numbers))
    return 0 not in numbers and ascending and not (word and word.group(1) in INTERVAL_WORDS)


class Words:
    """The tokens of a folded text, numbered so that they can be compared fast."""

    def __init__(self, folded: Folded, left_out: Sequence[tuple[int, int]] = ()) -> None:
        self.folded = folded
        self.words: list[str] = []
        self.spans: list[tuple[int, int]] = []
        skips = iter((*left_out, (len(folded.text) + 1, len(folded.text) + 1)))
        skip = next(skips)
        for match in _TOKEN.finditer(folded.text):
            while match.start() >= skip[1]:
                skip = next(skips)
            if match.start() < skip[0]:
                self.words.append(match.group())
                self.spans.append(match.span())
        self.number: dict[str, int] = {}
        self.ids = np.array([self.number.setdefault(word, len(self.number)) for word in self.words], dtype=np.int64)
        order = np.argsort(self.ids, kind="stable")
        self._order = order
        self._first = np.searchsorted(self.ids[order], np.arange(len(self.number) + 1))

    def __len__(self) -> int:
        """How many tokens there are."""
        return len(self.words)

    def positions(self, number: int) -> NDArray[np.int64]:
        """Where the word of that number stands, in order."""
        return self._order[self._first[number] : self._first[number + 1]]

    def raw(self, index: int) -> str:
        """The word before its case was folded."""
        start, end = self.spans[index]
        return self.folded.cased[start:end]

    def parts(self, index: int) -> list[str]:
        """The parts of a word between its hyphens and apostrophes in the original, in the original's case."""
        start, end = self.folded.span(*self.spans[index])
        return [part for part in _JOINTS.split(self.folded.original[start:end]) if part]

    def is_in_link(self, index: int) -> bool:
        """Whether the word is part of a link, in which every letter counts."""
        start, end = self.spans[index]
        text = self.folded.text
        before = text.rfind(" ", max(0, start - _LINK_REACH), start) + 1 or max(0, start - _LINK_REACH)
        after = text.find(" ", end, end + _LINK_REACH)
        return bool(LINK.search(text, before, after if after >= 0 else end + _LINK_REACH))

    def opens_sentence(self, index: int) -> bool:
        """Whether the word opens a sentence or a line, as far as the signs before it tell."""
        before = self.folded.cased[: self.spans[index][0]][-8:].rstrip(" \"'([")
        return not before or before[-1] in ".!?:;•"
