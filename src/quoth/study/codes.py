"""From a sheet of codes or findings to what its rows say, each row checked against the study; long and wide sheets."""

import json
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from quoth.errors import StudyError
from quoth.quorum.values import number
from quoth.study.coding import ADJUDICATION, CODE, HUMAN, name_fault
from quoth.study.sheets import Row, Sheet, read_sheet
from quoth.vocabulary import Kind, Question, Verdict

COLUMNS = (
    *("paper", "question", "reader", "verdict", "value", "unit", "answer", "quote", "quotes", "page", "note"),
    *("blind", "adjudicated", "score", "error", "title", "doi", "year"),
)
_ALIASES = {"coder": "reader", "decision": "verdict"}
_OF_EXPORTS = {"seconds", "input_tokens", "output_tokens", "cost_usd", "unquoted", "revision", "round", "run", "at"} | {
    "label",
    "text",
}
_OF_WIDE = ("paper", "reader", "title", "doi", "year", "note")

_VERDICTS = {verdict.value: verdict for verdict in Verdict} | {
    "yes": Verdict.REPORTED,
    "y": Verdict.REPORTED,
    "no": Verdict.NOT_REPORTED,
    "n": Verdict.NOT_REPORTED,
    "n/a": Verdict.NOT_APPLICABLE,
}
_OF_PEOPLE = (Verdict.UNCLEAR, Verdict.EXCLUDED, Verdict.NOT_APPLICABLE)
_TRUTH = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, slots=True)
class Known:
    """What a sheet may speak of: papers, questions by id, and the types of readers by name."""

    papers: Collection[str]
    questions: Mapping[str, Question]
    readers: Mapping[str, str]
    add_papers: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """One cell as one reader coded it."""

    place: str
    paper: str
    question: Question
    reader: str
    verdict: Verdict
    value: str | None = None
    unit: str | None = None
    answer: str = ""
    quotes: tuple[str, ...] = ()
    page: int | None = None
    note: str = ""
    blind: bool = True
    round: int = CODE
    score: float | None = None
    error: str | None = None


@dataclass(slots=True)
class Codes:
    """What a sheet says: codes, papers with title, DOI and year as far as given, and what was passed over."""

    codes: list[Code] = field(default_factory=list)
    papers: dict[str, dict[str, str]] = field(default_factory=dict)
    without_verdict: int = 0
    columns_passed_over: tuple[str, ...] = ()


def read_codes(
    path: Path, known: Known, type_: str, *, wide: bool = False, reader: str | None = None, blind: bool = True
) -> Codes:
    """The codes in a file.

    Args:
        path: see `read_sheet`.
        known: what the study has.
        type_: human or imported.
        wide: one column for each question, its cells verdicts.
        reader: who coded, where no column says so.
        blind: whether people coded without seeing other readers' findings, where no column says so.

    Raises:
        StudyError: it cannot be read, or rows have faults; every one is named as FILE:LINE.
    """
    sheet = read_sheet(path)
    rows, passed_over = (_of_wide if wide else _of_long)(sheet, known, reader)
    reading = _Reading(sheet, known, type_, reader, blind)
    for row in rows:
        reading.take(row)
    if reading.faults:
        raise StudyError("\n".join(reading.faults))
    if not reading.found.codes:
        raise StudyError(f"{path} holds no code: no row has a verdict")
    reading.found.columns_passed_over = passed_over
    return reading.found


def _of_long(sheet: Sheet, known: Known, reader: str | None) -> tuple[list[Row], tuple[str, ...]]:
    columns = [_ALIASES.get(name.lower(), name.lower()) for name in sheet.columns]
    needed = ["paper", "question", "verdict", *([] if reader else ["reader"])]
    missing = [name for name in needed if name not in columns]
    if missing:
        asked = sum(name in known.questions for name in sheet.columns)
        hint = "; for one column per question use --wide" if asked > 1 else ""
        named = "; or name the reader with --reader" if missing == ["reader"] else ""
        raise StudyError(f"{sheet.path.name}:1: no column {', '.join(missing)}{named}{hint}")
    faults, passed_over = [], []
    for name in columns:
        if name in COLUMNS or name in _OF_EXPORTS:
            continue
        near = get_close_matches(name, [column for column in COLUMNS if column not in columns], 1, 0.75)
        if near:
            faults.append(f"{sheet.path.name}:1: there is no column '{name}'; did you mean '{near[0]}'?")
        passed_over.append(name)
    if faults:
        raise StudyError("\n".join(faults))
    rows = [Row(row.line, {_ALIASES.get(name, name): text for name, text in row.cells.items()}) for row in sheet.rows]
    return rows, tuple(passed_over)


