"""Text folded for comparison: two texts that fold alike say the same, and the fold knows the way back.

Folded away: the kind and amount of white space, hyphenation, ligatures and presentation forms, full width and
mathematical alphabets, quotation marks, the kind of dash, accents inside words, and case. Kept to the letter, because
they carry the claim: digits and whatever stands between digits, signs and operators, super- and subscripts, the case of
units after a number, hyphens beside digits and between single letters (`x-y`), and accents on a letter that stands
alone (a mark over a symbol is mathematics). Every step is linear in the length of the text.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quoth.grounding.characters import CHARACTERS, translated_origins
from quoth.grounding.words import AMBIGUOUS_UNITS, SUSPENDED, UNITS

_RUNS = re.compile("  +")
_SOFT = re.compile("\u00ad+")
_MARKS = re.compile("[\u0300-\u036f]+")
_SUBSCRIPTS = re.compile(r"(?<=[^\W\d_])[\u2080-\u2089]+(?![\w])")
_DASH = re.compile(" ?(?:—|-{2,}) ?")
_HYPHEN = re.compile(r"(?<=[^\W\d_])- ?(?=[^\W_])")
_QUOTE = re.compile("[\"']+")
_OPENING = re.compile("(?:^|[\\s(\\[])[\"'](?=\\S)")
_SPACES = re.compile(
    r" +(?=[<>=±×≈~)\]}%‰°]|[,;:.!?](?:[ )\]]|$))"  # before an operator or closing punctuation
    r"|(?<=[<>=±×≈~(\[{]) +"
    r"|  +"
)
_UNIT = re.compile(r"(?<=[0-9])[A-Za-zμΩ]{1,4}(?![^\W\d_])")
_BEFORE_UNIT = re.compile(r"(?<=[0-9]) (?=([A-Za-zμΩ]{1,4})(?![^\W\d_]))")
_NEXT_WORD = re.compile(r"[^\W\d_]{1,8}")
LINK = re.compile(r"://|www\.|10\.[0-9]{4,9}/|\.(?:com|org|io|net|edu|gov|ai)/", re.IGNORECASE)
"""What shows that a run of characters without a space is a link."""

_BROKEN_LINK = re.compile(r"(?<=/) (?=[\w~.%-]{1,80}[/_=?&]\w)")
_LINK_REACH = 200


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """A folded text: `text`, the same before case was folded (`cased`, as long), and the way back.

    `at[i]` is the offset in the original of the character that gave `text[i]`.
    """

    text: str
    cased: str
    at: NDArray[np.int32]
    original: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original that gave `text[start:end]`, which is not empty."""
        last = int(self.at[end - 1]) + 1
        while last < len(self.original) and unicodedata.combining(self.original[last]):
            last += 1  # an accent that was folded away belongs to its letter
        return int(self.at[start]), last


def fold(original: str) -> Folded:
    """Fold a text and keep the way back."""
    tape = _Tape(original)
    _fold_marks_and_spaces(tape)
    cased = tape.text
    tape.sub(_BEFORE_UNIT, _space_before_unit)
    cased, tape.text = tape.text, _lowered(tape.text)
    return Folded(tape.text, cased, tape.origins(), original)


def fold_text(original: str) -> str:
    """The folded text alone: the same as `fold(original).text`, without the way back."""
    tape = _Tape(original, tracked=False)
    _fold_marks_and_spaces(tape)
    tape.sub(_BEFORE_UNIT, _space_before_unit)
    return _lowered(tape.text)


def is_edge(text: str, index: int) -> bool:
    """Whether a quote may start or end before `text[index]` of a folded text: not inside a word, number or link.

    A sign, a comparison or a unit that touches a number belongs to the number.
    """
    if index <= 0 or index >= len(text):
        return True
    left, right = text[index - 1], text[index]
    if left == " " or right == " ":
        return True
    if _in_word(left):
        return not (_in_word(right) or _goes_on(text, index))
    return not (_in_word(right) and _belongs_to_next(text, index))


def _goes_on(text: str, index: int) -> bool:
    """Whether the word or number that ends before `index` goes on after the sign there."""
    left, right = text[index - 1], text[index]
    following = text[index + 1] if index + 1 < len(text) else " "
    if left.isdigit() and right in "%‰°^±×'":
        return True
    if right in "-/'_":
        return _in_word(following)
    return right in ".,:" and left.isdigit() and following.isdigit()


def _belongs_to_next(text: str, index: int) -> bool:
    """Whether the sign before `index` belongs to the word or number that starts there."""
    left, right = text[index - 1], text[index]
    before = text[index - 2] if index > 1 else " "
    if right.isdigit():
        if left in "-+<>~±≈×^$€£.":
            return True
        if left == "=":
            return before in "<>"
        if left in ",:":
            return before.isdigit()
    return left in "-/'_" and _in_word(before)


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or "\u0300" <= character <= "\u036f"


class _Tape:
    """A text under edit, with the origin of every character."""

    def __init__(self, original: str, *, tracked: bool = True) -> None:
        self.text = original.translate(CHARACTERS)
        self._at: NDArray[np.int32] | None = translated_origins(original) if tracked else None

    def sub(self, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]) -> None:
        """Replace every match: the characters put in take the origins of those taken out, in order."""
        if self._at is None:
            self.text = pattern.sub(replacement, self.text)
            return
        pieces: list[str] = []
        counts = np.ones(len(self.text), dtype=np.int32)
        last = 0
        for match in pattern.finditer(self.text):
            old, new = match.group(), replacement(match)
            if old == new:
                continue
            start, end = match.span()
            pieces += (self.text[last:start], new)
            last = end
            counts[start + len(new) : end] = 0
            if len(new) > end - start:
                counts[end - 1] += len(new) - (end - start)
        if pieces:
            self.text = "".join((*pieces, self.text[last:]))
            self._at = np.repeat(self._at, counts)

    def origins(self) -> NDArray[np.int32]:
        return self._at if self._at is not None else np.zeros(0, dtype=np.int32)


