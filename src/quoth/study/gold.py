"""Reading coded cells: a sheet `paper,question,decision[,value][,coder]`, checked against the study line by line."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from quoth.errors import StudyError
from quoth.study.sheets import Row, read_sheet

_YES_NO = {"yes": True, "no": False}
_NEEDED = ("paper", "question", "decision")


@dataclass(frozen=True, slots=True)
class CodedCell:
    """What a person found in one paper for one question; `coder` where the sheet names one."""

    paper: str
    question: str
    reported: bool
    value: str | None = None
    coder: str | None = None


def read_gold(path: Path, *, papers: Collection[str], questions: Collection[str]) -> list[CodedCell]:
    """The coded cells of a file; a cell whose decision is empty was not coded and is passed over.

    Raises:
        StudyError: the file cannot be read, or a line names what the study does not have, says neither yes nor no, or
            codes a cell for the second time; every such line is named.
    """
    sheet = read_sheet(path)
    columns = [name.lower() for name in sheet.columns]
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise StudyError(f"{path.name}:1: no column {', '.join(missing)}; it needs {', '.join(_NEEDED)}")
    faults: list[str] = list(sheet.faults)
    cells: dict[tuple[str, str], CodedCell] = {}
    for row in sheet.rows:
        if "decision" not in row.cells:
            continue
        cell = _cell(row)
        fault = (
            _unknown("paper", cell.paper, papers)
            or _unknown("question", cell.question, questions)
            or _neither(row)
            or (f"{cell.paper}, {cell.question} is coded twice" if (cell.paper, cell.question) in cells else "")
        )
        if fault:
            faults.append(f"{sheet.at(row)}: {fault}")
        else:
            cells[cell.paper, cell.question] = cell
    if faults:
        raise StudyError("\n".join(faults))
    if not cells:
        raise StudyError(f"{path} holds no coded cell")
    return list(cells.values())


def _cell(row: Row) -> CodedCell:
    return CodedCell(
        unicodedata.normalize("NFC", row.cells.get("paper", "")),
        row.cells.get("question", ""),
        _YES_NO.get(row.cells["decision"].lower(), False),
        row.cells.get("value"),
        row.cells.get("coder"),
    )


def _neither(row: Row) -> str:
    said = row.cells["decision"].lower()
    return "" if said in _YES_NO else f"decision '{said}' is neither yes nor no"


def _unknown(what: str, name: str, there: Collection[str]) -> str:
    if name in there:
        return ""
    bare = name.lower().removesuffix(".pdf")
    near = [bare] if bare in there else get_close_matches(name, list(there), 1)
    return f"the study has no {what} '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")
