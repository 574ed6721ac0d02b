"""Codes and findings from outside: sheets of every kind, every fault by its line, nothing overwritten."""

import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import quoth
from conftest import Quoth
from quoth.errors import StudyError
from quoth.papers import parse
from quoth.study import Study
from quoth.study.status import status_of
from quoth.vocabulary import BlockKind, Outcome

LYNX = "lynx-camera-traps"
TRUE = "We release the code"
HEAD = "paper,question,reader,verdict"

NUMBERS = """
[[question]]
id = "epochs"
text = "How many epochs?"
kind = "number"
unit = "epochs"

[[question]]
id = "sensor"
text = "Which sensor?"
kind = "choice"
choices = ["camera", "microphone"]
"""


@pytest.fixture
def study(small_study: Callable[..., Path]) -> Path:
    return small_study(more=NUMBERS)


def written(folder: Path, text: str, name: str = "codes.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def quoth_open(folder: Path) -> Study:
    """Where a test's `quoth` is the command."""
    return Study(folder)


def decision(study: Study, question: str = "code") -> tuple[Outcome, str]:
    (found,) = [one for one in study.decide() if one.question == question]
    return found.decision, found.basis


@pytest.mark.slow
def test_two_people_a_changed_mind_and_a_third_who_settles_it(study: Path, quoth: Quoth) -> None:
    codes = [
        f"{HEAD}\n{LYNX},code,ann,yes\n{LYNX},code,bob,no\n",
        f"{HEAD},note\n{LYNX},code,bob,unclear,hm\n",
        f"{HEAD}\n{LYNX},code,bob,no\n",
        f"{HEAD},adjudicated\n{LYNX},code,eve,yes,yes\n",
    ]
    expected = ["undecided", "reported", "undecided", "reported"]
    bases = ["majority", "people", "majority", "adjudicated"]
    for text, outcome, basis in zip(codes, expected, bases, strict=True):
        quoth("import", study, written(study, text))
        quoth("export", study, study / "d.csv")
        row = pd.read_csv(study / "d.csv").iloc[0]
        assert (row.decision, row.basis) == (outcome, basis)
    quoth("export", study, study / "h.csv", "--what", "findings", "--history")
    history = pd.read_csv(study / "h.csv")
    assert history[["reader", "verdict", "revision", "round"]].to_numpy().tolist() == [
        ["ann", "reported", 1, 0],
        ["bob", "not_reported", 1, 0],
        ["bob", "unclear", 2, 0],
        ["bob", "not_reported", 3, 0],
        ["eve", "reported", 1, 1],
    ]
    assert history.blind.tolist() == [True, True, True, True, False]
    assert history.note.dropna().tolist() == ["hm"]
    assert history.run.isna().all()
    quoth("export", study, study / "f.csv", "--what", "findings")
    assert pd.read_csv(study / "f.csv").reader.tolist() == ["ann", "bob", "eve"]


def test_the_same_sheet_again_says_nothing_new(study: Path) -> None:
    sheet = written(study, f"{HEAD}\n{LYNX},code,ann,yes\n{LYNX},metrics,ann,no\n")
    with quoth.open(study) as opened:
        first, again = opened.import_(sheet), opened.import_(sheet)
        assert (first.new, first.revised, first.unchanged) == (2, 0, 0)
        assert (again.new, again.revised, again.unchanged) == (0, 0, 2)
        assert len(opened.table("findings", history=True)) == 2


@pytest.mark.parametrize("form", ["csv", "semicolons", "jsonl", "json", "xlsx", "wide", "wide xlsx"])
def test_every_form_says_the_same(study: Path, form: str) -> None:
    rows = [(LYNX, "code", "ann", "reported"), (LYNX, "metrics", "ann", "not_reported")]
    names = HEAD.split(",")
    wide = form.startswith("wide")
    table = [names, *rows] if not wide else [["paper", "coder", "code", "metrics"], [LYNX, "ann", "Yes", "no"]]
    path = study / f"codes.{ {'semicolons': 'csv', 'wide': 'csv', 'wide xlsx': 'xlsx'}.get(form, form) }"
    if form.endswith("xlsx"):
        book = openpyxl.Workbook()
        for row in table:
            book.active.append(row)
        book.save(path)
    elif form == "jsonl":
        path.write_text("\n".join(json.dumps(dict(zip(names, row, strict=True))) for row in rows))
    elif form == "json":
        path.write_text(json.dumps([dict(zip(names, row, strict=True)) for row in rows]))
    else:
        separator = ";" if form == "semicolons" else ","
        path.write_text("\ufeff" + "\r\n".join(separator.join(row) for row in table) + "\r\n", encoding="utf-8")
    with quoth.open(study) as opened:
        found = opened.import_(path, wide=wide)
        assert found.new == 2
        assert decision(opened) == (Outcome.REPORTED, "people")
        assert decision(opened, "metrics") == (Outcome.NOT_REPORTED, "people")


def test_every_faulty_line_is_named_and_nothing_is_imported(study: Path, quoth: Quoth) -> None:
    sheet = written(
        study,
        f"{HEAD},value,page,blind\n"
        f"{LYNX},code,ann,yes,,,\n"
        "lynx-camera-trap,code,ann,yes,,,\n"
        f"{LYNX},cod,ann,yes,,,\n"
        f"{LYNX},metrics,ann,repotred,,,\n"
        f"{LYNX},code,ann,no,,,\n"
        f"{LYNX},metrics,,yes,,,\n"
        f"{LYNX},epochs,ann,yes,many,,\n"
        f"{LYNX},sensor,ann,yes,radar,,\n"
        f"{LYNX},metrics,embedded,yes,,,\n"
        f"{LYNX},metrics,bob,failed,,,\n"
        f"{LYNX},metrics,cat,yes,,0,maybe\n"
        f"{LYNX},metrics,dan,,30,,\n",
    )
    errors = quoth("import", study, sheet, code=1).stderr.removeprefix("quoth: ").splitlines()
    assert [line.split(": ")[0] for line in errors] == [f"codes.csv:{n}" for n in (*range(3, 12), 12, 12, 13)]
    hints = ["'lynx-camera-traps'", "'code'", "'reported'", "codes.csv:2", "no reader", "is no number", "camera"]
    hints += ["'embedded' already", "none of", "neither yes nor no", "whole number", "no verdict"]
    for hint in hints:
        assert any(hint in line for line in errors), (hint, errors)
    with quoth_open(study) as opened:
        assert opened.findings.empty
        assert opened.coders() == []


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (f"{HEAD}\n{LYNX},code,ann,=1+1\n".encode(), "codes.csv:2: the cell 'verdict' is a formula"),
        (f"{HEAD}\n{LYNX},code,Zo\u00eb,yes\n".encode("latin-1"), "codes.csv:2: not UTF-8"),
        (f"{HEAD}\n".encode(), "holds no code"),
        (b"", "is empty"),
        (b"paper,question,verdict\n", "no column reader; or name the reader with --reader"),
        (b"paper,code,metrics\n", "use --wide"),
        (f"{HEAD},qoute\n".encode(), "did you mean 'quote'?"),
        (f"{HEAD},paper\n".encode(), "stands twice"),
        (f'{HEAD}\n{LYNX},code,"ann,yes\n'.encode(), "quotation mark"),
        (f"{HEAD}\n{LYNX},code,ann,yes,more\n".encode(), "codes.csv:2: 5 cells for 4 columns"),
    ],
)
def test_a_sheet_that_cannot_be_meant(study: Path, content: bytes, hint: str) -> None:
    path = study / "codes.csv"
    path.write_bytes(content)
    with quoth.open(study) as opened, pytest.raises(StudyError) as caught:
        opened.import_(path)
    assert hint in str(caught.value)