def _fold_marks_and_spaces(tape: _Tape) -> None:
    if "  " in tape.text:
        tape.sub(_RUNS, _one_space)
    if "/ " in tape.text:
        tape.sub(_BROKEN_LINK, _mended_link)
    if not tape.text.isascii():
        tape.sub(_SOFT, _soft_hyphen)
        tape.sub(_MARKS, _mark)
        tape.sub(_SUBSCRIPTS, _subscript)
    if "—" in tape.text or "--" in tape.text:
        tape.sub(_DASH, _dash)
    if "-" in tape.text:
        links = _Links(tape.text)
        tape.sub(_HYPHEN, lambda match: match.group() if links.hold(match.start()) else _hyphen(match))
    if '"' in tape.text or "'" in tape.text:
        tape.sub(_QUOTE, _quote)
    tape.sub(_SPACES, _space)


class _Links:
    """The stretches of a text that are links, asked for in rising order."""

    def __init__(self, text: str) -> None:
        self._spans: list[tuple[int, int]] = []
        end = 0
        for match in LINK.finditer(text):
            if match.start() >= end:
                start = max(text.rfind(" ", end, match.start()) + 1, end)
                end = text.find(" ", match.end())
                end = len(text) if end < 0 else end
                self._spans.append((start, end))
        self._spans.reverse()

    def hold(self, index: int) -> bool:
        """Whether the character at `index` is part of a link, whose hyphens count."""
        while self._spans and self._spans[-1][1] <= index:
            self._spans.pop()
        return bool(self._spans) and self._spans[-1][0] <= index


def _one_space(match: re.Match[str]) -> str:
    return " "


def _mended_link(match: re.Match[str]) -> str:
    """The space in a link that was broken at a line's end goes."""
    before = match.string[max(0, match.start() - _LINK_REACH) : match.start()].rpartition(" ")[2]
    return "" if LINK.search(before) else " "


def _around(match: re.Match[str]) -> tuple[str, str]:
    start, end = match.span()
    text = match.string
    return (text[start - 1] if start else " "), (text[end] if end < len(text) else " ")


def _soft_hyphen(match: re.Match[str]) -> str:
    """A hyphen that shows only at a line's end: nothing within a word, but between digits it may be a dash."""
    left, right = _around(match)
    if left.isdigit() or right.isdigit():
        return "-" if left.isalnum() and right.isalnum() else ""
    return "-" if right == " " else ""


def _mark(match: re.Match[str]) -> str:
    """An accent inside a Latin or Greek word is often left out by readers; on a lone letter it is mathematics."""
    text, start, end = match.string, match.start(), match.end()
    base = text[start - 1] if start else " "
    if not ("A" <= base <= "z" or "\u0370" <= base <= "\u03ff"):
        return match.group()
    before = text[start - 2] if start > 1 else " "
    after = text[end] if end < len(text) else " "
    inside = before.isalpha() or unicodedata.combining(before) or after.isalpha()
    return "" if inside else match.group()


def _subscript(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match.group())


def _dash(match: re.Match[str]) -> str:
    left, right = _around(match)
    found = match.group()
    if " " not in found and left.isdigit() and right.isdigit():
        return found.replace("—", "-")  # of two hyphens the second may be a minus
    return " - "


def _hyphen(match: re.Match[str]) -> str:
    """A hyphen between letters may stem from a line break; one beside a digit or between symbols does not."""
    text, start, end = match.string, match.start(), match.end()
    if text[end].isdigit():
        return "-"
    if end - start == 1:
        lone_before = start < 2 or not text[start - 2].isalpha()
        lone_after = end + 1 >= len(text) or not text[end + 1].isalpha()
        return "-" if lone_before and lone_after else ""
    word = _NEXT_WORD.match(text, end)
    suspended = word is not None and word.group().lower() in SUSPENDED  # 'pre- and post-training'
    return "- " if suspended else ""


def _quote(match: re.Match[str]) -> str:
    """Quotation marks go, apostrophes stay, and so do the minutes and inches after a number."""
    left, right = _around(match)
    if left.isalnum() and right.isalnum():
        return "'" if match.group() == "'" else " "
    if left.isdigit() and not _OPENING.search(match.string, max(0, match.start() - 80), match.start()):
        return match.group().replace('"', "''")
    return ""


def _space(match: re.Match[str]) -> str:
    text, end = match.string, match.end()
    if (
        end < len(text)
        and text[end] in "<>=±×≈~)]}%‰°,;:.!?"
        and (text[end] not in ",;:.!?" or end + 1 >= len(text) or text[end + 1] in " )]")
    ):
        return ""
    return "" if match.start() and text[match.start() - 1] in "<>=±×≈~([{" else " "


def _space_before_unit(match: re.Match[str]) -> str:
    return "" if match.group(1).lower() in UNITS else " "


def _lowered(cased: str) -> str:
    """Lower case, as long as before; a unit whose case tells two units apart keeps it."""
    lowered = cased.lower().replace("ς", "σ")
    if len(lowered) != len(cased):
        lowered = "".join(low if len(low := one.lower()) == 1 else one for one in cased)
    pieces: list[str] = []
    last = 0
    for match in _UNIT.finditer(cased):
        start, end = match.span()
        if match.group().lower() in AMBIGUOUS_UNITS:
            pieces += (lowered[last:start], cased[start:end])
            last = end
    return "".join((*pieces, lowered[last:])) if pieces else lowered
