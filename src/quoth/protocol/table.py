"""Questions from a table: CSV as people save it from a spreadsheet."""

import csv
import io
from collections import Counter
from pathlib import Path

from quoth.errors import ProtocolError
from quoth.protocol.checks import check_questions
from quoth.protocol.faults import parsed
from quoth.protocol.models import QuestionList, QuestionTable
from quoth.protocol.positions import KeyPath, Positions
from quoth.protocol.source import Source, cut, listed, nearest, read_text, shown_path
from quoth.vocabulary import Question

_COLUMNS = tuple(QuestionTable.model_fields)
_DELIMITERS = ",;\t"


def read_questions_csv(path: Path) -> list[Question]:
    """The questions of a CSV file: columns id, label, text, kind, guidance, choices (separated by '|') and unit.

    Only `text` is needed; a question without an `id` is called by its place: q01, q02 and so on. The text is UTF-8, the
    columns are separated by commas, semicolons or tabs. Raises `ProtocolError` with all faults and their lines.
    """
    shown = shown_path(path)
    rows = _rows(read_text(path), shown)
    if not rows:
        raise ProtocolError([f"{shown}:1: the file is empty; its first line names the columns: {listed(_COLUMNS)}"])
    header = [name.strip().lower() for name in rows[0][1]]
    while not header[-1]:  # spreadsheets leave separators behind the last column
        header.pop()
    if faults := _header_faults(header):
        raise ProtocolError([f"{shown}:{rows[0][0]}: {fault}" for fault in faults])
    source, faults = _source(shown, header, rows[1:])
    file, shape = parsed(QuestionList, source)
    faults += source.render(shape + check_questions(source))
    if file is None or faults:
        raise ProtocolError(faults)
    return [table.question() for table in file.question]


class _Rows(Source):
    """Questions that came as rows, and are called so."""

    def title(self, path: KeyPath) -> str:
        return super().title(path).replace("[[question]]", "question")


def _rows(text: str, shown: str) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line on which it starts."""
    first = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        reason = str(error)
        if "unexpected end" in reason:
            reason = "a quotation mark is opened here and never closed"
        raise ProtocolError([f"{shown}:{line}: not valid CSV: {reason}"]) from None
    return rows


def _header_faults(header: list[str]) -> list[str]:
    faults = []
    for name, times in Counter(header).items():
        if name not in _COLUMNS:
            meant = nearest(name, [column for column in _COLUMNS if column not in header])
            guess = f"did you mean '{meant}'?" if meant else f"the columns are {listed(_COLUMNS)}"
            faults.append(f"there is no column '{cut(name)}'; {guess}")
        elif times > 1:
            faults.append(f"the column '{name}' stands twice")
    if "text" not in header:
        faults.append("the column 'text' is missing: it holds the questions; the first line names the columns")
    return faults


def _source(shown: str, header: list[str], rows: list[tuple[int, list[str]]]) -> tuple[Source, list[str]]:
    """The rows as tables of questions, and the rows with more cells than there are columns."""
    questions: list[object] = []
    lines: dict[KeyPath, int] = {}
    faults = []
    rows = [(line, cells) for line, cells in rows if any(cell.strip() for cell in cells)]
    for number, (line, cells) in enumerate(rows):
        if any(cell.strip() for cell in cells[len(header) :]):
            words = f"{len(cells)} cells for {len(header)} columns; put a text with separators into quotation marks"
            faults.append(f"{shown}:{line}: {words}")
        entry: dict[str, object] = {key: cell.strip() for key, cell in zip(header, cells, strict=False) if cell.strip()}
        if isinstance(choices := entry.get("choices"), str):
            entry["choices"] = [choice.strip() for choice in choices.split("|")]
        if "id" not in entry:
            entry["id"] = f"q{number + 1:0{max(2, len(str(len(rows))))}d}"
        lines["question", number] = line
        questions.append(entry)
    return _Rows(shown, {"question": questions}, Positions(lines)), faults
