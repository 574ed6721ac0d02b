"""The embedded reader: its findings are well formed, and a value is given only where the words leave no doubt."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quoth
from quoth.errors import PaperError, StudyError
from quoth.protocol import bundled_codebooks, load_codebook
from quoth.readers.english import is_foreign
from quoth.readers.values import value_of
from quoth.vocabulary import Finding, Kind, Located, Question, Quote, Span, Verdict

# Findings of the demo study


@pytest.fixture(scope="module")
def findings(demo_study: Path) -> list[Finding]:
    with quoth.open(demo_study) as study:
        return [stored.finding for stored in study.current()]


@pytest.fixture(scope="module")
def pages(demo_papers: Path) -> dict[str, list[tuple[float, float, str]]]:
    """By paper: width, height and folded text of each page, as another program gives them."""
    found = {}
    for path in demo_papers.glob("*.pdf"):
        with pypdfium2.PdfDocument(path) as document:
            found[path.stem] = [(*page.get_size(), folded(page.get_textpage().get_text_range())) for page in document]
    return found


def folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    return re.sub(r"[\s\u00ad\ufffe\u2010-\u2015-]", "", text).casefold()


def reported(findings: list[Finding]) -> list[Finding]:
    found = [finding for finding in findings if finding.verdict is Verdict.REPORTED]
    assert len(found) > 50
    return found


def quotes(findings: list[Finding]) -> Iterator[tuple[Finding, Quote]]:
    for finding in reported(findings):
        for quote in finding.quotes:
            yield finding, quote


def test_every_cell_has_one_verdict_with_a_calibrated_score(findings: list[Finding]) -> None:
    assert len({(finding.paper, finding.question) for finding in findings}) == len(findings) == 6 * 28
    for finding in findings:
        assert finding.verdict in (Verdict.REPORTED, Verdict.NOT_REPORTED)
        assert finding.score is not None
        assert 0.5 <= finding.score <= 1


def test_a_reported_rests_on_one_to_four_short_located_quotes(findings: list[Finding]) -> None:
    for finding in reported(findings):
        assert 1 <= len(finding.quotes) <= 4
        assert finding.answer == finding.quotes[0].text
        assert len({quote.spans for quote in finding.quotes}) == len(finding.quotes)
    for _, quote in quotes(findings):
        assert 0 < len(quote.text) < 600
        assert quote.said == quote.text
        assert quote.located is Located.EXACT
        assert quote.score is not None
        assert 0 < quote.score <= 1


def test_strongest_quote_comes_first(findings: list[Finding]) -> None:
    for finding in reported(findings):
        scores = [quote.score or 0.0 for quote in finding.quotes]
        assert scores == sorted(scores, reverse=True)


def test_a_not_reported_shows_nothing(findings: list[Finding]) -> None:
    for finding in findings:
        if finding.verdict is Verdict.NOT_REPORTED:
            assert (finding.quotes, finding.answer, finding.value) == ((), "", None)


def test_boxes_lie_on_their_page(findings: list[Finding], pages: dict[str, list[tuple[float, float, str]]]) -> None:
    for finding, quote in quotes(findings):
        assert quote.spans
        for span in quote.spans:
            width, height, _ = pages[finding.paper][span.page - 1]
            assert span.boxes
            assert span.start < span.end
            for x0, y0, x1, y1 in span.boxes:
                assert -1 <= x0 < x1 <= width + 1
                assert -1 <= y0 < y1 <= height + 1


def test_quotes_stand_on_their_page(
    findings: list[Finding], pages: dict[str, list[tuple[float, float, str]]], demo_papers: Path
) -> None:
    for finding, quote in quotes(findings):
        words = folded(quote.text)
        texts = [pages[finding.paper][span.page - 1][2] for span in quote.spans]
        if any(words[:cut] in texts[0] and words[cut:] in texts[-1] for cut in range(1, len(words) + 1)):
            continue
        # Rows of a table may stand in another order in the file than on the page: look under the boxes.
        assert words == folded("".join(under_boxes(demo_papers / f"{finding.paper}.pdf", quote))), (finding, quote)


def under_boxes(path: Path, quote: Quote) -> Iterator[str]:
    with pypdfium2.PdfDocument(path) as document:
        for span in quote.spans:
            page = document[span.page - 1]
            _, height = page.get_size()
            text = page.get_textpage()
            for x0, y0, x1, y1 in span.boxes:
                yield text.get_text_bounded(x0, height - y1, x1, height - y0)


def test_only_number_link_and_choice_have_values(demo_copy: Path, findings: list[Finding]) -> None:
    with quoth.open(demo_copy) as study:
        kinds = {question.id: question.kind for question in study.protocol.questions}
    for finding in findings:
        assert finding.value is None or kinds[finding.question] is not Kind.TEXT
        assert finding.unit is None or finding.value is not None


COUNTED = "".join(
    f'\n[[question]]\nid = "{unit}"\ntext = "How many {unit} {what}?"\nkind = "number"\nunit = "{unit}"\n'
    for unit, what in (
        ("examples", "were there after preparation"),
        ("cameras", "stood on the grid"),
        ("epochs", "did training last"),
        ("recordings", "remained"),
        ("patients", "were included"),
    )
)


def test_a_unit_comes_with_a_value_only(small_study: Callable[..., Path], demo_papers: Path) -> None:
    papers = [path.stem for path in sorted(demo_papers.glob("*.pdf"))]
    with quoth.open(small_study(papers, workers=2, more=COUNTED)) as study:
        study.run()
        found = [stored.finding for stored in study.current() if stored.finding.question not in ("metrics", "code")]
    assert any(finding.value for finding in found)
    for finding in found:
        assert finding.unit == (None if finding.value is None else finding.question)
        assert finding.value is None or float(finding.value) or finding.value == "0"


# One free question


def test_a_free_question_is_answered_from_one_file(demo_papers: Path) -> None:
    finding = quoth.ask(demo_papers / "lynx-camera-traps.pdf", "On which graphics card was the network trained?")
    assert finding.verdict is Verdict.REPORTED
    assert finding.paper == "lynx-camera-traps"
    assert finding.quotes[0].spans[0].page >= 1


def test_a_free_question_needs_words_a_file_and_a_known_reader(demo_papers: Path, tmp_path: Path) -> None:
    paper = demo_papers / "lynx-camera-traps.pdf"
    with pytest.raises(StudyError, match="empty"):
        quoth.ask(paper, "  ")
    with pytest.raises(StudyError, match="gpt"):
        quoth.ask(paper, "Which camera?", reader="gpt")
    with pytest.raises(PaperError, match=r"nowhere\.pdf"):
        quoth.ask(tmp_path / "nowhere.pdf", "Which camera?")
    (tmp_path / "notes.pdf").write_text("no PDF at all")
    with pytest.raises(PaperError, match="not a PDF"):
        quoth.ask(tmp_path / "notes.pdf", "Which camera?")


# Values


def value(kind: Kind, *texts: str, targets: tuple[str, ...] = (), **more: object) -> str | None:
    found = [Quote(text, text, Located.EXACT, 0.9, (Span("f", 1, 0, 1, ()),)) for text in texts]
    question = replace(Question("q", "q", "?", kind), **more)  # type: ignore[arg-type]
    return value_of(question, found, targets)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Code: https://example.org/a/b.", "https://example.org/a/b"),
        ("(see https://example.org/a).", "https://example.org/a"),
        ("at https://example.org/wiki/A_(b), too", "https://example.org/wiki/A_(b)"),
        ("“https://example.org/x”, archived", "https://example.org/x"),
        ("www.example.org/data; and more", "www.example.org/data"),
        ("in github.com/someone/thing, released", "github.com/someone/thing"),
        ("Data: doi:10.5281/zenodo.123456.", "10.5281/zenodo.123456"),
        ("https://doi.org/10.1234/abc(5)7.", "https://doi.org/10.1234/abc(5)7"),
        ("under accession PRJNA123456.", "PRJNA123456"),
        ("available on request", None),
        ("version 10.4 of the program", None),
    ],
)
def test_links_are_found_without_the_punctuation_around_them(text: str, expected: str | None) -> None:
    assert value(Kind.LINK, text) == expected


def test_the_target_of_a_link_is_whole() -> None:
    target = "https://example.org/a/very-long-name"
    assert value(Kind.LINK, "Code: https://example.org/a/very-", targets=(target,)) == target
    assert value(Kind.LINK, "Code is here.", targets=("mailto:a@example.org", target)) == target
    doi = "https://doi.org/10.5281/zenodo.123"
    assert value(Kind.LINK, "Data: 10.5281/zenodo.123", targets=(doi,)) == doi
    assert value(Kind.LINK, "Code: https://example.org/b", targets=(target,)) is None, "there are two"
    assert value(Kind.LINK, "Write to us.", targets=("mailto:a@example.org",)) is None


def test_a_link_comes_from_the_strongest_quote_alone() -> None:
    assert value(Kind.LINK, "https://example.org/1", "https://example.org/2") == "https://example.org/1"
    assert value(Kind.LINK, "Available on request.", "https://doi.org/10.1234/this-paper") is None


def test_of_several_links_the_one_that_was_asked_for() -> None:
    text = "Data: https://zenodo.org/record/1; code: https://github.com/a/b."
    assert value(Kind.LINK, text, text="Where is the code?") == "https://github.com/a/b"
    assert value(Kind.LINK, text, text="Where are the data?") == "https://zenodo.org/record/1"
    assert value(Kind.LINK, "https://github.com/a/b, https://github.com/a/c", text="Where is the code?") is None
    listen = "Code: https://github.com/a/b; to listen: https://example.org/listen."
    assert value(Kind.LINK, listen, text="Where are the data?") is None
    assert value(Kind.LINK, "Data: PRJNA123456; code: github.com/a/b", text="Where are the data?") == "PRJNA123456"
    targets = ("https://doi.org/10.1234/data", "https://gitlab.com/a/b")
    assert value(Kind.LINK, "Both are archived.", targets=targets, text="Which scripts?") == targets[1]


CHOICES = {"choices": ("CC BY", "CC BY-NC", "none")}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("published under CC BY-NC.",), "CC BY-NC"),
        (("published under CC BY.",), "CC BY"),
        (("Published under cc  by–nc",), "CC BY-NC"),
        (("text CC BY, figures CC BY-NC",), None),
        (("text CC BY", "figures CC BY-NC"), None),
        (("nonetheless",), None),
    ],
)
def test_a_choice_is_the_only_one_that_is_named(texts: tuple[str, ...], expected: str | None) -> None:
    assert value(Kind.CHOICE, *texts, **CHOICES) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We sampled 120 plots.", "120"),
        ("Between October 2018 and April 2021, 64 cameras gave 48,216 pictures.", None),
        ("Since 2020-21, 64 cameras ran.", "64"),
        ("n = 45.", "45"),
        ("(n=31)", "31"),
        ("12,345 images", "12345"),
        ("12\u202f345 images", "12345"),
        ("1,234,567.5 units", "1234567.5"),
        ("p < 0.05", "0.05"),
        ("The slope was -5.2.", "-5.2"),
        ("The slope was −5.2.", "-5.2"),
        ("a memory of 16GB", "16"),
        ("In 2019 we sampled 50 lakes.", "50"),
        ("Between 2018 and 2020, 45 patients came.", "45"),
        ("On 12 May 2019 it ran for 60 epochs.", "60"),
        ("120 images (Smith et al., 2019)", "120"),
        ("120 images [3, 4]", "120"),
        ("Figure 3 shows 120 sites, Table 2 does not.", "120"),
        ("Section 3.2 lists 7 items.", "7"),
        ("3D scans of 20 mice", "20"),
        ("the 1st of 20", "20"),
        ("40% of 30 animals", "30"),
        # In doubt there is none.
        ("3–5 plots", None),
        ("3-5 plots", None),
        ("51 of 60", None),
        ("1,5 mg", None),
        ("12 345 images", None),
        ("2000 images", None),
        ("2000 images and 50 videos", None),
        ("a rate of 1e-4", None),
        ("1.5 × 10^6 cells", None),
        ("3 million records", None),
        ("±5 mm", None),
        ("40% of the animals", None),
        ("twelve plots", None),
        ("", None),
    ],
)
def test_a_number_is_the_single_figure_of_the_first_quote(text: str, expected: str | None) -> None:
    assert value(Kind.NUMBER, text, "There were 77 others.") == expected


def test_a_share_is_a_number_where_shares_are_asked_for() -> None:
    assert value(Kind.NUMBER, "40% of the animals", unit="%") == "40"
    assert value(Kind.NUMBER, "40 percent of the animals", unit="percent") == "40"


def test_text_has_no_value_and_nothing_has_none() -> None:
    assert value(Kind.TEXT, "We sampled 120 plots at https://example.org.") is None
    assert all(value(kind) is None for kind in Kind)


@given(st.integers(0, 10**9), st.booleans())
def test_every_whole_number_is_read_however_it_is_grouped(number: int, grouped: bool) -> None:
    text = f"We had {number:,} of them." if grouped else f"We had {number} of them."
    year = not (grouped and number >= 1000) and 1900 <= number <= 2099
    assert value(Kind.NUMBER, text) == (None if year else str(number))


@given(st.text(), st.sampled_from(list(Kind)))
def test_no_words_break_it(text: str, kind: Kind) -> None:
    found = value(kind, text, choices=("a", "b c"))
    if found is not None and kind is Kind.LINK:
        assert found in text
    if found is not None and kind is Kind.NUMBER:
        float(found)


@given(st.from_regex(r"https://example\.org/[a-z0-9/_~-]{0,20}[a-z0-9]", fullmatch=True), st.sampled_from(".,;:)]'”!?"))
def test_every_address_comes_back_as_it_was(address: str, mark: str) -> None:
    assert value(Kind.LINK, f"Code is at {address}{mark} It runs.") == address


# Which questions it can read


@pytest.mark.parametrize(
    "text",
    [
        "Welche Kamera wurde verwendet?",
        "Quelle caméra ?",
        "¿Qué cámara se utilizó?",
        "Qual câmera foi usada?",
        "Quale fotocamera è stata usata?",
        "Welke camera?",
        "Какая камера использовалась?",
        "使用了哪种相机？",
    ],
)
def test_a_question_in_another_language_is_seen(text: str) -> None:
    assert is_foreign(text)


@pytest.mark.parametrize(
    "text",
    [
        "GPU",
        "Learning rate",
        "α",
        "Is the code of El Niño's model there?",
        "Which Einstein-de-Haas setup?",
        "Hardware?",
    ],
)
def test_no_english_question_is_taken_for_another(text: str) -> None:
    assert not is_foreign(text)


@pytest.mark.parametrize("name", bundled_codebooks())
def test_the_bundled_codebooks_are_english(name: str) -> None:
    assert not [question.id for question in load_codebook(name, Path()).questions if is_foreign(question.text)]
