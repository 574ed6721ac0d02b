"""Sheets that people and other programs made: CSV, JSON lines, JSON and Excel, as rows of text with their lines.

What cannot be meant is told with its line, all at once; a formula is no text and is refused.
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from quoth.errors import StudyError

_HARMLESS = re.compile(r"'[=+\-@\t\r\n]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `line` is its first line in the file (the item's number in JSON, the row's in Excel).

    `cells` has the text by column, without the empty ones; lists and objects are JSON.
    """

    line: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file's rows that are not empty; those with formulas are told in `faults` instead, to which its reader adds."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    faults: tuple[str, ...] = ()

    def at(self, row: Row) -> str:
        """The place of a row: FILE:LINE."""
        return f"{self.path.name}:{row.line}"


def read_sheet(path: Path) -> Sheet:
    """The rows of a file, by its suffix .csv, .tsv, .jsonl, .json or .xlsx; column names in lower case.

    Raises:
        StudyError: it cannot be read as a table; each fault is a line FILE:LINE: what, and the remedy.
    """
    readers: dict[str, Callable[[Path], Sheet]] = {
        ".csv": _read_csv,
        ".tsv": _read_csv,
        ".txt": _read_csv,
        ".jsonl": _read_jsonl,
        ".json": _read_json,
        ".xlsx": _read_xlsx,
    }
    read = readers.get(path.suffix.lower())
    if read is None:
        raise StudyError(f"{path}: a sheet ends in .csv, .jsonl, .json or .xlsx; save it as one of these")
    try:
        sheet = read(path)
    except OSError as error:
        raise StudyError(f"{path} cannot be opened: {error.strerror or error}") from None
    formulas = {row.line: [name for name, text in row.cells.items() if text.startswith("=")] for row in sheet.rows}
    faults = tuple(
        f"{path.name}:{line}: the cell '{name}' is a formula: put its value there instead"
        for line, names in formulas.items()
        for name in names
    )
    rows = tuple(Row(row.line, _unharmed(row.cells)) for row in sheet.rows if not formulas[row.line])
    return Sheet(sheet.path, sheet.columns, rows, faults)


def _unharmed(cells: dict[str, str]) -> dict[str, str]:
    """Without the apostrophe that exports put before what a spreadsheet would take for a formula."""
    return {name: text[1:] if _HARMLESS.match(text) else text for name, text in cells.items()}


def _text_of(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StudyError(
            f"{path.name}:{line}: not UTF-8 (byte {error.start}): save the file as 'CSV UTF-8', or as .xlsx"
        ) from None


def _read_csv(path: Path) -> Sheet:
    text = _text_of(path)
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    table = []
    line = 1
    try:
        for cells in reader:
            table.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise StudyError(f"{path.name}:{line}: not valid CSV: {error}; is a quotation mark never closed?") from None
    return _table(path, table)


def _read_xlsx(path: Path) -> Sheet:
    # Slow to import, and needed for this format alone.
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError):
        raise StudyError(f"{path}: not an Excel workbook: save it as .xlsx or as CSV UTF-8") from None
    try:
        rows = book.worksheets[0].iter_rows(values_only=True)
        return _table(path, [(number, [_plain(cell) for cell in row]) for number, row in enumerate(rows, start=1)])
    finally:
        book.close()


def _plain(value: object) -> str:
    """A value of Excel or JSON as text."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)


def _table(path: Path, table: list[tuple[int, list[str]]]) -> Sheet:
    """The first row that is not empty names the columns."""
    filled = [(line, cells) for line, cells in table if any(cell.strip() for cell in cells)]
    if not filled:
        raise StudyError(f"{path} is empty: its first line names the columns")
    (line, header), *rest = filled
    names = [name.strip() for name in header]
    while not names[-1]:
        names.pop()
    lowered = [name.lower() for name in names]
    faults = [
        f"{path.name}:{line}: the column '{name}' stands twice"
        for number, name in enumerate(names)
        if name and name.lower() in lowered[:number]
    ]
    faults += [f"{path.name}:{line}: column {number} has no name" for number, name in enumerate(names, 1) if not name]
    faults += [
        f"{path.name}:{number}: {len(cells)} cells for {len(names)} columns; put text with separators into quotes"
        for number, cells in rest
        if any(cell.strip() for cell in cells[len(names) :])
    ]
    if faults:
        raise StudyError("\n".join(faults))
    rows = [Row(number, _filled(zip(lowered, cells, strict=False))) for number, cells in rest]
    return Sheet(path, tuple(names), tuple(rows))


def _filled(cells: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: text.strip() for name, text in cells if text.strip()}


def _read_jsonl(path: Path) -> Sheet:
    lines = enumerate(_text_of(path).split("\n"), start=1)
    return _objects(path, [(number, line) for number, line in lines if line.strip()], json.loads)


def _read_json(path: Path) -> Sheet:
    try:
        items = json.loads(_text_of(path))
    except ValueError as error:
        raise StudyError(f"{path.name}: not valid JSON: {error}") from None
    if not isinstance(items, list):
        raise StudyError(f"{path.name}: a list of objects is needed, one for each row")
    return _objects(path, list(enumerate(items, start=1)), lambda item: item)


def _objects(path: Path, items: list[tuple[int, str]], load: Callable[[str], object]) -> Sheet:
    faults, rows = [], []
    columns: dict[str, None] = {}
    for number, item in items:
        try:
            found = load(item)
        except ValueError as error:
            faults.append(f"{path.name}:{number}: not valid JSON: {error}")
            continue
        if not isinstance(found, dict):
            faults.append(f'{path.name}:{number}: not an object such as {{"paper": "...", ...}}')
            continue
        columns |= dict.fromkeys(found)
        named = ((str(name).strip().lower(), _plain(value)) for name, value in found.items())
        rows.append(Row(number, _filled(named)))
    if faults:
        raise StudyError("\n".join(faults))
    return Sheet(path, tuple(columns), tuple(row for row in rows if row.cells))
