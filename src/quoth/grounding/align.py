"""Close matching: a bounded alignment of a reader's words with the document's, in which only harmless slips may differ.

Harmless are one wrong letter in a lower-case word of six or more letters that makes no other known word, an article or
an idle word dropped or added, a doubled short word, a hyphen or space between the parts of a word, punctuation, and a
citation marker left out. Whatever else differs (a number, a unit, a negation, a comparison, a name, any other word)
refuses the match. Candidate places come from the rarest words of the quote through an index of the document's words,
so that the cost of one quote does not grow with the document; places are then compared by rapidfuzz.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA, Levenshtein

from quoth.grounding.fold import Folded, is_edge
from quoth.grounding.tokens import Words, citation_markers
from quoth.grounding.words import (
    ARTICLES,
    CLAIM_WORDS,
    IDLE,
    LOOK_ALIKES,
    PREFIXES,
    STRICT_WORDS,
    WEIGHED_BY_ARTICLE,
)

MIN_WORDS = 5
"""A shorter quote is located as it stands or not at all."""

MAX_WORDS = 400
"""A longer quote is located exactly or folded, or not at all."""

WORDS_PER_SLIP = 6
MAX_SLIPS = 6
_TYPO_LETTERS = 6
_ANCHORS = 16
_POSTINGS = 20_000
_PLACES = 6
_TRIES = 12
_DRIFT = 8
_REGION = 8


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a folded document and the number of slips with which the reader's words match it."""

    start: int
    end: int
    slips: int


class Aligner:
    """Finds close matches in one document; prepared once, then used for many quotes."""

    def __init__(self, folded: Folded, known: frozenset[str] = frozenset()) -> None:
        self._text = folded.text
        self._markers = citation_markers(folded)
        self._full = Words(folded)
        self._bare = Words(folded, self._markers) if self._markers else self._full
        self._known = known

    def find(self, said: Folded, *, limit: int = _PLACES) -> list[Place]:
        """The places that match but for slips, fewest slips first; none where the quote is too short or too long."""
        words = Words(said)
        if not MIN_WORDS <= len(words) <= MAX_WORDS:
            return []
        for document in dict.fromkeys((self._bare, self._full)):
            matcher = _Matcher(words, document, self._is_known)
            places = {place for at in _likely_places(words, document) if (place := matcher.best(at)) is not None}
            if places:
                return sorted(places, key=lambda place: (place.slips, place.start))[:limit]
        return []

    def without_markers(self, start: int, end: int) -> str:
        """The folded text of a stretch, its citation markers left out."""
        pieces, last = [], start
        for first, after in self._markers:
            if start <= first and after <= end:
                pieces.append(self._text[last:first])
                last = after
        return "".join((*pieces, self._text[last:end]))

    def _is_known(self, said: str, word: str) -> bool:
        """Whether what was said for a word is another word: one of the document's or the stock's, or inflects one."""
        if said in self._full.number or said in CLAIM_WORDS:
            return True
        at_the_end = said[:-2] == word[: len(said) - 2]  # a wrong letter there may make another inflection
        return any(
            stem in LOOK_ALIKES or stem in self._known or (at_the_end and stem in self._full.number)
            for stem in _stems(said)
        )


def _stems(word: str) -> Iterator[str]:
    yield word
    if word.endswith("s") and not word.endswith("ss"):
        yield word[:-1]
    for suffix in ("es", "ed", "er", "ing", "ly", "est"):
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            stem = word[: -len(suffix)]
            if stem.endswith(("ed", "er", "ing")):
                continue
            yield stem
            yield stem + "e"
            if stem[-1] == stem[-2]:
                yield stem[:-1]
    if word.endswith("e"):
        yield word + "d"
        yield word[:-1] + "ing"


