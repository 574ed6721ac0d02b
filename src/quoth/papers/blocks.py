"""From rows to blocks: headings, paragraphs, captions, table rows, and the labels inside figures.

A paragraph that a column or page break interrupts is put together again; figures, tables and footnotes that stand in
between are read after it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import groupby

from quoth.papers.layout import Row, usual_height, usual_pitch
from quoth.papers.sections import is_heading_text, is_known_heading, run_in_heading

_CAPTION = re.compile(
    r"^(?:Supplementary |Supplemental |Extended Data |Online )?"
    r"(?:Fig(?:ure)?|FIG(?:URE)?|Table|TABLE|Tab|Box|Scheme|Algorithm|Listing)\b\.?\s*(?:[A-Z]?\.?\d+[A-Za-z]?|[IVX]{1,5}\b)\s*(?:[.:|–—-]|\s|$)"
)
_PROSE_ON_A_TABLE = re.compile(
    r"^\w+\.?\s*(?:[A-Z]?\.?\d+[A-Za-z]?|[IVX]{1,5})\s+(?:and|shows?|lists?|gives?|presents?|summari[sz]es|illustrates"
    r"|depicts|in|for|to|is|are|was|were|has|provides|reports|compares|contains|displays)\b"
)
_TABLE_CAPTION = re.compile(r"^(?:Supplementary |Supplemental |Extended Data )?(?:Table|TABLE|Tab\.)")
_BULLET = re.compile(r"^(?:[•▪◦●■–—*]\s|\(?(?:[a-z]|[ivx]{1,4}|\d{1,2})\)\s|\[\d{1,3}\]\s?|\d{1,3}\.\s+[A-Z])")
_ENDS = re.compile(
    r"(?:[.!?:;][\"'”’)\]]*|(?<=[^\W\d])[.!?][\"'”’)\]]*\s*\[?\d{1,3}(?:[,–-]\d{1,3})*\]?)$"  # a citation may follow
)
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_LOWER = re.compile(r"[^\W\d_]{3,}")


class Shape(Enum):
    """What a draft looks like on the page."""

    PROSE = auto()
    HEADING = auto()
    CAPTION = auto()
    ROW = auto()
    LABELS = auto()


@dataclass(slots=True)
class Draft:
    """Rows that belong together; `aside` says that the text flows on around it."""

    shape: Shape
    rows: list[Row]
    aside: bool = False

    @property
    def text(self) -> str:
        """Its words as the page gives them."""
        return " ".join(row.text for row in self.rows)

    @property
    def first(self) -> Row:
        """Its first row."""
        return self.rows[0]

    @property
    def last(self) -> Row:
        """Its last row."""
        return self.rows[-1]


def drafts(rows: Sequence[Row]) -> list[Draft]:
    """Blocks in reading order."""
    if not rows:
        return []
    height, pitch = usual_height(rows), usual_pitch(rows)
    groups = [Draft(Shape.PROSE, group) for group in _groups(rows, pitch)]
    for group in groups:
        group.shape, group.aside = _shape(group, height)
    groups = _join_parts(groups)
    _mark_tables(groups)
    return _flow(_split_rows(groups))


def _groups(rows: Sequence[Row], pitch: float) -> list[list[Row]]:
    groups = [[rows[0]]]
    for row in rows[1:]:
        if _breaks(groups[-1], row, pitch):
            groups.append([row])
        else:
            groups[-1].append(row)
    return groups


def _breaks(group: list[Row], row: Row, pitch: float) -> bool:
    before = group[-1]
    if (before.page, before.column) != (row.page, row.column):
        return True
    step = row.bottom - before.bottom
    if step < -2 or step > max(1.45 * pitch, 1.9 * row.height) or (step > 1.3 * pitch and step > 1.32 * row.height):
        return True
    if abs(row.height - before.height) > 0.13 * max(row.height, before.height):
        return True
    text = row.text
    if (
        len(group) == 1
        and before.x1 < before.right - 2 * before.height
        and is_heading_text(before.text, stands_out=False)
    ):
        return True
    centred = before.x0 > before.left + 2 * before.height and row.x0 < before.left + before.height
    if len(group) == 1 and centred and _CAPTION.match(before.text):
        return True  # a caption over prose
    if before.bold != row.bold or _CAPTION.match(text) or _BULLET.match(text):
        return not _is_inline_marker(before, row)
    if before.sparse or row.sparse:
        return before.cells > 1 or row.cells > 1
    return _starts_paragraph(group, row)


def _is_inline_marker(before: Row, row: Row) -> bool:
    """'Fig. 3' or '(b)' at the start of a line in mid-sentence begins nothing."""
    return before.bold == row.bold and not _ENDS.search(before.text) and before.x1 > before.right - 3 * before.height


def _starts_paragraph(group: list[Row], row: Row) -> bool:
    before = group[-1]
    ended = bool(_ENDS.search(before.text))
    if ended and run_in_heading(row.text):
        return True
    short = before.x1 < before.right - 1.5 * before.height
    indent = row.x0 - before.x0
    if ended and 0.45 * row.height < indent < 5 * row.height and (short or abs(before.x0 - before.left) < 3):
        return True
    if ended and short and row.text[:1].isupper() and before.x1 < before.left + 0.8 * (before.right - before.left):
        return True
    # A reference list hangs: every entry starts to the left of its other lines.
    return ended and len(group) > 1 and group[0].x0 <= row.x0 + 1 and group[-1].x0 > row.x0 + 0.5 * row.height


def _shape(group: Draft, height: float) -> tuple[Shape, bool]:
    text = group.text
    if not all(line.upright for row in group.rows for line in row.lines):
        # Up the side of a page stand wide tables, and the names of a figure's axes.
        return (Shape.ROW if len(_LOWER.findall(text)) >= 4 else Shape.LABELS), True
    small = group.first.height < 0.93 * height
    if _CAPTION.match(text) and not (len(text) > 40 and not small and _reads_on(text)):
        return Shape.CAPTION, True
    if _is_heading(group, text, height):
        return Shape.HEADING, False
    words = _LOWER.findall(text)
    per_row = len(text) / len(group.rows)
    if len(words) < 4 or (
        per_row < 24 and group.last.right - group.last.left > 12 * group.last.height and not _ENDS.search(text)
    ):
        return Shape.LABELS, True
    return Shape.PROSE, small


def _reads_on(text: str) -> bool:
    """'Table 2 shows ...' is prose."""
    return bool(_PROSE_ON_A_TABLE.match(text))


def _is_heading(group: Draft, text: str, height: float) -> bool:
    if len(group.rows) > 3 or len(text) > 140 or group.first.cells > 2 or not _LETTERS.search(text):
        return False
    if is_known_heading(text):
        return True
    stands_out = group.first.bold or group.first.height > 1.1 * height or (text.isupper() and len(text) > 5)
    return is_heading_text(text, stands_out=stands_out)


def _mark_tables(groups: list[Draft]) -> None:
    """Rows of cells under (or over) a table's caption, and wherever three of them follow each other."""
    for i, group in enumerate(groups):
        if group.shape is Shape.CAPTION and _TABLE_CAPTION.match(group.text):
            _mark_run(groups, i, 1)
            _mark_run(groups, i, -1)
    for sparse, members in groupby(groups, key=_is_sparse):
        run = list(members)
        if sparse and sum(len(member.rows) for member in run) >= 3:
            for member in run:
                member.shape, member.aside = Shape.ROW, True