def _of_wide(sheet: Sheet, known: Known, reader: str | None) -> tuple[list[Row], tuple[str, ...]]:
    """A row for each filled cell of a question's column."""
    ids = {id_.lower(): id_ for id_ in known.questions}
    faults = []
    if "paper" not in [name.lower() for name in sheet.columns]:
        faults.append(f"{sheet.path.name}:1: no column paper")
    if not reader and not {"reader", "coder"} & {name.lower() for name in sheet.columns}:
        faults.append(f"{sheet.path.name}:1: no column reader; or name the reader with --reader")
    for name in sheet.columns:
        if name.lower() not in ids and _ALIASES.get(name.lower(), name.lower()) not in _OF_WIDE:
            fault = _unknown("question", name, known.questions)
            faults.append(f"{sheet.path.name}:1: {fault}; rename the column, or take it out")
    if faults:
        raise StudyError("\n".join(faults))
    rows = []
    for row in sheet.rows:
        shared = {_ALIASES.get(name, name): text for name, text in row.cells.items() if name not in ids}
        for name, text in row.cells.items():
            if name in ids:
                rows.append(Row(row.line, {**shared, "question": ids[name], "verdict": text}))
    return rows, ()


class _Reading:
    """Takes rows one by one; faults are gathered, so that all are told."""

    def __init__(self, sheet: Sheet, known: Known, type_: str, reader: str | None, blind: bool) -> None:
        self._sheet, self._known, self._type, self._reader, self._blind = sheet, known, type_, reader, blind
        self._first: dict[tuple[str, str, str, int], str] = {}
        self.found = Codes()
        self.faults: list[str] = list(sheet.faults)

    def take(self, row: Row) -> None:
        if "verdict" not in row.cells and not {"value", "answer", "quote", "quotes"} & row.cells.keys():
            self.found.without_verdict += 1
            return
        place = self._sheet.at(row)
        faults: list[str] = []
        code = self._code(place, row.cells, faults)
        if code is not None and not faults:
            key = code.paper, code.question.id, code.reader, code.round
            if first := self._first.get(key):
                faults.append(f"{code.paper}, {code.question.id} is coded twice by {code.reader}: first at {first}")
            self._first.setdefault(key, place)
            self.found.codes.append(code)
            self._note_paper(code.paper, row.cells, faults)
        self.faults += [f"{place}: {fault}" for fault in faults]

    def _code(self, place: str, cells: Mapping[str, str], faults: list[str]) -> Code | None:
        paper = self._paper(cells, faults)
        question = self._question(cells, faults)
        reader = self._who(cells, faults)
        verdict = self._verdict(cells, faults)
        if question is None or verdict is None:
            return None
        adjudicated = _truth("adjudicated", cells, False, faults)
        if adjudicated and self._type != HUMAN:
            faults.append("only people settle a cell: 'adjudicated' needs --as human")
        return Code(
            place,
            paper,
            question,
            reader,
            verdict,
            value=checked_value(question, cells.get("value"), faults),
            unit=cells.get("unit"),
            answer=cells.get("answer", ""),
            quotes=tuple(_quotes(cells, faults)),
            page=_whole("page", cells, faults),
            note=cells.get("note", ""),
            # Who settles has seen what the others said.
            blind=_truth("blind", cells, self._blind and not adjudicated, faults),
            round=ADJUDICATION if adjudicated else CODE,
            score=_share("score", cells, faults),
            error=cells.get("error"),
        )

    def _paper(self, cells: Mapping[str, str], faults: list[str]) -> str:
        name = unicodedata.normalize("NFC", cells.get("paper", ""))
        bare = name[:-4] if name.lower().endswith(".pdf") else name
        name = bare if bare in self._known.papers else name
        if not name:
            faults.append("no paper is named")
        elif name not in self._known.papers and not self._known.add_papers:
            faults.append(f"{_unknown('paper', name, self._known.papers)}; --add-papers takes papers by name alone")
        return name

    def _question(self, cells: Mapping[str, str], faults: list[str]) -> Question | None:
        id_ = cells.get("question", "")
        question = self._known.questions.get(id_)
        if question is None:
            faults.append(_unknown("question", id_, self._known.questions))
        return question

    def _who(self, cells: Mapping[str, str], faults: list[str]) -> str:
        name = unicodedata.normalize("NFC", cells.get("reader") or self._reader or "")
        if fault := name_fault(name, self._type, self._known.readers):
            faults.append(fault)
        return name

    def _verdict(self, cells: Mapping[str, str], faults: list[str]) -> Verdict | None:
        said = cells.get("verdict", "")
        verdict = _VERDICTS.get(said.lower()) or _VERDICTS.get("_".join(said.lower().replace("-", " ").split()))
        allowed = [v for v in Verdict if (v is not Verdict.FAILED if self._type == HUMAN else v not in _OF_PEOPLE)]
        if verdict in allowed:
            return verdict
        words = [v.value for v in allowed] + ["yes", "no"]
        near = get_close_matches(said.lower(), words, 1)
        guess = f"; did you mean '{near[0]}'?" if near and near[0] != said.lower() else ""
        what = f"the verdict '{said}' is none of {', '.join(words)}" if said else "a value, answer or quote, no verdict"
        faults.append(what + guess)
        return None

    def _note_paper(self, paper: str, cells: Mapping[str, str], faults: list[str]) -> None:
        about = self.found.papers.setdefault(paper, {})
        about |= {name: cells[name] for name in ("title", "doi", "year") if name in cells}
        _whole("year", about, faults)


