"""Are the quotes where they say they are? Looked up with pdfium anew, by none of quoth's own reading."""

import ctypes
from collections.abc import Iterable
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from scoring import squeeze

from quoth.vocabulary import Quote, Span

LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl"}


class Place:
    """The pages of PDFs by digest and number: their text, and each character with its centre from the top left."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._documents = {digest: pdfium.PdfDocument(path) for digest, path in files.items()}
        self._pages: dict[tuple[str, int], tuple[str, list[tuple[str, float, float]]]] = {}

    def page(self, file: str, number: int) -> tuple[str, list[tuple[str, float, float]]]:
        """Folded text, and characters with x and y of their centres."""
        if (file, number) not in self._pages:
            page = self._documents[file][number - 1]
            words = page.get_textpage()
            self._pages[file, number] = squeeze(words.get_text_range()), list(_characters(words, page.get_height()))
        return self._pages[file, number]

    def under(self, span: Span) -> str:
        """The folded text of the characters whose centres lie in a span's boxes."""
        _, characters = self.page(span.file, span.page)
        inside = [
            letter
            for x0, y0, x1, y1 in span.boxes
            for letter, x, y in characters
            if x0 - 0.02 <= x <= x1 + 0.02 and y0 - 0.02 <= y <= y1 + 0.02
        ]
        return squeeze("".join(inside))

    def check(self, quotes: Iterable[Quote]) -> tuple[int, int, int]:
        """How many quotes, how many of them verbatim on the pages they name, and under how many boxes they stand."""
        total = verbatim = boxed = 0
        for quote in quotes:
            text = squeeze(quote.text)
            pages = [self.page(span.file, span.page)[0] for span in quote.spans]
            parts = [squeeze(_part(quote, span)) for span in quote.spans]
            total += 1
            verbatim += all(part in page for part, page in zip(parts, pages, strict=True))
            boxed += "".join(self.under(span) for span in quote.spans) == text
        return total, verbatim, boxed


def _part(quote: Quote, span: Span) -> str:
    """The words of a quote that stand on one page; its text is as long as its stretch of the document."""
    first = quote.spans[0].start
    return quote.text[span.start - first : span.end - first]


def _characters(words: pdfium.PdfTextPage, height: float) -> Iterable[tuple[str, float, float]]:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    before = None
    for number in range(raw.FPDFText_CountChars(words.raw)):
        raw.FPDFText_GetCharBox(words.raw, number, left, right, bottom, top)
        box = left.value, right.value, bottom.value, top.value
        letter = chr(raw.FPDFText_GetUnicode(words.raw, number))
        # pdfium gives a ligature once for each of its letters, in the same box.
        if box != before or letter not in LIGATURES:
            yield LIGATURES.get(letter, letter), (box[0] + box[1]) / 2, height - (box[2] + box[3]) / 2
        before = box
