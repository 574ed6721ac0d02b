"""Pages set by hand: reading order, running heads, tables and figures, text out of sight, boxes and page boxes."""

import csv
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from numpy.typing import NDArray

from conftest import DEMO_PAPERS
from quoth.papers import PageGeometry, parse
from quoth.papers.repair import Hyphens
from quoth.papers.sections import run_in_heading
from quoth.vocabulary import BlockKind, Document, Page, SectionKind

WIDTH, HEIGHT = 612, 792
Placed = tuple[float, float, float, str]
"""Words at x and y of their baseline from the page's top left, with the size of their type."""

PAPERS = sorted(path.stem for path in DEMO_PAPERS.glob("*.pdf"))
PROSE = (
    "The stream was sampled above and below the weir",
    "in every month of the year, and each sample was",
    "kept on ice until it reached the laboratory, to",
    "be sieved, sorted and counted by two people who",
    "did not know from which side of the weir it had",
    "come, so that neither hope nor habit could lead",
)
ENTRIES = (
    "Adams, B. (2001). Weirs and what is above them.",
    "Brook, C. (2002). Weirs and what is below them.",
    "Carr, D. (2003). Sorting by hand, and by habit.",
    "Dunn, E. (2004). Ice in the field: a short note.",
)


def written(path: Path, *pages: Sequence[Placed], around: Callable[[str], str] = str) -> Path:
    """A PDF of words set in Helvetica; `around` may wrap the operators of each page."""
    with pikepdf.new() as pdf:
        font = pdf.make_indirect(
            pikepdf.Dictionary(
                Type=pikepdf.Name.Font,
                Subtype=pikepdf.Name.Type1,
                BaseFont=pikepdf.Name.Helvetica,
                Encoding=pikepdf.Name.WinAnsiEncoding,
            )
        )
        for words in pages:
            page = pdf.add_blank_page(page_size=(WIDTH, HEIGHT))
            page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
            page.Contents = pdf.make_stream(around("\n".join(map(shown, words))).encode("cp1252"))
        pdf.save(path)
    return path


def shown(placed: Placed) -> str:
    x, y, size, text = placed
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F1 {size} Tf {x} {HEIGHT - y} Td ({escaped}) Tj ET"


def column(x: float, y: float, lines: Sequence[str], *, size: float = 10, pitch: float = 12) -> list[Placed]:
    return [(x, y + pitch * i, size, line) for i, line in enumerate(lines)]


def read(path: Path) -> Document:
    return parse(path, "a" * 64)


@cache
def demo(name: str) -> Document:
    return read(DEMO_PAPERS / f"{name}.pdf")


def blocks(document: Document, *kinds: BlockKind) -> list[str]:
    return [document.text[b.start : b.end] for b in document.blocks if not kinds or b.kind in kinds]


def spaced(text: str) -> str:
    return " ".join(text.split())


# Reading order


@pytest.mark.parametrize("name", PAPERS)
def test_every_quote_of_the_truth_stands_word_for_word(name: str) -> None:
    with (DEMO_PAPERS.parent / "truth.csv").open(encoding="utf-8", newline="") as file:
        quotes = [row["quote"] for row in csv.DictReader(file) if row["paper"] == name and row["decision"] == "yes"]
    text = spaced(demo(name).text)
    assert len(quotes) > 20
    assert [quote for quote in quotes if spaced(quote) not in text] == []


def test_a_reference_list_set_in_columns_of_its_own_is_read_after_both_columns_of_text(tmp_path: Path) -> None:
    page = [
        *column(50, 80, PROSE),
        *column(320, 80, ["them astray.", *PROSE[1:]]),
        (50, 200, 12, "References"),
        *column(50, 225, ENTRIES[:2] * 3),
        *column(320, 225, ENTRIES[2:] * 3),
    ]
    document = read(written(tmp_path / "balanced.pdf", page))
    text = spaced(document.text)
    assert "neither hope nor habit could lead them astray." in text
    (listed,) = [s for s in document.sections if s.kind is SectionKind.REFERENCES]
    inside = document.text[listed.start : listed.end]
    assert [entry for entry in ENTRIES if entry not in spaced(inside)] == []
    assert "astray" not in inside


