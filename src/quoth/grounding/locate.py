"""Where in a document the words stand that a reader said, and what the paper's own words are there.

A quote is located `exact` when the words stand there as given, `folded` when they do after folding (see `fold`),
`close` when only harmless slips or an honest ellipsis part them (see `align` and `ellipsis`), and is `missing`
otherwise. What is returned is always the paper's own words, whole words and numbers only.

Too little to prove anything is missing wherever it stands: a quote needs three words and ten letters or digits, or two
words and twelve; a link, a DOI or an accession number is a quote on its own. There is no upper limit, but beyond 400
words a quote is located exactly or folded only.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

from quoth.grounding.align import MIN_WORDS, Aligner, Place
from quoth.grounding.ellipsis import Gaps, split_at_ellipses
from quoth.grounding.fold import LINK, fold, fold_text, is_edge
from quoth.grounding.links import BrokenLinks, is_link
from quoth.vocabulary import Document, Geometry, Located, Quote, SectionKind

_MAX_OCCURRENCES = 256
_MAX_LOOKED_AT = 1024

_HEAD = " .,;:!?*_#•·‣▪\"'`()[]{}|>-"
_TAIL = " .,;:!?*_•·\"'`([{)]}|-"
_EMPHASIS = re.compile(r"(?<![^\W_])([*_`]{1,3})(?=\S)([^*_`]{1,600})(?<=\S)\1(?![^\W_])")
_ITEM = re.compile(r"\s*\(?[0-9]{1,2}[.)]\s+")
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_NO_UNIT = re.compile(r"(?<![0-9] )(?<!\w)[^\W\d_]+")
_RECASED_WORDS = 3


class Locator:
    """Locates quotes in one document.

    Preparing takes time linear in the document's length; `known` are words, in lower case, that are no misspelling of
    another word, beside the document's own.
    """

    def __init__(self, document: Document, geometry: Geometry, known: frozenset[str] = frozenset()) -> None:
        self._document = document
        self._geometry = geometry
        self._folded = fold(document.text)
        self._known = known
        references = [part for part in document.sections if part.kind is SectionKind.REFERENCES]
        self._references = sorted((section.start, section.end) for section in references)

    def locate(self, said: str, near: tuple[int, int] | None = None) -> Quote:
        """The paper's own words for what a reader said.

        Of several places the one inside `near` (offsets of the passage that the reader cites) is preferred, then one
        outside the reference list, then the first. A quote that is not there has no text and no spans.
        """
        said_folded = fold_text(said)
        core = _core(said_folded)
        places: list[Place] = []
        close = False
        if is_link(said):
            places, said_folded = self._broken_links.find(said), core  # the stop after a link is none of it
        elif _is_enough(core):
            places = self._as_said(said, core)
            if not places:
                places, close = self._close(said), True
        if not places:
            return Quote(said=said, text="", located=Located.MISSING)
        return self._quote(said, said_folded, self._preferred(places, said, near), close=close)

    @cached_property
    def _lower(self) -> str:
        return self._folded.text.lower()

    @cached_property
    def _aligner(self) -> Aligner:
        return Aligner(self._folded, self._known)

    @cached_property
    def _gaps(self) -> Gaps:
        return Gaps(self._folded, self._document.sentences, self._aligner)

    @cached_property
    def _broken_links(self) -> BrokenLinks:
        return BrokenLinks(self._folded)

    def _as_said(self, said: str, core: str) -> list[Place]:
        """Places that hold the folded words, in the first of the readings that the paper has."""
        for reading in _readings(said, core):
            places = (
                self._occurrences(self._folded.text, reading)
                or self._recased(said, reading)
                or (LINK.search(reading) and self._broken_links.find_around(said, reading))
            )
            if places:
                return places
        return []

    def _occurrences(self, text: str, core: str) -> list[Place]:
        """Where the core stands in a folded text, whole words and numbers only."""
        places: list[Place] = []
        start = text.find(core) if core else -1
        for _ in range(_MAX_LOOKED_AT):
            if start < 0 or len(places) == _MAX_OCCURRENCES:
                break
            end = start + len(core)
            if is_edge(text, start) and is_edge(text, end):
                places.append(Place(start, end, 0))
            start = text.find(core, start + 1)
        return places

    def _recased(self, said: str, core: str) -> list[Place]:
        """Places that differ in a unit's case too, where the reader recased the whole quote rather than the unit."""
        lowered = core.lower()
        if lowered == core and self._lower == self._folded.text:
            return []
        places = self._occurrences(self._lower, lowered) if len(self._lower) == len(self._folded.text) else []
        return [place for place in places if _is_recased(said, self._folded.cased[place.start : place.end])]

    def _close(self, said: str) -> list[Place]:
        """Places that slips or an ellipsis part from the words said, those with the fewest slips."""
        for reading in dict.fromkeys((said, _plain(said), _ITEM.sub("", said, count=1))):
            places = self._aligner.find(fold(reading)) or self._with_ellipses(reading)
            if places:
                fewest = min(place.slips for place in places)
                return [place for place in places if place.slips == fewest]
        return []

    def _with_ellipses(self, said: str) -> list[Place]:
        parts = split_at_ellipses(_core(fold_text(said)))
        return self._gaps.chain([self._places(part) for part in parts]) if _are_enough(parts) else []

    def _places(self, part: str) -> list[Place]:
        return self._occurrences(self._folded.text, _core(part)) or self._aligner.find(fold(part))

    def _preferred(self, places: Sequence[Place], said: str, near: tuple[int, int] | None) -> Place:
        def rank(place: Place) -> tuple[bool, bool]:
            start, end = self._folded.span(place.start, place.end)
            inside = near is not None and near[0] <= start and end <= near[1]
            return not inside, self._in_references(start)

        best = min(map(rank, places))
        equals = [place for place in places if rank(place) == best][:64]
        wanted = _collapsed(said)
        exact = (place for place in equals if self._paper_words(place.start, place.end) in wanted)
        return next(exact, equals[0])

    def _in_references(self, offset: int) -> bool:
        index = bisect_right(self._references, (offset, len(self._document.text))) - 1
        return index >= 0 and offset < self._references[index][1]

    def _paper_words(self, start: int, end: int) -> str:
        first, last = self._folded.span(start, end)
        return _collapsed(self._document.text[first:last])

    def _quote(self, said: str, said_folded: str, place: Place, *, close: bool) -> Quote:
        start, end = self._with_punctuation(said_folded, place)
        first, last = self._folded.span(start, end)
        text = _collapsed(self._document.text[first:last])
        located = Located.CLOSE if close else Located.EXACT if text == _collapsed(said) else Located.FOLDED
        return Quote(said=said, text=text, located=located, spans=self._geometry.spans(first, last))

    def _with_punctuation(self, said_folded: str, place: Place) -> tuple[int, int]:
        """The place with the brackets and stops around it that the reader gave too."""
        text, said = self._folded.text, said_folded.strip()
        head = said[: len(said) - len(said.lstrip(_HEAD))]
        tail = said[len(said.rstrip(_TAIL)) :]
        start, end = place.start, place.end
        while head and start and text[start - 1] == head[-1]:
            start, head = start - 1, head[:-1]
        while tail and end < len(text) and text[end] == tail[0]:
            end, tail = end + 1, tail[1:]
        while text[start] == " ":
            start += 1
        while text[end - 1] == " ":
            end -= 1
        return start, end


