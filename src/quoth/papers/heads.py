"""What stands on a page beside the paper's own words: running heads, page numbers, and numbers of lines in a margin."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from quoth.papers.pdf import OUTER, Line, RawPage

_PAGE_NUMBER = re.compile(
    r"^[\W_]*(?:page|p\.)?\s*(?:(?P<number>\d{1,5})|(?-i:[ivxl]{2,6}))(?:\s*(?:of|/|\|)\s*\d{1,5})?[\W_]*$",
    re.IGNORECASE,
)
_DIGITS = re.compile(r"\d+")
_NUMBERED = re.compile(r"^(\d{1,4})(?:\s+|$)")
_LONGEST = 110  # characters: a head that stands beside another is no paragraph
_MOST = 4  # a row of more parts is one of a table


@dataclass(frozen=True, slots=True)
class _Outer:
    """A line near the upper or lower end of its page: its words without numbers, and where and how it is set."""

    page: int
    number: int
    line: Line
    words: str
    above: bool
    edge: bool

    @property
    def setting(self) -> tuple[str, int, bool]:
        """Its font and its height on the page."""
        return self.line.font, round(self.line.top), self.above


def running_heads(pages: Sequence[RawPage]) -> list[set[int]]:
    """The numbers of the lines of each page that are running heads or page numbers.

    They come again, numbers apart, on other pages; or begin like one that does (the journal's line on the first page);
    or number the pages; or stand beside one of these, or at the very height and in the very font of one (heads that
    alternate in a short paper).
    """
    outer = [line for number, page in enumerate(pages) for line in _outer_lines(number, page)]
    heads = _again(outer, 2 if len(pages) < 6 else 3) | _page_numbers(outer)
    heads |= _beside(outer, heads)
    settings = {outer[i].setting for i in heads}
    heads |= {
        i for i, line in enumerate(outer) if line.edge and line.setting in settings and not line.words.endswith(".")
    }
    heads |= _beside(outer, heads)
    out: list[set[int]] = [set() for _ in pages]
    for i in heads:
        out[outer[i].page].add(outer[i].number)
    return out


def _outer_lines(number: int, page: RawPage) -> Iterable[_Outer]:
    upright = [line for line in page.lines if line.upright]
    first = min((line.top for line in upright), default=0.0)
    last = max((line.bottom for line in upright), default=0.0)
    for i, line in enumerate(page.lines):
        above, below = line.bottom < OUTER * page.height, line.top > (1 - OUTER) * page.height
        if (above or below) and line.upright:
            bare = "" if _PAGE_NUMBER.match(line.text) else _DIGITS.sub("#", line.text).lower().strip("# |-–—·•")
            edge = line.top < first + line.height if above else line.bottom > last - line.height
            yield _Outer(number, i, line, bare, above, edge)


def _again(outer: Sequence[_Outer], enough: int) -> set[int]:
    places: dict[tuple[str, bool], set[int]] = defaultdict(set)
    for line in outer:
        places[line.words, line.above].add(line.page)
    again = {key for key, where in places.items() if len(where) >= enough and key[0]}
    starts = {words[:14] for words, _ in again if len(words) >= 14}
    return {
        i
        for i, line in enumerate(outer)
        # One short word may also be the head of two tables that begin at the same height.
        if ((line.words, line.above) in again and (line.edge or len(line.words) > 9))
        or (line.words[:14] in starts and (line.edge or not line.page))
    }


def _page_numbers(outer: Sequence[_Outer]) -> set[int]:
    """Numbers at the very edge, and those that go up with the pages: others may stand in a table or on an axis."""
    ahead = {
        i: int(match["number"]) - line.page
        for i, line in enumerate(outer)
        if (match := _PAGE_NUMBER.match(line.line.text)) and match["number"]
    }
    counts = Counter(((ahead[i], outer[i].above), outer[i].page) for i in ahead)
    steady = Counter(key for key, _ in counts)
    return {
        i
        for i, line in enumerate(outer)
        if not line.words and (line.edge or (i in ahead and steady[ahead[i], line.above] > 1))
    }


def _beside(outer: Sequence[_Outer], heads: set[int]) -> set[int]:
    """The lines on one level with a head."""
    rows: dict[tuple[int, bool], list[int]] = defaultdict(list)
    for i, line in enumerate(outer):
        rows[line.page, line.above].append(i)
    found = set()
    for i in heads:
        mine = outer[i].line
        level = [
            j
            for j in rows[outer[i].page, outer[i].above]
            if abs(outer[j].line.bottom - mine.bottom) < 0.5 * mine.height and len(outer[j].line.text) < _LONGEST
        ]
        if outer[i].edge and len(level) <= _MOST:
            found.update(level)
    return found


def without_line_numbers(lines: list[Line]) -> list[Line]:
    """Lines without the running numbers that manuscripts carry in a margin, alone or before the text of a line."""
    marks = [(line, int(m.group(1)), m.end()) for line in lines if (m := _NUMBERED.match(line.text))]
    if len(marks) < 8:
        return lines
    left = Counter(round(line.x0 / 6) for line, _, _ in marks).most_common(1)[0][0]
    margin = sorted((m for m in marks if abs(round(m[0].x0 / 6) - left) <= 3), key=lambda m: m[0].top)
    steps = Counter(b[1] - a[1] for a, b in pairwise(margin))
    step, times = steps.most_common(1)[0] if steps else (0, 0)
    if step not in (1, 5) or times < 0.7 * (len(margin) - 1) or len(margin) < 8:
        return lines
    for line, _, length in _counting(margin, step):
        line.text, line.start = line.text[length:], line.start + length
    return [line for line in lines if line.text]


def _counting(margin: Sequence[tuple[Line, int, int]], step: int) -> list[tuple[Line, int, int]]:
    """Those of the marks in a margin that count on: a line of text may begin with a number too."""
    numbers = [number for _, number, _ in margin]
    return [
        mark
        for i, mark in enumerate(margin)
        if any(mark[1] - step == other for other in numbers[max(0, i - 2) : i])
        or any(mark[1] + step == other for other in numbers[i + 1 : i + 3])
    ]