def _unknown(what: str, name: str, there: Collection[str]) -> str:
    near = get_close_matches(name, list(there), 1)
    return f"the study has no {what} '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")


def checked_value(question: Question, value: str | None, faults: list[str]) -> str | None:
    """A value as the question's kind wants it; what is wrong with it is added to `faults`."""
    if value is None:
        return None
    if question.kind is Kind.NUMBER and number(value) is None:
        faults.append(f"the value '{value}' is no number, and {question.id} asks for one; units have their own column")
    if question.kind is not Kind.CHOICE:
        return value
    choice = next((choice for choice in question.choices if choice.casefold() == value.casefold()), None)
    if choice is None:
        faults.append(f"the value '{value}' is none of the choices of {question.id}: {', '.join(question.choices)}")
    return choice


def _quotes(cells: Mapping[str, str], faults: list[str]) -> Iterator[str]:
    """The words quoted: `quote`, and those of `quotes`, a JSON list of texts or of objects with 'said' or 'text'."""
    if quote := cells.get("quote"):
        yield quote
    if "quotes" not in cells:
        return
    try:
        listed = json.loads(cells["quotes"])
    except ValueError:
        listed = None
    if not isinstance(listed, list):
        faults.append("'quotes' is no JSON list; for a single one there is the column 'quote'")
        return
    for item in listed:
        said = (item.get("said") or item.get("text")) if isinstance(item, dict) else item
        if isinstance(said, str) and said.strip():
            yield said.strip()
        else:
            faults.append("an item of 'quotes' is neither a text nor an object with 'said' or 'text'")


def _whole(name: str, cells: Mapping[str, str], faults: list[str]) -> int | None:
    if name not in cells:
        return None
    try:
        whole = int(cells[name])
    except ValueError:
        whole = 0
    if whole < 1:
        faults.append(f"the {name} '{cells[name]}' is no whole number from 1")
    return whole


def _share(name: str, cells: Mapping[str, str], faults: list[str]) -> float | None:
    if name not in cells:
        return None
    share = number(cells[name])
    if share is None or not 0 <= share <= 1:
        faults.append(f"the {name} '{cells[name]}' is no number from 0 to 1")
    return share


def _truth(name: str, cells: Mapping[str, str], otherwise: bool, faults: list[str]) -> bool:
    said = cells.get(name, "").lower()
    if said and said not in _TRUTH:
        faults.append(f"'{name}' is '{cells[name]}', neither yes nor no")
    return _TRUTH.get(said, otherwise)