def _collapsed(text: str) -> str:
    return " ".join(text.split())


def _core(folded: str) -> str:
    """A folded quote without the punctuation, bullets and marks around it, but with the sign of a first number."""
    tail = folded.rstrip(_TAIL)
    if tail and tail[-1].isdigit():
        inches = len(folded) - len(folded[len(tail) :].lstrip("'"))
        tail = folded[:inches]
    core = tail.lstrip(_HEAD)
    head = tail[: len(tail) - len(core)]
    if core and head and (core[0].isdigit() or core[0] == "=") and head[-1] in "-.>":
        core = head[-1] + core
    return core


def _is_enough(core: str) -> bool:
    words = len(_WORDS.findall(core[:400]))
    signs = sum(character.isalnum() for character in core[:400])
    return (words >= 3 and signs >= 10) or (words >= 2 and signs >= 12)


def _are_enough(parts: Sequence[str]) -> bool:
    """Whether every part of a quote with ellipses is more than a lone word, and all together are words enough."""
    counts = [len(_WORDS.findall(part)) for part in parts]
    return len(parts) > 1 and min(counts) >= 2 and sum(counts) >= MIN_WORDS


def _readings(said: str, core: str) -> list[str]:
    """What may have been meant as the quote: all of it, without markdown's emphasis, without a list's number."""
    plain, item = _plain(said), _ITEM.sub("", said, count=1)
    others = [_core(fold_text(other)) for other in (plain, item) if other != said]
    return [core, *(other for other in others if other != core and _is_enough(other))]


def _plain(said: str) -> str:
    if not any(mark in said for mark in "*_`"):
        return said
    return _EMPHASIS.sub(r"\2", said)


def _is_recased(said: str, paper: str) -> bool:
    """Whether a reader changed the case of ordinary words too, so that the case of a unit tells nothing."""
    words = set(_NO_UNIT.findall(said))
    lowered = {word.lower() for word in words}
    changed = (word for word in _NO_UNIT.findall(paper) if word not in words)
    return sum(word.lower() in lowered for word in changed) >= _RECASED_WORDS