def test_columns_are_read_one_after_the_other_where_no_list_begins(tmp_path: Path) -> None:
    page = [
        *column(50, 80, PROSE),
        (50, 200, 12, "Methods"),
        *column(50, 225, PROSE),
        *column(320, 80, PROSE),
        (320, 200, 12, "Results"),
        *column(320, 225, PROSE),
    ]
    document = read(written(tmp_path / "columns.pdf", page))
    assert blocks(document, BlockKind.HEADING) == ["Methods", "Results"]
    assert document.text.index("Methods") < document.text.rindex(PROSE[0][:20], 0, document.text.index("Results"))


def test_the_short_last_line_of_a_paragraph_over_both_columns_belongs_to_it(tmp_path: Path) -> None:
    wide = [f"{a} {b}" for a, b in zip(PROSE[:3], PROSE[3:], strict=True)]
    page = [
        *column(50, 80, [*wide, "them astray."], pitch=12),
        *column(50, 150, PROSE * 3),
        *column(320, 150, PROSE * 3),
    ]
    document = read(written(tmp_path / "abstract.pdf", page))
    first = document.blocks[0]
    assert document.text[first.start : first.end] == spaced(" ".join([*wide, "them astray."]))


def test_a_range_broken_after_its_dash_has_no_space() -> None:
    assert "5:201–215. doi" in demo("bird-song-transformer").text


# Running heads and page numbers


def test_heads_that_alternate_in_a_short_paper_stay_out() -> None:
    text = demo("lynx-camera-traps").text
    for head in ("I. Solvang et al.", "A compact network for lynx photographs", "Journal of Field Sensing"):
        assert head not in text
    assert "Sown flowers at the field edge" not in demo("flower-strips-aphids").text.split("Introduction", 1)[1]
    assert "All rights reserved" not in demo("seismic-phase-picking").text


def test_numbers_near_the_edge_that_count_no_pages_stay_in(tmp_path: Path) -> None:
    rows = [(50, 730, 10, "Batch size"), (300, 730, 10, "256"), (50, 742, 10, "Epochs"), (300, 742, 10, "80")]
    pages = [
        [*column(50, 100, PROSE), *(rows if number == 2 else []), (300, 770, 10, f"{number}")] for number in (1, 2, 3)
    ]
    text = spaced(read(written(tmp_path / "numbers.pdf", *pages)).text)
    assert "Batch size 256" in text
    assert "Epochs 80" in text
    assert text.endswith(PROSE[-1])


def test_page_numbers_above_another_line_stay_out(tmp_path: Path) -> None:
    pages = [
        [*column(50, 100, PROSE), (300, 750, 10, f"{number}"), (50, 770, 8, note)]
        for number, note in ((41, "Set in June"), (42, "Set in July"), (43, "Set in May"))
    ]
    text = read(written(tmp_path / "paged.pdf", *pages)).text
    assert not any(number in text for number in ("41", "42", "43"))


def test_a_sentence_that_begins_like_a_running_head_stays_in(tmp_path: Path) -> None:
    pages = [[(50, 40, 9, "Weirs and streams"), *column(50, 100, PROSE * 9)] for _ in range(3)]
    pages[1][1] = (50, 60, 10, "Weirs and streams are old friends, as everybody knows who")
    text = read(written(tmp_path / "head.pdf", *pages)).text
    assert "Weirs and streams are old friends" in text
    assert text.count("Weirs and streams") == 1


# Tables and figures


def rows_of(document: Document) -> dict[str, str]:
    return {document.text[b.start : b.end]: b.lead for b in document.blocks if b.kind is BlockKind.TABLE_ROW}