def _likely_places(words: Words, document: Words) -> list[int]:
    """Where in the document the quote may begin, by the votes of its rarest words, best first."""
    votes: list[NDArray[np.int64]] = []
    rarest = sorted(
        (len(document.positions(number)), index, number)
        for index, word in enumerate(words.words)
        if (number := document.number.get(word)) is not None
    )[:_ANCHORS]
    left = _POSTINGS
    for count, index, number in rarest:
        votes.append(document.positions(number)[:left] - index)
        left -= count
        if left <= 0:
            break
    if not votes:
        return []
    begins = np.sort(np.concatenate(votes))
    # Votes for one place lie close together: the words dropped or added on the way shift them a little.
    support = np.searchsorted(begins, begins + _DRIFT, side="right") - np.arange(len(begins))
    places: list[int] = []
    for at in np.argsort(-support, kind="stable")[: 40 * _PLACES]:
        if support[at] * 2 < len(votes) or len(places) == _PLACES:
            break
        middle = int(begins[at + (support[at] - 1) // 2])
        if all(abs(middle - place) > _DRIFT // 2 for place in places):
            places.append(middle)
    return places


class _Matcher:
    """Compares one quote with places of the document."""

    def __init__(self, said: Words, document: Words, is_known: Callable[[str, str], bool]) -> None:
        self._said = said
        self._document = document
        self._is_known = is_known
        self._budget = min(MAX_SLIPS, max(1, len(said) // WORDS_PER_SLIP))
        self._said_ids = [document.number.get(word, -1) for word in said.words]

    def best(self, at: int) -> Place | None:
        """The best match that begins near the word of that index."""
        for start, end in self._windows(at):
            slips = self._slips(start, end)
            if slips is not None:
                first, last = self._document.spans[start][0], self._document.spans[end - 1][1]
                text = self._document.folded.text
                return Place(first, last, slips) if is_edge(text, first) and is_edge(text, last) else None
        return None

    def _windows(self, at: int) -> list[tuple[int, int]]:
        """Stretches of words near `at` that differ least from the quote, best first."""
        reach, size, total = self._budget + 3, len(self._said), len(self._document)
        cutoff = self._budget + 4
        low, high = max(0, at - reach - _DRIFT // 2), min(total, at + size + reach + _DRIFT)
        near = self._document.ids[low:high].tolist()
        scored = []
        for start in range(max(0, at - reach) - low, min(len(near), at + reach + 1 - low)):
            ends = range(max(start + 1, start + size - reach), min(len(near), start + size + reach) + 1)
            for end in ends:
                distance = Levenshtein.distance(self._said_ids, near[start:end], score_cutoff=cutoff)
                if distance <= cutoff:
                    scored.append((distance, abs(end - start - size), start + low, end + low))
        scored.sort()
        return [(start, end) for _, _, start, end in scored[:_TRIES]]

    def _slips(self, start: int, end: int) -> int | None:
        """How many slips part the quote from that stretch; None where they differ by more than slips."""
        total = 0
        region: tuple[int, int] | None = None  # where the present run of differences began
        steps = Levenshtein.opcodes(self._said_ids, self._document.ids[start:end].tolist())
        for step in steps:
            if step.tag == "equal":
                if region is not None:
                    total += self._mend(region[0], step.src_start, start + region[1], start + step.dest_start)
                region = None
            elif region is None:
                region = (step.src_start, step.dest_start)
            if total > self._budget:
                return None
        if region is not None:
            total += self._mend(region[0], len(self._said), start + region[1], end)
        return total if total <= self._budget else None

    def _mend(self, i: int, i_end: int, j: int, j_end: int) -> int:
        """The fewest slips that make said words i to i_end of document words j to j_end; over the budget if none do."""
        none = self._budget + 1
        if i == i_end and j == j_end:
            return 0
        if (i_end - i) + (j_end - j) > _REGION:
            return none
        options = []
        if i < i_end and j < j_end:
            if self._said_ids[i] == self._document.ids[j]:
                options.append(self._mend(i + 1, i_end, j + 1, j_end))
            elif self._is_slip(i, j):
                options.append(1 + self._mend(i + 1, i_end, j + 1, j_end))
            options += [
                1 + self._mend(after_i, i_end, after_j, j_end) for after_i, after_j in self._joins(i, i_end, j, j_end)
            ]
        if i < i_end and self._was_added(i, j):
            options.append(1 + self._mend(i + 1, i_end, j, j_end))
        if j < j_end and _may_go(self._document, j):
            options.append(1 + self._mend(i, i_end, j + 1, j_end))
        return min(options, default=none)

    def _was_added(self, i: int, j: int) -> bool:
        """Whether the reader's word may be an addition; at the start only before a sentence, at the end never."""
        at_end = i == len(self._said) - 1
        return _may_go(self._said, i) and not at_end and (i > 0 or self._document.opens_sentence(j))

    def _is_slip(self, i: int, j: int) -> bool:
        """Whether the reader's word is the document's with one wrong letter, or another article."""
        said, word = self._said.words[i], self._document.words[j]
        if said in ARTICLES and word in ARTICLES:
            return _may_go(self._said, i) and _may_go(self._document, j)
        if OSA.distance(said, word, score_cutoff=1) != 1 or self._document.is_in_link(j):
            return False
        if word.isalpha() and (self._document.raw(j).islower() or self._is_ordinary(j)):
            return self._is_typo(said, word)
        theirs, ours = self._said.parts(i), self._document.parts(j)
        if len(theirs) != len(ours):
            return False
        (said, word), *others = [pair for pair in zip(theirs, ours, strict=True) if pair[0] != pair[1]] or [("", "")]
        return not others and word.islower() and self._is_typo(said.lower(), word)

    def _is_typo(self, said: str, word: str) -> bool:
        """Whether one wrong letter parts what was said from a word, and makes no other word of it."""
        return (
            len(word) >= _TYPO_LETTERS
            and said.isalpha()
            and word.isalpha()
            and word not in STRICT_WORDS
            and OSA.distance(said, word, score_cutoff=1) == 1
            and not _prefixed(said, word)
            and not self._is_known(said, word)
        )

    def _is_ordinary(self, j: int) -> bool:
        """Whether a word has its capital from opening a sentence: the document has it in lower case elsewhere."""
        ordinary = self._document.raw(j)[1:].islower() and self._document.opens_sentence(j)
        return ordinary and any(self._document.raw(int(at)).islower() for at in self._other_places(j))

    def _other_places(self, j: int) -> NDArray[np.int64]:
        return self._document.positions(int(self._document.ids[j]))[:200]

    def _joins(self, i: int, i_end: int, j: int, j_end: int) -> Iterator[tuple[int, int]]:
        """Where one word of one side is two to four words of the other."""
        for count in range(2, 5):
            if i + count <= i_end and self._same_parts(self._said, i, i + count, self._document, j):
                yield i + count, j + 1
            if j + count <= j_end and self._same_parts(self._document, j, j + count, self._said, i):
                yield i + 1, j + count

    @staticmethod
    def _same_parts(apart: Words, start: int, end: int, whole: Words, index: int) -> bool:
        parts, word = apart.words[start:end], whole.words[index]
        if "".join(parts) != word or not word.isalpha():
            return False
        if [part.lower() for part in whole.parts(index)] == parts:
            return True
        return all(len(part) >= 3 and part not in CLAIM_WORDS and part not in PREFIXES for part in parts)


def _prefixed(said: str, word: str) -> bool:
    """Whether the two differ by a letter that may be a prefix: 'symmetric' and 'asymmetric' are two words."""
    longer, shorter = (said, word) if len(said) > len(word) else (word, said)
    return len(longer) > len(shorter) and longer[1:] == shorter and longer[0] in "aeiu"


def _may_go(words: Words, index: int) -> bool:
    """Whether the word may be dropped or added: idle, or a short word doubled."""
    word = words.words[index]
    around = words.words[index - 1 : index] + words.words[index + 1 : index + 2]
    if word in around and words.raw(index).islower() and word.isalpha() and len(word) <= 5 and word not in CLAIM_WORDS:
        return True
    if word not in IDLE:
        return False
    if word in ARTICLES:
        if words.raw(index) == "A" and not words.opens_sentence(index):
            return False  # 'vitamin A', 'group A'
        return not (around and index + 1 < len(words) and words.words[index + 1] in WEIGHED_BY_ARTICLE)
    return True
