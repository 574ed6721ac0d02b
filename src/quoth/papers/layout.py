"""From the lines of a page to its rows in reading order: running heads out, columns after each other, cells in rows.

Columns are found by their gutter: an x that few lines cross and on both sides of which lines fill their width. Lines
that cross it (a title, a wide table) cut the page into bands; within a band the left side is read before the right.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from quoth.papers.heads import running_heads, without_line_numbers
from quoth.papers.pdf import Line, RawPage
from quoth.papers.sections import section_kind
from quoth.vocabulary import SectionKind

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

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
        if len(self.lines) == 1:  # mostly so, and asked for often
            return self.lines[0].height
        return max(self.lines, key=lambda line: line.x1 - line.x0).height

    @property
    def bold(self) -> bool:
        """Whether all of it is set in a bold font."""
        return all(line.bold for line in self.lines)

    @property
    def text(self) -> str:
        """Its words as the page gives them, cells apart."""
        return self.lines[0].text if len(self.lines) == 1 else " ".join(line.text for line in self.lines)

    @property
    def cells(self) -> int:
        """How many runs of words stand apart in it."""
        gaps = (b.x0 - a.x1 > 1.1 * a.height for a, b in pairwise(self.lines))
        return 1 + sum(gaps)

    @property
    def sparse(self) -> bool:
        """Whether its words stand farther apart than words of a sentence do: cells that came as one line."""
        if len(self.lines) == 1:
            line = self.lines[0]
            return line.x1 - line.x0 > 0.66 * line.height * max(1, len(line.text))
        width = sum(line.x1 - line.x0 for line in self.lines)
        return self.cells > 1 or width > 0.66 * self.height * max(1, sum(len(line.text) for line in self.lines))


def reading_order(pages: Sequence[RawPage]) -> list[Row]:
    """The rows of all pages as they are read, without running heads, page numbers and line numbers."""
    heads = running_heads(pages)
    rows: list[Row] = []
    for page, out in zip(pages, heads, strict=True):
        lines = [line for i, line in enumerate(page.lines) if i not in out and _visible(line, page)]
        lines = without_line_numbers(lines)
        upright = [line for line in lines if line.upright]
        parts = columns(upright) if upright else []
        sideways = [line for line in lines if not line.upright]
        if sideways:
            parts.append(sideways)
        for number, column in enumerate(parts):
            rows.extend(_rows(column, page.number, number, sideways=column is sideways))
    return rows


def _visible(line: Line, page: RawPage) -> bool:
    inside = line.x1 > 0 and line.x0 < page.width and line.bottom > 0 and line.top < page.height
    # A stamp up the margin (arXiv's) is the publisher's, not the paper's.
    stamp = not line.upright and (line.x1 < 0.09 * page.width or line.x0 > 0.91 * page.width)
    return inside and not stamp


def columns(lines: list[Line], depth: int = 0) -> list[list[Line]]:
    """Upright lines of a page as columns in reading order."""
    gutter = _gutter(lines) if depth < 3 and len(lines) >= 6 else None
    if gutter is None:
        return [lines]
    found: list[list[Line]] = []
    for band in _bands(lines, gutter):
        left = [line for line in band if line.x1 <= gutter + 1]
        right = [line for line in band if line.x0 >= gutter - 1 and line.x1 > gutter + 1]
        if not left or not right or len(left) + len(right) < len(band):
            found.append(band)
            continue
        for part in _parts(left, right):
            found.extend(columns(part, depth + 1))
    return found


def _parts(left: list[Line], right: list[Line]) -> Iterator[list[Line]]:
    """The two sides in order; a reference list that is set in columns of its own under the text is read after both."""
    cut = _list_below(left, right)
    if cut is not None:
        yield [line for line in left if line.bottom <= cut]
        yield [line for line in right if line.bottom <= cut]
    yield [line for line in left if cut is None or line.bottom > cut]
    yield [line for line in right if cut is None or line.bottom > cut]


def _list_below(left: list[Line], right: list[Line]) -> float | None:
    """Where white space runs across both columns over the heading of the reference list in the left one."""
    for heading in left:
        if section_kind(heading.text, SectionKind.BODY) is SectionKind.REFERENCES:
            over = max((line.bottom for line in left if line.bottom <= heading.top), default=None)
            if over is None or heading.top - over < 0.8 * heading.height:
                continue
            above = [line for line in right if line.bottom < heading.top]
            below = [line for line in right if line.bottom >= heading.top]
            if above and below and min(line.top for line in below) > over + 0.8 * heading.height:
                return max(over, *(line.bottom for line in above))
    return None


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
    beyond = [line for line in lines if line.x0 >= gutter - 1]
    bands: list[list[Line]] = []
    was_wide, table = False, False
    bottom = 0.0
    for line in ordered:
        wide = line.x0 < gutter - 1 and line.x1 > gutter + 1
        side = gutter - left if line.x1 <= gutter + 1 else right - gutter
        if not wide and was_wide and not table and _ends_paragraph(line, bands[-1][-1], beyond):
            wide = True
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


def _ends_paragraph(line: Line, before: Line, beyond: list[Line]) -> bool:
    """Whether a line is the short last one of a paragraph over all columns: set on under it, with nothing beside it."""
    step = line.bottom - before.bottom
    if abs(line.x0 - before.x0) > 2 * line.height or not 0 < step < 1.6 * line.height:
        return False
    if abs(line.height - before.height) > 0.05 * line.height:
        return False
    return not any(abs(other.bottom - line.bottom) < 0.6 * line.height for other in beyond)


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
