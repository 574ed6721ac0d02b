"""Mending text without losing the way back to the page.

Every repair is an edit (start, end, replacement) of the text as pdfium gave it; `splice` applies them to the text and
to its glyphs together, so that each character of the result still knows the character of the page that draws it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Edit = tuple[int, int, str]

_SAME_LENGTH = {
    ord(c): " " for c in "\t\r\n\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f"
}
_BROKEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060\uf8e6-\uf8fe\ufeff\ufffe\uffff]+"
)
_LIGATURE = re.compile("[\ufb00-\ufb06\u0132\u0133]")
_SPACES = re.compile(" {2,}")
_MOJIBAKE = re.compile("[\u00c2-\u00c5\u00e2\u00ef\u00d0\u00d1][^\u0000-\u007f \n]{1,3}")
_COMBINING = re.compile(r"\w[\u0300-\u036f]+")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HALVES = re.compile(r"[^\s\ufffe]*\ufffe\s*[^\s\ufffe]*")  # a word broken at a line's end: no witness
_FIRST_HALF, _SECOND_HALF = re.compile(r"[^\W\d_]+$"), re.compile(r"\s*([^\W\d_]+)")
_HYPHENATING = 0.01  # share of lines that end in mid-word from which on a paper counts as hyphenated
_FIRST_HALVES = frozenset("one two three four five six seven eight nine ten half self well".split())
_LAST_HALVES = frozenset(
    "body ever fore form in less line like off on one out over self selves set some thing time times under up ward "
    "wards what where wise with work works".split()
)
_URL = re.compile(r"(?:https?://|www\.|(?:doi\.org/|doi:|DOI:)|10\.\d{4,9}/)\S*$", re.IGNORECASE)


def splice(text: str, glyphs: NDArray[np.int32], edits: Iterable[Edit]) -> tuple[str, NDArray[np.int32]]:
    """Apply edits, sorted and apart from each other, to a text and to its glyphs.

    A replacement is drawn by what it replaces: its characters point at the first glyph, as many as there are at the
    glyphs in order.
    """
    texts: list[str] = []
    parts: list[NDArray[np.int32]] = []
    done = 0
    for start, end, replacement in edits:
        texts += (text[done:start], replacement)
        parts.append(glyphs[done:start])
        if replacement:
            old = glyphs[start:end] if end > start else np.full(1, -1, np.int32)
            parts.append(old[np.minimum(np.arange(len(replacement)), len(old) - 1)])
        done = end
    if not texts:
        return text, glyphs
    texts.append(text[done:])
    parts.append(glyphs[done:])
    return "".join(texts), np.concatenate(parts)


def mend(text: str, glyphs: NDArray[np.int32]) -> tuple[str, NDArray[np.int32]]:
    """Spaces of one kind, ligatures as letters, characters composed, mojibake undone, control characters gone."""
    if not text.isascii() or not text.isprintable():
        text = text.translate(_SAME_LENGTH)
        text, glyphs = splice(text, glyphs, ((m.start(), m.end(), "") for m in _BROKEN.finditer(text)))
        if _MOJIBAKE.search(text):
            text, glyphs = _undo_mojibake(text, glyphs)
        text, glyphs = splice(text, glyphs, _normalized(text, _LIGATURE, "NFKC"))
        text, glyphs = splice(text, glyphs, _normalized(text, _COMBINING, "NFC"))
    return splice(text, glyphs, ((m.start() + 1, m.end(), "") for m in _SPACES.finditer(text)))


def _normalized(text: str, what: re.Pattern[str], form: str) -> Iterable[Edit]:
    normalize: Callable[[str, str], str] = unicodedata.normalize  # type: ignore[assignment]
    return ((m.start(), m.end(), normalize(form, m.group())) for m in what.finditer(text))


def _undo_mojibake(text: str, glyphs: NDArray[np.int32]) -> tuple[str, NDArray[np.int32]]:
    import ftfy

    settings = ftfy.TextFixerConfig(
        unescape_html=False, uncurl_quotes=False, fix_latin_ligatures=False, fix_character_width=False, explain=False
    )
    edits = []
    for match in _MOJIBAKE.finditer(text):
        fixed = ftfy.fix_encoding(match.group(), settings)
        if fixed != match.group():
            edits.append((match.start(), match.end(), fixed))
    return splice(text, glyphs, edits)


class Hyphens:
    """Whether two halves of a word at a line's end belong together with or without the hyphen.

    The paper's own usage decides where it tells; a hyphen before a capital or a digit, or inside a link, is real.
    """

    def __init__(self, pages: Sequence[str]) -> None:
        self._pages = pages
        self._breaking: bool | None = None
        self._known: tuple[set[str], set[str]] | None = None

    def joint(self, before: str, after: str) -> str:
        """What stands between two lines, the first of which (`before`) has lost its hyphen: '-', '- ' or nothing."""
        if _URL.search(before):
            return "-"
        left, right = re.search(r"[^\W\d_]+(?:-[^\W\d_]+)*$", before), re.match(r"[^\W\d_]+", after)
        if not left or not right:
            return "-"
        if right.group() in ("and", "or", "to", "und", "oder"):
            return "- "  # in- or outpatients
        return "-" if self._is_compound(left.group(), right.group()) else ""

    def _is_compound(self, left: str, right: str) -> bool:
        words, known = self._words()
        if (left + right).lower() in known:
            return False
        if right[0].isupper():
            # TensorBoard, in a paper that writes TensorFlow, has lost nothing but a hyphen that is none of its own.
            return not (left[-1].islower() and any(re.match(left + "[A-Z]", word) for word in words))
        if f"{left}-{right}".lower() in known or left.lower() in _FIRST_HALVES or len(left) == 1:
            return True
        # A compound that is hyphenated already (state-of-the-) goes on with its hyphen more often than not, and so do
        # two words that the paper has alone, as far as they do not make one word by custom (with-out).
        if right.lower() in _LAST_HALVES:
            return False
        by_usage = right.lower() in known and ("-" in left or (len(left) > 2 and left.lower() in known))
        return by_usage or not self._breaks_words()

    def _breaks_words(self) -> bool:
        """Whether this paper hyphenates at all: where it does not, a hyphen at a line's end is the word's own."""
        if self._breaking is None:
            broken = [word for page in self._pages for word in _broken_words(page)]
            lines = sum(page.count("\n") for page in self._pages)
            _, known = self._words()
            often = len(broken) >= _HYPHENATING * lines
            self._breaking = often or any(word.lower() in known for word in broken)
        return self._breaking

    def _words(self) -> tuple[set[str], set[str]]:
        """The paper's words as they stand, and in lower case."""
        if self._known is None:
            words = {word for page in self._pages for word in _WORDS.findall(_HALVES.sub(" ", page))}
            self._known = words, {word.lower() for word in words}
        return self._known


def _broken_words(page: str) -> Iterator[str]:
    """The words that a page breaks at the end of a line, put together without their hyphens."""
    for before, after in pairwise(page.split("\ufffe")):
        left, right = _FIRST_HALF.search(before[-40:]), _SECOND_HALF.match(after)
        if left and right:
            yield left.group() + right[1]


def runs_on(before: str, after: str) -> bool:
    """Whether a link at a line's end goes on in the next line, so that no space belongs between."""
    word = before.rpartition(" ")[2]
    url = _URL.search(word) if "." in word or ":" in word else None
    if not url or not after:
        return False
    tail, head = url.group()[-1], after.split(maxsplit=1)[0]
    if tail in "/_=&?#%~-:":
        return True
    return tail == "." and (head[0].isdigit() or (head[0].islower() and ("/" in head or "." in head[:-1])))
