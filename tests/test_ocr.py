"""Pages that are pictures: which they are, what OCR makes of them, and how a reader of the results is told."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pypdfium2 as pdfium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rapidfuzz import fuzz

import quoth as package
from conftest import DEMO_PAPERS, Quoth, patience, quoth_command
from quoth.engine.local import Done, Lost, run_supervised
from quoth.engine.worker import more_time
from quoth.errors import ProtocolError
from quoth.grounding.locate import Locator
from quoth.papers import PARSER_VERSION, PageGeometry, is_current, join, parse, parser_of
from quoth.papers.ocr import ReadLine, ReadWord, installed, reads_here
from quoth.papers.pdf import RawPage, read_pages
from quoth.papers.respace import respaced
from quoth.papers.typeset import typeset
from quoth.pipeline import ReadSettings, read_document
from quoth.protocol import load_protocol
from quoth.review.app import make_app
from quoth.review.guard import Door
from quoth.study.reviewing import StudyDesk
from quoth.vocabulary import Document, Source

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from ocr import compare, scan_demo
from places import Place
from scanning import scan
from scoring import demo_truth, squeeze

from test_language import liar
from test_report import Page
from test_review import Browser

pytestmark = pytest.mark.skipif(not installed(), reason="needs the extra ocr")

PAPER = "lynx-camera-traps"
OCR = reads_here(None)
TRUTH = DEMO_PAPERS.parent / "truth.csv"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, quoth: Quoth) -> Path:
    """A finished study of one paper, the first page of which is a picture."""
    folder = tmp_path_factory.mktemp("mixed") / "study"
    quoth("init", folder)
    scan(DEMO_PAPERS / f"{PAPER}.pdf", folder / "papers" / f"{PAPER}.pdf", pages={1})
    quoth("run", folder)
    return folder


@pytest.fixture(scope="module")
def document(mixed: Path) -> Document:
    """The same as it was read, from the cache."""
    with package.open(mixed) as study:
        ((paper, places),) = study.files().items()
        return read_document(paper, places, ReadSettings.of(study.protocol.reading, study.cache))


@pytest.fixture(scope="module")
def whole() -> Document:
    return parse(DEMO_PAPERS / f"{PAPER}.pdf", "whole")


def only_file(folder: Path) -> Path:
    return folder / "papers" / f"{PAPER}.pdf"


def coded(page: int) -> list[str]:
    """The quotes of the truth that stand on a page."""
    cells = {**demo_truth(TRUTH, "dl-methods"), **demo_truth(TRUTH, "study-basics")}
    own = [cell for (name, _), cell in cells.items() if name == PAPER]
    return sorted({text for cell in own for text, on in cell.quotes if on == page})


# What is read


@pytest.mark.slow
def test_only_the_page_that_is_a_picture_goes_through_ocr(document: Document, whole: Document) -> None:
    assert [page.source for page in document.pages] == [Source.OCR, Source.TEXT, Source.TEXT]
    assert document.ocr == OCR
    assert parser_of(document) == f"{PARSER_VERSION} {OCR}"
    assert parser_of(whole) == PARSER_VERSION
    rest = [block for block in whole.text.split("\n\n") if len(block) > 300 and whole.text.index(block) > 8000]
    assert len(rest) > 5
    assert [block for block in rest if block not in document.text] == []


def test_what_the_picture_says_is_in_the_document(document: Document, whole: Document) -> None:
    sentences = {whole.text[sentence.start : sentence.end] for sentence in whole.sentences[:60]}
    read = squeeze(document.text)
    assert sum(squeeze(sentence) in read for sentence in sentences) > 0.9 * len(sentences)
    numbered = {section.title for section in whole.sections if section.title[:1].isdigit()}
    assert len(numbered) > 3
    assert numbered <= {section.title for section in document.sections}
    assert document.about == whole.about


def test_quotes_are_located_on_the_picture_with_boxes_around_their_words(mixed: Path, document: Document) -> None:
    file = document.pages[0].file
    original = Place({file: DEMO_PAPERS / f"{PAPER}.pdf"})
    quotes = coded(1)
    assert len(quotes) > 15
    right = []
    with PageGeometry(document, {file: only_file(mixed)}) as geometry:
        locator = Locator(document, geometry)
        for found in map(locator.locate, quotes):
            under = "".join(original.under(span) for span in found.spans)
            on_it = [(span.page, span.ocr) for span in found.spans[:1]] == [(1, True)]
            right.append(on_it and fuzz.ratio(under, squeeze(found.text)) > 95)
    assert sum(right) >= 0.95 * len(quotes)


def test_a_page_of_several_files_keeps_its_boxes(mixed: Path, document: Document, whole: Document) -> None:
    joined = join([whole, document])
    assert joined.ocr == OCR
    start = document.text.index("64 cameras on a regular grid")
    files = {"whole": DEMO_PAPERS / f"{PAPER}.pdf", document.pages[0].file: only_file(mixed)}
    with PageGeometry(document, files) as alone, PageGeometry(joined, files) as together:
        moved = len(joined.text) - len(document.text)
        assert [s.boxes for s in together.spans(moved + start, moved + start + 60)] == [
            s.boxes for s in alone.spans(start, start + 60)
        ]


def test_a_blank_page_is_no_picture(tmp_path: Path) -> None:
    with closing(pdfium.PdfDocument.new()) as pdf, pdfium.PdfDocument(DEMO_PAPERS / f"{PAPER}.pdf") as paper:
        pdf.import_pages(paper)
        pdf.new_page(300, 300)
        pdf.save(tmp_path / "paper.pdf")
    document = parse(tmp_path / "paper.pdf", "x", ocr=OCR, begin_page=pytest.fail)
    assert {page.source for page in document.pages} == {Source.TEXT}


def test_a_picture_without_words_is_looked_at_once(tmp_path: Path) -> None:
    with closing(pdfium.PdfDocument.new()) as pdf, pdfium.PdfDocument(DEMO_PAPERS / f"{PAPER}.pdf") as paper:
        pdf.import_pages(paper)
        page, photo = pdf.new_page(200, 200), pdfium.PdfImage.new(pdf)
        photo.set_bitmap(pdfium.PdfBitmap.from_pil(Image.linear_gradient("L").convert("RGB")))
        photo.set_matrix(pdfium.PdfMatrix().scale(200, 200))
        page.insert_obj(photo)
        page.gen_content()
        pdf.save(tmp_path / "paper.pdf")
    with_ocr, without = (parse(tmp_path / "paper.pdf", "x", ocr=ocr) for ocr in (OCR, ""))
    assert [page.source for page in with_ocr.pages] == [page.source for page in without.pages]
    assert with_ocr.pages[-1].source is Source.PICTURE
    assert with_ocr.text == without.text
    assert is_current(parser_of(with_ocr), None)
    assert not is_current(parser_of(without), None)


@pytest.mark.slow
def test_a_page_whose_letters_lie_is_read_from_its_picture(tmp_path: Path, whole: Document) -> None:
    begun: list[int] = []
    document = parse(liar(tmp_path / "liar.pdf"), "x", ocr=OCR, begin_page=lambda: begun.append(1))
    assert [page.source for page in document.pages] == [Source.TEXT, Source.OCR, Source.TEXT]
    assert len(begun) == 1
    read = squeeze(document.text)
    assert sum(squeeze(quote) in read for quote in coded(2)) >= 0.9 * len(coded(2))


@pytest.mark.slow
def test_the_same_picture_gives_the_same_document_each_time(mixed: Path, document: Document) -> None:
    again = parse(only_file(mixed), document.pages[0].file, ocr=OCR)
    assert again.digest == document.digest
    assert np.array_equal(again.boxes, document.boxes, equal_nan=True)
    assert np.array_equal(again.glyphs, document.glyphs)


# How lines become characters


def lines_of(page: RawPage, turn: float, scale: float) -> list[ReadLine]:
    """The lines of a page as OCR would give them, were it turned by so many radians about its middle."""
    centre = np.array([page.width / 2, page.height / 2])
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    found = []
    for line in page.lines:
        corners = [(line.x0, line.top), (line.x1, line.top), (line.x1, line.bottom), (line.x0, line.bottom)]
        moved = [turned @ (np.array(corner) - centre) + centre for corner in corners]
        found.append(ReadLine(line.text.rstrip("\ufffe"), 1.0, np.array(moved) * scale, 2.0))
    return found


@settings(max_examples=25)
@given(turn=st.floats(-0.03, 0.03), scale=st.floats(1, 4))
def test_a_page_that_lies_askew_is_set_straight(turn: float, scale: float) -> None:
    page = next(read_pages(DEMO_PAPERS / f"{PAPER}.pdf", max_pages=9))
    lines = [line for line in page.lines if line.upright and len(line.text) > 3]
    page = replace(page, lines=lines)
    read = typeset(page, lines_of(page, turn, scale), scale)
    places = {line.text: line for line in read.lines}
    for line in lines:
        straight = places[line.text.rstrip("\ufffe")]
        assert abs((straight.top + straight.bottom) - (line.top + line.bottom)) < 2
        assert abs(straight.x0 - line.x0) < 3
    assert read.boxes is not None
    assert len(read.boxes) == len(read.text)
    for line in read.lines:
        assert read.text[line.start : line.end] == line.text
        drawn = read.boxes[line.start : line.end]
        assert [bool(np.isnan(box[0])) for box in drawn] == [letter.isspace() for letter in line.text]


def a_line(text: str) -> ReadLine:
    words = tuple(ReadWord(word, 10.0 * i, 10.0 * i + 8) for i, word in enumerate(text.split()))
    return ReadLine(text, 1.0, np.array([[0, 0], [100, 0], [100, 10], [0, 10.0]]), 1.0, words)


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("in 487at St Varin", "in 487 at St Varin"),
        ("interval 1.7 to3.3) and", "interval 1.7 to 3.3) and"),
        ("recorders atQuebrada Honda", "recorders at Quebrada Honda"),
        ("the TrapSort and TensorBoard of GitHub", "the TrapSort and TensorBoard of GitHub"),
        ("on the 10th day 5mm of a 3D scan", "on the 10th day 5mm of a 3D scan"),
        ("x2 of cq10 and CO2", "x2 of cq10 and CO2"),
    ],
)
def test_words_that_were_run_together_are_taken_apart(read: str, meant: str) -> None:
    (line,) = respaced([a_line(read)])
    assert line.text == meant
    assert " ".join(word.text for word in line.words) == meant
    assert all(a.end <= b.start + 1e-9 for a, b in pairwise(line.words))


def test_round_zeros_of_old_style_figures_are_zeros() -> None:
    page = next(read_pages(DEMO_PAPERS / f"{PAPER}.pdf", max_pages=9))
    said = "In 2o19, 3,84o cards (p < o.oo1) of 6o m held no CO2 or o2o."
    meant = "In 2019, 3,840 cards (p < 0.001) of 60 m held no CO2 or 020."
    assert typeset(page, [a_line(said)], 1.0).text.strip() == meant


# What a study is told


@pytest.mark.slow
def test_findings_say_that_a_quote_stands_on_a_page_read_by_ocr(mixed: Path, tmp_path: Path, quoth: Quoth) -> None:
    quoth("export", mixed, tmp_path / "quotes.csv", "--what", "quotes")
    quotes = pd.read_csv(tmp_path / "quotes.csv")
    assert set(quotes.page[quotes.ocr]) == {1}
    assert set(quotes.page[~quotes.ocr]) == {2, 3}
    quoth("export", mixed, tmp_path / "findings.jsonl", "--what", "findings")
    for line in (tmp_path / "findings.jsonl").read_text("utf-8").splitlines():
        for quote in json.loads(line)["quotes"]:
            assert all(span["ocr"] == (span["page"] == 1) for span in quote["spans"])
    quoth("export", mixed, tmp_path / "papers.csv", "--what", "papers")
    (notes,) = pd.read_csv(tmp_path / "papers.csv").notes
    assert "read by OCR" in notes
    assert "(page 1)" in notes
    assert "read by OCR" in quoth("status", mixed).stdout
    with package.open(mixed) as study:
        (run,) = study.ledger.runs()
    assert run.manifest["ocr"] == OCR


def test_the_review_page_says_so_too(mixed: Path) -> None:
    with package.open(mixed) as study, closing(StudyDesk(study)) as desk:
        ann = Browser(make_app(desk, Door.at("127.0.0.1", 8765)), "Ann")
        assert ", read by OCR" in ann.see("cq01", paper=PAPER, at=0)
        assert ", read by OCR" not in ann.see("cq01", paper=PAPER, at=1)


@pytest.mark.slow
def test_the_report_says_so_too(mixed: Path, tmp_path: Path, quoth: Quoth) -> None:
    quoth("report", mixed, "--out", tmp_path / "report.html", "--pictures", "none")
    page = Page(tmp_path / "report.html")
    findings = [finding for paper in page.papers for _, found in paper["cells"].values() for finding in found]
    spans = [span for finding in findings for *_, spans in finding[7] for span in spans]
    assert {number for _, number, _, read_by_ocr in spans if read_by_ocr} == {1}


def test_what_was_read_by_ocr_is_not_read_again(mixed: Path, quoth: Quoth) -> None:
    assert "Nothing to do" in quoth("run", mixed).stderr


def a_study(folder: Path, source: Path, ocr: str = "") -> Path:
    package.init(folder)
    toml = folder / "study.toml"
    toml.write_text(toml.read_text("utf-8").replace("[reading]\n", f"[reading]\n{ocr}\n"), "utf-8")
    shutil.copy(source, folder / "papers" / source.name)
    return folder


def without_the_extra(folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """A command as on a machine that has no models for OCR: a package without them stands before the real one."""
    (folder / "rapidocr").mkdir(exist_ok=True)
    (folder / "rapidocr" / "__init__.py").touch()
    path = os.pathsep.join([str(folder), str(Path(package.__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        quoth_command(*arguments), env=environment, capture_output=True, text=True, encoding="utf-8", timeout=120
    )


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "picture.pdf"
    scan(DEMO_PAPERS / f"{PAPER}.pdf", path)
    return path


def test_without_the_extra_a_scan_is_listed_with_the_remedy(picture: Path, tmp_path: Path) -> None:
    study = a_study(tmp_path / "study", picture)
    done = without_the_extra(tmp_path, "run", study)
    assert done.returncode == 3
    assert "pip install 'quoth[ocr]'" in done.stderr
    assert "pip install 'quoth[ocr]'" in without_the_extra(tmp_path, "status", study).stdout
    assert "pip install 'quoth[ocr]'" in without_the_extra(tmp_path, "doctor").stdout


def test_a_study_that_asks_for_ocr_does_not_run_without_it(picture: Path, tmp_path: Path) -> None:
    study = a_study(tmp_path / "study", picture, 'ocr = "needed"')
    done = without_the_extra(tmp_path, "run", study)
    assert done.returncode == 1
    assert "pip install 'quoth[ocr]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_what_another_machine_read_by_ocr_stands(mixed: Path, tmp_path: Path) -> None:
    study = shutil.copytree(mixed, tmp_path / "study")
    assert "Nothing to do" in without_the_extra(tmp_path, "run", study).stderr


@pytest.mark.slow
def test_a_study_can_do_without_ocr(picture: Path, tmp_path: Path, quoth: Quoth) -> None:
    study = a_study(tmp_path / "study", picture, 'ocr = "off"')
    done = quoth("run", study, code=3)
    assert 'set ocr = "needed" in [reading] of study.toml' in done.stderr


@pytest.mark.slow
def test_a_picture_among_pages_that_is_not_read_is_told(tmp_path: Path, quoth: Quoth) -> None:
    scan(DEMO_PAPERS / f"{PAPER}.pdf", tmp_path / "paper.pdf", pages={3})
    study = a_study(tmp_path / "study", tmp_path / "paper.pdf", 'ocr = "off"')
    quoth("run", study, "--question", "cq01")
    assert "a picture without text, not read (page 3)" in quoth("status", study).stdout


def test_which_parsers_stand() -> None:
    parsers = [f"{PARSER_VERSION}{how}" for how in ("", " without OCR", " rapidocr 1.0 abc", f" {OCR}")]
    assert [is_current(parser, None) for parser in parsers] == [True, False, False, True]
    assert [is_current(parser, "off") for parser in parsers] == [True, True, False, False]
    assert not is_current("1", None)


def test_the_protocol_knows_ocr_and_counts_it_where_it_is_used(tmp_path: Path) -> None:
    digests = []
    for number, line in enumerate(["", 'ocr = "off"', 'ocr = "needed"', "seconds_per_ocr_page = 90"]):
        folder = a_study(tmp_path / str(number), DEMO_PAPERS / f"{PAPER}.pdf", line)
        digests.append(load_protocol(folder / "study.toml").digest)
    assert len(set(digests)) == 4
    folder = a_study(tmp_path / "wrong", DEMO_PAPERS / f"{PAPER}.pdf", 'ocr = "always"')
    with pytest.raises(ProtocolError, match=r"study\.toml:\d+: .*ocr"):
        load_protocol(folder / "study.toml")


# Time


def slow_pages(task: tuple[int, float], *, ask: float) -> str:
    """So many pages, each of which asks for time and takes some."""
    for _ in range(task[0]):
        more_time(ask)
        time.sleep(task[1])
    return "done"


@pytest.mark.slow
def test_each_page_brings_its_own_time() -> None:
    limit = patience(0.3)
    tasks = [(4, limit / 2), (1, 10 * limit)]
    outcomes = list(run_supervised(tasks, partial(slow_pages, ask=limit), workers=2, seconds=limit))
    done, lost = sorted(outcomes, key=lambda outcome: isinstance(outcome, Lost))
    assert isinstance(done, Done)
    assert done.result == "done"
    assert isinstance(lost, Lost)
    assert 2 * limit <= lost.seconds < 6 * limit
    assert "seconds_per_ocr_page" in lost.error.reason


# All of it


@pytest.mark.slow
@pytest.mark.parametrize("codebook", ["dl-methods", "study-basics"])
def test_pictures_of_the_demo_papers_give_what_their_text_gives(codebook: str, scanned: Path) -> None:
    found = compare(codebook, scanned / "scans", scanned / "texts", scanned)
    assert np.mean(found.verdicts) >= 0.95
    assert np.mean(found.on_page) >= 0.95
    assert np.mean(found.given) >= 0.95
    assert np.mean(found.boxed) >= 0.95


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scan_demo(tmp_path_factory.mktemp("scanned"))
