"""From rows to blocks: headings, paragraphs, captions, table rows, and the labels inside figures.

A paragraph that a column or page break interrupts is put together again; figures, tables and footnotes that stand in
between are read after it.
"""

import re
from collections import Counter
from collections.abc import Sequence

from quoth.papers.draft import Draft, Shape
from quoth.papers.layout import Row, usual_height, usual_pitch
from quoth.papers.repair import runs_on
from quoth.papers.sections import is_heading_text, is_known_heading, is_numbered, run_in_heading
from quoth.papers.tables import mark_tables

_CAPTION = re.compile(
    r"^(?:Supplementary |Supplemental |Extended Data |Online )?"
    r"(?:Fig(?:ure)?|FIG(?:URE)?|Table|TABLE|Tab|Box|Scheme|Algorithm|Listing)\b\.?\s*(?:[A-Z]?\.?\d+[A-Za-z]?|[IVX]{1,5}\b)\s*(?:[.:|–—-]|\s|$)"
)
_PROSE_ON_A_TABLE = re.compile(
    r"^\w+\.?\s*(?:[A-Z]?\.?\d+[A-Za-z]?|[IVX]{1,5})\s+(?:and|shows?|lists?|gives?|presents?|summari[sz]es|illustrates"
    r"|depicts|in|for|to|is|are|was|were|has|provides|reports|compares|contains|displays)\b"
)
_BULLET = re.compile(r"^(?:[•▪◦●■–—*]\s|\(?(?:[a-z]|[ivx]{1,4}|\d{1,2})\)\s|\[\d{1,3}\]\s?|\d{1,3}\.\s+[A-Z])")
_ENDS = re.compile(
    r"(?:[.!?:;][\"'”’)\]]*|(?<=[^\W\d])[.!?][\"'”’)\]]*\s*\[?\d{1,3}(?:[,–-]\d{1,3})*\]?)$"  # a citation may follow
)
_FORMULA = re.compile("[=∑∫∏√≤≥∈±\U0001d400-\U0001d7ff]")
_WIDE = 20  # characters from which on words that stand far apart are cells; short titles are spaced out
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_LOWER = re.compile(r"[^\W\d_]{3,}")


def drafts(rows: Sequence[Row]) -> list[Draft]:
    """Blocks in reading order."""
    if not rows:
        return []
    height, pitch = usual_height(rows), usual_pitch(rows)
    font = Counter(row.lines[0].font for row in rows).most_common(1)[0][0]
    groups = [Draft(Shape.PROSE, group) for group in _groups(rows, pitch)]
    for group in groups:
        group.shape, group.aside = _shape(group, height, font)
    groups = _join_parts(groups, height)
    return _flow(_split_rows(mark_tables(groups)))


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
        and (is_heading_text(before.text, stands_out=False) or _is_set_apart(before, row))
    ):
        return True
    centred = before.x0 > before.left + 2 * before.height and row.x0 < before.left + before.height
    if len(group) == 1 and centred and _CAPTION.match(before.text):
        return True  # a caption over prose
    if before.bold != row.bold or _CAPTION.match(text) or _BULLET.match(text):
        return not _is_inline_marker(before, row)
    if before.sparse or row.sparse:
        return before.cells > 1 or row.cells > 1 or _opens_table(group, row)
    return _starts_paragraph(group, row)


def _opens_table(group: list[Row], row: Row) -> bool:
    """Whether cells begin after words that have come to an end, or end before words that go on."""
    if row.sparse:
        return not group[-1].sparse and bool(_ENDS.search(group[-1].text))
    return len(group) > 1 and all(member.sparse for member in group)


def _is_set_apart(before: Row, row: Row) -> bool:
    """A numbered line in a font of its own ('A. Study area', in italics) over the paragraph that it names."""
    return before.lines[0].font != row.lines[0].font and is_numbered(before.text) and len(before.lines) == 1


def _is_inline_marker(before: Row, row: Row) -> bool:
    """'Fig. 3' or '(b)' at the start of a line in mid-sentence begins nothing."""
    return before.bold == row.bold and not _ENDS.search(before.text) and before.x1 > before.right - 3 * before.height


def _starts_paragraph(group: list[Row], row: Row) -> bool:
    before = group[-1]
    ended = bool(_ENDS.search(before.text))
    short = before.x1 < before.right - 1.5 * before.height
    if (ended or short) and run_in_heading(row.text):
        return True
    if runs_on(before.text, row.text):
        return False
    indent = row.x0 - before.x0
    if len(group) == 1 and indent > 0 and _BULLET.match(before.text):
        return False  # the entries of a list hang
    if ended and 0.45 * row.height < indent < 5 * row.height and (short or abs(before.x0 - before.left) < 3):
        return True
    if ended and short and row.text[:1].isupper() and before.x1 < before.left + 0.8 * (before.right - before.left):
        return True
    # A reference list hangs: every entry starts to the left of its other lines.
    return ended and len(group) > 1 and group[0].x0 <= row.x0 + 1 and group[-1].x0 > row.x0 + 0.5 * row.height


def _shape(group: Draft, height: float, font: str) -> tuple[Shape, bool]:
    text = group.text
    if not all(line.upright for row in group.rows for line in row.lines):
        # Up the side of a page stand wide tables, and the names of a figure's axes.
        return (Shape.ROW if len(_LOWER.findall(text)) >= 4 else Shape.LABELS), True
    small = group.first.height < 0.93 * height
    if _CAPTION.match(text) and not (len(text) > 40 and not small and _reads_on(text)):
        return Shape.CAPTION, True
    if _is_heading(group, text, height, font):
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


def _is_heading(group: Draft, text: str, height: float, font: str) -> bool:
    if len(group.rows) > 3 or len(text) > 140 or group.first.cells > 2 or not _LETTERS.search(text):
        return False
    if is_known_heading(text):
        return True
    if _FORMULA.search(text) or (group.first.sparse and len(text) > _WIDE and not is_numbered(text)):
        return False  # a formula, or the head of a table
    if len(group.rows) == 1 and is_numbered(text) and group.first.lines[0].font != font:
        return True
    stands_out = group.first.bold or group.first.height > 1.1 * height or (text.isupper() and len(text) > 5)
    return is_heading_text(text, stands_out=stands_out)


def _join_parts(groups: list[Draft], height: float) -> list[Draft]:
    """A heading broken over lines of one size is one heading; 'Figure 2.' on a line of its own opens its caption."""
    out: list[Draft] = []
    for group in groups:
        if out and (_is_same_heading(out[-1], group, height) or _is_its_caption(out[-1], group)):
            out[-1].rows += group.rows
        else:
            out.append(group)
    return out


def _is_same_heading(before: Draft, group: Draft, height: float) -> bool:
    alike = group.shape is Shape.HEADING or (group.first.height > 1.3 * height and group.first.bold == before.last.bold)
    return (
        before.shape is Shape.HEADING
        and alike
        and (before.last.page, before.last.column) == (group.first.page, group.first.column)
        and 0 < group.first.bottom - before.last.bottom < 1.5 * group.first.height
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
    formula = False
    for group in groups:
        if group.aside and group.shape is not Shape.PROSE:
            formula = formula or (group.shape is Shape.LABELS and bool(_FORMULA.search(group.text)))
            out.append(group)
            continue
        before = out[open_at] if open_at is not None else None
        # After a formula a new paragraph may begin without a full stop before it.
        fits = not formula or group.text[:1].islower()
        if before and group.shape is Shape.PROSE and fits and _continues(before, group):
            before.rows += group.rows
            continue
        formula = False
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
