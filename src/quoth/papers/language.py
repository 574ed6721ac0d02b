"""Whether a page's letters are language: fonts that lie give other letters than those that the page shows.

Such a font was embedded without a map from its glyphs to letters, or with a wrong one; a person sees words, a program
gets `WKH QHWZRUN`, or signs of any alphabet. No cipher is looked for: the letters of a page are lying if they follow
each other as letters of no language in Latin script do, if they are of several scripts at once, or if they are no
letters. A page without enough words is not judged, nor are words of another script beyond that they are of one.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from quoth.papers.pdf import HIDDEN, RawPage

LETTERS = string.ascii_lowercase + " "
"""What the table counts: letters, and the space for where a word begins and ends."""

DIGITS = string.digits + string.ascii_lowercase
STEP = 0.25
"""Nats for each step of a digit of the table."""

_TABLE = """
vfdesjfpezj9d6vez8a8hfkpgzf amot5ottbotamt9ot9emcttt8tf 8wgw8wi7cwcdom6wwejbewwwkwe coxl9mixatxnxtctphblhotxix2
cocaeknufznegbriq8acphmjiv5 dvpvbcvv8pvdvr7vvameivvvvv4 cnup8ui8cuuhlfhmu8cnduuuju5 7uyy3yyybyyolo9yughdkukyhn8
giadcgcsnskdf6bhzf98zeujzlg 8iii9eiiiieiii8iicii6eiiiie emrr6rgkerregchrrr8rrrkrrr4 9xjb7kns9xl9osapxpefehsxcx7
7fov6qvvavvqfm8bvqfvhvovvv7 fze78kazdvokvjbzrvcaglpkjz5 mkhgm9fqiviec7hfz7ecbhdnrv9 9qqq8uu9auuaquacu9cdduuuiua
iieiiiiiiiiiiiiiiiii2biiiii 9tic5qhlbzdmghanzhcehhqzgz7 fzhm9kzgbzmqjoefvze8gzozoz3 dwkwauz5azuknsblzccghwdwiz6
egeednfuhuubd7qdu796quuuouj 6sss2slsasssssasslsslsssnsj 8rvv5vv87vvnve7vvigvvvvvvvb 9mfm9mmmdmmmmmmammmagmmmmm3
kmlobssshsmsmdhisoadssksss2 eiii4iiiiiiiiiciiiiiiiiiii6 9dceeciecokdeeadpda7jiaznuz
"""

_SURPRISE = 3.7  # nats for each pair of letters: prose has 2.2 to 3.6, whatever its language, random letters 4.5
_ENOUGH = 250  # pairs of letters, or characters, below which nothing is judged
_SHARE = 0.25  # of a page's letters that lie
_STRANGE = 0.2  # of a page's characters that prose has no use for
_MARKS = 3  # kinds of signs with which the diagrams of a page are drawn
_NO_WORDS = ("Cc", "Cn", "Co", "Cs", "Sm", "So", "Sc", "Sk")
_ONE_SCRIPT = 0.7  # of the letters of a page in another script than Latin
_MARK = re.compile("[\u0300-\u036f]")
_WORD = re.compile("[a-z]{2,}")
_SEQUENCE = re.compile(r"\b[A-Z]{8,}\b")  # of a protein or a gene
_BROKEN = re.compile(r"\ufffe\s*")
_COMMON = (" the ", " of ", " and ", " in ", " to ", " for ", " with ", " was ", " is ")
_LIKE = str.maketrans({"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "ı": "i", "đ": "d", "ð": "d", "þ": "th"})
_EAST = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH"}


def words_of(text: str) -> list[str]:
    """The words of a text in plain small letters, without marks on them and without letters that stand alone."""
    plain = _SEQUENCE.sub(" ", _BROKEN.sub("", text)).lower()
    if not plain.isascii():
        plain = _MARK.sub("", unicodedata.normalize("NFKD", plain.translate(_LIKE)))
    return _WORD.findall(plain)


def lies(page: RawPage) -> bool:
    """Whether a good part of the letters that a page gives cannot be those that it shows."""
    text = page.text.replace(HIDDEN, "")
    if _no_language(text):
        return True
    lying = sum(len(part) for part in _by_font(page) if _no_language(part))
    return lying > _SHARE * len(text)


def _by_font(page: RawPage) -> Iterator[str]:
    fonts: dict[str, list[str]] = {}
    for line in page.lines:
        fonts.setdefault(line.font, []).append(line.text)
    if len(fonts) > 1:
        yield from ("\n".join(lines) for lines in fonts.values())


def _is_plain(text: str) -> bool:
    """Whether a text is full of the commonest English words: most pages are, and counting is quick."""
    return 200 * sum(text.count(word) for word in _COMMON) > len(text)


def _no_language(text: str) -> bool:
    if len(text) < _ENOUGH or _is_plain(text):
        return False
    characters = Counter(text)
    printed = sum(count for letter, count in characters.items() if not letter.isspace() and letter != "\ufffe")
    if printed < _ENOUGH:
        return False
    # A diagram may be drawn with thousands of one and the same sign.
    strange = sorted(count for letter, count in characters.items() if _is_strange(letter))[:-_MARKS]
    if sum(strange) > _STRANGE * printed:
        return True
    scripts: Counter[str] = Counter()
    for letter, count in characters.items():
        if letter.isalpha():
            scripts[_script(letter)] += count
    foreign = scripts.total() - scripts["LATIN"]
    if foreign > scripts["LATIN"]:
        most = max(count for script, count in scripts.items() if script != "LATIN")
        return foreign >= _ENOUGH // 2 and most < _ONE_SCRIPT * foreign
    return _surprise(words_of(text)) > _SURPRISE


def _surprise(words: list[str]) -> float:
    """Nats for each pair of letters, 0 where there are too few."""
    letters = np.frombuffer(f" {' '.join(words)} ".encode(), np.uint8) - ord("a")
    letters[letters > 25] = 26
    if len(letters) <= _ENOUGH:
        return 0.0
    return float(_surprises()[letters[:-1], letters[1:]].mean())


@lru_cache
def _surprises() -> NDArray[np.float64]:
    return STEP * np.array([[DIGITS.index(digit) for digit in row] for row in _TABLE.split()])


@lru_cache(maxsize=10_000)
def _is_strange(letter: str) -> bool:
    """Whether prose has no use for a character: it stands for nothing, is a sign, or a letter of few languages."""
    kind = unicodedata.category(letter)
    if letter.isalpha():
        return _script(letter) == "LATIN" and not unicodedata.normalize("NFKD", letter.translate(_LIKE))[0].isascii()
    return letter == "\ufffd" or (kind in _NO_WORDS and not letter.isspace() and letter not in "+<=>|~^`$\ufffe")


@lru_cache(maxsize=10_000)
def _script(letter: str) -> str:
    first = unicodedata.name(letter, "NONE").split()[0]
    return "EAST" if first in _EAST else first
