"""What OCR reads on a page as characters and lines of that page.

What comes out is what `pdf` gives for a page with a text layer, so that layout, sentences and quotes need not know;
only the boxes of characters are kept, since pdfium has none. What a text layer knows is measured: how crooked the page
lies, which lines are bold, and the size of their type. A line's box is a poor measure of that, being drawn freely
around its letters; the width of its words is a good one, as the types of papers have letters of like width.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from quoth.papers.layout import columns
from quoth.papers.ocr import Points, ReadLine
from quoth.papers.pdf import Line, RawPage
from quoth.papers.respace import respaced
from quoth.vocabulary import Source

_TALL = 1.15  # height of a line, for each point of its type
_LIKELY = 0.7  # size of the type for each point of a line's box, where nothing better is known
_ALIKE = 0.075  # relative difference up to which two sizes of type are one
_ROUGHLY = 0.2  # the same where a line has too few letters to tell
_ENOUGH = 14  # letters from which on a line tells the size of its type
_FLUSH = 2.5  # points within which lines begin at one place
_BOLD = 1.2  # thickness of a bold stroke, for each point of an upright one
_BREAK = "\r\n"
_HYPHEN = "\ufffe"  # what pdfium gives for the hyphen of a word that goes on in the next line
_ZEROS = re.compile(r"(?<![\w.])(?=[\do.,]*\d)[\do.,]*o[\do.,]*(?!\w)")  # old-style figures have a round one
_BROKEN = re.compile(r"[^\W\d_]-$")

_USUAL_WIDTH = 0.5  # of a letter, for each point of its size
_WIDTHS = {
    **dict.fromkeys("iljI|!'.,:;·", 0.28),
    **dict.fromkeys('ftr()[]-/ “”"‘’', 0.36),
    **dict.fromkeys("scJaz", 0.44),
    **dict.fromkeys("ABCDEFGHKNOPQRUVXYwTZLS&", 0.68),
    **dict.fromkeys("mMW%@—", 0.86),
}


@dataclass(frozen=True, slots=True)
class _Strip:
    """A line as a strip: from `start` so many points in the `along` direction; `size` is that of its type."""

    read: ReadLine
    text: str
    start: Points
    along: Points
    length: float
    size: float

    def middle(self) -> Points:
        """The middle of the strip."""
        return self.start + self.along * self.length / 2


def typeset(page: RawPage, read: Sequence[ReadLine], scale: float) -> RawPage:
    """A page of these lines, in the order of its columns; `scale` says how many pixels of the picture a point has."""
    strips = [_strip(line.scaled(1 / scale)) for line in respaced(read)]
    strips = [replace(strip, size=size) for strip, size in zip(strips, _sizes(strips), strict=True)]
    turn, bold = _skew(strips), _bold(strips)
    found = [(_line(strip, turn, page, bold=own), strip) for strip, own in zip(strips, bold, strict=True)]
    _align([line for line, _ in found if line.upright])
    text, lines, boxes = "", [], [np.zeros((0, 4), np.float32)]
    for line, strip in _in_order(found):
        line.start, line.end = len(text), len(text) + len(line.text)
        text += line.text + _BREAK
        lines.append(line)
        boxes += (_boxes(strip), np.full((len(_BREAK), 4), np.nan, np.float32))
    place = np.concatenate(boxes)
    return RawPage(page.number, page.width, page.height, text, None, lines, [], source=Source.OCR, boxes=place)


def _strip(line: ReadLine) -> _Strip:
    """The strip of a line, from the middle of its first letter's side; its size is that of its box."""
    corners = line.corners
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    wide, high = float(np.hypot(*across)), float(np.hypot(*down))
    level = len(line.text) < 4 or wide >= high
    along, other = (across, down) if level else (down, across)
    length, thick = (wide, high) if level else (high, wide)
    text = _ZEROS.sub(lambda match: match.group().replace("o", "0"), line.text)
    text = text[:-1] + _HYPHEN if _BROKEN.search(text) else text
    return _Strip(line, text, corners[0] + other / 2, along / max(length, 0.1), length, thick)


def _sizes(strips: Sequence[_Strip]) -> list[float]:
    """The size of each line's type: what its words' widths say, equal where it is likely to be the same type."""
    measured = {i: size for i, strip in enumerate(strips) if (size := _measured(strip)) is not None}
    per_box = float(np.median([size / strips[i].size for i, size in measured.items()])) if measured else _LIKELY
    kinds: list[float] = []
    left = dict(measured)
    while left:
        # The type of most letters first: what is left over is smaller or larger print.
        order = sorted(left, key=left.__getitem__)
        weights = np.cumsum([len(strips[i].text) for i in order])
        kinds.append(left[order[int(np.searchsorted(weights, weights[-1] / 2))]])
        left = {i: size for i, size in left.items() if not _alike(size, kinds[-1], _ALIKE)}
    for i, size in measured.items():
        measured[i] = next(kind for kind in kinds if _alike(size, kind, _ALIKE))
    sizes = []
    for i, strip in enumerate(strips):
        guess = strip.size * per_box
        near = [measured[i]] if i in measured else [*_above(strip, strips, measured), *kinds]
        sizes.append(next((size for size in near if i in measured or _alike(guess, size, _ROUGHLY)), guess))
    return sizes


