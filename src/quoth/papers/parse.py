"""One file to one document: the steps of this room in order."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quoth.errors import PaperError
from quoth.papers.about import about
from quoth.papers.blocks import drafts
from quoth.papers.draft import Draft, Shape
from quoth.papers.language import lies
from quoth.papers.layout import Row, reading_order
from quoth.papers.ocr import REMEDY, Wanted, installed, reads_here
from quoth.papers.pdf import RawPage, read_information, read_pages
from quoth.papers.repair import Hyphens, mend, runs_on
from quoth.papers.scans import EMPTY_PAGE, letters, picture_pages, read_pictures
from quoth.papers.sections import is_publishers, opens_section, run_in_heading, section_kind
from quoth.papers.sentences import sentences
from quoth.vocabulary import Block, BlockKind, Document, Hidden, Link, Page, Section, SectionKind, Sentence, Source

PARSER_VERSION = "3"
"""Changes whenever the same bytes may give another document: cached documents of other versions are not used."""

_KINDS = {
    Shape.PROSE: BlockKind.PARAGRAPH,
    Shape.HEADING: BlockKind.HEADING,
    Shape.CAPTION: BlockKind.CAPTION,
    Shape.ROW: BlockKind.TABLE_ROW,
    Shape.LABELS: BlockKind.FRAGMENT,
}
_BREAK = "\n\n"
_WITHOUT = "without OCR"
_THIN_PAGE = 250  # characters that a page of a paper holds on average at the very least
_WORTH_TELLING = 4  # letters and digits that nobody sees, below which they are crumbs
_TOLD = 300  # characters of hidden words that are kept for each page
_DASHED = re.compile(r"\d[–-]\n\d|[^\W\d]—\n\w")  # a range or a clause goes on in the next line without a space


def parse(
    path: Path, digest: str, *, max_pages: int = 500, ocr: str = "", begin_page: Callable[[], None] = lambda: None
) -> Document:
    """Read one PDF, whose bytes have the SHA-256 `digest`, into a document.

    Args:
        path: the file.
        digest: of its bytes.
        max_pages: a longer one is not read.
        ocr: what reads pages that are pictures, and those whose letters lie (`ocr.reads_here`); empty for nothing.
        begin_page: called before each page that OCR reads, as these take seconds.

    Raises:
        PaperError: it cannot be read, or holds no text.
    """
    raw = list(read_pages(path, max_pages=max_pages))
    lying = [page.number for page in raw if lies(page)]
    pictures = picture_pages(path, raw)
    if ocr and (lying or pictures):
        raw = list(read_pictures(path, raw, {*lying, *pictures}, begin_page))
    for number in pictures:
        if raw[number - 1].source is Source.TEXT:
            raw[number - 1].source = Source.PICTURE
    _check_text([letters(page) for page in raw], path, ocr)
    _check_language([number for number in lying if raw[number - 1].source is Source.TEXT], len(raw), path, ocr)
    builder = _Builder(raw, digest, ocr)
    for draft in drafts(reading_order(raw)):
        builder.add(draft)
    document = builder.document()
    drawn = (document.glyphs >= 0) & (document.glyphs < document.pages[0].end)
    first = document.text[: 1 + int(np.flatnonzero(drawn).max(initial=-1))]
    return replace(document, about=about(read_information(path), raw[0], first), hidden=tuple(_hidden(raw, digest)))


def _hidden(raw: Iterable[RawPage], file: str) -> Iterator[Hidden]:
    for page in raw:
        if sum(letter.isalnum() for letter in page.hidden) >= _WORTH_TELLING:
            yield Hidden(file, page.number, mend(page.hidden, np.zeros(len(page.hidden), np.int32))[0][:_TOLD])


def _check_text(lengths: Sequence[int], path: Path, ocr: str) -> None:
    """A file most of whose text is missing is not read: what is missing would pass for 'not reported'."""
    total, empty = sum(lengths), sum(length < EMPTY_PAGE for length in lengths)
    if total < EMPTY_PAGE:
        raise PaperError(f"no text: its pages are pictures (a scan), or empty; {_by_ocr(ocr)}", file=path)
    remedy = f"damaged, scanned in part, or no paper: download it again; {_by_ocr(ocr)}"
    if 2 * empty > len(lengths):
        raise PaperError(f"no text on {empty} of {len(lengths)} pages: {remedy}", file=path)
    if total < _THIN_PAGE * len(lengths):
        pages = "1 page" if len(lengths) == 1 else f"{len(lengths)} pages"
        raise PaperError(f"hardly any text ({total} characters on {pages}): {remedy}", file=path)


def _check_language(lying: Sequence[int], count: int, path: Path, ocr: str) -> None:
    """A file some pages of which give other letters than they show is not read: what they say would be missing."""
    if lying:
        pages = f"page {lying[0]}" if len(lying) == 1 else f"{len(lying)} of {count} pages, from page {lying[0]} on"
        why = "a font gives other letters than those that one sees"
        raise PaperError(f"garbled text on {pages}: {why}; {_by_ocr(ocr)}", file=path)


def _by_ocr(ocr: str) -> str:
    """What OCR could do for a file that is not read."""
    if ocr:
        return "OCR found no more words"
    if installed():
        return 'to have such pages read by OCR, set ocr = "needed" in [reading] of study.toml'
    return f"to have such pages read by OCR: {REMEDY}"


class _Builder:
    """Puts drafts together to a text, with sections, sentences and the way back to the page."""

    def __init__(self, raw: Sequence[RawPage], file: str, ocr: str) -> None:
        self._raw = raw
        boxes = [page.boxes for page in raw if page.boxes is not None]
        self._boxes = np.concatenate([np.zeros((0, 4), np.float32), *boxes])
        self._ocr = ocr if any(page.source is not Source.TEXT for page in raw) else ""
        self._first = np.cumsum([0, *(len(page.text) if page.glyphs is None else _span(page.glyphs) for page in raw)])
        self._pages = tuple(
            Page(file, page.number, page.width, page.height, int(self._first[i]), int(self._first[i + 1]), page.source)
            for i, page in enumerate(raw)
        )
        self._hyphens = Hyphens([page.text for page in raw])
        self._texts: list[str] = []
        self._glyphs: list[NDArray[np.int32]] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._sentences: list[Sentence] = []
        self._sections: list[Section] = []
        self._opened = ("", SectionKind.FRONT, 0)
        self._caption, self._header = "", ""

    def add(self, draft: Draft) -> None:
        """Append one draft."""
        text, glyphs = mend(*self._joined(draft.rows))
        text, glyphs = _stripped(text, glyphs)
        if not text:
            return
        kind = _KINDS[draft.shape]
        if kind is BlockKind.HEADING and not opens_section(text, self._opened[1]):
            kind = BlockKind.PARAGRAPH
        if kind is BlockKind.PARAGRAPH and self._opened[1] is SectionKind.FRONT and is_publishers(text):
            kind = BlockKind.FRAGMENT
        start = self._append(text, glyphs)
        if kind is BlockKind.HEADING:
            self._open(text, section_kind(text, self._opened[1]), start)
        elif kind is BlockKind.PARAGRAPH and (heading := run_in_heading(text)) and self._may_open(heading[1]):
            self._open(*heading, start)
        block = Block(kind, start, start + len(text), len(self._sections), self._lead(kind, text))
        self._blocks.append(block)
        if kind not in (BlockKind.HEADING, BlockKind.FRAGMENT):
            number = len(self._blocks) - 1
            cuts = [(0, len(text))] if kind is BlockKind.TABLE_ROW else sentences(text)
            self._sentences.extend(Sentence(start + a, start + b, number) for a, b in cuts)

    def document(self) -> Document:
        """The document of all that was added."""
        self._close()
        text = "".join(self._texts)
        glyphs = np.concatenate(self._glyphs) if self._glyphs else np.zeros(0, np.int32)
        return Document(
            text_digest(text, self._ocr),
            text,
            self._pages,
            tuple(self._sections),
            tuple(self._blocks),
            tuple(self._sentences),
            tuple(_whole_links(self._links(glyphs))),
            glyphs,
            ocr=self._ocr,
            boxes=self._boxes,
        )

    def _append(self, text: str, glyphs: NDArray[np.int32]) -> int:
        start = self._length
        self._texts += (text, _BREAK)
        self._glyphs += (glyphs, np.full(len(_BREAK), -1, np.int32))
        self._length += len(text) + len(_BREAK)
        return start

    def _may_open(self, kind: SectionKind) -> bool:
        """A publisher's notes beside the title are no section that the text under them belongs to."""
        return self._opened[1] is not SectionKind.FRONT or kind is SectionKind.ABSTRACT

    def _open(self, title: str, kind: SectionKind, start: int) -> None:
        self._close(start)
        self._opened = (title, kind, start)

    def _close(self, end: int | None = None) -> None:
        title, kind, start = self._opened
        end = self._length if end is None else end
        if end > start or not self._sections:
            self._sections.append(Section(title, kind, start, end))

    def _lead(self, kind: BlockKind, text: str) -> str:
        """For a table row, the caption and the header row of its table."""
        if kind is BlockKind.CAPTION:
            self._caption, self._header = (text, "") if text.lower().startswith("tab") else ("", "")
        if kind is not BlockKind.TABLE_ROW:
            if kind is BlockKind.PARAGRAPH:
                self._header = ""
            return ""
        lead = " | ".join(part for part in (self._caption[:300], self._header) if part)
        self._header = self._header or text
        return lead

    def _joined(self, rows: Sequence[Row]) -> tuple[str, NDArray[np.int32]]:
        """The rows' words as one text: halves of words put together, a space between lines elsewhere."""
        texts: list[str] = []
        glyphs: list[NDArray[np.int32]] = []
        before = ""
        hyphen = np.zeros(0, np.int32)
        for row in rows:
            for line in row.lines:
                joint = self._joint(before, line.text) if texts else ""
                if texts and joint != " " and before.endswith(("\ufffe", "-", "\u00ad")):
                    # The hyphen goes, or comes back as one that belongs to the word.
                    texts[-1], glyphs[-1] = texts[-1][:-1], glyphs[-1][:-1]
                    drawn = np.concatenate([hyphen, np.full(1, -1, np.int32)])[: len(joint)]
                else:
                    drawn = np.full(len(joint), -1, np.int32)
                numbers = self._numbers(row.page, line.start, line.end)
                texts += (joint, line.text)
                glyphs += (drawn, numbers)
                before, hyphen = line.text, numbers[-1:]
        return "".join(texts), np.concatenate(glyphs)

    def _joint(self, before: str, after: str) -> str:
        if before.endswith(("\ufffe", "\u00ad")) or (before.endswith("-") and len(before) > 1 and before[-2].isalpha()):
            return self._hyphens.joint(before[:-1], after)
        return "" if runs_on(before, after) or _DASHED.search(f"{before[-2:]}\n{after[:1]}") else " "

    def _numbers(self, page: int, start: int, end: int) -> NDArray[np.int32]:
        raw, first = self._raw[page - 1], self._first[page - 1]
        if raw.glyphs is None:
            return np.arange(first + start, first + end, dtype=np.int32)
        return np.array(raw.glyphs[start:end], np.int32) + np.int32(first)

    def _links(self, glyphs: NDArray[np.int32]) -> Iterator[Link]:
        if not any(page.links for page in self._raw):
            return
        drawn = np.flatnonzero(glyphs >= 0)
        order = drawn[np.argsort(glyphs[drawn], kind="stable")]
        numbers = glyphs[order]
        for page in self._raw:
            for link in page.links:
                wanted = self._numbers(page.number, link.start, link.end)
                low, high = np.searchsorted(numbers, [wanted.min(), wanted.max() + 1])
                if low < high:
                    found = order[low:high]
                    yield Link(int(found.min()), int(found.max()) + 1, link.target)


