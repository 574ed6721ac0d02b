"""A context prepared for comparison: mended, cut into windows, and indexed by its terms, with the way back.

Contexts of other people's systems come as their PDF reader left them: mojibake, `(cid:0)`, words broken at the end of a
line, ligatures. They are mended for matching only; every offset that leaves here counts in the context as given.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from quoth.grounding.terms import Term, TermKind, squeeze, terms
from quoth.papers.repair import mend, splice
from quoth.papers.sentences import sentences

WINDOW = 320
"""Characters of a window at most: about what the encoder reads with care."""

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_UNMAPPED = re.compile(r"\(cid:\d+\)")
_BROKEN_WORD = re.compile(r"(?<=[a-zà-ÿ])[-\u00ad\u2010][^\S\n]*\n\s*(?=[a-zà-ÿ])")


@dataclass(frozen=True, slots=True)
class Window:
    """A run of whole sentences of the mended context."""

    text: str
    start: int
    end: int


class Source:
    """One context, mended: `text`, and `at[i]`, the offset in the context as given of the character `text[i]`."""

    def __init__(self, given: str) -> None:
        self.given = given
        self.text, self.at = mended(given)
        self.windows = tuple(_windows(self.text))
        self.terms = tuple(tuple(terms(window.text)) for window in self.windows)
        self._squeezed = tuple(squeeze(window.text) for window in self.windows)

    @cached_property
    def keys(self) -> tuple[frozenset[str], ...]:
        """The keys of each window's terms."""
        return tuple(frozenset(term.key for term in found) for found in self.terms)

    @cached_property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """The keys of each two terms that follow each other in a window."""
        return frozenset((left.key, right.key) for found in self.terms for left, right in pairwise(found))

    def held(self, term: Term) -> NDArray[np.bool_]:
        """In which windows a term stands, shape (windows,)."""
        found = [holds(keys, text, term) for keys, text in zip(self.keys, self._squeezed, strict=True)]
        return np.array(found, np.bool_)

    def says(self, plain: str) -> bool:
        """Whether the context holds these very letters and digits anywhere, spaces and hyphens apart."""
        return any(plain in squeezed for squeezed in self._squeezed)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the context as given that became `text[start:end]`, which is not empty."""
        return int(self.at[start]), int(self.at[end - 1]) + 1


def holds(keys: frozenset[str], squeezed: str, term: Term) -> bool:
    """Whether a text holds a term: among its keys, or, if it is long enough, inside its squeezed letters."""
    if term.key in keys:
        return True
    shortest, letters = (5, term.key) if term.kind is TermKind.WORD else (3, term.plain)
    return len(letters) >= shortest and letters in squeezed


def mended(given: str) -> tuple[str, NDArray[np.int32]]:
    """A context as it should have been read, and for each character the offset of the one that it comes from.

    Paragraphs stay apart by a line break each; within one every white space is a single space.
    """
    pieces: list[str] = []
    origins: list[NDArray[np.int32]] = []
    start = 0
    for gap in (*_PARAGRAPH.finditer(given), None):
        end = gap.start() if gap else len(given)
        text, at = given[start:end], np.arange(start, end, dtype=np.int32)
        text, at = splice(text, at, ((m.start(), m.end(), " ") for m in _UNMAPPED.finditer(text)))
        text, at = splice(text, at, ((m.start(), m.end(), "") for m in _BROKEN_WORD.finditer(text)))
        text, at = mend(text, at)
        pieces += (text, "\n")
        origins += (at, np.full(1, end, np.int32))
        start = gap.end() if gap else end
    return "".join(pieces[:-1]), np.concatenate(origins[:-1])


def _windows(text: str) -> list[Window]:
    """Whole sentences packed up to the size of a window, over paragraphs too; longer ones are cut between words."""
    spans: list[tuple[int, int]] = []
    offset = 0
    for paragraph in text.split("\n"):
        for start, end in sentences(paragraph):
            spans += ((offset + first, offset + last) for first, last in _pieces(paragraph, start, end))
        offset += len(paragraph) + 1
    found: list[Window] = []
    first = 0
    for number, (_, end) in enumerate(spans):
        if number + 1 == len(spans) or spans[number + 1][1] - spans[first][0] > WINDOW:
            start = spans[first][0]
            found.append(Window(text[start:end], start, end))
            first = number + 1
    return found


def _pieces(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """A sentence in pieces that fit a window."""
    pieces = []
    while end - start > WINDOW:
        cut = text.rfind(" ", start + WINDOW // 2, start + WINDOW)
        cut = cut if cut > 0 else start + WINDOW
        pieces.append((start, cut))
        start = cut + (text[cut] == " ")
    return [*pieces, (start, end)]
