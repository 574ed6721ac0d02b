"""Tables: the ledger's rows and the decisions as pandas frames, and a frame as a file, by its suffix.

The columns are a contract (`docs/design.md`, Rows). The same frame gives the same bytes: no date, no index, nothing of
the machine; a file appears whole or not at all; a cell of text is never a formula, whatever a paper or a model wrote.
"""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from quoth.errors import StudyError
from quoth.ledger import StoredFinding, StoredPaper
from quoth.quorum import is_unquoted
from quoth.reports.files import replacing
from quoth.reports.notes import notes
from quoth.vocabulary import Decision, Outcome, Quote, Span

Dtype = str | pd.ArrowDtype

_BOXES = pa.list_(pa.list_(pa.float64()))
_SPANS = pa.list_(
    pa.struct(
        [
            ("file", pa.string()),
            ("page", pa.int64()),
            ("start", pa.int64()),
            ("end", pa.int64()),
            ("boxes", _BOXES),
            ("ocr", pa.bool_()),
        ]
    )
)
_QUOTES = pa.list_(
    pa.struct(
        [
            ("said", pa.string()),
            ("text", pa.string()),
            ("located", pa.string()),
            ("score", pa.float64()),
            ("spans", _SPANS),
        ]
    )
)

_TEXT, _WHOLE, _REAL = "string", "Int64", "Float64"

_FINDINGS: dict[str, Dtype] = {
    "paper": _TEXT,
    "question": _TEXT,
    "reader": _TEXT,
    "verdict": _TEXT,
    "value": _TEXT,
    "unit": _TEXT,
    "answer": _TEXT,
    "score": _REAL,
    "quotes": pd.ArrowDtype(_QUOTES),
    "seconds": _REAL,
    "input_tokens": _WHOLE,
    "output_tokens": _WHOLE,
    "cost_usd": _REAL,
    "error": _TEXT,
    "unquoted": "boolean",
}
_HISTORY: dict[str, Dtype] = {
    "blind": "boolean",
    "note": _TEXT,
    "revision": _WHOLE,
    "round": _WHOLE,
    "run": _WHOLE,
    "at": "datetime64[us, UTC]",
}
_QUOTE_ROWS: dict[str, Dtype] = {
    "paper": _TEXT,
    "question": _TEXT,
    "reader": _TEXT,
    "number": _WHOLE,
    "said": _TEXT,
    "text": _TEXT,
    "located": _TEXT,
    "score": _REAL,
    "file": _TEXT,
    "page": _WHOLE,
    "start": _WHOLE,
    "end": _WHOLE,
    "boxes": pd.ArrowDtype(_BOXES),
    "ocr": "boolean",
    "spans": pd.ArrowDtype(_SPANS),
}
_DECISIONS: dict[str, Dtype] = {
    "paper": _TEXT,
    "question": _TEXT,
    "decision": _TEXT,
    "value": _TEXT,
    "score": _REAL,
    "votes_reported": _WHOLE,
    "votes_not_reported": _WHOLE,
    "votes_failed": _WHOLE,
    "basis": _TEXT,
    "answer": _TEXT,
    "quotes": pd.ArrowDtype(_QUOTES),
    "unquoted": "boolean",
}
_PAPERS: dict[str, Dtype] = {
    "paper": _TEXT,
    "title": _TEXT,
    "doi": _TEXT,
    "year": _WHOLE,
    "files": pd.ArrowDtype(pa.list_(pa.string())),
    "digests": pd.ArrowDtype(pa.list_(pa.string())),
    "status": _TEXT,
    "pages": _WHOLE,
    "characters": _WHOLE,
    "reason": _TEXT,
    "notes": _TEXT,
}


# Frames


def findings_frame(rows: Iterable[StoredFinding], *, history: bool = False) -> pd.DataFrame:
    """A row for each finding; `history` adds revision, round, run and time, and how a person came to it.

    `unquoted` marks a 'reported' without a quote that was found in the paper.

    Times are left out unless asked for, so that the same study gives the same bytes: without `history`, `seconds` is
    empty.
    """
    records = []
    for stored in rows:
        finding = stored.finding
        record = (
            finding.paper,
            finding.question,
            finding.reader,
            finding.verdict.value,
            finding.value,
            finding.unit,
            finding.answer,
            finding.score,
            _nested_quotes(finding.quotes),
            finding.seconds if history else None,
            finding.input_tokens,
            finding.output_tokens,
            finding.cost_usd,
            finding.error,
            is_unquoted(finding),
        )
        records.append(record + _origin(stored) if history else record)
    return _frame(_FINDINGS | _HISTORY if history else _FINDINGS, records)


