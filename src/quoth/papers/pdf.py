"""The characters of a PDF, page by page: pdfium's text, cut into lines with their place, size and font.

Asking pdfium for every character's box costs more than all else together, so a line is probed at its first, middle and
last character only; whoever needs exact boxes (a quote on its page) asks `geometry` later.
"""

import ctypes
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as raw
from numpy.typing import NDArray

from quoth.errors import PaperError
from quoth.papers.hidden import hidden_characters
from quoth.papers.suspects import clip_corners
from quoth.vocabulary import Source

OUTER = 0.115
"""Share of a page's height in which running heads and page numbers stand."""

HIDDEN = "\uffff"
"""Stands in a page's text for a character that nobody sees on the page."""

_SPARSE = 0.66  # width of a line for each of its letters and each point of its height, above which it has gaps
_LONGEST_TARGET = 2000  # characters of an address that a link leads to
_TAIL = 65_536  # a whole PDF ends in %%EOF; some producers append padding after it
_LINES = re.compile(r"[^\r\n\ufffe\uffff]+\ufffe?")  # pdfium runs a line that it takes for hyphenated on into the next
_SURROGATE = re.compile("[\ud800-\udfff]")  # half of a pair: no character


@dataclass(slots=True)
class Line:
    """A run of characters on one baseline: `start` and `end` are offsets in its page's text; y runs downwards."""

    text: str
    start: int
    end: int
    x0: float
    x1: float
    top: float
    bottom: float
    font: str
    bold: bool
    upright: bool

    @property
    def height(self) -> float:
        """The font's ascent and descent together, in points."""
        return self.bottom - self.top


@dataclass(slots=True)
class RawLink:
    """A link annotation: the offsets of its words in its page's text, and its target."""

    start: int
    end: int
    target: str


@dataclass(slots=True)
class RawPage:
    """One page as pdfium reads it; `glyphs` maps offsets in `text` to characters, None where they are the same.

    `hidden` are the words that nobody sees on the page; in `text`, `HIDDEN` stands for each of their characters.
    `boxes`, shape (characters, 4), are those of a page that OCR read; None where pdfium knows them.
    """

    number: int
    width: float
    height: float
    text: str
    glyphs: list[int] | None
    lines: list[Line]
    links: list[RawLink]
    hidden: str = ""
    source: Source = Source.TEXT
    boxes: NDArray[np.float32] | None = None


@contextmanager
def open_pdf(path: Path) -> Iterator[pdfium.PdfDocument]:
    """Open a PDF for reading.

    Raises:
        PaperError: not a PDF, empty, truncated, locked by a password, or damaged.
    """
    _check_bytes(path)
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD:
            raise PaperError("needs a password: save a copy without one", file=path) from None
        raise PaperError("damaged: pdfium cannot open it; download it again", file=path) from error
    with closing(document):
        yield document


