"""Links: quotes on their own, matched character for character, and often broken at a line's end."""

import re
import unicodedata
from collections.abc import Iterator

import numpy as np

from quoth.grounding.align import Place
from quoth.grounding.fold import LINK, Folded, fold_text, is_edge

_WHOLE_LINK = re.compile(
    r"(?:https?://|www\.|doi:)\S{4,}|10\.[0-9]{4,9}/\S+|[\w.-]{1,80}\.(?:com|org|io|net|edu|gov|ai)/\S+"
    r"|[A-Z]{1,6}_?[0-9]{4,12}(?:\.[0-9]{1,3})?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"^(?:https?://)?(?:www\.)?(?:(?:dx\.)?doi\.org/|doi:)?")
_GOES_ON = re.compile(r"[.?=&%#~+]\w")
_DASHES = re.compile("[\u00ad\ufffe\u2010-\u2015\u2212]")
_AROUND = " .,;()[]{}<>\"'`*/"
_MAX_LENGTH = 400
_MAX_PLACES = 256


def is_link(said: str) -> bool:
    """Whether a quote is nothing but a link, a DOI or an accession number."""
    stripped = said.strip().strip(_AROUND)
    return len(stripped) <= _MAX_LENGTH and _WHOLE_LINK.fullmatch(stripped) is not None


class BrokenLinks:
    """Looks for links in a folded text over the spaces and hyphens that line breaks put into them."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self._run_together = folded.text.replace(" ", "").replace("-", "")
        kept = np.array([character not in " -" for character in folded.text], dtype=bool)
        self._at = np.flatnonzero(kept)

    def find(self, said: str) -> list[Place]:
        """Where a link stands as a whole; failing that, where it does without its scheme and resolver."""
        wanted = _letters(said)
        for link in (wanted, _SCHEME.sub("", wanted)):
            places = [place for place in self._stretched(fold_text(link)) if self._is_whole(place, link)]
            if places:
                return places
        return []

    def find_around(self, said: str, core: str) -> list[Place]:
        """Where a folded quote that holds a link stands, but for a line break within the link."""
        if not LINK.search(core) or len(core) > 10 * _MAX_LENGTH:
            return []
        soft = "\u00ad" in said or "\ufffe" in said
        text = self._folded.text
        return [
            place
            for place in self._stretched(core)
            if is_edge(text, place.start)
            and is_edge(text, place.end)
            and _differ_in_breaks(core, text[place.start : place.end], soft_hyphens=soft)
        ]

    def _stretched(self, wanted: str) -> Iterator[Place]:
        letters = wanted.replace(" ", "").replace("-", "")
        start = self._run_together.find(letters) if letters else -1
        for _ in range(_MAX_PLACES):
            if start < 0:
                return
            yield Place(int(self._at[start]), int(self._at[start + len(letters) - 1]) + 1, 0)
            start = self._run_together.find(letters, start + 1)

    def _is_whole(self, place: Place, link: str) -> bool:
        text = self._folded.text
        first, last = self._folded.span(place.start, place.end)
        return (
            is_edge(text, place.start)
            and is_edge(text, place.end)
            and not _GOES_ON.match(text, place.end)
            and _letters(self._folded.original[first:last]) == link
        )


def _letters(text: str) -> str:
    """A link in lower case without white space and what surrounds it, its dashes as hyphens."""
    letters = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    return _DASHES.sub("-", letters).strip(_AROUND)


def _differ_in_breaks(one: str, other: str, *, soft_hyphens: bool) -> bool:
    """Whether two folded texts are the same but for breaks within their links.

    A break is a space after or before a sign of the link, or a hyphen where the reader's own may have been a soft one.
    """
    breaks = "- " if soft_hyphens else " "
    i = j = 0
    while i < len(one) and j < len(other):
        if one[i] == other[j]:
            i, j = i + 1, j + 1
        elif one[i] in breaks and _breaks_link(one, i):
            i += 1
        elif other[j] in breaks and _breaks_link(other, j):
            j += 1
        else:
            return False
    return i == len(one) and j == len(other)


def _breaks_link(text: str, index: int) -> bool:
    before = text[max(0, index - _MAX_LENGTH) : index].rpartition(" ")[2]
    if not LINK.search(before):
        return False
    return text[index] == "-" or before[-1] in "/.-_=?&" or text[index + 1 : index + 2] in ("/", ".")
