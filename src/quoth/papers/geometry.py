"""Where on its pages a stretch of a document stands: boxes are asked of pdfium only for the characters wanted."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw

from quoth.papers.pdf import Placement, open_pdf
from quoth.vocabulary import Box, Document, Page, Span

_Boxes = Callable[[int], Box | None]


class PageGeometry:
    """The boxes of a document's characters; its files are opened when first needed and closed on exit.

    `files` maps the digest of each of the document's files to its path. Meets `vocabulary.Geometry`.
    """

    def __init__(self, document: Document, files: dict[str, Path]) -> None:
        self._document = document
        self._files = files
        self._starts = np.array([page.start for page in document.pages])
        self._stack = ExitStack()
        self._open: dict[str, pdfium.PdfDocument] = {}
        self._pages: dict[int, _Boxes] = {}

    def __enter__(self) -> "PageGeometry":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._pages.clear()
        self._open.clear()
        self._stack.close()

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        """One span for each page that the stretch touches, in order, with a box for each line."""
        return tuple(self._spans(start, end))

    def _spans(self, start: int, end: int) -> Iterator[Span]:
        glyphs = self._document.glyphs[start:end]
        drawn = np.flatnonzero(glyphs >= 0)
        if not len(drawn):
            return
        numbers = np.searchsorted(self._starts, glyphs[drawn], side="right") - 1
        cuts = np.flatnonzero(np.diff(numbers)) + 1
        for part, number in zip(np.split(drawn, cuts), numbers[np.r_[0, cuts]], strict=True):
            page = self._document.pages[number]
            characters = (glyphs[part] - page.start).tolist()
            boxes = tuple(_lines(self._boxes(int(number), page), characters))
            yield Span(page.file, page.number, start + int(part[0]), start + int(part[-1]) + 1, boxes)

    def _boxes(self, number: int, page: Page) -> _Boxes:
        if number not in self._pages:
            if page.file not in self._open:
                self._open[page.file] = self._stack.enter_context(open_pdf(self._files[page.file]))
            shown = self._open[page.file][page.number - 1]
            self._stack.callback(shown.close)
            words = shown.get_textpage()
            self._stack.callback(words.close)
            self._pages[number] = _box_of(words.raw, Placement.of(shown))
        return self._pages[number]


def _box_of(words: raw.FPDF_TEXTPAGE, place: Placement) -> _Boxes:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))

    def box(character: int) -> Box | None:
        if not raw.FPDFText_GetCharBox(words, character, left, right, bottom, top):
            return None
        if right.value - left.value <= 0 or top.value - bottom.value <= 0:
            return None
        return place.box(left.value, bottom.value, right.value, top.value)

    return box


def _lines(box: _Boxes, characters: list[int]) -> Iterator[Box]:
    """One box around each run of characters that stand on one line."""
    current: Box | None = None
    for character in dict.fromkeys(characters):
        found = box(character)
        if found is None:
            continue
        if current is None:
            current = found
        elif _same_line(current, found):
            x0, y0, x1, y1 = current
            current = (min(x0, found[0]), min(y0, found[1]), max(x1, found[2]), max(y1, found[3]))
        else:
            yield _rounded(current)
            current = found
    if current is not None:
        yield _rounded(current)


def _same_line(line: Box, found: Box) -> bool:
    height = max(line[3] - line[1], found[3] - found[1])
    level = min(line[3], found[3]) - max(line[1], found[1]) > -0.25 * height
    # The next line of a column starts to the left of where this one ended.
    return level and -0.5 * height < found[0] - line[2] < 6 * height + 20


def _rounded(box: Box) -> Box:
    x0, y0, x1, y1 = (round(float(v), 2) for v in box)
    return x0, y0, x1, y1