def _check_bytes(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(1024)
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            tail = file.read()
    except OSError as error:
        raise PaperError(f"cannot be opened ({error.strerror})", file=path, transient=True) from None
    if not size:
        raise PaperError("empty: the file has no bytes", file=path)
    if b"%PDF-" not in head:
        raise PaperError("not a PDF: it does not begin with %PDF", file=path)
    if b"%%EOF" not in tail:
        raise PaperError("truncated: the end of the file is missing; download it again", file=path)


def read_pages(path: Path, *, max_pages: int) -> Iterator[RawPage]:
    """All pages of a file, in order.

    Raises:
        PaperError: the file cannot be read, or has more than `max_pages` pages.
    """
    with open_pdf(path) as document:
        count = len(document)
        if not count:
            raise PaperError("damaged: it has no pages", file=path)
        if count > max_pages:
            raise PaperError(f"too long: {count} pages, and [reading] max_pages is {max_pages}", file=path)
        for index in range(count):
            try:
                with closing(document[index]) as page:
                    yield _read_page(document, page, index + 1)
            except pdfium.PdfiumError:
                raise PaperError(f"damaged: page {index + 1} cannot be read; download it again", file=path) from None


def read_information(path: Path) -> dict[str, str]:
    """What a file's own information says: `Title`, `Subject`, `CreationDate` and the like."""
    with open_pdf(path) as document:
        information: dict[str, str] = document.get_metadata_dict(skip_empty=True)
    return {key: _printable(" ".join(value.split())) for key, value in information.items()}


def _read_page(document: pdfium.PdfDocument, page: pdfium.PdfPage, number: int) -> RawPage:
    width, height = page.get_size()
    place = Placement.of(page)
    with closing(page.get_textpage()) as words:
        text, glyphs = _characters(words.raw)
        out = hidden_characters(page, words.raw, text, glyphs)
        hidden = [_words_at(text, out)] if out else []
        text = "".join(HIDDEN if offset in out else letter for offset, letter in enumerate(text)) if out else text
        lines = list(_lines(words.raw, text, glyphs, place, hidden))
        links = list(_links(document, page, words.raw, len(text)))
    return RawPage(number, width, height, text, glyphs, lines, links, " ".join(hidden))


def _words_at(text: str, offsets: set[int]) -> str:
    """Words at these offsets, those that follow each other as one."""
    parts = [text[offset] if offset in offsets else " " for offset in range(min(offsets), max(offsets) + 1)]
    return " ".join("".join(parts).split())


@dataclass(frozen=True, slots=True)
class Placement:
    """From pdfium's page coordinates (y upwards, before rotation and cropping) to points from the visible top left."""

    left: float
    bottom: float
    width: float
    height: float
    quarter_turns: int

    @classmethod
    def of(cls, page: pdfium.PdfPage) -> "Placement":
        """The placement of one page."""
        # The box that is shown: crop box within media box, either perhaps inherited from the tree of pages.
        left, bottom, right, top = page.get_bbox()
        return cls(left, bottom, right - left, top - bottom, page.get_rotation() // 90)

    def is_outer(self, top: float, bottom: float) -> bool:
        """Whether a line stands where running heads and page numbers do, near the upper or lower edge."""
        height = self.width if self.quarter_turns % 2 else self.height
        return bottom < OUTER * height or top > (1 - OUTER) * height

    def box(self, left: float, bottom: float, right: float, top: float) -> tuple[float, float, float, float]:
        """The box `(x0, y0, x1, y1)` on the page as it is shown, from its top left."""
        left, right = left - self.left, right - self.left
        bottom, top = bottom - self.bottom, top - self.bottom
        match self.quarter_turns:
            case 1:
                return bottom, left, top, right
            case 2:
                return self.width - right, bottom, self.width - left, top
            case 3:
                return self.height - top, self.width - right, self.height - bottom, self.width - left
            case _:
                return left, self.height - top, right, self.height - bottom


def _characters(words: raw.FPDF_TEXTPAGE) -> tuple[str, list[int] | None]:
    count = raw.FPDFText_CountChars(words)
    if count <= 0:
        return "", None
    # Ligatures may expand: pdfium writes more units than characters then, so ask for room to spare.
    buffer = (ctypes.c_ushort * (2 * count + 2))()
    written = raw.FPDFText_GetText(words, 0, 2 * count + 1, buffer)
    text = bytes(buffer)[: 2 * max(0, written - 1)].decode("utf-16-le", errors="surrogatepass")
    if len(text) == count:
        return _SURROGATE.sub("\ufffd", text), None
    # pdfium counts units of UTF-16: a character beyond the basic plane (mathematical italics) is two of them.
    index = raw.FPDFText_GetCharIndexFromTextIndex
    glyphs, unit = [], 0
    for character in text:
        glyphs.append(index(words, unit))
        unit += 1 + (character > "\uffff")
    return _SURROGATE.sub("\ufffd", text), glyphs


def _lines(
    words: raw.FPDF_TEXTPAGE, text: str, glyphs: list[int] | None, place: Placement, hidden: list[str]
) -> Iterator[Line]:
    """The lines that a person sees; the words of those that are cut off go to `hidden`."""
    probe = Probe(words, glyphs, place)
    for match in _LINES.finditer(text):
        line = match.group()
        stripped = line.strip("\t \u00a0\u00ad")
        if stripped in ("", "\ufffe"):
            continue
        start = match.start() + line.index(stripped[0])
        whole = _line(probe, text, start, start + len(stripped))
        if probe.hides(start, whole.x0, whole.top, whole.x1, whole.bottom):
            hidden.append(stripped)
            continue
        if whole.upright and place.is_outer(whole.top, whole.bottom) and _is_sparse(whole):
            yield from (_line(probe, text, *piece) for piece in _pieces(probe, text, whole))
        else:
            yield whole


class Probe:
    """Asks pdfium for single characters, by their offset in the page's text."""

    def __init__(self, words: raw.FPDF_TEXTPAGE, glyphs: list[int] | None, place: Placement) -> None:
        self._words, self._glyphs, self._place = words, glyphs, place
        self._box, self._name, self._flags = raw.FS_RECTF(), ctypes.create_string_buffer(128), ctypes.c_int()
        self._reference = ctypes.byref(self._box)

    def box(self, offset: int) -> tuple[float, float, float, float]:
        """The character's box as high as its font."""
        raw.FPDFText_GetLooseCharBox(self._words, self._number(offset), self._reference)
        return self._place.box(self._box.left, self._box.bottom, self._box.right, self._box.top)

    def font(self, offset: int) -> str:
        """The name of its font."""
        raw.FPDFText_GetFontInfo(self._words, self._number(offset), self._name, 128, self._flags)
        return self._name.value.decode("latin-1")

    def hides(self, offset: int, x0: float, top: float, x1: float, bottom: float) -> bool:
        """Whether a box lies outside of the window that the drawing of a character in it is cut down to.

        A figure cut out of a manuscript can bring its whole page along, out of sight.
        """
        drawing = raw.FPDFText_GetTextObject(self._words, self._number(offset))
        clip = raw.FPDFPageObj_GetClipPath(drawing) if drawing else None
        for path in range(raw.FPDFClipPath_CountPaths(clip) if clip else 0):
            window = self._window(clip, path)
            if window is None:
                continue
            down = min(bottom, window[3]) - max(top, window[1])
            if down < 0.3 * (bottom - top) or x1 < window[0] or x0 > window[2]:
                return True
        return False

    def _window(self, clip: raw.FPDF_CLIPPATH, path: int) -> tuple[float, float, float, float] | None:
        corners = clip_corners(clip, path)
        return None if corners is None else self._place.box(*corners)

    def _number(self, offset: int) -> int:
        return self._glyphs[offset] if self._glyphs else offset


def _line(probe: Probe, text: str, start: int, end: int) -> Line:
    last = end - 1 if text[end - 1] != "\ufffe" else max(start, end - 2)
    probes = [probe.box(offset) for offset in (start, _drawn(text, (start + last) // 2, last), last)]
    font = probe.font(start)
    bold = _is_bold(font) and _is_bold(probe.font(last))
    tops, bottoms = sorted(p[1] for p in probes), sorted(p[3] for p in probes)
    x0, x1 = min(p[0] for p in probes), max(p[2] for p in probes)
    # Sideways text runs down or up the page: its probes stand above each other, not beside each other.
    upright = end - start < 4 or x1 - x0 > tops[2] - tops[0]
    top, bottom = (tops[1], bottoms[1]) if upright else (tops[0], bottoms[2])
    return Line(text[start:end], start, end, x0, x1, top, max(bottom, top + 0.1), font, bold, upright)


def _is_sparse(line: Line) -> bool:
    return line.x1 - line.x0 > _SPARSE * line.height * len(line.text)


def _pieces(probe: Probe, text: str, line: Line) -> Iterator[tuple[int, int]]:
    """A line whose words stand far apart, cut where the gaps are: a running head and its page number, say."""
    start, before, right = line.start, line.start, line.x0
    for offset in range(line.start, line.end):
        if text[offset] in "\t \u00a0\ufffe":
            continue
        x0, _, x1, _ = probe.box(offset)
        if x0 - right > 1.2 * line.height:
            yield start, before + 1
            start = offset
        before, right = offset, x1
    yield start, line.end


@lru_cache(maxsize=1000)
def _is_bold(font: str) -> bool:
    return any(mark in font for mark in ("Bold", "bold", "-Bd", "Black", "Heavy", "Medi", "CMBX"))


def _drawn(text: str, offset: int, last: int) -> int:
    while offset < last and text[offset].isspace():
        offset += 1
    return offset


def _links(
    document: pdfium.PdfDocument, page: pdfium.PdfPage, words: raw.FPDF_TEXTPAGE, length: int
) -> Iterator[RawLink]:
    position, link, rect = ctypes.c_int(0), raw.FPDF_LINK(), raw.FS_RECTF()
    at, offset_of = raw.FPDFText_GetCharIndexAtPos, raw.FPDFText_GetTextIndexFromCharIndex
    while raw.FPDFLink_Enumerate(page.raw, position, link):
        target = _target(document, link)
        if not target or not raw.FPDFLink_GetAnnotRect(link, rect):
            continue
        middle = (rect.top + rect.bottom) / 2
        first = at(words, rect.left + 1, middle, 4, 4)
        last = at(words, rect.right - 1, middle, 4, 4)
        if 0 <= first <= last:
            start, end = offset_of(words, first), offset_of(words, last) + 1
            if 0 <= start < end <= length:
                yield RawLink(start, end, target)


def _target(document: pdfium.PdfDocument, link: raw.FPDF_LINK) -> str:
    action = raw.FPDFLink_GetAction(link)
    if not action or raw.FPDFAction_GetType(action) != raw.PDFACTION_URI:
        return ""
    size = raw.FPDFAction_GetURIPath(document.raw, action, None, 0)
    buffer = ctypes.create_string_buffer(size)
    raw.FPDFAction_GetURIPath(document.raw, action, buffer, size)
    return _printable(buffer.value.decode("utf-8", errors="replace"))[:_LONGEST_TARGET]


def _printable(text: str) -> str:
    """Without control characters: terminals obey them."""
    return text if text.isprintable() else "".join(letter for letter in text if letter.isprintable())
