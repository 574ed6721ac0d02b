"""Words that OCR has run together, taken apart again: '487at', 'to3.3', 'atQuebrada', 'ResultsOf'.

Only where a little word of English, or two words that the page has alone, leave no doubt: 'GitHub' and '10th' are
words.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from quoth.papers.ocr import ReadLine, ReadWord

_LITTLE = frozenset(
    "an and are as at be been by for from had has have in is it its no not of on or per than that the their this to "
    "was we were which while who with".split()
)
_WORDS = re.compile(r"(?<!\S)[(\[“\"']?([^\W\d_]+)[)\].,;:”\"']*(?!\S)")
_SEAMS = re.compile(r"(?P<figure>\d)(?=[a-z])|(?P<letter>[a-z])(?=[A-Z\d])")
_BEFORE, _AFTER = re.compile(r"[^\W\d_]+$"), re.compile(r"[^\W\d_]+")


def respaced(lines: Sequence[ReadLine]) -> list[ReadLine]:
    """The lines of a page, with the spaces that were lost between words."""
    known = Counter(word for line in lines for word in _WORDS.findall(line.text))
    return [_respaced(line, known) for line in lines]


def _respaced(line: ReadLine, known: Counter[str]) -> ReadLine:
    parts = [(token, list(_parts(token, known))) for token in line.text.split()]
    if all(len(own) == 1 for _, own in parts):
        return line
    apart = dict(parts)
    words = tuple(part for word in line.words for part in _cut(word, apart.get(word.text, [word.text])))
    text = " ".join(part for _, own in parts for part in own)
    return ReadLine(text, line.score, line.corners, line.stroke, words)


def _parts(token: str, known: Counter[str]) -> Iterator[str]:
    start = 0
    for seam in _SEAMS.finditer(token):
        left, right = _BEFORE.search(token[start : seam.end()]), _AFTER.match(token, seam.end())
        before, after = left.group() if left else "", right.group() if right else ""
        if _is_seam(before, after, known):
            yield token[start : seam.end()]
            start = seam.end()
    yield token[start:]


def _is_seam(before: str, after: str, known: Counter[str]) -> bool:
    """Whether two runs of letters, one of them none where a figure stands, are words of their own."""
    if not before or not after:
        return (before or after) in _LITTLE
    if known[before + after] > 1:
        return False
    return (before in _LITTLE and len(after) > 2) or (before in known and (after in known or after.lower() in _LITTLE))


def _cut(word: ReadWord, parts: Sequence[str]) -> Iterator[ReadWord]:
    """A word's parts, each with its share of the place."""
    start, each = word.start, (word.end - word.start) / max(1, len(word.text))
    for part in parts:
        yield ReadWord(part, start, start + each * len(part))
        start += each * len(part)