def quotes_frame(
    rows: Iterable[StoredFinding], *, history: bool = False, files: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """A row for each quote; `number` counts the quotes of a finding from 1.

    `file`, `page` and `boxes` are those of the first page that the quote stands on, `start` and `end` enclose all of
    it, and `spans` has every page. `files` gives the names of files by digest; a file without one keeps its digest.
    """
    names = files or {}
    records = []
    for stored in rows:
        finding = stored.finding
        for number, quote in enumerate(finding.quotes, start=1):
            record = (finding.paper, finding.question, finding.reader, number, *_quote_record(quote, names))
            records.append(record + _origin(stored) if history else record)
    return _frame(_QUOTE_ROWS | _HISTORY if history else _QUOTE_ROWS, records)


def decisions_frame(decisions: Iterable[Decision]) -> pd.DataFrame:
    """A row for each decision."""
    records = [
        (
            decision.paper,
            decision.question,
            decision.decision.value,
            decision.value,
            decision.score,
            decision.votes_reported,
            decision.votes_not_reported,
            decision.votes_failed,
            decision.basis,
            decision.answer,
            _nested_quotes(decision.quotes),
            is_unquoted(decision),
        )
        for decision in decisions
    ]
    return _frame(_DECISIONS, records)


def papers_frame(papers: Sequence[StoredPaper]) -> pd.DataFrame:
    """A row for each paper; `status` is read, unreadable (see `reason`), not read yet, or no file.

    `notes` says what is odd about a paper that was read: unseen words, pages that are pictures, papers that may be one.
    """
    remarks = notes(papers)
    records = [
        (
            stored.paper.name,
            stored.title,
            stored.doi,
            stored.year,
            [file.name for file in stored.paper.files],
            [file.digest for file in stored.paper.files],
            _status(stored),
            stored.pages,
            stored.characters,
            stored.reason,
            "; ".join(remarks.get(stored.paper.name, ())) or None,
        )
        for stored in papers
    ]
    return _frame(_PAPERS, records)


def matrix_frame(decisions: Iterable[Decision], papers: Sequence[str], questions: Sequence[str]) -> pd.DataFrame:
    """Papers x questions, in the order given; a cell is its decision, `failed` where every vote failed, or empty."""
    cells = {(decision.paper, decision.question): _cell(decision) for decision in decisions}
    records = [(paper, *(cells.get((paper, question)) for question in questions)) for paper in papers]
    return _frame(dict.fromkeys(("paper", *questions), _TEXT), records)


def _frame(columns: Mapping[str, Dtype], records: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    values = zip(*records, strict=True) if records else ([] for _ in columns)
    series = [pd.Series(list(column), dtype=dtype) for column, dtype in zip(values, columns.values(), strict=True)]
    frame = pd.concat(series, axis=1)
    frame.columns = pd.Index(list(columns))
    return frame


def _origin(stored: StoredFinding) -> tuple[object, ...]:
    review = stored.review
    how = (review.blind, review.note) if review else (None, None)
    return *how, stored.revision, stored.key.round, stored.run, stored.at


def _quote_record(quote: Quote, names: Mapping[str, str]) -> tuple[object, ...]:
    spans = _nested_spans(quote.spans)
    words = (quote.said, quote.text, quote.located.value, quote.score)
    if not quote.spans:
        return (*words, None, None, None, None, None, None, spans)
    first, last, ocr = quote.spans[0], quote.spans[-1], any(span.ocr for span in quote.spans)
    return (*words, names.get(first.file, first.file), first.page, first.start, last.end, first.boxes, ocr, spans)


def _nested_quotes(quotes: Iterable[Quote]) -> list[dict[str, object]]:
    return [
        {
            "said": quote.said,
            "text": quote.text,
            "located": quote.located.value,
            "score": quote.score,
            "spans": _nested_spans(quote.spans),
        }
        for quote in quotes
    ]


def _nested_spans(spans: Iterable[Span]) -> list[dict[str, object]]:
    return [asdict(span) for span in spans]


def _status(stored: StoredPaper) -> str:
    if stored.reason is not None:
        return "unreadable"
    if stored.text_digest is not None:
        return "read"
    return "not read yet" if stored.paper.files else "no file"


def _cell(decision: Decision) -> str:
    voted = decision.votes_reported or decision.votes_not_reported
    if decision.decision is Outcome.UNDECIDED and decision.votes_failed and not voted:
        return "failed"
    return decision.decision.value


# Files


def write_table(frame: pd.DataFrame, out: Path, *, sheet: str = "quoth") -> None:
    """Write `frame` to `out`, whole or not at all, as .csv, .jsonl, .parquet or .xlsx.

    Nested values are JSON text in .csv and .xlsx, JSON in .jsonl, lists and structs in .parquet. In .csv, text that a
    spreadsheet would take for a formula gets a leading apostrophe.

    Args:
        frame: its index is not written.
        out: its suffix says the format; its folder is made where there is none.
        sheet: the name of the sheet of an .xlsx.

    Raises:
        StudyError: another suffix, a place that cannot be written, more rows than an .xlsx can hold.
    """
    writers: dict[str, Callable[[pd.DataFrame, IO[bytes]], None]] = {
        ".csv": _write_csv,
        ".jsonl": _write_jsonl,
        ".parquet": _write_parquet,
        ".xlsx": lambda frame, file: _write_xlsx(frame, file, sheet),
    }
    write = writers.get(out.suffix.lower())
    if write is None:
        raise StudyError(f"{out}: a table ends in {', '.join(writers)}, not in {out.suffix or 'nothing'!r}")
    with replacing(out) as file:
        write(frame, file)


def csv_text(frame: pd.DataFrame) -> str:
    """`frame` as the text of a .csv, as `write_table` would write it."""
    file = io.BytesIO()
    _write_csv(frame, file)
    return file.getvalue().decode("utf-8")


class _Lines:
    """Takes lines that end in CR LF, so that the csv module quotes both in a cell, and ends them in LF."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, line: str) -> int:
        return self._file.write((line.removesuffix("\r\n") + "\n").encode("utf-8", errors="replace"))


def _write_csv(frame: pd.DataFrame, file: IO[bytes]) -> None:
    writer = csv.writer(_Lines(file), lineterminator="\r\n")
    writer.writerow(_harmless(str(name)) for name in frame.columns)
    for row in _rows(frame):
        writer.writerow(_harmless(value) if isinstance(value, str) else _text(value) for value in row)


def _write_jsonl(frame: pd.DataFrame, file: IO[bytes]) -> None:
    names = [str(name) for name in frame.columns]
    for row in _rows(frame):
        values = (_text(value) if isinstance(value, datetime) else value for value in row)
        file.write(_json(dict(zip(names, values, strict=True))).encode("utf-8", errors="replace") + b"\n")


def _write_parquet(frame: pd.DataFrame, file: IO[bytes]) -> None:
    arrays = [_array(frame.iloc[:, position]) for position in range(frame.shape[1])]
    pq.write_table(pa.table(arrays, names=[str(name) for name in frame.columns]), file)


def _write_xlsx(frame: pd.DataFrame, file: IO[bytes], sheet: str) -> None:
    # Only this format needs XlsxWriter.
    from quoth.reports.workbook import write_workbook

    rows = ([_figure_or_text(value) for value in row] for row in _rows(frame))
    write_workbook([str(name) for name in frame.columns], list(rows), file, sheet)


def _rows(frame: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    columns = [_values(frame.iloc[:, position]) for position in range(frame.shape[1])]
    return zip(*columns, strict=True)


def _values(series: pd.Series) -> list[object]:
    """The cells as plain Python values, None where there is none."""
    return [_plain(value) for value in series.array]


def _plain(value: object) -> object:
    match value:
        case None | bool() | str():
            return value
        case float():
            return None if math.isnan(value) else float(value)
        case np.ndarray():
            return [_plain(item) for item in value.tolist()]
        case np.generic():
            return _plain(value.item())
        case list() | tuple():
            return [_plain(item) for item in value]
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case _:
            return None if value is pd.NA or value is pd.NaT else value


def _array(series: pd.Series) -> pa.Array:
    values = _values(series)
    type_ = _arrow_type(series.dtype)
    if type_ is not None:
        return pa.array(values, type=type_)
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Values of several shapes have no type but their text.
        return pa.array([None if value is None else _text(value) for value in values], type=pa.string())
    return array.cast(pa.string()) if pa.types.is_null(array.type) else array


def _arrow_type(dtype: object) -> pa.DataType | None:
    """The type of a column in a file, whether it has rows or not; None where only its values can tell."""
    if isinstance(dtype, pd.ArrowDtype):
        return dtype.pyarrow_dtype
    if isinstance(dtype, pd.StringDtype):
        return pa.string()
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pa.timestamp("us", tz="UTC")
    return {"Int64": pa.int64(), "Float64": pa.float64(), "boolean": pa.bool_()}.get(str(dtype))


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case datetime():
            return value.isoformat(timespec="microseconds")
        case float():
            return repr(value)
        case bool() | list() | dict():
            return _json(value)
        case _:
            return str(value)


def _figure_or_text(value: object) -> str | float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)):
        return value
    return _text(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def _harmless(text: str) -> str:
    """`text` so that no spreadsheet takes it for a formula; numbers with a sign stay as they are."""
    return "'" + text if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
