"""One sheet of an Excel workbook that is pleasant to read: header, filter, widths, verdicts in colours.

The same rows give the same bytes. Text is only ever text: no formula, no link.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import IO

import xlsxwriter

from quoth.errors import StudyError

Cell = str | float | None

LONGEST = 32_767
"""Characters in a cell, in UTF-16 units as Excel counts them."""

MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384

# What XML cannot hold, and the controls that nobody can see.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")

# The four lightnesses lie apart in grey too; blue and vermilion are told apart by colour-blind people (Okabe and Ito).
_DARK, _STRONG, _MIDDLE, _FAINT = "#0B3C5D", "#D55E00", "#9CC3E6", "#F7F7F7"
_LOOKS: dict[str, dict[str, str | bool]] = {
    "reported": {"bg_color": _DARK, "font_color": "#FFFFFF"},
    "failed": {"bg_color": _STRONG, "font_color": "#000000", "bold": True},
    "undecided": {"bg_color": _MIDDLE, "font_color": "#000000"},
    "unclear": {"bg_color": _MIDDLE, "font_color": "#000000"},
    "not_reported": {"bg_color": _FAINT, "font_color": "#404040"},
    "excluded": {"bg_color": _FAINT, "font_color": "#404040", "italic": True},
    "not_applicable": {"bg_color": _FAINT, "font_color": "#404040", "italic": True},
}

_NARROWEST, _WIDEST, _NESTED = 9, 60, 24
_FILTER_BUTTON = 4
_ROOM_FOR_MARK = 60
# Widths are judged by so many rows.
_JUDGED = 1000


def write_workbook(names: Sequence[str], rows: Sequence[Sequence[Cell]], file: IO[bytes], sheet: str) -> None:
    """Write one sheet with a header of `names`.

    Columns of verdicts or decisions are coloured; long text is wrapped; text that is too long for a cell ends in a mark
    that says how much is missing.

    Raises:
        StudyError: more rows or columns than a sheet can hold.
    """
    if len(rows) >= MOST_ROWS or len(names) > MOST_COLUMNS:
        raise StudyError(
            f"{len(rows)} rows and {len(names)} columns do not fit into an .xlsx; write .csv, .jsonl or .parquet"
        )
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    book.set_properties({"created": datetime(2000, 1, 1)})
    page = book.add_worksheet(sheet)
    header = book.add_format({"bold": True, "bottom": 1, "bg_color": "#E7E6E6", "valign": "top"})
    plain = book.add_format({"valign": "top"})
    wrapped = book.add_format({"valign": "top", "text_wrap": True})
    shared = {"valign": "top", "border": 1, "border_color": "#BFBFBF"}
    looks = {word: book.add_format(shared | look) for word, look in _LOOKS.items()}
    for column, name in enumerate(names):
        cells = [row[column] for row in rows]
        width = _width(name, cells)
        page.set_column(column, column, width)
        page.write_string(0, column, readable(name), header)
        says_verdicts = {cell for cell in cells if cell is not None} <= looks.keys()
        text = wrapped if width == _WIDEST else plain
        for row, cell in enumerate(cells, start=1):
            # Never `write`, which would make formulas, links and numbers of text.
            if isinstance(cell, str):
                page.write_string(row, column, readable(cell), looks[cell] if says_verdicts else text)
            elif cell is not None:
                page.write_number(row, column, cell, plain)
    page.freeze_panes(1, 1)
    if names:
        page.autofilter(0, 0, len(rows), len(names) - 1)
    page.repeat_rows(0)
    page.set_landscape()
    book.close()


def readable(text: str) -> str:
    """`text` without what a cell cannot hold, and not longer than a cell."""
    text = _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    units = text.encode("utf-16-le")
    if len(units) <= 2 * LONGEST:
        return text
    kept = units[: 2 * (LONGEST - _ROOM_FOR_MARK)].decode("utf-16-le", errors="ignore")
    return f"{kept} [… {len(text) - len(kept)} more characters are left out]"


def _width(name: str, cells: Sequence[Cell]) -> int:
    """The width of a column in characters; `_WIDEST` for text that must be wrapped."""
    texts = [cell if isinstance(cell, str) else f"{cell:.6g}" for cell in cells[:_JUDGED] if cell is not None]
    longest = max((len(line) for text in texts for line in text.split("\n")), default=0)
    if longest > _NESTED and all(text.startswith(("[", "{")) for text in texts):
        return _NESTED
    return min(_WIDEST, max(_NARROWEST, longest + 2, len(name) + _FILTER_BUTTON))
