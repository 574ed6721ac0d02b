"""Pages as pictures, for people to look at."""

import io
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pypdfium2 as pdfium

from quoth.errors import PaperError
from quoth.papers.pdf import open_pdf

T = TypeVar("T")

_MOST_PIXELS = 16_000_000
"""A poster is drawn smaller rather than in hundreds of megabytes."""


def page_sizes(path: Path) -> tuple[tuple[float, float], ...]:
    """Width and height of each page as it is shown, in points.

    Raises:
        PaperError: the file cannot be opened.
    """
    with open_pdf(path) as document:
        return _drawn(path, lambda: tuple(document.get_page_size(index) for index in range(len(document))))


def page_picture(path: Path, number: int, scale: float) -> bytes:
    """A page as PNG.

    Args:
        path: the PDF.
        number: of the page, from 1.
        scale: pixels for each point; a very large page has fewer.

    Raises:
        PaperError: the file cannot be opened, has no such page, or the page cannot be drawn.
    """
    with open_pdf(path) as document:
        if not 1 <= number <= len(document):
            raise PaperError(f"no page {number}: the file has {len(document)}", file=path)
        return _drawn(path, lambda: _picture(document, number, scale))


def _picture(document: pdfium.PdfDocument, number: int, scale: float) -> bytes:
    with closing(document[number - 1]) as page:
        width, height = page.get_size()
        scale = min(scale, (_MOST_PIXELS / max(1.0, width * height)) ** 0.5)
        with closing(page.render(scale=scale, may_draw_forms=False)) as bitmap:
            buffer = io.BytesIO()
            bitmap.to_pil().save(buffer, "PNG", compress_level=1)
            return buffer.getvalue()


def _drawn(path: Path, draw: Callable[[], T]) -> T:
    try:
        return draw()
    except (pdfium.PdfiumError, MemoryError, ValueError) as error:
        raise PaperError("damaged: a page cannot be drawn; download it again", file=path) from error