def _whole_links(links: Iterable[Link]) -> list[Link]:
    """The links in order; the parts of one that is broken over lines are put together."""
    whole: list[Link] = []
    for link in sorted(links, key=lambda link: link.start):
        if whole and whole[-1].target == link.target and link.start - whole[-1].end <= 1:
            whole[-1] = Link(whole[-1].start, max(whole[-1].end, link.end), link.target)
        else:
            whole.append(link)
    return whole


def _span(glyphs: list[int]) -> int:
    return max(glyphs, default=-1) + 1


def _stripped(text: str, glyphs: NDArray[np.int32]) -> tuple[str, NDArray[np.int32]]:
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return text[start:end], glyphs[start:end]


def text_digest(text: str, ocr: str = "") -> str:
    """What names a document's text: SHA-256 of the text, the parser's version and that of OCR where it had a part."""
    return hashlib.sha256(f"{_read_by(ocr)}\n{text}".encode()).hexdigest()


def parser_of(document: Document) -> str:
    """What read a document: the parser's version, with that of OCR where it had a part, or where it was missed."""
    missed = any(page.source is Source.PICTURE for page in document.pages)
    return _read_by(document.ocr or (_WITHOUT if missed else ""))


def is_current(parser: str, wanted: Wanted) -> bool:
    """Whether what a parser read counts as read, on this machine and in a study that wants OCR so.

    A machine without OCR lets stand what another one read by it.
    """
    ocr = parser.removeprefix(PARSER_VERSION).strip()
    if parser != _read_by(ocr):
        return False
    if not ocr or wanted == "off":
        return ocr in ("", _WITHOUT)
    return not installed() or ocr == reads_here(wanted)


def _read_by(ocr: str) -> str:
    return f"{PARSER_VERSION} {ocr}" if ocr else PARSER_VERSION
