"""What a sentence gets wrong though nearly all its words stand in the context: a figure, or a 'not'.

The support judge weighs how much of a sentence the context holds, and one figure or one 'not' weighs little among the
rest; yet it is the claim. These two are therefore compared to the letter, where the judge found support. Only what can
be told from the words is called contradicted: a figure in digits that stands nowhere in the context, not even rounded
or as a percentage, or another figure or a missing or added 'not' in words that are otherwise nearly the context's own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

from quoth.grounding.terms import number_key
from quoth.grounding.words import NEGATIONS
from quoth.papers.sentences import sentences

_NUMBER = r"\d+(?:[.,]\d+)*"
_ANY_NUMBER = re.compile(_NUMBER)
_DIGITS = re.compile(r"\d+")
_FIGURE = re.compile(rf"(?<![A-Za-z0-9])(?<!\d[.,]){_NUMBER}(?![A-Za-z]|\s(?:thousand|million|billion)\b)")
_POWER = re.compile(
    r"(?:(?<![\d.])(\d+(?:\.\d+)?)(?:\s?[x×·*]\s?10\s?\^?|e)|\b10\s?\^?(?=\s?\^|\s?[-−–]))\s?([-−–]?)\s?(\d{1,2})\b"
)
"""'1e-4', '3 x 10^-4' and '10-4'."""
_NO_CLAIM = re.compile(
    r"^\W*\d{1,2}[.)]\s|\[[\d,;\s–-]+\]"
    r"|\b(?:figs?|figures?|tables?|sections?|eqs?|refs?|chapters?|appendix|steps?|questions?)\b\.? ?\(?\d+",
    re.IGNORECASE,
)
"""The number of a list's item, of a citation, of a figure or section: not a figure that the sentence claims."""

_WORD = re.compile(rf"{_NUMBER}|[^\W\d_]+|[^\W_]+")
_NOT_ONLY = re.compile(r"\bnot (?:only|just|merely|least)\b", re.IGNORECASE)
_SHORTENED = re.compile(r"n['’]t\b|(?<=\bcan)not\b", re.IGNORECASE)
_ONES = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred"
_VALUES = {word: value for value, word in enumerate((_ONES + "eighteen nineteen").split(), start=1)}
_VALUES |= {word: value for value, word in zip(range(20, 101, 10), _TENS.split(), strict=True)}
_ALIKE = 0.75  # share of a sentence's words that stand in a row of the context's for both to say the same thing
_LEAST = 2  # words that they share at least


class Figures:
    """The figures of a context, however a PDF reader may have glued words to them."""

    def __init__(self, *texts: str) -> None:
        found = {token for text in texts for pattern in (_ANY_NUMBER, _DIGITS) for token in pattern.findall(text)}
        self._keys = {number_key(token) for token in found}
        self._values = {value for value in map(_value, self._keys) if value is not None}
        self._values |= {value for text in texts for value in (*_powers(text), *_spelled_out(text))}

    def hold(self, figure: str) -> bool:
        """Whether the context has this figure: the same value, one that rounds to it, or it as a share of 100."""
        if number_key(figure) in self._keys:
            return True
        value = _value(number_key(figure))
        if value is None:
            return False
        tolerance = 0.5 * 10.0 ** -_decimals(figure) * (1 + 1e-9)
        rounds = _decimals(figure) > 0 or value >= 10  # '3' is a count, not rounded
        return any(
            abs(other - value) <= (tolerance if rounds and other > tolerance else 1e-9 * value)
            for known in self._values
            for other in (known, known * 100, known / 100)
        )


def figures_of(sentence: str) -> list[str]:
    """The figures in digits that a sentence claims."""
    return _FIGURE.findall(_POWER.sub(" ", _NO_CLAIM.sub(" ", sentence)))


def turned_round(sentence: str, evidence: str) -> bool:
    """Whether a sentence is nearly one of its evidence but for another figure, or for a 'not' that came or went."""
    own = _words(sentence)
    best: tuple[float, bool] = (0.0, False)
    for start, end in sentences(evidence.replace("\n", " ")):
        best = max(best, _compared(own, _words(evidence[start:end])), key=lambda pair: pair[0])
    return best[1]


def _compared(own: list[str], other: list[str]) -> tuple[float, bool]:
    """How much of `own` stands in `other` in the same order, and whether what is between is another claim."""
    matcher = SequenceMatcher(None, own, other, autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    shared = sum(block.size for block in blocks)
    if shared < _LEAST or shared < _ALIKE * len([word for word in own if word not in NEGATIONS]):
        return 0.0, False
    first, last = blocks[0].b, blocks[-1].b + blocks[-1].size
    between = [op for op in matcher.get_opcodes() if op[0] != "equal" and op[3] < last and op[4] > first]
    changes = [(own[op[1] : op[2]], other[op[3] : op[4]]) for op in between]
    denied = any(_denials(left) != _denials(right) for left, right in changes)
    other_figure = any(_figures_among(left) and _figures_among(right) for left, right in changes)
    added = _figures_among(own) - _figures_among(other)  # empty where figures only changed places
    return shared / len(own), denied or (other_figure and bool(added))


def _denials(words: Iterable[str]) -> int:
    return sum(word in NEGATIONS for word in words)


def _figures_among(words: Iterable[str]) -> Counter[str]:
    return Counter(word for word in words if word[-1].isdigit())  # a key may be ".5"


def _words(text: str) -> list[str]:
    plain = _SHORTENED.sub(" not", _NOT_ONLY.sub(" ", text))
    return [number_key(word) if word[0].isdigit() else word.lower() for word in _WORD.findall(plain)]


def _powers(text: str) -> Iterator[float]:
    for match in _POWER.finditer(text):
        factor, minus, exponent = match.groups()
        yield float(f"{factor or 1}e{'-' if minus else ''}{exponent}")


def _spelled_out(text: str) -> Iterator[float]:
    """The values below a hundred that stand in words: 'sixty-four' is 60, 4 and 64."""
    before = 0
    for word in _WORD.findall(text.lower()):
        value = _VALUES.get(word, 0)
        if value:
            yield value
            if value < 10 and before >= 20:
                yield before + value
        before = value


def _value(key: str) -> float | None:
    try:
        return float(key)
    except ValueError:
        return None


def _decimals(figure: str) -> int:
    _, point, rest = figure.rpartition(".")
    return len(rest) if point else 0
