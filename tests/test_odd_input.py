"""Names, files and sheets that are not as one expects."""

import os
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest

import quoth
from quoth.errors import PaperError, ProtocolError
from quoth.papers import find_papers, parse
from quoth.protocol import load_protocol, read_questions_csv
from quoth.retrieval import passages

ONE = "id,text\none,Which lynx was photographed?\n"


@pytest.fixture
def study(tmp_path: Path, demo_papers: Path) -> Path:
    (tmp_path / "q.csv").write_text(ONE, encoding="utf-8")
    folder = tmp_path / "study"
    quoth.init(folder, questions=tmp_path / "q.csv")
    (folder / "papers" / "good.pdf").write_bytes((demo_papers / "lynx-camera-traps.pdf").read_bytes())
    return folder


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are no text")
def test_a_name_that_is_no_text_is_written_out(study: Path) -> None:
    (study / "papers" / os.fsdecode(b"bad\xff.pdf")).write_bytes((study / "papers" / "good.pdf").read_bytes())
    with quoth.open(study) as opened:
        assert opened.run().papers == 2
        assert opened.papers.paper.tolist() == ["bad\\xff", "good"]
        assert set(opened.findings.paper) == {"bad\\xff", "good"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_to_nowhere_is_a_paper_that_cannot_be_read(study: Path) -> None:
    (study / "papers" / "library.pdf").symlink_to(study / "not-mounted" / "library.pdf")
    with quoth.open(study) as opened:
        opened.run()
        papers = opened.papers.set_index("paper")
        assert papers.status["library"] == "unreadable"
        assert papers.status["good"] == "read"
        assert opened.findings.set_index("paper").verdict["library"] == "failed"


def test_what_is_no_file_is_no_paper(tmp_path: Path) -> None:
    (tmp_path / "folder.pdf").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.pdf")
        with pytest.raises(PaperError, match="not a file"):
            quoth.ask(tmp_path / "pipe.pdf", "Which?")
    assert find_papers(tmp_path) == {}


@pytest.mark.parametrize("blank", [1, 2])
def test_a_paper_most_of_which_holds_no_text_is_not_read(tmp_path: Path, demo_papers: Path, blank: int) -> None:
    out = tmp_path / "half.pdf"
    with pikepdf.open(demo_papers / "lynx-camera-traps.pdf") as pdf:
        for page in pdf.pages[:blank]:
            page.Contents = pdf.make_stream(b"")
        pdf.save(out)
    if blank == 1:
        assert parse(out, "x").text  # one page of three may be a picture
    else:
        with pytest.raises(PaperError, match="no text on 2 of 3 pages"):
            parse(out, "x")


def test_a_question_cannot_take_the_name_of_the_matrix_column(study: Path) -> None:
    toml = study / "study.toml"
    toml.write_text(toml.read_text("utf-8") + '\n[[question]]\nid = "paper"\ntext = "Which paper?"\n', "utf-8")
    with pytest.raises(ProtocolError, match="cannot be called 'paper'"):
        load_protocol(toml)


def test_blank_cells_and_lines_of_a_sheet_are_passed_over(tmp_path: Path) -> None:
    sheet = tmp_path / "q.csv"
    sheet.write_text("id,text\nfirst,Which camera?\n,\n,Which lens?\n", encoding="utf-8")
    assert [(q.id, q.text) for q in read_questions_csv(sheet)] == [("first", "Which camera?"), ("q02", "Which lens?")]


@pytest.mark.slow
def test_a_terminal_without_the_letters_ends_nothing(study: Path) -> None:
    (study / "papers" / "Ünï.pdf").write_bytes((study / "papers" / "good.pdf").read_bytes())
    plain = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for command in (["run", study], ["status", study], ["ask", study / "papers" / "good.pdf", "Which lynx?"]):
        done = subprocess.run([sys.executable, "-m", "quoth", *command], env=plain, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr


def test_an_export_of_a_half_done_study_says_so(study: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "quoth", "export", study, tmp_path / "out.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "1 paper is not read yet" in done.stderr


def test_a_publishers_margin_is_no_part_of_a_passage(demo_papers: Path) -> None:
    document = parse(demo_papers / "bean-leaf-disease.pdf", "x")
    shown = " ".join(passage.text for passage in passages(document))
    assert "stays neutral" in document.text
    assert "stays neutral" not in shown
    assert "Copyright" in shown  # what licence it has is asked for
