"""Pictures of the very lines of a PDF that a quote stands on, with the quote marked: small WebP files.

A quote that runs on in the next column is drawn as two strips, one above the other. The marks are a tint and a line
below, so that they hold up in greyscale.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import pypdfium2 as pdfium
from PIL import Image, ImageChops, ImageDraw

from quoth.errors import PaperError
from quoth.papers.pdf import open_pdf
from quoth.vocabulary import Box, Span

LIMIT = 40_000_000
"""Bytes that the pictures of one report may take, as they stand in it."""

_SCALE = 1.6  # pixels for each point: 115 dpi, sharp enough to read
_LARGEST = 1_200_000  # pixels of one strip; a larger one is drawn at a smaller scale
_MARGIN_X, _MARGIN_Y, _NARROWEST = 10.0, 15.0, 220.0  # points: within the column, a line above and below
_TINT, _LINE, _GAP = (255, 226, 110), (190, 72, 0), (208, 208, 208)
_LEVELS = [round(round(level / 36) * 255 / 7) for level in range(256)] * 3
"""Eight of each colour: letters stay sharp, and deflate to half of what JPEG or lossy WebP make of them."""
_PHOTO = 40_000  # bytes above which a strip is no text, and is better blurred a little


class Place(NamedTuple):
    """Where a quote, or the part of it on one page, stands: the file's digest, the page from 1, a box for each line."""

    file: str
    page: int
    boxes: tuple[Box, ...]

    @classmethod
    def of(cls, span: Span) -> "Place":
        """The place of a span."""
        return cls(span.file, span.page, span.boxes)


@dataclass(frozen=True, slots=True)
class Pictures:
    """What was drawn, as WebP, and how many places were left out because the limit was reached."""

    drawn: Mapping[Place, bytes]
    left_out: int = 0


def draw(tiers: Iterable[Sequence[Place]], paths: Mapping[str, Path], *, limit: int = LIMIT) -> Pictures:
    """Draw places until the limit is reached.

    Args:
        tiers: the places that matter most first; within a tier, those of a file next to each other.
        paths: of the files by digest; places in other files, and those that cannot be drawn, are passed over.
        limit: bytes, counted in base64.
    """
    drawn: dict[Place, bytes] = {}
    size = left_out = 0
    for tier in tiers:
        open_ = [place for place in dict.fromkeys(tier) if place.boxes and place.file in paths and place not in drawn]
        for file, places in groupby(open_, key=lambda place: place.file):
            if size >= limit:
                left_out += len(list(places))
                continue
            for place, picture in _of_file(paths[file], places):
                drawn[place] = picture
                size += -(-len(picture) // 3) * 4
    return Pictures(drawn, left_out)


def _of_file(path: Path, places: Iterable[Place]) -> Iterator[tuple[Place, bytes]]:
    try:
        with open_pdf(path) as document:
            for place in places:
                try:
                    yield place, _picture(document, place)
                except (pdfium.PdfiumError, IndexError, ValueError):
                    # The file is not as it was when the quote was found; the report still has the words.
                    continue
    except PaperError:
        return


def _picture(document: pdfium.PdfDocument, place: Place) -> bytes:
    page = document[place.page - 1]
    try:
        strips = [_strip(page, boxes) for boxes in _runs(place.boxes)]
    finally:
        page.close()
    whole = strips[0] if len(strips) == 1 else _stacked(strips)
    exact = _webp(whole, lossless=True, quality=50)
    return exact if len(exact) <= _PHOTO else min(exact, _webp(whole, lossless=False, quality=45), key=len)


def _webp(picture: Image.Image, *, lossless: bool, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", lossless=lossless, quality=quality, method=2)
    return file.getvalue()


def _runs(boxes: Sequence[Box]) -> list[list[Box]]:
    """The boxes, cut where the text goes on further up: in the next column."""
    runs = [[boxes[0]]]
    for before, box in pairwise(boxes):
        if box[1] < before[1] - 2 * (before[3] - before[1]):
            runs.append([])
        runs[-1].append(box)
    return runs


def _strip(page: pdfium.PdfPage, boxes: Sequence[Box]) -> Image.Image:
    """The part of the page around some boxes, which are marked."""
    x0, y0, x1, y1 = _around(boxes, *page.get_size())
    width, height = page.get_size()
    scale = min(_SCALE, (_LARGEST / max(1.0, (x1 - x0) * (y1 - y0))) ** 0.5)
    drawn: Image.Image = (
        page.render(scale, crop=(x0, height - y1, width - x1, y0)).to_pil().convert("RGB").point(_LEVELS)
    )
    for box in boxes:
        corners = [round((box[i] - (x0, y0)[i % 2]) * scale) for i in range(4)]
        _mark(drawn, corners[0] - 1, corners[1] - 1, corners[2] + 1, corners[3] + 1)
    return drawn


def _around(boxes: Sequence[Box], width: float, height: float) -> Box:
    """The boxes with a margin, no narrower than a column, within the page."""
    x0, x1 = min(box[0] for box in boxes) - _MARGIN_X, max(box[2] for box in boxes) + _MARGIN_X
    y0, y1 = min(box[1] for box in boxes) - _MARGIN_Y, max(box[3] for box in boxes) + _MARGIN_Y
    short = max(0.0, _NARROWEST - (x1 - x0)) / 2
    return max(0.0, x0 - short), max(0.0, y0), min(width, x1 + short), min(height, y1)


def _mark(picture: Image.Image, x0: int, y0: int, x1: int, y1: int) -> None:
    box = max(0, x0), max(0, y0), min(picture.width, x1), min(picture.height, y1)
    if box[0] >= box[2] or box[1] >= box[3]:
        return
    part = picture.crop(box)
    picture.paste(ImageChops.multiply(part, Image.new("RGB", part.size, _TINT)), box)
    ImageDraw.Draw(picture).line((box[0], box[3], box[2], box[3]), fill=_LINE, width=2)


def _stacked(strips: Sequence[Image.Image]) -> Image.Image:
    gap = 6
    width = max(strip.width for strip in strips)
    whole = Image.new("RGB", (width, sum(strip.height for strip in strips) + gap * (len(strips) - 1)), _GAP)
    top = 0
    for strip in strips:
        whole.paste(Image.new("RGB", (width, strip.height), (255, 255, 255)), (0, top))
        whole.paste(strip, (0, top))
        top += strip.height + gap
    return whole