def _is_sparse(group: Draft) -> bool:
    return group.shape is not Shape.CAPTION and all(row.sparse for row in group.rows)


def _mark_run(groups: list[Draft], start: int, step: int) -> None:
    """Mark the parts of a table on one side of its caption; its header row may look like a heading."""
    page = groups[start].first.page
    i = start + step
    while 0 <= i < len(groups) and groups[i].first.page == page:
        following = groups[i + step] if 0 <= i + step < len(groups) else None
        is_header = groups[i].shape is Shape.HEADING and following is not None and _cellular(following)
        if not _cellular(groups[i]) and not (is_header and not is_known_heading(groups[i].text)):
            return
        groups[i].shape, groups[i].aside = Shape.ROW, True
        i += step


def _cellular(group: Draft) -> bool:
    """Whether a group looks like a part of a table: cells, or rows too short or too numeric for prose."""
    if group.shape in (Shape.CAPTION, Shape.ROW):
        return False
    text, row = group.text, group.first
    if any(member.sparse for member in group.rows):
        return True
    if group.shape is Shape.HEADING and is_known_heading(text):
        return False
    digits = sum(c.isdigit() for c in text)
    narrow = row.x1 - row.x0 < 0.6 * (row.right - row.left)
    return digits > 0.25 * len(text) or (narrow and len(text) / len(group.rows) < 60 and not text.endswith("."))