def cells(y: float, *words: str) -> list[Placed]:
    return [(50 + 130 * i, y, 9, word) for i, word in enumerate(words)]


TABLE = [
    *cells(100, "Site", "Spring", "Autumn"),
    *cells(112, "Weir", "12.5", "14.1"),
    *cells(124, "Mill", "10.5", "11.3"),
    *cells(136, "Ford", "22.0", "23.9"),
    *cells(148, "Bridge", "31.0", "30.2"),
]
ROWS = ["Site Spring Autumn", "Weir 12.5 14.1", "Mill 10.5 11.3", "Ford 22.0 23.9", "Bridge 31.0 30.2"]


def test_labels_in_a_figure_under_a_table_are_no_rows_of_it(tmp_path: Path) -> None:
    page = [
        (50, 85, 9, "Table 1. Animals in a sample, by site and season of the year."),
        *TABLE,
        *cells(190, "40", "spring"),
        *cells(215, "20", "autumn"),
        *cells(240, "0", "weir", "mill"),
        (50, 265, 9, "Figure 1. Animals in a sample at the weir and at the mill."),
        *column(50, 300, PROSE),
    ]
    document = read(written(tmp_path / "figure.pdf", page))
    rows = rows_of(document)
    assert list(rows) == ROWS
    assert " ".join(blocks(document, BlockKind.FRAGMENT)) == "40 spring 20 autumn 0 weir mill"


def test_a_caption_under_its_table_leads_the_rows(tmp_path: Path) -> None:
    page = [
        *column(50, 40, PROSE[:3]),
        *TABLE,
        (50, 170, 9, "Table 1. Animals in a sample, by site and season of the year."),
        *column(50, 210, PROSE),
    ]
    rows = rows_of(read(written(tmp_path / "below.pdf", page)))
    assert list(rows) == ROWS
    assert rows["Ford 22.0 23.9"].startswith("Table 1. Animals in a sample")
    assert rows["Ford 22.0 23.9"].endswith("Site Spring Autumn")


def test_a_numbered_heading_after_a_table_is_no_row(tmp_path: Path) -> None:
    page = [
        (50, 85, 9, "Table 1. Animals in a sample, by site and season of the year."),
        *TABLE,
        (50, 165, 9, "3.2. Animals below the weir"),
        *column(50, 180, PROSE),
    ]
    document = read(written(tmp_path / "heading.pdf", page))
    assert blocks(document, BlockKind.HEADING) == ["3.2. Animals below the weir"]
    assert list(rows_of(document)) == ROWS


def test_the_last_row_of_a_table_is_a_row() -> None:
    lynx, seismic = rows_of(demo("lynx-camera-traps")), rows_of(demo("seismic-phase-picking"))
    assert lynx["Frozen blocks at start 4 0, 2, 4, 6"].endswith("Setting Final Range")
    assert seismic["Batch size 256"].startswith("TABLE I Hyperparameters")


def test_demo_diagrams_are_neither_rows_nor_prose() -> None:
    for name, label in (
        ("seismic-phase-picking", "3000 × 8"),
        ("bean-leaf-disease", "anthr. 0 3 1 104 2"),
        ("bird-song-transformer", "log-mel patches"),
    ):
        kinds = {b.kind for b in demo(name).blocks if label in demo(name).text[b.start : b.end]}
        assert kinds == {BlockKind.FRAGMENT}, name


def test_the_pieces_of_a_formula_are_no_table(tmp_path: Path) -> None:
    pieces = [*cells(130, "X", "Y"), *cells(142, "2*", "n"), *cells(154, "X", "Y")]
    page = [*column(50, 50, PROSE[:3]), *pieces, *column(50, 180, PROSE * 2)]
    document = read(written(tmp_path / "formula.pdf", page))
    assert rows_of(document) == {}
    assert len(blocks(document, BlockKind.FRAGMENT)) == 1


# Headings and sections


