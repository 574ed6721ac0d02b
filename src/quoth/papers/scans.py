"""Pages that are pictures: which they are, and how OCR comes to read them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pypdfium2 as pdfium

from quoth.errors import PaperError
from quoth.papers.language import lies
from quoth.papers.ocr import Picture, read_lines
from quoth.papers.pdf import HIDDEN, RawPage, open_pdf
from quoth.papers.suspects import suspects
from quoth.papers.typeset import typeset

EMPTY_PAGE = 40
"""Characters below which a page holds no text."""

_STAMPED_PAGE = 250  # characters that a library stamps on a scan, or that stand under a picture of a whole page
_COVERED = 0.6  # share of a page that the pictures of a scan cover
_SCALE = 200 / 72  # pixels for each point
_PIXELS = 12_000_000  # at most, in one picture
_GLANCE = 0.5  # pixels for each point, enough to see whether a page is blank
_INK = 40  # of 255: what a page that is not blank has from its lightest to its darkest point


def picture_pages(path: Path, pages: Sequence[RawPage]) -> set[int]:
    """The numbers of the pages that show words, or may, which their text layer does not hold.

    A page without text is one unless it is blank; so is a page with a few words on a picture that covers it.
    """
    thin = [page for page in pages if letters(page) < _STAMPED_PAGE]
    if not thin:
        return set()
    with open_pdf(path) as document:
        return {page.number for page in thin if _is_picture(path, document, page)}


def _is_picture(path: Path, document: pdfium.PdfDocument, page: RawPage) -> bool:
    with _drawing(path, page.number), closing(document[page.number - 1]) as shown:
        return not _is_blank(shown) if letters(page) < EMPTY_PAGE else _is_covered(shown)


def read_pictures(
    path: Path, pages: Sequence[RawPage], numbers: Collection[int], begin_page: Callable[[], None]
) -> Iterator[RawPage]:
    """The pages, with the words that OCR reads in the place of those of the pages with these numbers.

    A page on which it reads no words of any language stays as it was. `begin_page` is called before each: it takes
    seconds.

    Raises:
        ModelError: OCR is not installed, or its models are not there.
        PaperError: a page cannot be drawn.
    """
    with open_pdf(path) as document:
        for page in pages:
            if page.number not in numbers:
                yield page
                continue
            begin_page()
            with _drawing(path, page.number), closing(document[page.number - 1]) as shown:
                picture, scale = _picture(shown)
            read = typeset(page, read_lines(picture), scale)
            yield page if not read.lines or lies(read) else read


def letters(page: RawPage) -> int:
    """How many characters a page has that a person can see."""
    return len(page.text) - page.text.count(HIDDEN)


@contextmanager
def _drawing(path: Path, number: int) -> Iterator[None]:
    try:
        yield
    except (pdfium.PdfiumError, MemoryError, ValueError) as error:
        raise PaperError(f"damaged: page {number} cannot be drawn; download it again", file=path) from error


def _is_blank(page: pdfium.PdfPage) -> bool:
    with closing(page.render(scale=min(_GLANCE, _most(page)), grayscale=True, may_draw_forms=False)) as bitmap:
        pixels = bitmap.to_numpy()
        return int(pixels.max()) - int(pixels.min()) < _INK


def _is_covered(page: pdfium.PdfPage) -> bool:
    left, bottom, right, top = page.get_bbox()
    covered = sum(
        max(0.0, min(right, image[2]) - max(left, image[0])) * max(0.0, min(top, image[3]) - max(bottom, image[1]))
        for image in suspects(page).images
    )
    return bool(covered >= _COVERED * (right - left) * (top - bottom))


def _picture(page: pdfium.PdfPage) -> tuple[Picture, float]:
    """A page as it is shown, and how many pixels a point has in it."""
    scale = min(_SCALE, _most(page))
    with closing(page.render(scale=scale, may_draw_forms=False)) as bitmap:
        return bitmap.to_numpy()[:, :, :3].copy(), scale


def _most(page: pdfium.PdfPage) -> float:
    width, height = page.get_size()
    return float((_PIXELS / max(1.0, width * height)) ** 0.5)