def _join_parts(groups: list[Draft]) -> list[Draft]:
    """A heading broken over lines of one size is one heading; 'Figure 2.' on a line of its own opens its caption."""
    out: list[Draft] = []
    for group in groups:
        if out and (_is_same_heading(out[-1], group) or _is_its_caption(out[-1], group)):
            out[-1].rows += group.rows
        else:
            out.append(group)
    return out


def _is_same_heading(before: Draft, group: Draft) -> bool:
    return (
        before.shape is group.shape is Shape.HEADING
        and (before.last.page, before.last.column) == (group.first.page, group.first.column)
        and 0 < group.first.bottom - before.last.bottom < 1.3 * group.first.height
        and abs(before.last.height - group.first.height) < 0.05 * group.first.height
        and not is_known_heading(before.text)
        and (group.first.text[:1].islower() or before.last.x1 > before.last.right - 6 * before.last.height)
    )


def _is_its_caption(before: Draft, group: Draft) -> bool:
    return (
        before.shape is Shape.CAPTION
        and len(before.text) < 16
        and group.shape in (Shape.PROSE, Shape.LABELS)
        and before.last.page == group.first.page
        and 0 < group.first.bottom - before.last.bottom < 3 * group.first.height
    )


def _split_rows(groups: list[Draft]) -> list[Draft]:
    """Each row of a table is a block of its own."""
    out: list[Draft] = []
    for group in groups:
        if group.shape is Shape.ROW:
            out += [Draft(Shape.ROW, [row], True) for row in group.rows]
        else:
            out.append(group)
    return out


def _flow(groups: list[Draft]) -> list[Draft]:
    """Join what a column or page break has cut, reading asides after the paragraph that they interrupt."""
    out: list[Draft] = []
    open_at: int | None = None
    for group in groups:
        if group.aside and group.shape is not Shape.PROSE:
            out.append(group)
            continue
        before = out[open_at] if open_at is not None else None
        if before and group.shape is Shape.PROSE and _continues(before, group):
            before.rows += group.rows
            continue
        out.append(group)
        if not (group.aside and before and not _ENDS.search(before.text)):
            open_at = len(out) - 1
    return out


def _continues(before: Draft, group: Draft) -> bool:
    if before.shape is not Shape.PROSE or (before.last.page, before.last.column) == (
        group.first.page,
        group.first.column,
    ):
        return False
    if abs(before.last.height - group.first.height) > 0.08 * group.first.height:
        return False
    if before.last.lines[-1].text.endswith(("\ufffe", "-")):
        return True
    if _ENDS.search(before.last.text):
        return False
    first = group.text[:1]
    reaches = before.last.x1 > before.last.right - 2.5 * before.last.height
    return first.islower() or (reaches and (first.isalnum() or first in "([“‘\"'"))
