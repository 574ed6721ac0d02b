"""Tables: the contract's columns, the same bytes for the same rows, and no text that becomes a formula."""

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.cell.cell import Cell

from quoth.errors import StudyError
from quoth.ledger import StoredFinding, StoredPaper
from quoth.reports.tables import decisions_frame, findings_frame, matrix_frame, papers_frame, quotes_frame, write_table
from quoth.vocabulary import (
    Decision,
    Failure,
    File,
    Finding,
    Key,
    Located,
    Outcome,
    Paper,
    Quote,
    Span,
    Verdict,
)

SUFFIXES = [".csv", ".jsonl", ".parquet", ".xlsx"]
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOX = (72.0, 100.125, 300.5, 110.25)

QUOTE = Quote(
    "seeds",
    "We fixed\nall seeds — “42”.",
    Located.EXACT,
    0.1 + 0.2,
    (Span("aa11", 3, 10, 29, (BOX, BOX)), Span("aa11", 4, 30, 41, (BOX,))),
)
BARE = Quote("said", "not found", Located.MISSING)


def stored(finding: Finding, number: int) -> StoredFinding:
    key = Key(finding.paper, "t", finding.question, "q", finding.reader, "r", 1)
    return StoredFinding(number, key, finding, 2, 7, AT)


FINDINGS = [
    stored(finding, number)
    for number, finding in enumerate(
        [
            Finding(
                paper="Aal",
                question="cq01",
                reader="embedded",
                verdict=Verdict.REPORTED,
                value="-5.2",
                unit="°C",
                answer='=HYPERLINK("http://x")',
                score=0.1 + 0.2,
                quotes=(QUOTE, BARE),
                seconds=0.75,
                input_tokens=1000,
                output_tokens=0,
                cost_usd=1e-05,
            ),
            Finding("Aal", "cq02", "embedded", Verdict.FAILED, error="-unverified", failure=Failure.FINAL),
        ]
    )
]
DECISIONS = [
    Decision("Aal", "cq01", Outcome.REPORTED, "42", 0.9, 2, 1, 0, "majority", "Seeds.", (QUOTE,)),
    Decision("Aal", "cq02", Outcome.UNDECIDED, None, None, 0, 0, 3, "majority"),
    Decision("Barsch", "cq01", Outcome.UNDECIDED, None, None, 1, 1, 1, "majority"),
    Decision("Barsch", "cq02", Outcome.NOT_REPORTED, None, 0.5, 0, 1, 0, "people"),
]
PAPERS = [
    StoredPaper(
        Paper("Aal", (File("aa", "Aal/main.pdf", 1), File("bb", "Aal/s.pdf", 1)), "10.1/x", "T", 2020), "t", "1", 9, 5
    ),
    StoredPaper(Paper("Barsch", (File("cc", "Barsch.pdf", 1),)), reason="needs a password", failure=Failure.FINAL),
    StoredPaper(Paper("Dorsch", (File("dd", "Dorsch.pdf", 1),))),
    StoredPaper(Paper("Hecht")),
]
MATRIX = matrix_frame(DECISIONS, ["Barsch", "Aal", "Hecht"], ["cq02", "cq01"])

MAKERS: list[Callable[[bool], pd.DataFrame]] = [
    lambda empty: findings_frame([] if empty else FINDINGS),
    lambda empty: findings_frame([] if empty else FINDINGS, history=True),
    lambda empty: quotes_frame([] if empty else FINDINGS),
    lambda empty: quotes_frame([] if empty else FINDINGS, history=True),
    lambda empty: decisions_frame([] if empty else DECISIONS),
    lambda empty: papers_frame([] if empty else PAPERS),
    lambda empty: matrix_frame([] if empty else DECISIONS, [] if empty else ["Aal"], ["cq01", "cq02"]),
]


def csv_rows(out: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(out.read_bytes().decode(), newline="")))


def sheet_cell(out: Path, place: str) -> Cell:
    cell = openpyxl.load_workbook(out).worksheets[0][place]
    assert isinstance(cell, Cell)
    return cell


