"""Reading coded cells: a sheet `paper,question,decision` with yes or no, checked against the study line by line."""

import csv
import io
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from quoth.errors import StudyError

_YES_NO = {"yes": True, "no": False}
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class CodedCell:
    """What a person found in one paper for one question."""

    paper: str
    question: str
    reported: bool
    value: str | None = None


def read_gold(path: Path, *, papers: Collection[str], questions: Collection[str]) -> list[CodedCell]:
    """The coded cells of a CSV file; a cell whose decision is empty was not coded and is passed over.

    Raises:
        StudyError: the file cannot be read, or a line names what the study does not have, says neither yes nor no, or
            codes a cell for the second time; every such line is named.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise StudyError(f"{path} cannot be opened: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise StudyError(f"{path} is not UTF-8 (byte {error.start}): save it as 'CSV UTF-8'") from None
    rows = _rows(path, text)
    faults: list[str] = []
    cells: dict[tuple[str, str], CodedCell] = {}
    for row in rows:
        paper = unicodedata.normalize("NFC", (row["paper"] or "").strip())
        question, said = (row["question"] or "").strip(), (row["decision"] or "").strip().lower()
        if not said:
            continue
        fault = (
            _unknown("paper", paper, papers)
            or _unknown("question", question, questions)
            or ("" if said in _YES_NO else f"decision '{said}' is neither yes nor no")
            or (f"{paper}, {question} is coded twice" if (paper, question) in cells else "")
        )
        if fault:
            faults.append(f"{path}:{rows.line_num}: {fault}")
        else:
            value = (row.get("value") or "").strip() or None
            cells[paper, question] = CodedCell(paper, question, _YES_NO[said], value)
    if faults:
        more = [f"and {len(faults) - _SHOWN} more lines"] if len(faults) > _SHOWN else []
        raise StudyError("\n".join(faults[:_SHOWN] + more))
    if not cells:
        raise StudyError(f"{path} holds no coded cell")
    return list(cells.values())


def _rows(path: Path, text: str) -> "csv.DictReader[str]":
    first = text.splitlines()[0] if text.strip() else ""
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    missing = [name for name in ("paper", "question", "decision") if name not in (rows.fieldnames or ())]
    if missing:
        raise StudyError(f"{path}:1: no column {', '.join(missing)}; it needs paper, question, decision")
    return rows


def _unknown(what: str, name: str, there: Collection[str]) -> str:
    if name in there:
        return ""
    near = get_close_matches(name, list(there), 1)
    return f"the study has no {what} '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")