def test_headings_of_every_make() -> None:
    seismic = blocks(demo("seismic-phase-picking"), BlockKind.HEADING)
    assert "A. Stations and Events" in seismic  # italics, the size of the text
    assert not any("=" in heading for heading in seismic)  # a displayed formula is large, too
    title = "Dawn chorus to checklist: a spectrogram transformer for the songs of 38 forest birds"
    assert title in blocks(demo("bird-song-transformer"), BlockKind.HEADING)


def test_sections_of_the_front_and_of_availability() -> None:
    kinds = {name: {s.title: s.kind for s in demo(name).sections} for name in PAPERS}
    assert kinds["flower-strips-aphids"]["Data and scripts"] is SectionKind.AVAILABILITY
    assert kinds["bird-song-transformer"]["Data and code"] is SectionKind.AVAILABILITY
    assert "Publisher’s Note" not in kinds["bean-leaf-disease"]  # a note beside the title, with the authors under it
    for name in ("bean-leaf-disease", "lynx-camera-traps"):
        assert kinds[name]["Abstract"] is SectionKind.ABSTRACT
        assert {s.kind for s in demo(name).sections[:2]} == {SectionKind.FRONT}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Abstract Camera traps fill disks", ("Abstract", SectionKind.ABSTRACT)),
        ("Abstract thought is not meant here", None),
        ("Funding: This work was supported", ("Funding", SectionKind.BACK)),
        ("Funding this work was hard", None),
        ("Data availability. All data are", ("Data availability", SectionKind.AVAILABILITY)),
    ],
)
def test_headings_that_open_their_paragraph(text: str, found: tuple[str, SectionKind] | None) -> None:
    assert run_in_heading(text) == found


# Hyphens


@pytest.mark.parametrize(
    ("before", "after", "joint"),
    [
        ("logged in Tensor", "Board from", ""),  # the paper writes TensorFlow
        ("by Carranza", "Rojas and", "-"),
        ("along the x", "axes of", "-"),
        ("in a two", "stage design", "-"),
        ("as land", "use changes", "-"),  # two words of this paper
        ("did so with", "out it", ""),  # two words, and one by custom
        ("the temper", "ature of", ""),
    ],
)
def test_what_a_papers_own_words_say_of_a_hyphen(before: str, after: str, joint: str) -> None:
    page = "TensorFlow, land and use, with and out, Rojas, axes, stage; a re\ufffesult is a result"
    assert Hyphens([page]).joint(before, after) == joint


def test_a_paper_that_never_breaks_a_word_keeps_every_hyphen() -> None:
    page = "a line of text that ends with a whole word\r\n" * 300 + "on which five live bird\ufffecherry aphids were"
    assert Hyphens([page]).joint("on which five live bird", "cherry aphids were") == "-"
    broken = page + "the distri\ufffebution of it, as the distribution goes"
    assert Hyphens([broken]).joint("on which five live bird", "cherry aphids were") == ""


# Links


def test_a_link_over_two_lines_is_one_link() -> None:
    document = demo("lynx-camera-traps")
    target = "https://doi.org/10.5555/jfs.2022.0211"
    assert [document.text[link.start : link.end] for link in document.links if link.target == target] == [target]


# Text out of sight


def test_text_that_is_clipped_away_is_not_read(tmp_path: Path) -> None:
    """A figure cut out of a manuscript can bring along its page, which nobody sees."""
    hidden = "\n".join(map(shown, column(52, 84, [line.upper() for line in PROSE])))
    seen = shown((60, 420, 10, "Label in the figure"))
    window = f"q 50 {HEIGHT - 500} 300 100 re W n\n{hidden}\n{seen}\nQ"
    path = written(tmp_path / "clipped.pdf", column(50, 80, PROSE), around=lambda page: f"{window}\n{page}")
    document = read(path)
    assert blocks(document, BlockKind.PARAGRAPH) == [spaced(" ".join(PROSE))]
    assert "Label in the figure" in document.text
    with PageGeometry(document, {"a" * 64: path}) as geometry:
        start = document.text.index(PROSE[0])
        (span,) = geometry.spans(start, start + len(PROSE[0]) + 1 + len(PROSE[1]))
    assert len(span.boxes) == 2  # what lies unseen under a line does not cut its box