class TestFrames:
    def test_have_the_columns_of_the_contract(self) -> None:
        findings = (
            *("paper", "question", "reader", "verdict", "value", "unit", "answer", "score", "quotes"),
            *("seconds", "input_tokens", "output_tokens", "cost_usd", "error", "unquoted"),
        )
        decisions = (
            *("paper", "question", "decision", "value", "score"),
            *("votes_reported", "votes_not_reported", "votes_failed", "basis", "answer", "quotes", "unquoted"),
        )
        quotes = (
            *("paper", "question", "reader", "number", "said", "text", "located", "score"),
            *("file", "page", "start", "end", "boxes", "ocr", "spans"),
        )
        history = ("blind", "note", "revision", "round", "run", "at")
        for rows in (FINDINGS, []):
            assert tuple(findings_frame(rows)) == findings
            assert tuple(findings_frame(rows, history=True)) == findings + history
            assert tuple(quotes_frame(rows)) == quotes
            assert tuple(quotes_frame(rows, history=True)) == quotes + history
        assert tuple(decisions_frame(DECISIONS)) == tuple(decisions_frame([])) == decisions

    def test_keep_what_findings_say(self) -> None:
        first, second = findings_frame(FINDINGS, history=True).to_dict("records")
        assert first["verdict"] == "reported"
        assert (first["score"], first["seconds"], first["input_tokens"]) == (0.1 + 0.2, 0.75, 1000)
        assert first["quotes"][0]["spans"][1]["boxes"] == [list(BOX)]
        assert (first["revision"], first["round"], first["run"], first["at"]) == (2, 1, 7, pd.Timestamp(AT))
        assert second["quotes"] == []
        assert pd.isna(second["score"])
        assert second["error"] == "-unverified"

    def test_leave_times_out_unless_asked(self) -> None:
        assert findings_frame(FINDINGS)["seconds"].isna().all()
        assert findings_frame(FINDINGS, history=True)["seconds"].tolist()[0] == 0.75

    def test_of_quotes_have_a_row_each(self) -> None:
        first, second = quotes_frame(FINDINGS).to_dict("records")
        assert (first["number"], first["located"], first["score"]) == (1, "exact", 0.1 + 0.2)
        assert (first["file"], first["page"], first["start"], first["end"]) == ("aa11", 3, 10, 41)
        assert first["boxes"] == [list(BOX), list(BOX)]
        assert [span["page"] for span in first["spans"]] == [3, 4]
        assert (second["number"], second["located"]) == (2, "missing")
        assert pd.isna(second["page"])

    def test_of_papers_say_how_each_stands(self) -> None:
        frame = papers_frame(PAPERS)
        assert frame["status"].tolist() == ["read", "unreadable", "not read yet", "no file"]
        assert frame["files"].tolist()[0] == ["Aal/main.pdf", "Aal/s.pdf"]
        assert frame["reason"].tolist()[1] == "needs a password"

    def test_of_the_matrix_are_papers_by_questions_in_the_order_given(self) -> None:
        assert list(MATRIX) == ["paper", "cq02", "cq01"]
        assert MATRIX.fillna("").to_numpy().tolist() == [
            ["Barsch", "not_reported", "undecided"],
            ["Aal", "failed", "reported"],
            ["Hecht", "", ""],
        ]


