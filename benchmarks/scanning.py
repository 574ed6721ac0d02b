"""A scanner: pages of a PDF become pictures of themselves, without a letter of text."""

import io
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import pypdfium2 as pdfium


def scan(source: Path, out: Path, *, dpi: int = 200, pages: Collection[int] | None = None, turn: float = 0.0) -> None:
    """Write `source` to `out` with the pages of these numbers (all without any) as grey pictures.

    `turn` lays them on the glass askew, by so many degrees.
    """
    with pdfium.PdfDocument(source) as shown, closing(pdfium.PdfDocument.new()) as scanned:
        for index in range(len(shown)):
            if pages is None or index + 1 in pages:
                _picture(shown[index], scanned, dpi, turn)
            else:
                scanned.import_pages(shown, [index])
        scanned.save(out)


def _picture(page: pdfium.PdfPage, scanned: pdfium.PdfDocument, dpi: int, turn: float) -> None:
    width, height = page.get_size()
    picture = page.render(scale=dpi / 72).to_pil().convert("L")
    content = io.BytesIO()
    picture.rotate(turn, fillcolor=255, resample=3).save(content, "JPEG", quality=85)
    image = pdfium.PdfImage.new(scanned)
    image.load_jpeg(content)
    image.set_matrix(pdfium.PdfMatrix().scale(width, height))
    new = scanned.new_page(width, height)
    new.insert_obj(image)
    new.gen_content()
