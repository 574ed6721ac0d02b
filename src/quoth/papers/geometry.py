"""Where on its pages a stretch of a document stands: boxes are asked of pdfium only for the pages wanted."""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from math import ceil, floor
from pathlib import Path
from types import TracebackType

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from numpy.typing import NDArray

from quoth.papers.pdf import Placement, Probe, open_pdf
from quoth.vocabulary import Box, Document, Page, Source, Span


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
        self._pages: dict[int, _PageBoxes] = {}

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
            boxes = tuple(self._boxes(int(number), page).lines(characters))
            ocr = page.source is Source.OCR
            yield Span(page.file, page.number, start + int(part[0]), start + int(part[-1]) + 1, boxes, ocr)

    def _boxes(self, number: int, page: Page) -> "_PageBoxes":
        if number not in self._pages and page.source is Source.OCR:
            first = sum(p.end - p.start for p in self._document.pages[:number] if p.source is Source.OCR)
            self._pages[number] = _PageBoxes(self._document.boxes[first : first + page.end - page.start])
        if number not in self._pages:
            if page.file not in self._open:
                self._open[page.file] = self._stack.enter_context(open_pdf(self._files[page.file]))
            shown = self._open[page.file][page.number - 1]
            self._stack.callback(shown.close)
            words = shown.get_textpage()
            self._stack.callback(words.close)
            self._pages[number] = _LayerBoxes(words.raw, Placement.of(shown))
        return self._pages[number]


class _PageBoxes:
    """The boxes of all characters of a page, shape (characters, 4); those that draw nothing are not a number."""

    def __init__(self, boxes: NDArray[np.floating]) -> None:
        self._boxes = boxes.astype(np.float64)
        self._centres = (self._boxes[:, :2] + self._boxes[:, 2:]) / 2

    def lines(self, characters: Sequence[int]) -> Iterator[Box]:
        """A box for each line that these characters stand on; more where a box would hold words of others too."""
        drawn = [number for number in dict.fromkeys(characters) if self._is_drawn(number)]
        own = np.zeros(len(self._boxes), bool)
        own[drawn] = True
        for line in self._runs(drawn, _same_line):
            box = self._around(line)
            if not self._strangers(box, own):
                yield _rounded(box)
                continue
            for part in self._runs(line, lambda held, found, _: not self._strangers(_union(held, found), own)):
                yield _rounded(self._around(part))

    def _runs(self, characters: Sequence[int], belongs: Callable[[Box, Box, int], bool]) -> Iterator[list[int]]:
        run: list[int] = []
        held: Box = (0.0, 0.0, 0.0, 0.0)
        for number in characters:
            found = _box(self._boxes[number])
            if run and belongs(held, found, len(run)):
                held = _union(held, found)
            else:
                if run:
                    yield run
                run, held = [], found
            run.append(number)
        if run:
            yield run

    def _around(self, characters: list[int]) -> Box:
        boxes = self._boxes[characters]
        return _box(np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)]))

    def _strangers(self, box: Box, own: NDArray[np.bool_]) -> bool:
        """Whether the centre of a character that is seen, and none of `own`, lies in a box."""
        x, y = self._centres.T
        inside = (x >= box[0]) & (x <= box[2]) & (y >= box[1]) & (y <= box[3]) & ~own
        return any(self._is_seen(int(number)) for number in np.flatnonzero(inside))

    def _is_drawn(self, number: int) -> bool:
        return not np.isnan(self._boxes[number, 0])

    def _is_seen(self, number: int) -> bool:
        return self._is_drawn(number)


class _LayerBoxes(_PageBoxes):
    """The boxes of a page's text layer, some of whose characters are spaces or out of sight."""

    def __init__(self, words: raw.FPDF_TEXTPAGE, place: Placement) -> None:
        self._words = words
        self._probe = Probe(words, None, place)
        super().__init__(_character_boxes(words, place))

    def _is_drawn(self, number: int) -> bool:
        return not chr(raw.FPDFText_GetUnicode(self._words, number)).isspace() and super()._is_drawn(number)

    def _is_seen(self, number: int) -> bool:
        printable = chr(raw.FPDFText_GetUnicode(self._words, number)).isprintable()
        return printable and self._is_drawn(number) and not self._probe.hides(number, *self._boxes[number])


def _character_boxes(words: raw.FPDF_TEXTPAGE, place: Placement) -> NDArray[np.float64]:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    boxes = np.full((max(0, raw.FPDFText_CountChars(words)), 4), np.nan)
    for number in range(len(boxes)):
        if raw.FPDFText_GetCharBox(words, number, left, right, bottom, top):
            wide, high = right.value > left.value, top.value > bottom.value
            if wide and high:
                boxes[number] = place.box(left.value, bottom.value, right.value, top.value)
    return boxes


def _box(corners: NDArray[np.float64]) -> Box:
    x0, y0, x1, y1 = corners.tolist()
    return x0, y0, x1, y1


def _union(a: Box, b: Box) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _same_line(line: Box, found: Box, held: int) -> bool:
    wide, high = line[2] - line[0], line[3] - line[1]
    across, down = _gap(line, found, 0), _gap(line, found, 1)
    size = max(high, found[3] - found[1])
    # The next line of a column starts to the left of where this one ended; so does the second letter of a ligature,
    # which has the box of the first, but level with it.
    back = 2.0 if down < -0.5 * min(high, found[3] - found[1]) else 0.5
    if (held < 3 or high < 2 * wide) and down < 0.25 * size and -back * size < found[0] - line[2] < 6 * size + 20:
        return True
    # Text up the side of a page: characters above each other.
    size = max(wide, found[2] - found[0])
    return wide < 1.5 * high and across < -0.5 * min(wide, found[2] - found[0]) and down < size


def _gap(a: Box, b: Box, axis: int) -> float:
    """The distance between two boxes along an axis; below zero where they overlap."""
    return max(a[axis], b[axis]) - min(a[axis + 2], b[axis + 2])


def _rounded(box: Box) -> Box:
    """To hundredths of a point, outwards, so that what was inside stays inside."""
    x0, y0, x1, y1 = box
    return floor(x0 * 100) / 100, floor(y0 * 100) / 100, ceil(x1 * 100) / 100, ceil(y1 * 100) / 100