# Boxes


def moved(path: Path, out: Path, change: Callable[[pikepdf.Pdf, pikepdf.Page], None]) -> Path:
    with pikepdf.open(path) as pdf:
        for page in pdf.pages:
            change(pdf, page)
        pdf.save(out)
    return out


def first_boxes(path: Path) -> NDArray[np.float64]:
    document = read(path)
    start = document.text.index(PROSE[0])
    with PageGeometry(document, {"a" * 64: path}) as geometry:
        return np.array(geometry.spans(start, start + len(PROSE[0]))[0].boxes)


def test_page_boxes_are_inherited(tmp_path: Path) -> None:
    path = written(tmp_path / "own.pdf", column(50, 80, PROSE))

    def inherit(pdf: pikepdf.Pdf, page: pikepdf.Page) -> None:
        pdf.Root.Pages.MediaBox = pikepdf.Array([0, 0, 800, 1000])
        del page.obj["/MediaBox"]

    inherited = moved(path, tmp_path / "inherited.pdf", inherit)
    assert read(inherited).pages[0].height == 1000
    lower = np.array([0, 1000 - HEIGHT, 0, 1000 - HEIGHT])
    assert first_boxes(inherited) == pytest.approx(first_boxes(path) + lower, abs=0.02)


def test_a_crop_box_beyond_the_page_shows_no_more_than_the_page(tmp_path: Path) -> None:
    path = written(tmp_path / "own.pdf", column(50, 80, PROSE))
    beyond = moved(path, tmp_path / "beyond.pdf", lambda _, page: setattr(page, "cropbox", [-40, -40, 700, 900]))
    assert first_boxes(beyond) == pytest.approx(first_boxes(path), abs=0.02)


def selected(path: Path, words: str, *parts: str) -> Document:
    """A document of some words of a page alone: those of its characters that spell the parts."""
    whole = read(path)
    at = whole.text.index(words)
    places = [at + words.index(part) + i for part in parts for i in range(len(part))]
    page = whole.pages[0]
    text = "".join(parts)
    return Document(
        "",
        text,
        (Page(page.file, 1, page.width, page.height, page.start, page.end),),
        (),
        (),
        (),
        (),
        whole.glyphs[places],
    )


def test_a_box_holds_no_words_of_others(tmp_path: Path) -> None:
    path = written(tmp_path / "line.pdf", column(50, 80, PROSE))
    document = selected(path, PROSE[0], "The stream", "sampled above")
    with PageGeometry(document, {"a" * 64: path}) as geometry:
        (span,) = geometry.spans(0, len(document.text))
        whole = first_boxes(path)[0]
    assert len(span.boxes) == 2
    (_, _, first_end, _), (second_start, _, second_end, _) = span.boxes
    assert whole[0] == pytest.approx(span.boxes[0][0], abs=0.02)
    assert first_end < second_start - 15  # 'was' stands between them
    assert second_end < whole[2]


def test_words_up_the_side_of_a_page_have_one_box(tmp_path: Path) -> None:
    side = "BT /F1 10 Tf 0 1 -1 0 120 300 Tm (Abundance of animals in a sample) Tj ET"
    path = written(tmp_path / "side.pdf", column(150, 80, PROSE), around=lambda page: f"{page}\n{side}")
    document = read(path)
    start = document.text.index("Abundance of animals")
    with PageGeometry(document, {"a" * 64: path}) as geometry:
        (span,) = geometry.spans(start, start + len("Abundance of animals in a sample"))
    ((x0, y0, x1, y1),) = span.boxes
    assert x1 - x0 < 12
    assert 120 < y1 - y0 < 200
