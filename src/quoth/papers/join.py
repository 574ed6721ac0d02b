"""A paper of several files as one document: main text first, then the supplements."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from quoth.papers.parse import text_digest
from quoth.vocabulary import Document

_BETWEEN = "\n\n"


def join(documents: Sequence[Document]) -> Document:
    """One document of several, in order; a single one comes back as it is."""
    if len(documents) == 1:
        return documents[0]
    text = _BETWEEN.join(document.text for document in documents)
    moved = []
    offset = glyph = section = block = 0
    for document in documents:
        moved.append(_shift(document, offset, glyph, section, block))
        offset += len(document.text) + len(_BETWEEN)
        glyph += document.pages[-1].end
        section += len(document.sections)
        block += len(document.blocks)
    gap = np.full(len(_BETWEEN), -1, np.int32)
    glyphs = [part for document in moved for part in (gap, document.glyphs)][1:]
    ocr = next((document.ocr for document in documents if document.ocr), "")
    return Document(
        text_digest(text, ocr),
        text,
        tuple(page for document in moved for page in document.pages),
        tuple(part for document in moved for part in document.sections),
        tuple(part for document in moved for part in document.blocks),
        tuple(part for document in moved for part in document.sentences),
        tuple(part for document in moved for part in document.links),
        np.concatenate(glyphs),
        tuple(part for document in moved for part in document.hidden),
        documents[0].about,
        ocr,
        np.concatenate([document.boxes for document in documents]),
    )


def _shift(document: Document, offset: int, glyph: int, section: int, block: int) -> Document:
    return replace(
        document,
        pages=tuple(replace(page, start=page.start + glyph, end=page.end + glyph) for page in document.pages),
        sections=tuple(replace(s, start=s.start + offset, end=s.end + offset) for s in document.sections),
        blocks=tuple(
            replace(b, start=b.start + offset, end=b.end + offset, section=b.section + section) for b in document.blocks
        ),
        sentences=tuple(
            replace(s, start=s.start + offset, end=s.end + offset, block=s.block + block) for s in document.sentences
        ),
        links=tuple(replace(link, start=link.start + offset, end=link.end + offset) for link in document.links),
        glyphs=np.where(document.glyphs >= 0, document.glyphs + np.int32(glyph), np.int32(-1)),
    )