def _above(strip: _Strip, strips: Sequence[_Strip], measured: Mapping[int, float]) -> list[float]:
    """The size of the type right over a line, which may end a paragraph."""
    x, y = strip.start.tolist()
    over = {
        y - strips[i].start[1]: size
        for i, size in measured.items()
        if 0 < y - strips[i].start[1] < 2 * size
        and strips[i].start[0] < x + size < strips[i].start[0] + strips[i].length
    }
    return [over[min(over)]] if over else []


def _measured(strip: _Strip) -> float | None:
    """The size of a line's type by the width of its words; None where it has too few letters."""
    text = "".join(word.text for word in strip.read.words)
    if len(text) < _ENOUGH:
        return None
    return sum(word.end - word.start for word in strip.read.words) / sum(_widths(text))


def _alike(one: float, other: float, tolerance: float) -> bool:
    return abs(one - other) <= tolerance * other


def _skew(strips: Sequence[_Strip]) -> float:
    """How many radians the page is turned, by its long lines."""
    level = [strip for strip in strips if len(strip.text) >= _ENOUGH and abs(strip.along[0]) > abs(strip.along[1])]
    return float(np.median([np.arctan2(strip.along[1], strip.along[0]) for strip in level])) if level else 0.0


def _bold(strips: Sequence[_Strip]) -> list[bool]:
    """Which lines have thicker strokes than the page's usual type, for their size as for themselves."""
    if not strips:
        return []
    letters = [len(strip.text) for strip in strips]
    size, stroke = (
        float(np.median(np.repeat(values, letters)))
        for values in ([strip.size for strip in strips], [strip.read.stroke for strip in strips])
    )
    return [
        strip.read.stroke > _BOLD * stroke and strip.read.stroke * size > _BOLD * stroke * strip.size
        for strip in strips
    ]


def _line(strip: _Strip, turn: float, page: RawPage, *, bold: bool) -> Line:
    """The line as it stands once the page is straight."""
    cosine, sine = np.cos(-turn), np.sin(-turn)
    centre = np.array([page.width / 2, page.height / 2])
    turned = np.array([[cosine, -sine], [sine, cosine]])
    ends = [turned @ (point - centre) + centre for point in (strip.start, strip.start + strip.along * strip.length)]
    (x0, y0), (x1, y1) = np.min(ends, axis=0).tolist(), np.max(ends, axis=0).tolist()
    half = strip.size * _TALL / 2
    upright = len(strip.text) < 4 or x1 - x0 >= y1 - y0
    if upright:
        middle = (y0 + y1) / 2
        return Line(strip.text, 0, 0, x0, x1, middle - half, middle + half, "", bold, True)
    middle = (x0 + x1) / 2
    return Line(strip.text, 0, 0, middle - half, middle + half, y0, y1, "", bold, False)


def _align(lines: Sequence[Line]) -> None:
    """Let lines that begin at nearly the same place begin at the same one, as they do in print."""
    flush: list[Line] = []
    for line in sorted(lines, key=lambda line: line.x0):
        if flush and line.x0 - flush[0].x0 > _FLUSH:
            flush = []
        flush.append(line)
        line.x0 = flush[0].x0


def _in_order(found: Sequence[tuple[Line, _Strip]]) -> list[tuple[Line, _Strip]]:
    """From the top of each column to its end, so that words broken at a line's end stand together."""
    upright = [line for line, _ in found if line.upright]
    rank = {}
    for number, column in enumerate(columns(upright) if upright else []):
        rank.update({id(line): number for line in column})
    return sorted(found, key=lambda one: (rank.get(id(one[0]), len(found)), round(one[0].top), one[0].x0))


def _boxes(strip: _Strip) -> NDArray[np.float32]:
    """A box for each character; none for those that draw nothing."""
    starts, ends = _places(strip)
    across = np.array([-strip.along[1], strip.along[0]]) * strip.size * _TALL / 2
    first, last = strip.start + np.outer(starts, strip.along), strip.start + np.outer(ends, strip.along)
    corners = np.stack([first - across, first + across, last - across, last + across])
    boxes = np.concatenate([corners.min(axis=0), corners.max(axis=0)], axis=1)
    boxes[[letter.isspace() for letter in strip.text]] = np.nan
    return np.round(boxes, 2).astype(np.float32)


def _places(strip: _Strip) -> tuple[Points, Points]:
    """Where each character begins and ends along the strip, in points: its share of its word, or else of the line."""
    starts, ends = np.zeros(len(strip.text)), np.zeros(len(strip.text))
    at = 0
    for word, start, end in strip.read.words or [(strip.read.text, 0.0, strip.length)]:
        at = strip.read.text.index(word, at)
        edges = np.array(list(accumulate(_widths(word), initial=0.0)))
        edges = start + (end - start) * edges / edges[-1]
        starts[at : at + len(word)], ends[at : at + len(word)] = edges[:-1], edges[1:]
        at += len(word)
    return starts, ends


def _widths(text: str) -> list[float]:
    return [_WIDTHS.get(letter, _USUAL_WIDTH) for letter in text]