def test_a_formula_hides_no_other_fault(study: Path) -> None:
    sheet = written(study, f"{HEAD},value\n{LYNX},code,ann,yes,=1+1\n{LYNX},metrics,ann,yess,\n")
    with quoth.open(study) as opened, pytest.raises(StudyError) as caught:
        opened.import_(sheet)
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == ["codes.csv:2", "codes.csv:3"]


def test_other_files_that_cannot_be_meant(study: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEAD.split(","))
    book.active.append([LYNX, "code", "ann", '=IF(1,"yes")'])
    book.save(study / "formula.xlsx")
    cases = {
        "formula.xlsx": (None, "formula.xlsx:2: the cell 'verdict' is a formula"),
        "none.xlsx": (b"no workbook", "not an Excel workbook"),
        "bad.jsonl": (b'{"paper": 1}\n{\n[]\n', "bad.jsonl:2: not valid JSON"),
        "bad.json": (b'{"paper": 1}', "a list of objects"),
        "codes.ods": (b"", "save it as one of these"),
        "gone.csv": (None, "cannot be opened"),
    }
    for name, (content, hint) in cases.items():
        if content is not None:
            (study / name).write_bytes(content)
        with quoth.open(study) as opened, pytest.raises(StudyError) as caught:
            opened.import_(study / name)
        assert hint in str(caught.value), name


