"""Which drawings of words a person may not see: a look at every object of a page, before any picture is made.

A suspicion costs two pictures of the page and no more, so it is raised freely: words in an odd mode, in a light colour,
see-through, tiny, beyond the page, in a layer that may be switched off, under or on something of their colour.
"""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field
from math import hypot

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw

SMALLEST = 2.0
"""Points below which the height of letters cannot be read."""

_LIGHT = 200  # of 255: the darkest channel of a colour that may pass for that of the paper
_ALIKE = 60  # of 255: two colours in no channel farther apart may pass for each other
_OPAQUE = 250
_FILLED = (0, 2)  # rendering modes: filled, or filled and stroked to look bold
_SHORT = 8  # letters that a mark may say instead of those drawn: a ligature, a hyphen
_OVERHANG = 2.0  # points that words may reach over the page's edge
_SEGMENTS = 64  # a clipping path of more is the outline of a drawing, not a window cut out of a page
_DEEPEST = 8  # forms within forms
_MOST_COVERS, _TOGETHER = 2000, 500  # of shapes on a page, and of words compared with them at a time

Corners = tuple[float, float, float, float]
"""Left, bottom, right, top, as the page counts them: y upwards."""

_Colour = tuple[int, int, int]
_Matrix = tuple[float, float, float, float, float, float]
_Get = Callable[[object, int], raw.FPDF_PAGEOBJECT]
_ANY: _Colour = (999, 999, 999)  # of an image: words on it are not suspected for their colour
_mode, _sides, _fill = raw.FPDFTextObj_GetTextRenderMode, raw.FPDFPageObj_GetBounds, raw.FPDFPageObj_GetFillColor
_AS_IT_IS: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(slots=True)
class Suspects:
    """The words of a page that may not be seen, with their corners, by `address`, and the corners of its images.

    `tiny` words need no picture to tell. What a clipping path cuts off is told line by line, where lines are made.
    """

    words: dict[int, tuple[raw.FPDF_PAGEOBJECT, Corners]] = field(default_factory=dict)
    tiny: set[int] = field(default_factory=set)
    images: list[Corners] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a form stands, and whether all in it is suspicious; the page itself at first."""

    matrix: _Matrix = _AS_IT_IS
    depth: int = 0
    odd: bool = False


def address(drawing: raw.FPDF_PAGEOBJECT) -> int:
    """What tells one object of a page from another."""
    return ctypes.addressof(drawing.contents)


def suspects(page: pdfium.PdfPage) -> Suspects:
    """Look at all objects of a page, those of its forms included."""
    look = _Look(page)
    look.at_all(raw.FPDFPage_CountObjects(page.raw), raw.FPDFPage_GetObject, page.raw)
    look.compare()
    return look.found


class _Look:
    """What is seen on the way through the objects of one page."""

    def __init__(self, page: pdfium.PdfPage) -> None:
        self.found = Suspects()
        left, bottom, right, top = page.get_bbox()
        self._left, self._bottom, self._right, self._top = (
            left - _OVERHANG,
            bottom - _OVERHANG,
            right + _OVERHANG,
            top + _OVERHANG,
        )
        self._words: list[tuple[int, raw.FPDF_PAGEOBJECT, Corners, _Colour]] = []
        self._covers: list[tuple[int, Corners, _Colour]] = []
        self._order = 0
        self._marks: dict[int, bool] = {}
        self._sides = [ctypes.c_float() for _ in range(4)]
        self._channels = [ctypes.c_uint() for _ in range(4)]
        self._filled, self._stroked, self._points = ctypes.c_int(), ctypes.c_int(), ctypes.c_float()
        self._size, self._name = ctypes.c_ulong(), (ctypes.c_ushort * 8)()
        self._matrix = raw.FS_MATRIX()

    def at_all(self, count: int, get: _Get, holder: object, place: _Place = _Place()) -> None:
        """Look at the objects of a page or of a form, in the order in which they are painted."""
        for number in range(count):
            drawing = get(holder, number)
            self._order += 1
            mode = _mode(drawing)
            if mode >= 0:
                self._at_words(drawing, mode, place)
            elif raw.FPDFPageObj_GetType(drawing) != raw.FPDF_PAGEOBJ_FORM:
                self._at_cover(drawing, place)
            elif place.depth < _DEEPEST:
                odd = place.odd or self._is_faint(drawing) or self._is_marked(drawing)
                inner = _Place(_times(self._matrix_of(drawing), place.matrix), place.depth + 1, odd)
                self.at_all(raw.FPDFFormObj_CountObjects(drawing), raw.FPDFFormObj_GetObject, drawing, inner)

    def _at_words(self, drawing: raw.FPDF_PAGEOBJECT, mode: int, place: _Place) -> None:
        """Suspect words, or remember them to be compared with what lies over and under them.

        There are tens of thousands in a paper, nearly all of them plain: those are told in as few questions as can be.
        """
        left, bottom, right, top = corners = self._bounds(drawing, place)
        red, green, blue, alpha = self._channels
        if (left >= right or bottom >= top) and not self._is_marked(drawing):
            return  # spaces
        plain = (
            _fill(drawing, red, green, blue, alpha)
            and not raw.FPDFPageObj_HasTransparency(drawing)
            and (red.value <= _LIGHT or green.value <= _LIGHT or blue.value <= _LIGHT)
            and mode in _FILLED
            and left >= self._left
            and bottom >= self._bottom
            and right <= self._right
            and top <= self._top
            and not place.odd
            and not self._is_marked(drawing)
        )
        if (right - left <= top - bottom or top - bottom < SMALLEST) and self._is_tiny(drawing, place):
            self.found.tiny.add(address(drawing))
        elif plain:
            self._words.append((self._order, drawing, corners, (red.value, green.value, blue.value)))
            return
        self.found.words[address(drawing)] = drawing, corners

    def _at_cover(self, drawing: raw.FPDF_PAGEOBJECT, place: _Place) -> None:
        """Remember what may lie over or under words: images, shadings and filled shapes of some size."""
        left, bottom, right, top = corners = _common(self._bounds(drawing, place), self._window(drawing, place))
        if right - left < 3 or top - bottom < SMALLEST:
            return
        kind, colour = raw.FPDFPageObj_GetType(drawing), _ANY
        if kind == raw.FPDF_PAGEOBJ_IMAGE:
            self.found.images.append(corners)
        elif kind == raw.FPDF_PAGEOBJ_PATH:
            raw.FPDFPath_GetDrawMode(drawing, self._filled, self._stroked)
            filled = self._paint(drawing) if self._filled.value else None
            if filled is None:
                return
            colour = filled
        self._covers.append((self._order, corners, colour))

    def compare(self) -> None:
        """Suspect words under something, and words on something of their own colour."""
        if not self._covers or not self._words:
            return
        covers = sorted(self._covers, key=lambda cover: _area(cover[1]))[-_MOST_COVERS:]
        over, sides, under = (np.array(column) for column in zip(*covers, strict=True))
        left, bottom, right, top = sides.T
        for first in range(0, len(self._words), _TOGETHER):
            orders, drawn, corners, colours = zip(*self._words[first : first + _TOGETHER], strict=True)
            places = np.array(corners)
            x, y = (places[:, 0:1] + places[:, 2:3]) / 2, (places[:, 1:2] + places[:, 3:4]) / 2
            here = (left <= x) & (x <= right) & (bottom <= y) & (y <= top)
            rows, columns = np.nonzero(here)
            later = over[columns] > np.array(orders)[rows]
            alike = np.abs(under[columns] - np.array(colours)[rows]).max(axis=1) < _ALIKE
            for row in set(rows[later | alike].tolist()):
                self.found.words[address(drawn[row])] = drawn[row], corners[row]

    def _matrix_of(self, form: raw.FPDF_PAGEOBJECT) -> _Matrix:
        """How a form is placed."""
        found = self._matrix
        raw.FPDFPageObj_GetMatrix(form, found)
        return found.a, found.b, found.c, found.d, found.e, found.f

    def _is_faint(self, form: raw.FPDF_PAGEOBJECT) -> bool:
        """Whether a form lets light through."""
        self._channels[3].value = 255
        raw.FPDFPageObj_GetFillColor(form, *self._channels)
        return self._channels[3].value < _OPAQUE

    def _is_marked(self, drawing: raw.FPDF_PAGEOBJECT) -> bool:
        """Whether an object lies in a layer, which may be switched off, or is said to stand for other words."""
        marks = raw.FPDFPageObj_CountMarks(drawing)
        return marks > 0 and any(self._tells(raw.FPDFPageObj_GetMark(drawing, number)) for number in range(marks))

    def _tells(self, mark: raw.FPDF_PAGEOBJECTMARK) -> bool:
        # Thousands of objects share a mark.
        place = ctypes.addressof(mark.contents)
        if place not in self._marks:
            raw.FPDFPageObjMark_GetName(mark, self._name, ctypes.sizeof(self._name), self._size)
            layer = self._size.value == 6 and self._name[:2] == [ord("O"), ord("C")]
            spoken = raw.FPDFPageObjMark_GetParamStringValue(mark, b"ActualText", None, 0, self._size)
            self._marks[place] = layer or (bool(spoken) and self._size.value > 2 * _SHORT)
        return self._marks[place]

    def _window(self, drawing: raw.FPDF_PAGEOBJECT, place: _Place) -> Corners:
        """What of the page an object may draw on: the page, cut down to the clipping paths of simple shape."""
        window = self._left, self._bottom, self._right, self._top
        clip = raw.FPDFPageObj_GetClipPath(drawing)
        for path in range(raw.FPDFClipPath_CountPaths(clip)):
            shape = clip_corners(clip, path)
            if shape is not None:
                window = _common(window, _moved(shape, place.matrix))
        return window

    def _paint(self, drawing: raw.FPDF_PAGEOBJECT) -> _Colour | None:
        """The colour that an object is filled with; None for a pattern, and for one that lets light through."""
        red, green, blue, alpha = self._channels
        if not _fill(drawing, red, green, blue, alpha) or alpha.value < _OPAQUE:
            return None
        return red.value, green.value, blue.value

    def _bounds(self, drawing: raw.FPDF_PAGEOBJECT, place: _Place) -> Corners:
        left, bottom, right, top = self._sides
        _sides(drawing, left, bottom, right, top)
        corners = left.value, bottom.value, right.value, top.value
        return corners if not place.depth else _moved(corners, place.matrix)

    def _is_tiny(self, drawing: raw.FPDF_PAGEOBJECT, place: _Place) -> bool:
        """Whether words are set tiny, or squeezed: a dash is flat too, and is not."""
        raw.FPDFTextObj_GetFontSize(drawing, self._points)
        own = _times(self._matrix_of(drawing), place.matrix)
        return abs(self._points.value) * min(hypot(own[0], own[1]), hypot(own[2], own[3])) < SMALLEST


def clip_corners(clip: raw.FPDF_CLIPPATH, path: int) -> Corners | None:
    """The corners of one clipping path; None where it is no simple window."""
    count = raw.FPDFClipPath_CountPathSegments(clip, path)
    if not 0 < count <= _SEGMENTS:
        return None
    x, y = ctypes.c_float(), ctypes.c_float()
    xs, ys = [], []
    for number in range(count):
        raw.FPDFPathSegment_GetPoint(raw.FPDFClipPath_GetPathSegment(clip, path, number), x, y)
        xs.append(x.value)
        ys.append(y.value)
    return min(xs), min(ys), max(xs), max(ys)


def _common(one: Corners, other: Corners) -> Corners:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _times(first: _Matrix, then: _Matrix) -> _Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u


def _moved(corners: Corners, matrix: _Matrix) -> Corners:
    left, bottom, right, top = corners
    a, b, c, d, e, f = matrix
    xs = [a * x + c * y + e for x in (left, right) for y in (bottom, top)]
    ys = [b * x + d * y + f for x in (left, right) for y in (bottom, top)]
    return min(xs), min(ys), max(xs), max(ys)


def _area(corners: Corners) -> float:
    """The area between corners, 0 where they are out of order: nothing is between them."""
    left, bottom, right, top = corners
    return max(0.0, right - left) * max(0.0, top - bottom)
