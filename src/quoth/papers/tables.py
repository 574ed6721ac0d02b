"""Which drafts are rows of a table, and which are the labels inside a figure: told apart by captions and gaps."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from statistics import median

from quoth.papers.draft import Draft, Shape
from quoth.papers.layout import Row
from quoth.papers.sections import is_known_heading, is_numbered

_TABLE_CAPTION = re.compile(r"^(?:Supplementary |Supplemental |Extended Data )?(?:Table|TABLE|Tab\.)")
_SCRAP = 5  # characters: rows of less are pieces of a formula or ticks on an axis
_AXIS = 25  # characters
_HEAD = 5  # drafts: no table's head has more
_GAP = 1.6  # of the usual step from row to row: white space between a table and the figure under it


def mark_tables(groups: Sequence[Draft]) -> list[Draft]:
    """Mark the rows of tables: cells under (or over) a table's caption, and wherever three of them follow each other.

    What stands in a figure, over the figure's caption, is marked as labels. The drafts come back in order, a caption
    always before its table.
    """
    groups = list(groups)
    figures = _in_figures(groups)
    for i in figures:
        groups[i].shape, groups[i].aside = Shape.LABELS, True
    for i, group in enumerate(groups):
        if _is_table_caption(group) and not _mark_run(groups, i, 1, figures):
            groups.insert(i - _mark_run(groups, i, -1, figures), groups.pop(i))
    for sparse, members in groupby(range(len(groups)), key=lambda i: i not in figures and _is_sparse(groups[i])):
        run = [groups[i] for i in members]
        lengths = [len(row.text) for member in run for row in member.rows]
        if sparse and len(lengths) >= 3:
            shape = Shape.ROW if median(lengths) > _SCRAP else Shape.LABELS
            for member in run:
                member.shape, member.aside = shape, True
    return groups


def _is_table_caption(group: Draft) -> bool:
    return group.shape is Shape.CAPTION and bool(_TABLE_CAPTION.match(group.text))


def _is_sparse(group: Draft) -> bool:
    if group.shape is Shape.CAPTION or (group.shape is Shape.HEADING and _is_title(group.text)):
        return False
    return all(row.sparse for row in group.rows)


def _is_title(text: str) -> bool:
    return is_known_heading(text) or is_numbered(text)


def _in_figures(groups: Sequence[Draft]) -> set[int]:
    """The numbers of the drafts over each figure's caption that hold labels, down from the last table or paragraph."""
    found: set[int] = set()
    for i, group in enumerate(groups):
        if group.shape is not Shape.CAPTION or _is_table_caption(group):
            continue
        start = _first_label(groups, i)
        table = _table_over(groups, start)
        found.update(range(start, i) if table is None else _after_gap(groups, table, i))
    return found


def _first_label(groups: Sequence[Draft], caption: int) -> int:
    start = caption
    while start and _is_above(groups[start - 1], groups[start]):
        # The name of an axis in bold looks like a heading.
        inside = _is_axis(groups[start - 1]) and start > 1 and _is_label(groups[start - 2])
        if not _is_label(groups[start - 1]) and not inside:
            break
        start -= 1
    return start


def _is_axis(group: Draft) -> bool:
    if group.shape is not Shape.HEADING or len(group.text) > _AXIS:
        return False
    return not _is_title(group.text)


def _is_label(group: Draft) -> bool:
    if group.shape is Shape.LABELS:
        return True
    if group.shape is Shape.HEADING:
        return False
    return _is_sparse(group) or (len(group.rows) == 1 and group.shape is Shape.PROSE and _is_numeric(group.text))


def _is_above(group: Draft, other: Draft) -> bool:
    """Whether a draft stands over another in one column, or beside it."""
    return group.first.page == other.first.page and group.first.top < other.last.bottom


def _table_over(groups: Sequence[Draft], start: int) -> int | None:
    """The number of the first draft after a table's caption, where only its head stands between that and `start`."""
    for i in range(start, max(0, start - _HEAD), -1):
        if _is_table_caption(groups[i - 1]):
            return i
        if groups[i - 1].shape is Shape.CAPTION or groups[i - 1].text.endswith("."):
            return None
    return None


def _after_gap(groups: Sequence[Draft], start: int, end: int) -> Iterator[int]:
    """Those of the drafts between a table's caption and a figure's that stand under a gap: the table ends there."""
    steps: list[float] = []
    before: Row | None = None
    for i in range(start, end):
        for row in groups[i].rows:
            step = row.bottom - before.bottom if before else 0.0
            if step < -row.height or (len(steps) > 2 and step > max(_GAP * median(steps), 2 * row.height)):
                yield from range(i, end)
                return
            if before:
                steps.append(step)
            before = row


def _mark_run(groups: Sequence[Draft], start: int, step: int, figures: set[int]) -> int:
    """Mark the parts of a table on one side of its caption, and count them; its head may look like a heading."""
    marked = 0
    i = start + step
    while 0 <= i < len(groups) and i not in figures and _goes_on(groups, i - step, i, step):
        following = groups[i + step] if 0 <= i + step < len(groups) else None
        if step > 0:
            is_header = (groups[i].shape is Shape.HEADING or not marked) and _is_head(groups[i], following)
        else:
            is_header = marked > 0 and _is_head(groups[i], groups[i - step])
        if not (_is_cellular(groups[i]) or is_header or (marked and _is_in_step(groups, i, step))):
            break
        groups[i].shape, groups[i].aside = Shape.ROW, True
        marked += 1
        i += step
    return marked


def _is_head(group: Draft, following: Draft | None) -> bool:
    """Whether a draft may be the head of the table whose rows follow."""
    if group.shape is Shape.CAPTION or len(group.rows) > 2 or _is_title(group.text) or group.text.endswith("."):
        return False
    if following is None or following.first.bottom - group.last.bottom > 2.5 * group.last.height:
        return False
    return following.shape is Shape.ROW or _is_cellular(following)


def _goes_on(groups: Sequence[Draft], before: int, i: int, step: int) -> bool:
    """Whether the next draft is farther down (or up) the same page: a table does not go on in the next column."""
    upper, lower = (groups[before], groups[i]) if step > 0 else (groups[i], groups[before])
    return upper.first.page == lower.first.page and lower.first.bottom > upper.first.top


def _is_in_step(groups: Sequence[Draft], i: int, step: int) -> bool:
    """Whether a draft follows the rows before it at their distance and in their size, and ends in no full stop."""
    before, group = groups[i - step], groups[i]
    if group.shape is Shape.CAPTION or group.text.endswith(".") or len(group.rows) > 1:
        return False
    near = abs(group.first.bottom - before.last.bottom) < 1.5 * group.first.height
    return near and abs(group.first.height - before.last.height) < 0.05 * group.first.height


def _is_cellular(group: Draft) -> bool:
    """Whether a draft looks like a part of a table: cells, or rows too short or too numeric for prose."""
    if group.shape in (Shape.CAPTION, Shape.ROW):
        return False
    text, row = group.text, group.first
    if 2 * sum(member.sparse for member in group.rows) >= len(group.rows):
        return True
    if group.shape is Shape.HEADING and _is_title(text):
        return False
    narrow = row.x1 - row.x0 < 0.6 * (row.right - row.left)
    return _is_numeric(text) or (narrow and len(text) / len(group.rows) < 60 and not text.endswith("."))


def _is_numeric(text: str) -> bool:
    return sum(c.isdigit() for c in text) > 0.25 * len(text)