def test_a_wide_sheet_with_unknown_columns_is_told(study: Path) -> None:
    sheet = written(study, f"paper,coder,code,metrix\n{LYNX},ann,yes,no\n")
    with quoth.open(study) as opened, pytest.raises(StudyError, match="did you mean 'metrics'"):
        opened.import_(sheet, wide=True)


@pytest.mark.slow
def test_papers_known_by_name_alone(study: Path, quoth: Quoth) -> None:
    sheet = written(study, f"{HEAD},title,year\nsmith2020,code,ann,yes,A title,2020\nsmith2020,metrics,ann,no,,\n")
    assert "--add-papers" in quoth("import", study, sheet, code=1).stderr
    quoth("import", study, sheet, "--add-papers")
    with quoth_open(study) as opened:
        papers = opened.papers.set_index("paper")
        assert papers.loc["smith2020"].status == "no file"
        assert (papers.loc["smith2020"].title, papers.loc["smith2020"].year) == ("A title", 2020)
        assert [(d.paper, d.decision) for d in opened.decide()] == [
            ("smith2020", Outcome.REPORTED),
            ("smith2020", Outcome.NOT_REPORTED),
        ]
        assert status_of(opened).by_name == 1
        assert [work.paper.name for work in opened.plan()] == [LYNX], "nobody can read it"


def test_codes_stay_when_the_file_changes_and_not_when_the_question_does(study: Path) -> None:
    with quoth.open(study) as opened:
        opened.import_(written(study, f"{HEAD}\n{LYNX},code,ann,yes\n"))
        opened.run()
    paper = study / "papers" / f"{LYNX}.pdf"
    paper.write_bytes(paper.read_bytes() + b"\n% another copy\n")
    with quoth.open(study) as opened:
        assert decision(opened) == (Outcome.REPORTED, "people")
        assert status_of(opened).stale == 4, "the embedded reader's findings are of the old file"
    settings = study / "study.toml"
    settings.write_text(settings.read_text().replace("source code of the work", "program of the work"))
    with quoth.open(study) as opened:
        assert opened.decide() == []
        assert status_of(opened).stale == 5


def test_a_cell_that_people_exclude_leaves_the_denominators(study: Path) -> None:
    with quoth.open(study) as opened:
        opened.run()
        opened.import_(written(study, f"{HEAD}\n{LYNX},code,ann,not applicable\n{LYNX},metrics,ann,excluded\n"))
        assert decision(opened) == (Outcome.NOT_APPLICABLE, "people")
        assert opened.matrix.set_index("paper").loc[LYNX, "metrics"] == "excluded"
        gold = written(study, f"paper,question,decision\n{LYNX},code,yes\n{LYNX},epochs,no\n", "gold.csv")
        found = opened.evaluate(gold)
        assert (found.cells, found.not_counted) == (1, 1)
        assert "excluded or not applicable" in opened.methods()


# Quotes


def test_a_quote_is_found_on_its_page_and_scored(demo_copy: Path) -> None:
    with quoth.open(demo_copy) as opened:
        shown = opened.quotes
        own = shown[(shown.paper == LYNX) & (shown.question == "cq08")].iloc[0]
        row = {"paper": LYNX, "question": "cq08", "reader": "other", "verdict": "reported", "quote": own.text}
        sheet = written(demo_copy, json.dumps({**row, "page": int(own.page)}), "found.jsonl")
        found = opened.import_(sheet, as_="imported")
        assert (found.new, dict(found.quotes), found.unquoted, found.failed) == (1, {"exact": 1}, 0, ())
        shown = opened.quotes
        taken = shown[shown.reader == "other"].iloc[0]
        assert (taken.text, taken.page, taken.file) == (own.text, own.page, own.file)
        assert taken.score == pytest.approx(own.score, abs=0.001)
        assert not opened.findings.set_index("reader").loc["other", "unquoted"]


def title(pdf: Path) -> str:
    document = parse(pdf, "0", max_pages=100)
    heading = next(block for block in document.blocks if block.kind is BlockKind.HEADING)
    return document.text[heading.start : heading.end]


def test_codes_of_people_with_a_quote_that_is_not_there_are_taken_in_and_listed(demo_copy: Path, quoth: Quoth) -> None:
    with quoth_open(demo_copy) as opened:
        ids = list(opened.questions())[:25]
    rows = [
        {"paper": LYNX, "question": id_, "reader": "ann", "verdict": "yes", "quote": f"Owls did it {id_}."}
        for id_ in ids
    ]
    sheet = demo_copy / "codes.csv"
    pd.DataFrame(rows).to_csv(sheet, index=False)
    told = quoth("import", demo_copy, sheet).stderr
    assert "Taken in with a quote that does not stand in the paper: 25 codes." in told
    assert told.count(f"  {LYNX}, ") == 20
    assert f"  {LYNX}, {ids[0]}, ann" in told
    assert "and 5 more" in told
    with quoth_open(demo_copy) as opened:
        mine = opened.findings[opened.findings.reader == "ann"]
        assert list(mine.verdict) == ["reported"] * 25
        assert mine.unquoted.all()


