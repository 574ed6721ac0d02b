"""Which characters of a page no person sees: words without which the page looks the same.

A suspicious word (`suspects`) is hidden if the picture of the page does not change where it stands when it is taken
away. That holds for white ink as for words under an image, beyond the page, cut off, transparent or in a layer that is
switched off, and clears white letters on a dark table head. The invisible text under which a scan was saved changes
nothing either, but shows what the picture shows: it stays where there is ink under it.
"""

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from numpy.typing import NDArray

from quoth.papers.suspects import Corners, Suspects, address, suspects

_SCALE = 2.0  # pixels for each point
_PIXELS = 4_000_000  # at most, in one picture
_SEEN = 24  # of 255: the difference in one channel that a person sees
_COVERAGE = 0.04  # share of a word's box that its letters change at the least, where they can be read
_INK = 64  # of 255: how much darker the letters of a scan are than their ground
_SCAN = 0.6  # share of a page that the pictures of a scan cover
_SQUEEZED = 0.1  # width of letters, for each point of their height, below which nobody reads them
_BETWEEN = 40  # pixels from one band to the next, below which one picture is cheaper than two
_FEW = 40  # suspicious objects of a page up to which their characters are sought one by one
_Picture = NDArray[np.int16]
_Part = tuple[int, int, int, int]


@dataclass(slots=True)
class _Word:
    """Characters of one suspicious object without a gap; offsets in the page's text, corners of those with a box."""

    drawing: int
    offsets: list[int]
    corners: Corners | None


def hidden_characters(
    page: pdfium.PdfPage, words: raw.FPDF_TEXTPAGE, text: str, glyphs: Sequence[int] | None
) -> set[int]:
    """The offsets in a page's text of the characters that nobody sees.

    Args:
        page: the page; its objects are left as they were.
        words: its text page.
        text: its text.
        glyphs: from offsets in it to characters of the text page; None where they are the same.
    """
    found = suspects(page)
    if not found.words:
        return set()
    suspicious = list(_words(words, text, glyphs, found))
    if not suspicious:
        return set()
    tiny = found.tiny | _squeezed(suspicious)
    doubtful = [word for word in suspicious if word.drawing not in tiny]
    pictures = _Pictures(page, found, [word.corners for word in doubtful if word.corners])
    hidden = [word for word in suspicious if word.drawing in tiny or not pictures.shows(word.corners)]
    if _is_scan(page, found, len(text), sum(len(word.offsets) for word in hidden)):
        hidden = [word for word in hidden if word.drawing in tiny or not pictures.has_ink(word.corners)]
    return {offset for word in hidden for offset in word.offsets}


def _words(words: raw.FPDF_TEXTPAGE, text: str, glyphs: Sequence[int] | None, found: Suspects) -> Iterator[_Word]:
    characters = glyphs or range(len(text))
    owners = _Owners(words, characters)
    stretches = owners.few(found) if len(found.words) <= _FEW else None
    offsets = range(len(text)) if stretches is None else sorted(set().union(*stretches))
    for owner, run in groupby(offsets, key=owners.of):
        if owner not in found.words:
            continue
        for blank, word in groupby(run, key=lambda offset: text[offset].isspace()):
            own = [] if blank else list(word)
            if own and owner in found.tiny:
                yield _Word(owner, own, None)
            elif own:
                boxes = [_corners(words, characters[offset]) for offset in own]
                yield _Word(owner, own, _around([box for box in boxes if box]))


class _Owners:
    """Which object draws a character: asking for each of a page takes as long as reading it, so the few are sought."""

    def __init__(self, words: raw.FPDF_TEXTPAGE, characters: Sequence[int]) -> None:
        self._words, self._characters = words, characters
        self._known: dict[int, int] = {}

    def of(self, offset: int) -> int:
        """The address of the object; 0 for a character that the program made up, such as a space between objects."""
        if offset not in self._known:
            drawing = raw.FPDFText_GetTextObject(self._words, self._characters[offset])
            self._known[offset] = address(drawing) if drawing else 0
        return self._known[offset]

    def few(self, found: Suspects) -> list[range] | None:
        """Where the characters of each suspicious object stand; None where one is not found where it is drawn."""
        stretches = []
        for place, (_, (left, bottom, right, top)) in found.words.items():
            at = raw.FPDFText_GetCharIndexAtPos(self._words, (left + right) / 2, (bottom + top) / 2, 9.0, 9.0)
            offset = raw.FPDFText_GetTextIndexFromCharIndex(self._words, at) if at >= 0 else -1
            if not 0 <= offset < len(self._characters) or self.of(offset) != place:
                return None
            start, end = offset, offset + 1
            while start > 0 and self.of(start - 1) in (place, 0):
                start -= 1
            while end < len(self._characters) and self.of(end) in (place, 0):
                end += 1
            stretches.append(range(start, end))
        return stretches


def _corners(words: raw.FPDF_TEXTPAGE, number: int) -> Corners | None:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    if not raw.FPDFText_GetCharBox(words, number, left, right, bottom, top):
        return None
    return left.value, bottom.value, right.value, top.value


