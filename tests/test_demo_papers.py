"""The demo papers and codebooks: what `truth.csv` says stands in the PDFs, and the build gives them again."""

import csv
import ctypes
import importlib.util
import re
import tomllib
from collections import defaultdict
from importlib import resources
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pypdfium2
import pypdfium2.raw as pdfium
import pytest

ROOT = Path(__file__).resolve().parent.parent
DEMO = Path(str(resources.files("quoth.demo")))
PAPERS = sorted(path.stem for path in (DEMO / "papers").glob("*.pdf"))
CODEBOOKS = ("dl-methods", "study-basics")
NUMBER_WORDS = {"5": "five", "8": "eight", "10": "ten"}
LEAST_PART = 6


def truth() -> list[dict[str, str]]:
    with (DEMO / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def codebook(name: str) -> dict:
    text = resources.files("quoth.codebooks").joinpath(f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def squeezed(text: str) -> str:
    """Letters, digits and signs alone: no white space, no hyphen of any sort."""
    return re.sub("[\\s\u00ad\u2010\ufffe-]", "", text)


def page_texts(name: str) -> list[str]:
    with pypdfium2.PdfDocument(DEMO / "papers" / f"{name}.pdf") as document:
        return [page.get_textpage().get_text_range() for page in document]


def link_targets(name: str) -> set[str]:
    """Targets of all link annotations that lead out of the paper."""
    targets = set()
    with pypdfium2.PdfDocument(DEMO / "papers" / f"{name}.pdf") as document:
        for page in document:
            position, link = ctypes.c_int(0), pdfium.FPDF_LINK()
            while pdfium.FPDFLink_Enumerate(page.raw, position, link):
                action = pdfium.FPDFLink_GetAction(link)
                if action and pdfium.FPDFAction_GetType(action) == pdfium.PDFACTION_URI:
                    target = ctypes.create_string_buffer(1000)
                    pdfium.FPDFAction_GetURIPath(document.raw, action, target, len(target))
                    targets.add(target.value.decode())
    return targets


def stands_at(quote: str, pages: list[str], number: int) -> bool:
    """Whether a quote starts on a page; the rest may stand beyond a column break there, or on the next page."""
    wanted, page = squeezed(quote), squeezed(pages[number - 1])
    if wanted in page:
        return True
    following = squeezed(pages[number]) if number < len(pages) else ""
    return any(
        wanted[:cut] in page and (wanted[cut:] in page or wanted[cut:] in following)
        for cut in range(LEAST_PART, len(wanted) - LEAST_PART + 1)
    )


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("examples_build", ROOT / "examples" / "build.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_six_papers() -> None:
    assert len(PAPERS) == 6


@pytest.mark.parametrize("name", PAPERS)
def test_quotes_stand_on_their_pages(name: str) -> None:
    pages = page_texts(name)
    rows = [row for row in truth() if row["paper"] == name and row["decision"] == "yes"]
    lost = [(row["question"], row["quote"]) for row in rows if not stands_at(row["quote"], pages, int(row["page"]))]
    assert rows
    assert lost == []


def test_every_cell_is_decided_once() -> None:
    cells = defaultdict(list)
    for row in truth():
        cells[row["paper"], row["codebook"], row["question"]].append(row)
    asked = {(name, book, item["id"]) for name in PAPERS for book in CODEBOOKS for item in codebook(book)["question"]}
    assert set(cells) == asked
    for cell, rows in cells.items():
        decisions = [row["decision"] for row in rows]
        assert decisions == ["no"] or (set(decisions) == {"yes"} and len(rows) <= 4), cell
        assert len({row["quote"] for row in rows}) == len(rows), cell
        for row in rows:
            assert bool(row["quote"]) == bool(row["page"]) == (row["decision"] == "yes"), cell
            assert not row["quote"] or 20 <= len(row["quote"]) <= 300, cell


def test_most_questions_are_answered_by_some_papers_and_not_by_others() -> None:
    decisions = defaultdict(set)
    for row in truth():
        decisions[row["question"]].add(row["decision"])
    varied = [question for question, found in decisions.items() if found == {"yes", "no"}]
    assert len(varied) >= 0.8 * len(decisions)
    assert all("yes" in found for found in decisions.values())


def test_values_are_of_their_kind_and_in_the_paper() -> None:
    kinds = {item["id"]: item for book in CODEBOOKS for item in codebook(book)["question"]}
    targets = {name: link_targets(name) for name in PAPERS}
    texts = {name: squeezed("".join(page_texts(name))) for name in PAPERS}
    for row in truth():
        item, value = kinds[row["question"]], row["value"]
        where = (row["paper"], row["question"])
        if row["decision"] == "no" or item["kind"] == "text":
            assert value == "", where
        elif item["kind"] == "choice":
            assert value in item["choices"], where
        elif item["kind"] == "link":
            assert value in targets[row["paper"]] or squeezed(value) in texts[row["paper"]], where
        else:
            words = row["quote"].replace(",", "").lower()
            assert re.search(rf"\b({value}|{NUMBER_WORDS.get(value, value)})\b", words), where


@pytest.mark.parametrize("name", CODEBOOKS)
def test_codebooks_are_whole(name: str) -> None:
    book = codebook(name)
    assert set(book["codebook"]) == {"name", "title", "version", "description", "source"}
    assert book["codebook"]["name"] == name
    ids = [item["id"] for item in book["question"]]
    assert len(set(ids)) == len(ids)
    for item in book["question"]:
        assert item["kind"] in {"text", "choice", "number", "link"}
        assert set(item) - {"unit"} == {"id", "label", "text", "kind", "guidance"} | (
            {"choices"} if item["kind"] == "choice" else set()
        )
        assert item["text"].endswith("?")
        assert len(item["guidance"]) > 40
    for variable in book.get("variable", []):
        assert set(variable) == {"name", "group", "any"}
        assert set(variable["any"]) <= set(ids)


def test_dl_methods_asks_28_questions_and_derives_ten_variables() -> None:
    book = codebook("dl-methods")
    assert [item["id"] for item in book["question"]] == [f"cq{number:02}" for number in range(1, 29)]
    assert len(book["variable"]) == 10
    assert {item["id"]: item["kind"] for item in book["question"] if item["kind"] != "text"} == {
        "cq10": "link",
        "cq11": "link",
    }


def test_study_basics_has_every_kind() -> None:
    kinds = {item["kind"] for item in codebook("study-basics")["question"]}
    assert kinds == {"text", "choice", "number", "link"}


@pytest.mark.parametrize("name", PAPERS)
def test_papers_are_short_small_and_say_that_they_are_fictional(name: str) -> None:
    pages = page_texts(name)
    assert 3 <= len(pages) <= 5
    assert (DEMO / "papers" / f"{name}.pdf").stat().st_size < 150_000
    for text in pages:
        assert text.count("Fictional paper, written for quoth") == 1


@pytest.mark.parametrize("name", PAPERS)
def test_links_lead_to_reserved_names_only(name: str) -> None:
    for target in link_targets(name):
        parts = urlsplit(target)
        reserved = {
            "mailto": parts.path.endswith("@example.org"),
            "https": (parts.hostname or "").endswith("example.org")
            or (parts.hostname == "doi.org" and parts.path.startswith("/10.5555/"))
            or (parts.hostname == "github.com" and parts.path.startswith("/example-lab/")),
        }
        assert reserved.get(parts.scheme, False), target


def test_the_build_refuses_words_that_are_not_in_the_paper(build: ModuleType) -> None:
    pages = ["Itsaidthatthecatdidsit", "onthemat.Itsaidthatagain."]
    assert build.find_page("the cat did sit on the mat.", pages) == 1
    with pytest.raises(build.TruthError, match="nowhere"):
        build.find_page("the cat did not sit on the mat.", pages)
    with pytest.raises(build.TruthError, match="2 times"):
        build.find_page("It said that", pages)


def test_building_again_gives_the_same_bytes(build: ModuleType) -> None:
    rows = []
    for name in build.papers():
        pdf = build.compile_paper(name)
        assert pdf == (DEMO / "papers" / f"{name}.pdf").read_bytes(), name
        rows += build.truth_of(name, pdf)
    assert build.papers() == PAPERS
    assert build.as_csv(rows).encode() == (DEMO / "truth.csv").read_bytes()