def test_who_quotes_titles_fails_changes_nothing_and_is_named(demo_copy: Path, quoth: Quoth) -> None:
    with quoth_open(demo_copy) as opened:
        before = opened.decisions
        names = [stored.paper.name for stored in opened.stored_papers()]
        ids = list(opened.questions())
    titles = {name: title(demo_copy / "papers" / f"{name}.pdf") for name in names}
    rows = [
        {"paper": name, "question": id_, "reader": "liar", "verdict": "reported", "quote": titles[name]}
        for name in names
        for id_ in ids
    ]
    sheet = written(demo_copy, "\n".join(map(json.dumps, rows)), "liar.jsonl")
    said = quoth("import", demo_copy, sheet, "--as", "imported", code=3).stderr
    assert " exact" in said, "titles stand in their papers"
    assert "168 findings failed" in said
    with quoth_open(demo_copy) as opened:
        after = opened.decisions
        columns = ["paper", "question", "decision", "votes_reported", "votes_not_reported", "answer"]
        pd.testing.assert_frame_equal(before[columns], after[columns])
        liar = opened.findings[opened.findings.reader == "liar"]
        assert set(liar.verdict) == {"failed"}
        assert liar.error.str.startswith("unverified").all()
        assert "'liar'" in opened.methods()
    gold = written(demo_copy, f"paper,question,decision\n{LYNX},cq01,yes\n", "gold.csv")
    assert "liar said 'reported' 168 times" in quoth("evaluate", demo_copy, gold).stdout


def test_labels_without_quotes_are_marked_and_heard_by_majority_alone(demo_copy: Path) -> None:
    settings = demo_copy / "study.toml"
    rows = "".join(f"{LYNX},cq{n:02},{reader},yes\n" for n in range(1, 29) for reader in ("m1", "m2"))
    with quoth.open(demo_copy) as opened:
        before = opened.decisions
        found = opened.import_(written(demo_copy, f"{HEAD}\n{rows}"), as_="imported")
        assert found.unquoted == 56
        marked = opened.findings[opened.findings.unquoted]
        assert set(marked.reader) == {"m1", "m2"}
        decided = opened.decisions[opened.decisions.paper == LYNX]
        assert set(decided.decision) == {"reported"}
        assert decided.unquoted.any()
    for rule in ("weighted", "dawid-skene", "evidence"):
        settings.write_text(settings.read_text().replace('rule = "majority"', f'rule = "{rule}"'))
        with quoth.open(demo_copy) as opened:
            assert (opened.decisions.decision == before.decision).all(), rule
        settings.write_text(settings.read_text().replace(f'rule = "{rule}"', 'rule = "majority"'))


@pytest.mark.slow
def test_an_export_comes_back_as_it_was(demo_copy: Path, tmp_path: Path) -> None:
    """Findings of one study are another's imported reader: verdicts, values, quotes; formulas stay harmless text."""
    for suffix in ("csv", "jsonl", "xlsx"):
        with quoth.open(demo_copy) as opened:
            opened.export(tmp_path / f"f.{suffix}", what="findings")
        sheet = tmp_path / f"f.{suffix}"
        with quoth.open(demo_copy) as opened:
            rows = opened.findings
            text = sheet.read_text("utf-8") if suffix != "xlsx" else ""
            if suffix == "xlsx":
                book = openpyxl.load_workbook(sheet)
                for row in book.active.iter_rows(min_row=2):
                    if row[2].value == "embedded":
                        row[2].value = f"again-{suffix}"
                book.save(sheet)
            else:
                sheet.write_text(text.replace("embedded", f"again-{suffix}"), "utf-8")
            opened.import_(sheet, as_="imported")
            first = rows[rows.reader == "embedded"].reset_index(drop=True)
            again = opened.findings
            again = again[again.reader == f"again-{suffix}"].reset_index(drop=True)
            for column in ("paper", "question", "verdict", "value", "answer"):
                assert first[column].equals(again[column]), (suffix, column)
            assert [[q["text"] for q in quotes] for quotes in first.quotes] == [
                [q["text"] for q in quotes] for quotes in again.quotes
            ]
