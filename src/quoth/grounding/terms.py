"""The terms of a text: what two texts must share for one to support the other.

Words are compared by their stems, numbers by their value, names (acronyms, products, identifiers) to the letter but not
the case. A text from a PDF may have lost its spaces or gained some inside a word; what is not found as a token is
therefore looked for in the squeezed text too, which holds letters and digits alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import Stemmer

_TOKEN = re.compile(r"\d+(?:[.,]\d+)*(?![^\W\d_])|[^\W_]+(?:['’](?=[a-z])[a-z]+)?")
_SQUEEZED = re.compile(r"[\W_]+")
_STEMMER = Stemmer.Stemmer("english")
STOP_WORDS = frozenset(
    """
    a about above after again all also although am an and any are as at be because been before being below between both
    but by can cannot could did do does doing down due during each either e.g eg et al etc few for from further had has
    have having he her here hers him his how however i i.e ie if in into is it its itself may me might more most must my
    neither nor not of off on once one only or other our ours out over own per same shall she should since so some such
    than that the their theirs them themselves then there therefore these they this those though through thus to too
    under until up upon us very via was we were what when where whether which while who whom whose why will with within
    without would you your yours additionally furthermore moreover specifically overall firstly secondly lastly finally
    first second third example instance based according given provided following mentioned mention mentions stated
    states context text passage passages document paper study authors article excerpt s t
    """.split()
)
"""Words that carry no claim of their own, those with which an answer speaks of its source among them."""

_NUMBER_WORDS = {
    word: str(value)
    for value, word in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())
}


class TermKind(StrEnum):
    """What a term is."""

    WORD = "word"
    NUMBER = "number"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Term:
    """One content word, number or name: `key` is what is compared, `plain` its letters and digits in lower case."""

    key: str
    plain: str
    kind: TermKind
    start: int
    end: int


def terms(text: str) -> Iterator[Term]:
    """The terms of a text in order, stop words left out; offsets are those of the text."""
    opening = True
    for match in _TOKEN.finditer(text):
        token = match.group()
        plain = token.lower()
        if plain[0].isdigit() and not any(map(str.isalpha, plain)):
            yield Term(number_key(plain), _SQUEEZED.sub("", plain), TermKind.NUMBER, *match.span())
        elif plain not in STOP_WORDS and len(plain) > 1:
            kind = TermKind.NAME if _is_name(token, opening) else TermKind.WORD
            yield Term(stem(plain), _SQUEEZED.sub("", plain), kind, *match.span())
        opening = False


def number_key(token: str) -> str:
    """A number without the commas of its thousands and the zeros that add nothing: '1,200.50' is '1200.5'."""
    whole = re.sub(r",(?=\d{3}(?!\d))", "", token)
    if re.fullmatch(r"\d+\.\d+", whole):
        whole = whole.rstrip("0").rstrip(".")
    return whole.lstrip("0") or "0"


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of a word in lower case; a number word below thirteen is its number."""
    if word in _NUMBER_WORDS:
        return _NUMBER_WORDS[word]
    stemmed: str = _STEMMER.stemWord(word.replace("’", "'").removesuffix("'s"))
    return stemmed


def squeeze(text: str) -> str:
    """Letters and digits alone, in lower case."""
    return _SQUEEZED.sub("", text).lower()


def _is_name(token: str, opening: bool) -> bool:
    """Whether a token is written as a name: capitals or digits past its first letter, or a capital in mid-sentence."""
    if any(map(str.isupper, token[1:])) or any(map(str.isdigit, token)):
        return True
    return token[0].isupper() and not opening
