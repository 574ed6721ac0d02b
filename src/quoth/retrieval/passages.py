"""Cutting a document into passages: whole sentences, near 300 characters, from the same paragraph or table."""

from collections.abc import Iterator

import numpy as np

from quoth.vocabulary import BlockKind, Document, Passage, SectionKind, Sentence

PASSAGES_VERSION = "2"
"""Changes whenever the same document may give other passages: cached vectors of other versions are not used."""

TARGET = 300
"""Characters that a passage aims for; 300 found more evidence in the same budget than 450 and 900 did."""

_LONGEST = 420
_SHORT = 120


def passages(document: Document) -> tuple[Passage, ...]:
    """The passages of a document in reading order; reference lists, headings and labels in figures stay out."""
    groups = list(_groups(document))
    places = _Places(document)
    return tuple(_passage(document, places, group, groups, i) for i, group in enumerate(groups))


def _groups(document: Document) -> Iterator[tuple[Sentence, ...]]:
    group: list[Sentence] = []
    for sentence in document.sentences:
        block = document.blocks[sentence.block]
        # Tables and figures that follow the reference list are no references.
        if document.sections[block.section].kind is SectionKind.REFERENCES and block.kind is BlockKind.PARAGRAPH:
            continue
        if group and not _belongs(document, group, sentence):
            yield tuple(group)
            group = []
        group.append(sentence)
    if group:
        yield tuple(group)


def _belongs(document: Document, group: list[Sentence], sentence: Sentence) -> bool:
    before, after = document.blocks[group[-1].block], document.blocks[sentence.block]
    length, longer = group[-1].end - group[0].start, sentence.end - group[0].start
    if before.section != after.section or longer > _LONGEST or length >= TARGET - 40:
        return False
    if sentence.block == group[-1].block:
        return True
    # Next to each other without a heading or a figure in between: rows of one table, or lines too short alone.
    adjacent = sentence.block == group[-1].block + 1
    rows = before.kind is BlockKind.TABLE_ROW and after.kind is BlockKind.TABLE_ROW
    prose = before.kind is BlockKind.PARAGRAPH and after.kind is BlockKind.PARAGRAPH and length < _SHORT
    return adjacent and (prose or (rows and before.lead[:60] == after.lead[:60]))


def _passage(
    document: Document, places: "_Places", group: tuple[Sentence, ...], groups: list[tuple[Sentence, ...]], i: int
) -> Passage:
    start, end = group[0].start, group[-1].end
    block = document.blocks[group[0].block]
    section = document.sections[block.section]
    file, page = places.page(start, end)
    before, after = groups[i - 1][-1] if i else None, groups[i + 1][0] if i + 1 < len(groups) else None
    return Passage(
        start,
        end,
        document.text[start:end],
        file,
        page,
        section.title,
        section.kind,
        block.lead,
        document.text[before.start : before.end] if before else "",
        document.text[after.start : after.end] if after else "",
        places.links(start, end),
        tuple((sentence.start, sentence.end) for sentence in group),
    )


class _Places:
    """Looks up pages and links by offset."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._pages = np.array([page.start for page in document.pages])
        self._links = sorted(document.links, key=lambda link: link.start)
        self._starts = np.array([link.start for link in self._links])

    def page(self, start: int, end: int) -> tuple[str, int]:
        """File and number of the page on which the first drawn character of a stretch stands."""
        glyphs = self._document.glyphs[start:end]
        drawn = glyphs[glyphs >= 0]
        number = int(np.searchsorted(self._pages, drawn[0], side="right")) - 1 if len(drawn) else 0
        page = self._document.pages[number]
        return page.file, page.number

    def links(self, start: int, end: int) -> tuple[str, ...]:
        """The targets of the links that begin in a stretch."""
        if not self._links:
            return ()
        low, high = np.searchsorted(self._starts, [start, end])
        return tuple(dict.fromkeys(link.target for link in self._links[low:high]))