def _around(boxes: Sequence[Corners]) -> Corners | None:
    if not boxes:
        return None
    left, bottom, right, top = zip(*boxes, strict=True)
    return min(left), min(bottom), max(right), max(top)


def _squeezed(words: Sequence[_Word]) -> set[int]:
    """The objects whose letters stand on top of each other, as those do that a mark gives a drawing of other words."""
    found = set()
    for drawing, own in groupby(words, key=lambda word: word.drawing):
        together = list(own)
        letters = sum(len(word.offsets) for word in together)
        around = _around([word.corners for word in together if word.corners])
        if around and letters >= 8:
            across, down = around[2] - around[0], around[3] - around[1]
            if max(across, down) < _SQUEEZED * min(across, down) * letters:
                found.add(drawing)
    return found


def _is_scan(page: pdfium.PdfPage, found: Suspects, letters: int, hidden: int) -> bool:
    """Whether a page is a picture with its words as invisible text."""
    left, bottom, right, top = page.get_bbox()
    covered = sum(
        max(0.0, min(right, image[2]) - max(left, image[0])) * max(0.0, min(top, image[3]) - max(bottom, image[1]))
        for image in found.images
    )
    return covered >= _SCAN * (right - left) * (top - bottom) and 2 * hidden > letters


@dataclass(slots=True)
class _Band:
    """A part of a page as pixels: without its suspicious words, and where these change it, shape (height, width)."""

    left: int
    top: int
    bare: _Picture
    changed: NDArray[np.bool_]


class _Pictures:
    """The page with and without its suspicious words: pictures of the bands in which these stand, and no more."""

    def __init__(self, page: pdfium.PdfPage, found: Suspects, boxes: Sequence[Corners]) -> None:
        self._page = page
        width, height = page.get_width(), page.get_height()
        scale = min(_SCALE, (_PIXELS / max(1.0, width * height)) ** 0.5)
        self._width, self._height = max(1, int(width * scale)), max(1, int(height * scale))
        parts = list(_bands(sorted(filter(None, map(self._pixels, boxes)), key=lambda part: part[1])))
        whole = [self._picture(part) for part in parts]
        for drawing, _ in found.words.values() if parts else ():
            raw.FPDFPageObj_SetIsActive(drawing, False)
        bare = [self._picture(part) for part in parts]
        for drawing, _ in found.words.values() if parts else ():
            raw.FPDFPageObj_SetIsActive(drawing, True)
        self._found = [
            _Band(part[0], part[1], empty, np.abs(full - empty).max(axis=2) >= _SEEN)
            for part, full, empty in zip(parts, whole, bare, strict=True)
        ]

    def shows(self, corners: Corners | None) -> bool:
        """Whether the words in a box can be seen."""
        return any(band.changed[part].mean() >= _COVERAGE for band, part in self._cut(corners))

    def has_ink(self, corners: Corners | None) -> bool:
        """Whether the page shows letters in a box, those of suspicious words apart."""
        shown = [band.bare[part].min(axis=2) for band, part in self._cut(corners)]
        return any(int(part.max()) - int(part.min()) >= _INK for part in shown)

    def _cut(self, corners: Corners | None) -> Iterator[tuple[_Band, tuple[slice, slice]]]:
        part = self._pixels(corners) if corners else None
        if part is None:
            return
        for band in self._found:
            x0, y0, x1, y1 = part[0] - band.left, part[1] - band.top, part[2] - band.left, part[3] - band.top
            high, wide = band.changed.shape
            if x0 >= 0 and y0 >= 0 and x1 <= wide and y1 <= high:
                yield band, (slice(y0, y1), slice(x0, x1))

    def _pixels(self, corners: Corners) -> _Part | None:
        """The pixels of a box, as far as they are on the page; None where none is."""
        x, y = ctypes.c_int(), ctypes.c_int()
        xs, ys = [], []
        for corner in ((corners[0], corners[1]), (corners[2], corners[3])):
            raw.FPDF_PageToDevice(self._page.raw, 0, 0, self._width, self._height, 0, *corner, x, y)
            xs.append(x.value)
            ys.append(y.value)
        left, top, right, bottom = max(0, min(xs)), max(0, min(ys)), max(xs) + 1, max(ys) + 1
        right, bottom = min(self._width, right), min(self._height, bottom)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _picture(self, part: _Part) -> _Picture:
        """A part as a person sees it, shape (height, width, 3)."""
        left, top, right, bottom = part
        bitmap = pdfium.PdfBitmap.new_native(right - left, bottom - top, raw.FPDFBitmap_BGR)
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, right - left, bottom - top)
        place = (-left, -top, self._width, self._height)
        raw.FPDF_RenderPageBitmap(bitmap.raw, self._page.raw, *place, 0, raw.FPDF_ANNOT)
        picture: _Picture = bitmap.to_numpy().astype(np.int16)
        bitmap.close()
        return picture


def _bands(parts: Sequence[_Part]) -> Iterator[_Part]:
    """Parts from top to bottom, put together where little is between them."""
    held: _Part | None = None
    for part in parts:
        if held and part[1] - held[3] < _BETWEEN:
            held = min(held[0], part[0]), held[1], max(held[2], part[2]), max(held[3], part[3])
        else:
            if held:
                yield held
            held = part
    if held:
        yield held