class TestFiles:
    @pytest.mark.parametrize("suffix", SUFFIXES)
    @pytest.mark.parametrize("make", MAKERS)
    @pytest.mark.parametrize("empty", [False, True])
    def test_same_rows_same_bytes(
        self, suffix: str, make: Callable[[bool], pd.DataFrame], empty: bool, tmp_path: Path
    ) -> None:
        one, two = tmp_path / f"one{suffix}", tmp_path / f"another{suffix}"
        write_table(make(empty), one)
        write_table(make(empty).set_axis(range(5, 5 + len(make(empty)))), two)
        assert one.read_bytes() == two.read_bytes()
        assert sorted(path.name for path in tmp_path.iterdir()) == [two.name, one.name]

    def test_same_bytes_in_another_process_at_another_time_in_another_zone(self, tmp_path: Path) -> None:
        code = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nfrom test_tables import *\n"
            "for suffix in SUFFIXES: write_table(findings_frame(FINDINGS, history=True), Path('x' + suffix))"
        )
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            cwd=tmp_path,
            env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
        )
        for suffix in SUFFIXES:
            write_table(findings_frame(FINDINGS, history=True), tmp_path / f"here{suffix}")
            assert (tmp_path / f"here{suffix}").read_bytes() == (tmp_path / f"x{suffix}").read_bytes(), suffix

    @pytest.mark.parametrize("make", MAKERS)
    def test_parquet_has_the_same_types_with_and_without_rows(
        self, make: Callable[[bool], pd.DataFrame], tmp_path: Path
    ) -> None:
        schemas = []
        for empty in (False, True):
            write_table(make(empty), tmp_path / "t.parquet")
            schemas.append(pq.read_schema(tmp_path / "t.parquet"))
        assert schemas[0].equals(schemas[1], check_metadata=True)
        assert not any(pa.types.is_null(field.type) for field in schemas[0])

    def test_parquet_nests_quotes(self, tmp_path: Path) -> None:
        write_table(findings_frame(FINDINGS), tmp_path / "t.parquet")
        table = pq.read_table(tmp_path / "t.parquet")
        quotes = table.column("quotes").to_pylist()[0]
        assert quotes[0]["text"] == QUOTE.text
        assert quotes[0]["spans"][0] == {
            "file": "aa11",
            "page": 3,
            "start": 10,
            "end": 29,
            "boxes": [list(BOX)] * 2,
            "ocr": False,
        }
        assert quotes[1] == {"said": "said", "text": "not found", "located": "missing", "score": None, "spans": []}
        assert table.column("score").to_pylist() == [0.1 + 0.2, None]

    def test_jsonl_is_json_line_by_line(self, tmp_path: Path) -> None:
        write_table(findings_frame(FINDINGS, history=True), tmp_path / "t.jsonl")
        first, second = (json.loads(line) for line in (tmp_path / "t.jsonl").read_text("utf-8").splitlines())
        assert list(first) == list(findings_frame([], history=True))
        assert first["quotes"][0]["text"] == QUOTE.text
        assert first["score"] == 0.1 + 0.2
        assert first["answer"] == FINDINGS[0].finding.answer
        assert first["at"] == "2026-03-01T12:00:00.000000+00:00"
        assert (second["quotes"], second["score"], second["value"]) == ([], None, None)

    def test_csv_has_exact_figures_json_and_no_formula(self, tmp_path: Path) -> None:
        write_table(findings_frame(FINDINGS), tmp_path / "t.csv")
        assert b"\r" not in (tmp_path / "t.csv").read_bytes()
        names, first, second = csv_rows(tmp_path / "t.csv")
        row = dict(zip(names, first, strict=True))
        assert (row["score"], row["input_tokens"], row["output_tokens"]) == ("0.30000000000000004", "1000", "0")
        assert row["value"] == "-5.2"
        assert row["answer"] == '\'=HYPERLINK("http://x")'
        assert json.loads(row["quotes"])[0]["spans"][0]["boxes"] == [list(BOX)] * 2
        assert dict(zip(names, second, strict=True))["error"] == "'-unverified"

    @given(st.text(st.characters(codec="utf-8"), min_size=1))
    @settings(max_examples=150, deadline=None)
    def test_no_text_is_a_formula_in_csv_and_all_of_it_is_there(self, text: str) -> None:
        texts = [text, "=" + text, "-" + text]
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "t.csv"
            write_table(pd.DataFrame({"x": pd.Series(texts, dtype="string")}), out)
            cells = [row[0] for row in csv_rows(out)[1:]]
        for given_text, cell in zip(texts, cells, strict=True):
            assert cell in (given_text, "'" + given_text)
            if cell[0] in "=+-@\t\r":
                float(cell)

    def test_xlsx_has_text_not_formulas_or_links(self, tmp_path: Path) -> None:
        texts = ["=1+1", "{=1}", "http://example.org", "1234", "+49", "a\x00b\x0bc\ud800d", "_x0041_"]
        write_table(pd.DataFrame({"x": pd.Series(texts, dtype=object)}), tmp_path / "t.xlsx")
        sheet = openpyxl.load_workbook(tmp_path / "t.xlsx").worksheets[0]
        cells = [sheet.cell(row, 1) for row in range(2, 9)]
        assert [cell.value for cell in cells] == [*texts[:5], "abcd", "_x0041_"]
        assert {cell.data_type for cell in cells} == {"s"}
        assert all(cell.hyperlink is None for cell in cells)

    @pytest.mark.parametrize("letter", ["a", "🐟"])
    def test_xlsx_marks_text_that_is_too_long_for_a_cell(self, letter: str, tmp_path: Path) -> None:
        write_table(pd.DataFrame({"x": [letter * 40_000, letter * 16_383]}), tmp_path / "t.xlsx")
        long = str(sheet_cell(tmp_path / "t.xlsx", "A2").value)
        assert len(long.encode("utf-16-le")) // 2 <= 32_767
        kept, _, mark = long.partition(" [… ")
        assert set(kept) == {letter}
        assert mark == f"{40_000 - len(kept)} more characters are left out]"
        assert sheet_cell(tmp_path / "t.xlsx", "A3").value == letter * 16_383

    def test_xlsx_is_pleasant(self, tmp_path: Path) -> None:
        write_table(findings_frame(FINDINGS), tmp_path / "t.xlsx", sheet="findings")
        book = openpyxl.load_workbook(tmp_path / "t.xlsx")
        sheet = book.worksheets[0]
        assert (book.properties.created, book.properties.creator) == (datetime(2000, 1, 1), None)
        assert sheet.title == "findings"
        assert sheet.freeze_panes == "B2"
        assert sheet.auto_filter.ref == "A1:O3"
        assert sheet["A1"].font.bold
        assert (sheet["H2"].value, sheet["H2"].data_type, sheet["K2"].value) == (pytest.approx(0.3), "n", 1000)

    def test_xlsx_wraps_long_answers_but_not_json(self, tmp_path: Path) -> None:
        frame = pd.DataFrame({"answer": ["word " * 40], "quotes": [[{"text": "word " * 40}]]})
        write_table(frame, tmp_path / "t.xlsx")
        sheet = openpyxl.load_workbook(tmp_path / "t.xlsx").worksheets[0]
        assert sheet["A2"].alignment.wrap_text
        assert not sheet["B2"].alignment.wrap_text
        assert sheet.column_dimensions["A"].width > 2 * sheet.column_dimensions["B"].width

    def test_xlsx_colours_of_the_matrix_differ_in_grey_and_can_be_read(self, tmp_path: Path) -> None:
        write_table(MATRIX, tmp_path / "t.xlsx")
        sheet = openpyxl.load_workbook(tmp_path / "t.xlsx").worksheets[0]
        cells = {cell.value: cell for row in sheet["B2:C3"] for cell in row}
        assert cells.keys() == {"reported", "not_reported", "undecided", "failed"}
        greys = sorted(lightness(cell.fill.fgColor.rgb) for cell in cells.values())
        assert all(later - earlier > 15 for earlier, later in pairwise(greys))
        for cell in cells.values():
            assert contrast(cell.fill.fgColor.rgb, cell.font.color.rgb) > 4.5, cell.value
        assert sheet["A2"].fill.fill_type is None

    def test_unknown_suffix_lists_the_known(self, tmp_path: Path) -> None:
        for name in ("t.ods", "t"):
            with pytest.raises(StudyError, match=r"\.csv, \.jsonl, \.parquet, \.xlsx"):
                write_table(MATRIX, tmp_path / name)
        assert list(tmp_path.iterdir()) == []

    def test_suffix_in_capitals_is_known_and_the_folder_is_made(self, tmp_path: Path) -> None:
        write_table(MATRIX, tmp_path / "new" / "T.CSV")
        assert csv_rows(tmp_path / "new" / "T.CSV")[0] == ["paper", "cq02", "cq01"]

    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_a_table_that_cannot_be_made_leaves_the_old_one(self, suffix: str, tmp_path: Path) -> None:
        class Unprintable:
            def __str__(self) -> str:
                raise RuntimeError("no text")

        out = tmp_path / f"t{suffix}"
        out.write_bytes(b"old")
        with pytest.raises((RuntimeError, TypeError)):
            write_table(pd.DataFrame({"x": ["fine", Unprintable()]}), out)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]

    def test_a_place_that_cannot_be_written_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "t.csv").mkdir()
        with pytest.raises(StudyError, match=r"t\.csv: cannot be written"):
            write_table(MATRIX, tmp_path / "t.csv")
        assert len(list(tmp_path.iterdir())) == 1

    def test_parquet_of_irregular_values_holds_their_text(self, tmp_path: Path) -> None:
        write_table(pd.DataFrame({"x": [[1, "a"], {"b": 2}], "y": [None, None]}), tmp_path / "t.parquet")
        table = pq.read_table(tmp_path / "t.parquet")
        assert table.column("x").to_pylist() == ['[1,"a"]', '{"b":2}']
        assert table.schema.field("y").type == pa.string()


def linear(argb: str) -> float:
    """Relative luminance of a colour, as WCAG 2.1 defines it."""
    parts = [int(argb[i : i + 2], 16) / 255 for i in (2, 4, 6)]
    parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def lightness(argb: str) -> float:
    return 116 * float(linear(argb) ** (1 / 3)) - 16


def contrast(one: str, two: str) -> float:
    low, high = sorted((linear(one), linear(two)))
    return (high + 0.05) / (low + 0.05)
