"""From the lines of a page to its rows in reading order: running heads out, columns after each other, cells in rows.

Columns are found by their gutter: an x that few lines cross and on both sides of which lines fill their width. Lines
that cross it (a title, a wide table) cut the page into bands; within a band the left side is read before the right.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from quoth.papers.pdf import OUTER, Line, RawPage

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_PAGE_NUMBER = re.compile(
    r"^[\W_]*(?:page|p\.)?\s*(?:\d{1,5}|[ivxl]{1,6})(?:\s*(?:of|/|\|)\s*\d{1,5})?[\W_]*$", re.IGNORECASE
)
_DIGITS = re.compile(r"\d+")
_NUMBERED = re.compile(r"^(\d{1,4})(?:\s+|$)")
_TABLE = re.compile(r"^(?:Supplementary |Extended Data )?(?:Table|TABLE|Tab\.)\s*(?:[A-Z]?\.?\d|[IVX]+\b)")


@dataclass(slots=True)
class Row:
    """Lines on one baseline, from left to right, in one column; `column` counts columns through the page."""

    lines: list[Line]
    x0: float
    x1: float
    top: float
    bottom: float
    page: int
    column: int = 0
    left: float = 0.0
    right: float = 0.0

    @property
    def height(self) -> float:
        """The height of its first line of usual size, in points."""
        return max(self.lines, key=lambda line: line.x1 - line.x0).height

    @property
    def bold(self) -> bool:
        """Whether all of it is set in a bold font."""
        return all(line.bold for line in self.lines)

    @property
    def text(self) -> str:
        """Its words as the page gives them, cells apart."""
        return " ".join(line.text for line in self.lines)

    @property
    def cells(self) -> int:
        """How many runs of words stand apart in it."""
        gaps = (b.x0 - a.x1 > 1.1 * a.height for a, b in pairwise(self.lines))
        return 1 + sum(gaps)

    @property
    def sparse(self) -> bool:
        """Whether its words stand farther apart than words of a sentence do: cells that came as one line."""
        width = sum(line.x1 - line.x0 for line in self.lines)
        return self.cells > 1 or width > 0.66 * self.height * max(1, sum(len(line.text) for line in self.lines))


def reading_order(pages: Sequence[RawPage]) -> list[Row]:
    """The rows of all pages as they are read, without running heads, page numbers and line numbers."""
    heads = _running_heads(pages)
    fonts = Counter(line.font for page in pages for line in page.lines for _ in line.text)
    rows: list[Row] = []
    for page, out in zip(pages, heads, strict=True):
        lines = [line for i, line in enumerate(page.lines) if i not in out and _visible(line, page)]
        lines = _without_line_numbers(_without_ghosts(lines, fonts))
        upright = [line for line in lines if line.upright]
        columns = _columns(upright) if upright else []
        sideways = [line for line in lines if not line.upright]
        if sideways:
            columns.append(sideways)
        for number, column in enumerate(columns):
            rows.extend(_rows(column, page.number, number, sideways=column is sideways))
    return rows


def _visible(line: Line, page: RawPage) -> bool:
    inside = line.x1 > 0 and line.x0 < page.width and line.bottom > 0 and line.top < page.height
    # A stamp up the margin (arXiv's) is the publisher's, not the paper's.
    stamp = not line.upright and (line.x1 < 0.09 * page.width or line.x0 > 0.91 * page.width)
    return inside and not stamp


@dataclass(frozen=True, slots=True)
class _Outer:
    """A line near the upper or lower end of its page: its words without numbers, and where and how it is set."""

    page: int
    line: int
    words: str
    above: bool
    edge: bool
    setting: tuple[str, int]


def _running_heads(pages: Sequence[RawPage]) -> list[set[int]]:
    """The numbers of the lines of each page that are running heads or page numbers.

    They come again, numbers apart, on other pages; or stand at the very height and in the very font of one that does
    (heads that alternate in a short paper); or begin like one (the journal's line on the first page); or are a number.
    """
    outer = [line for number, page in enumerate(pages) for line in _outer_lines(number, page)]
    places: dict[tuple[str, bool], set[int]] = defaultdict(set)
    for line in outer:
        places[line.words, line.above].add(line.page)
    enough = 2 if len(pages) < 6 else 3
    again = {key for key, where in places.items() if len(where) >= enough and key[0]}
    settings = {(line.setting, line.above) for line in outer if (line.words, line.above) in again}
    starts = {words[:14] for words, _ in again if len(words) >= 14}
    out: list[set[int]] = [set() for _ in pages]
    for line in outer:
        # One short word may also be the head of two tables that begin at the same height.
        known = (line.words, line.above) in again and (line.edge or len(line.words) > 9)
        known = known or line.words[:14] in starts
        alike = line.edge and (line.setting, line.above) in settings and not line.words.endswith(".")
        if known or alike or not line.words:
            out[line.page].add(line.line)
    return out


def _outer_lines(number: int, page: RawPage) -> list[_Outer]:
    found = []
    first, last = (
        min((line.top for line in page.lines), default=0.0),
        max((line.bottom for line in page.lines), default=0.0),
    )
    for i, line in enumerate(page.lines):
        above, below = line.bottom < OUTER * page.height, line.top > (1 - OUTER) * page.height
        if (above or below) and line.upright:
            bare = "" if _PAGE_NUMBER.match(line.text) else _DIGITS.sub("#", line.text).lower().strip("# |-–—·•")
            edge = line.top < first + line.height if above else line.bottom > last - line.height
            found.append(_Outer(number, i, bare, above, edge, (line.font, round(line.top))))
    return found


def _without_ghosts(lines: list[Line], fonts: Counter[str]) -> list[Line]:
    """Lines without a second layer of text under the first.

    A figure cut out of a manuscript can bring its whole page along, clipped away from sight. It shows by lines that lie
    on lines; of the two, the layer set in the document's usual fonts is the one that is seen.
    """
    x0, x1 = np.array([line.x0 for line in lines]), np.array([line.x1 for line in lines])
    top, bottom = np.array([line.top for line in lines]), np.array([line.bottom for line in lines])
    across = np.minimum(x1[:, None], x1) - np.maximum(x0[:, None], x0)
    down = np.minimum(bottom[:, None], bottom) - np.maximum(top[:, None], top)
    on = (across > 40) & (down > 0.35 * np.minimum.outer(bottom - top, bottom - top))
    np.fill_diagonal(on, False)
    if on.sum() < 6:
        return lines
    usual: Counter[str] = Counter()
    for i, j in zip(*np.nonzero(on), strict=True):
        a, b = lines[i].font, lines[j].font
        usual[a if fonts[a] >= fonts[b] else b] += 1
    seen = {lines[i].font for i in np.flatnonzero(~on.any(axis=1))} | set(usual)
    ghosts = {lines[i].font for i in np.flatnonzero(on.any(axis=1)) if lines[i].font not in usual}
    rare = {font for font in ghosts if font not in usual or fonts[font] < 0.5 * max(fonts[f] for f in seen)}
    return [line for line in lines if line.font not in rare]


def _without_line_numbers(lines: list[Line]) -> list[Line]:
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
    for line, _, length in margin:
        line.text, line.start = line.text[length:], line.start + length
    return [line for line in lines if line.text]


def _columns(lines: list[Line], depth: int = 0) -> list[list[Line]]:
    gutter = _gutter(lines) if depth < 3 and len(lines) >= 6 else None
    if gutter is None:
        return [lines]
    columns: list[list[Line]] = []
    for band in _bands(lines, gutter):
        left = [line for line in band if line.x1 <= gutter + 1]
        right = [line for line in band if line.x0 >= gutter - 1 and line.x1 > gutter + 1]
        if not left or not right or len(left) + len(right) < len(band):
            columns.append(band)
            continue
        for side in (left, right):
            columns.extend(_columns(side, depth + 1))
    return columns


def _gutter(lines: list[Line]) -> float | None:
    """The x between two columns, if the lines stand in columns."""
    x0, x1 = np.array([line.x0 for line in lines]), np.array([line.x1 for line in lines])
    letters = np.array([float(len(line.text)) for line in lines])
    candidates = [x * 3 for x, n in Counter(int(v // 3) for v in x0).most_common(14) if n >= 3]
    best, most = None, 0.0
    for x in candidates:
        left, right = x1 <= x + 1, x0 >= x - 1
        crossing = ~(left | right)
        if left.sum() < 3 or right.sum() < 3:
            continue
        lengths = sorted((_usual_length(letters[left]), _usual_length(letters[right])))
        prose = lengths[0] >= 12 and lengths[1] >= 28
        if not (prose and _full(x0, x1, letters, left) and _full(x0, x1, letters, right)):
            continue
        score = float(left.sum() + right.sum() - 0.5 * crossing.sum())
        if score > most and _side_by_side(lines, left, right):
            best, most = float(x), score
    return best


def _full(x0: Floats, x1: Floats, letters: Floats, side: Flags) -> bool:
    """Whether one side holds lines of prose: most of its letters stand in lines that reach across it."""
    width = x1[side].max() - x0[side].min()
    across = (x1 - x0)[side] >= 0.55 * width
    weight = letters[side]
    return bool(weight[across].sum() >= 0.6 * weight.sum())


def _usual_length(letters: Floats) -> float:
    """How many letters the line has in which a letter stands, on average."""
    return float((letters * letters).sum() / max(letters.sum(), 1.0))


def _side_by_side(lines: list[Line], left: Flags, right: Flags) -> bool:
    tops = np.array([line.top for line in lines])
    low, high = max(tops[left].min(), tops[right].min()), min(tops[left].max(), tops[right].max())
    both = (tops >= low - 2) & (tops <= high + 2)
    return bool((both & left).sum() >= 2 and (both & right).sum() >= 2)


def _bands(lines: list[Line], gutter: float) -> list[list[Line]]:
    """Runs of lines from top to bottom that either cross the gutter or stand beside it; a wide table is one band."""
    ordered = sorted(lines, key=lambda line: line.top)
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    bands: list[list[Line]] = []
    was_wide, table = False, False
    bottom = 0.0
    for line in ordered:
        wide = line.x0 < gutter - 1 and line.x1 > gutter + 1
        side = gutter - left if line.x1 <= gutter + 1 else right - gutter
        if wide:
            table = table or bool(_TABLE.match(line.text))
        elif line.top - bottom > 1.1 * line.height or line.x1 - line.x0 > 0.8 * side:
            table = False  # white space under it, or prose that fills its column
        wide = wide or table
        # A line in a column may stand level with the tail of a wide one (a superscript, a broken-off link).
        if bands and wide == was_wide:
            bands[-1].append(line)
        elif bands and was_wide and line.top < bottom - 0.5 * line.height:
            bands[-1].append(line)
            continue
        else:
            bands.append([line])
            was_wide = wide
        bottom = max(bottom, line.bottom)
    return bands


def _rows(lines: Iterable[Line], page: int, column: int, *, sideways: bool) -> list[Row]:
    rows: list[Row] = []
    ordered = list(lines) if sideways else sorted(lines, key=lambda line: (line.top + line.bottom, line.x0))
    for line in ordered:
        for row in () if sideways else reversed(rows[-3:]):
            if _level(row, line):
                row.lines.append(line)
                row.lines.sort(key=lambda member: member.x0)
                row.x0, row.x1 = min(row.x0, line.x0), max(row.x1, line.x1)
                break
        else:
            rows.append(Row([line], line.x0, line.x1, line.top, line.bottom, page, column))
    rows.sort(key=lambda row: row.top) if not sideways else None
    for row in rows:
        main = max(row.lines, key=lambda line: line.x1 - line.x0)
        row.top, row.bottom = main.top, main.bottom
    left, right = _edges(rows)
    for row in rows:
        row.left, row.right = left, right
    return rows


def _level(row: Row, line: Line) -> bool:
    overlap = min(row.bottom, line.bottom) - max(row.top, line.top)
    if overlap < 0.5 * min(row.bottom - row.top, line.height):
        return False
    return all(line.x0 >= member.x1 - 1.5 or line.x1 <= member.x0 + 1.5 for member in row.lines)


def _edges(rows: Sequence[Row]) -> tuple[float, float]:
    """The left and right edge of a column's prose, past indents and lines that end early."""
    if not rows:
        return 0.0, 0.0
    lefts, rights = sorted(row.x0 for row in rows), sorted(row.x1 for row in rows)
    return lefts[len(lefts) // 10], rights[min(len(rights) - 1, 9 * len(rights) // 10)]


def usual_height(rows: Sequence[Row]) -> float:
    """The height of most of the text, in points."""
    weights: Counter[float] = Counter()
    for row in rows:
        weights[round(row.height, 1)] += len(row.text)
    return weights.most_common(1)[0][0] if weights else 10.0


def usual_pitch(rows: Sequence[Row]) -> float:
    """The usual distance from baseline to baseline, in points."""
    pitches = [
        b.bottom - a.bottom
        for a, b in pairwise(rows)
        if (a.page, a.column) == (b.page, b.column) and 0 < b.bottom - a.bottom < 60
    ]
    return median(pitches) if pitches else 12.0
