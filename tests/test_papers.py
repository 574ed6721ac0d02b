"""PDF to document: what stands in the text, what stays out, and that every character finds back to its page."""

import csv
import ctypes
import hashlib
import os
import pickle
import random
import re
import time
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pikepdf
import pypdfium2 as pdfium
import pypdfium2.raw as raw
import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st
from pdfminer.high_level import extract_text

import hostile
from conftest import DEMO_PAPERS
from quoth.errors import PaperError, StudyError
from quoth.papers import PageGeometry, find_papers, join, parse, text_digest
from quoth.papers.repair import Hyphens, mend, runs_on, splice
from quoth.papers.sentences import sentences
from quoth.vocabulary import Block, BlockKind, Document, Role, SectionKind, Span

PAPERS = sorted(path.stem for path in DEMO_PAPERS.glob("*.pdf"))
UNDRAWN = "[\\s\u0000-\u001f\u00ad\u2010\u2011\ufffe-]"  # pdfium calls a hyphen at a line's end U+0002


def folded(text: str) -> str:
    """Letters, digits and signs alone, ligatures apart: no white space, no hyphen of any sort, no case."""
    return re.sub(UNDRAWN, "", unicodedata.normalize("NFKC", text)).casefold()


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path) -> Document:
    return parse(path, digest_of(path))


@cache
def demo(name: str) -> Document:
    return read(DEMO_PAPERS / f"{name}.pdf")


@cache
def truth(name: str) -> tuple[tuple[str, int], ...]:
    """The quotes of a demo paper, each with its page."""
    with (DEMO_PAPERS.parent / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["paper"] == name and row["decision"] == "yes"]
    return tuple(sorted({(row["quote"], int(row["page"])) for row in rows}))


class Folded:
    """A document's folded text, with the way back to its offsets."""

    def __init__(self, document: Document) -> None:
        pairs = [(letter, i) for i, character in enumerate(document.text) for letter in folded(character)]
        self.text = "".join(letter for letter, _ in pairs)
        self._offsets = [i for _, i in pairs]

    def find(self, words: str) -> tuple[int, int] | None:
        wanted = folded(words)
        at = self.text.find(wanted)
        return None if at < 0 else (self._offsets[at], self._offsets[at + len(wanted) - 1] + 1)

    def place(self, words: str) -> tuple[int, int]:
        found = self.find(words)
        assert found is not None, words
        return found


def blocks(document: Document, *kinds: BlockKind) -> list[str]:
    return [document.text[b.start : b.end] for b in document.blocks if not kinds or b.kind in kinds]


def block_of(document: Document, words: str) -> Block:
    start, end = Folded(document).place(words)
    (found,) = [block for block in document.blocks if block.start <= start and end <= block.end]
    return found


def section_of(document: Document, words: str) -> tuple[str, SectionKind]:
    section = document.sections[block_of(document, words).section]
    return section.title, section.kind


def set_in_type(path: Path, source: str, **page: str) -> Path:
    """A PDF of a few lines of Typst, on a page wide enough that no line breaks unless asked."""
    settings = {"width": "14cm", "height": "18cm", "margin": "2.5cm", **page}
    preamble = '#set page({})\n#set text(font: "Libertinus Serif", size: 10pt, lang: "en")\n'.format(
        ", ".join(f"{key}: {value}" for key, value in settings.items())
    )
    pdf = typst.compile((preamble + source).encode(), ignore_system_fonts=True)
    assert isinstance(pdf, bytes)
    path.write_bytes(pdf)
    return path


# What stands in the text, and what stays out


@pytest.mark.parametrize("name", PAPERS)
def test_every_quote_of_the_truth_stands_in_the_text(name: str) -> None:
    text = Folded(demo(name))
    assert len(truth(name)) > 20
    assert [quote for quote, _ in truth(name) if text.find(quote) is None] == []


# A last line of one or two words, alone at the foot of its block, passes for a label: these two end in one.
IN_PIECES = (
    "The area under the receiver operating characteristic curve (AUC) was",
    "This article is licensed under CC BY-NC",
)
BROKEN = {
    ("ecg-atrial-fibrillation", "All consecutive patients were considered"): (1,),  # over a column break
    ("ecg-atrial-fibrillation", "Two cardiologists reviewed every recording"): (1, 2),
    ("ecg-atrial-fibrillation", "Patients without a later recording could not"): (2, 3),
    ("flower-strips-aphids", "In autumn 2018 they had been allotted by lot"): (1, 2),
    ("flower-strips-aphids", "There were 2.4 times as many at 2 m from flowers"): (2, 3),
    ("lynx-camera-traps", "A photograph with several species took the label"): (1, 2),
    ("lynx-camera-traps", "False alarms were mostly foxes in summer coat"): (2, 3),
}


@pytest.mark.parametrize(("name", "opening"), BROKEN)
def test_a_sentence_over_a_column_or_page_break_is_one_sentence(name: str, opening: str) -> None:
    document = demo(name)
    (quote,) = [quote for quote, _ in truth(name) if quote.startswith(opening)]
    start, end = Folded(document).place(quote)
    assert any(s.start == start and s.end == end for s in document.sentences)
    with PageGeometry(document, {document.pages[0].file: DEMO_PAPERS / f"{name}.pdf"}) as geometry:
        spans = geometry.spans(start, end)
    assert tuple(span.page for span in spans) == BROKEN[name, opening]
    if len(spans) == 1:
        tops = [box[1] for box in spans[0].boxes]
        assert any(after < before - 20 for before, after in pairwise(tops))


@pytest.mark.parametrize("name", PAPERS)
def test_every_quote_of_prose_stands_in_one_sentence(name: str) -> None:
    document = demo(name)
    text = Folded(document)
    places = {quote: text.place(quote) for quote, _ in truth(name) if not quote.startswith(IN_PIECES)}
    cut = [
        quote
        for quote, (start, end) in places.items()
        if not any(s.start <= start and end <= s.end for s in document.sentences)
    ]
    assert len(places) > 20
    assert cut == []


HEADS = {
    "bean-leaf-disease": ["2 of 3", "3 of 3"],
    "bird-song-transformer": ["Preprint"],
    "ecg-atrial-fibrillation": ["Open Cardiol Rec (2021) 6:41", "Hofstetter et al.", "Page 2 of 3"],
    "flower-strips-aphids": ["Farrow, Okonjo & Lanyon 302"],
    "lynx-camera-traps": [],
    "seismic-phase-picking": ["PROCEEDINGS OF THE NINTH WORKSHOP"],
}
FIRST_PAGES = {"flower-strips-aphids": 301, "lynx-camera-traps": 211, "seismic-phase-picking": 64}


@pytest.mark.parametrize("name", PAPERS)
def test_running_heads_and_page_numbers_stay_out(name: str) -> None:
    document = demo(name)
    assert "written for quoth" not in document.text
    assert [head for head in HEADS[name] if head in document.text] == []
    first = FIRST_PAGES.get(name, 1)
    numbers = {str(first + i) for i in range(len(document.pages))}
    # The parts of an equation and the ticks of a chart are fragments, and numbers too.
    alone = blocks(document) if first > 1 else blocks(document, BlockKind.PARAGRAPH, BlockKind.HEADING)
    assert [words for words in alone if words in numbers] == []


def test_heads_that_stand_once_in_a_short_paper_stay_out() -> None:
    # Heads that alternate: in a paper of three pages, each of them stands there once.
    assert [w for w in blocks(demo("ecg-atrial-fibrillation")) if w.startswith("Hofstetter")] == []
    assert [w for w in blocks(demo("flower-strips-aphids")) if "Okonjo" in w and "Edith" not in w] == []


def test_margin_line_numbers_stay_out() -> None:
    document = demo("bird-song-transformer")
    with pdfium.PdfDocument(DEMO_PAPERS / "bird-song-transformer.pdf") as pdf:
        printed = pdf[1].get_textpage().get_text_range()
    assert len(re.findall(r"(?m)^\d{2,3}\b", printed)) > 30  # or else this paper tests nothing
    prose = blocks(document, BlockKind.PARAGRAPH)
    assert [words for words in prose if re.match(r"\d", words)] == []
    assert "were switched on from twenty minutes before sunrise until three hours after it." in document.text
    assert "twelve transformer layers with six heads each (22 million weights), which" in document.text


def test_footnotes_stay_in() -> None:
    assert "Cards were read in the field, and copied twice before they were wiped." in demo("lynx-camera-traps").text
    assert "Halvard Trust under Grant 2018-31" in demo("seismic-phase-picking").text


@pytest.mark.parametrize("name", PAPERS)
def test_the_parts_of_a_document_fit_together(name: str) -> None:
    document = demo(name)
    assert len(document.glyphs) == len(document.text)
    assert document.digest == text_digest(document.text)
    assert [page.number for page in document.pages] == list(range(1, len(document.pages) + 1))
    for before, after in pairwise(document.blocks):
        assert before.end < after.start
    for before, after in pairwise(document.sections):
        assert before.end <= after.start
    for block in document.blocks:
        section = document.sections[block.section]
        assert section.start <= block.start < block.end <= section.end
    for sentence in document.sentences:
        holder = document.blocks[sentence.block]
        assert holder.start <= sentence.start < sentence.end <= holder.end
        assert document.text[sentence.start : sentence.end].strip() == document.text[sentence.start : sentence.end]


# Repair


@pytest.mark.parametrize("name", PAPERS)
def test_no_broken_character_is_left(name: str) -> None:
    text = demo(name).text
    assert (
        re.findall("[\ufb00-\ufb06\u00ad\u00a0\u2002-\u200f\ufffe\uffff\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f]", text) == []
    )
    assert "  " not in text


def test_ligatures_become_letters() -> None:
    printed = extract_text(DEMO_PAPERS / "bird-song-transformer.pdf", page_numbers=[0])
    assert "\ufb01" in printed  # or else this paper tests nothing
    text = demo("bird-song-transformer").text
    assert "A transformer that had learned general sounds was fine-tuned" in text
    assert "differences were settled by the third" in text
    assert "the first two agreed at once" in text


def test_words_hyphenated_at_a_line_end_are_whole_and_compounds_keep_their_hyphen(tmp_path: Path) -> None:
    source = (
        "#set par(justify: true)\n#set text(hyphenate: true)\n"
        "Internationalization of characteristically uncharacteristic representations notwithstanding, the "
        "one-year spectrometers outperformed comparable instrumentation considerably, and the one-year measurements "
        "of uncharacteristic instrumentation in a one-year study were representative of internationalization and of "
        "characteristically comparable spectrometers."
    )
    path = set_in_type(tmp_path / "narrow.pdf", source, width="6.5cm", margin="1cm")
    with pdfium.PdfDocument(path) as pdf:
        printed = pdf[0].get_textpage().get_text_range()
    assert printed.count("\ufffe") + printed.count("\x02") >= 4
    assert read(path).text.split("\n\n")[0] == source.splitlines()[-1]


@pytest.mark.parametrize(
    ("before", "after", "joint"),
    [
        ("of the classifi", "cation of", ""),
        ("each one", "minute recording", "-"),  # the paper writes one-minute elsewhere
        ("for deep", "learning", ""),  # and deeplearning as well as deep-learning
        ("in", "and outpatients", "- "),
        ("COVID", "19 patients", "-"),
        ("by Smith", "Jones", "-"),
        ("at https://example.org/a", "page", "-"),
        ("state-of-the", "art model", "-"),
        ("at low-tempera", "ture", ""),  # the half of a word that another line end broke is no word
    ],
)
def test_what_becomes_of_a_hyphen_at_a_line_end(before: str, after: str, joint: str) -> None:
    pages = ["A one-minute clip. deeplearning and deep-learning, the art of classification tempera\ufffeture"]
    assert Hyphens(pages).joint(before, after) == joint


@pytest.mark.parametrize(
    ("before", "after", "runs"),
    [
        ("see https://doi.org/", "10.5555/a.b", True),
        ("https://doi.org/10.", "5555/ei.2020", True),
        ("https://github.com/some_", "name", True),
        ("https://example.org/data.", "Then we left", False),
        ("https://example.org/data", "holds it", False),
        ("the end.", "begins", False),
    ],
)
def test_when_a_link_runs_on_into_the_next_line(before: str, after: str, runs: bool) -> None:
    assert runs_on(before, after) is runs


def test_links_over_line_ends_are_joined() -> None:
    lynx = demo("lynx-camera-traps").text
    for end in ("ei.2020.0012", "viw.2020.101", "bm.2018.044", "ei.2021.0077", "fnc.2021.005"):
        assert f"https://doi.org/10.5555/{end}" in lynx
    assert "(https://doi.org/10.5555/nwa.kaldfell.2020)" in demo("seismic-phase-picking").text


def mended(text: str) -> tuple[str, list[int]]:
    out, glyphs = mend(text, np.arange(len(text), dtype=np.int32))
    return out, glyphs.tolist()


@pytest.mark.parametrize(
    ("text", "wanted", "glyphs"),
    [
        ("o\ufb03ce", "office", [0, 1, 1, 1, 2, 3]),
        ("e\u0301te\u0301", "été", [0, 2, 3]),
        ("x\u00ady\u200bz\ufffe", "xyz", [0, 2, 4]),
        ("5\u00a0000\u2009m", "5 000 m", [0, 1, 2, 3, 4, 5, 6]),
        ("a   b", "a b", [0, 1, 4]),
        ("donâ€™t", "don’t", [0, 1, 2, 3, 6]),
        ("cafÃ©!", "café!", [0, 1, 2, 3, 5]),
        ("naïve – “so”", "naïve – “so”", [*range(12)]),
    ],
)
def test_mending(text: str, wanted: str, glyphs: list[int]) -> None:
    assert mended(text) == (wanted, glyphs)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    text = draw(st.text(max_size=40))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return text, [(start, end, draw(st.text(max_size=4))) for start, end in pairs]


@given(edited())
def test_splicing_keeps_one_glyph_for_each_character(case: tuple[str, list[tuple[int, int, str]]]) -> None:
    text, edits = case
    out, glyphs = splice(text, np.arange(len(text), dtype=np.int32), edits)
    wanted: list[tuple[str, set[int]]] = []
    done = 0
    for start, end, replacement in edits:
        wanted += [(text[i], {i}) for i in range(done, start)]
        wanted += [(letter, set(range(start, end))) for letter in replacement]
        done = end
    wanted += [(text[i], {i}) for i in range(done, len(text))]
    assert out == "".join(letter for letter, _ in wanted)
    assert len(glyphs) == len(out)
    assert all(glyph in own for glyph, (_, own) in zip(glyphs.tolist(), wanted, strict=True))


@given(st.text())
def test_mending_keeps_glyphs_in_step_and_leaves_nothing_broken(text: str) -> None:
    out, glyphs = mended(text)
    assert len(glyphs) == len(out)
    assert all(0 <= glyph < len(text) for glyph in glyphs)
    assert glyphs == sorted(glyphs)
    assert not re.search("[\u00ad\u00a0\u200b\ufb00-\ufb06\ufffe]|  ", out)


@given(st.text(alphabet="ab fi-.é\ufb01\ufb04\u00ad\u00a0\u2009\u200b\ufffe\x01\n"))
def test_each_character_that_mending_keeps_points_at_its_own_glyph(text: str) -> None:
    out, glyphs = mended(text)
    kept = [(letter, text[glyph]) for letter, glyph in zip(out, glyphs, strict=True)]
    assert [pair for pair in kept if pair[0] not in unicodedata.normalize("NFKC", pair[1]).replace("\n", " ")] == []
    assert folded(out) == folded(re.sub("[\x01\u200b]", "", text))


# Back to the page


def page_characters(path: Path, number: int) -> list[tuple[str, float, float]]:
    """Character and centre, in points from the visible top left, of each character of a page, in pdfium's order.

    The centre takes pdfium's own way from page to picture, which knows rotation and cropping.
    """
    fine = 100  # pictures have whole pixels
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    x, y = ctypes.c_int(), ctypes.c_int()
    found = []
    with pdfium.PdfDocument(path) as document:
        page = document[number - 1]
        words = page.get_textpage()
        width, height = (round(fine * side) for side in page.get_size())
        for index in range(words.count_chars()):
            raw.FPDFText_GetCharBox(words.raw, index, left, right, bottom, top)
            middle = (left.value + right.value) / 2, (bottom.value + top.value) / 2
            raw.FPDF_PageToDevice(page.raw, 0, 0, width, height, 0, *middle, x, y)
            found.append((page_character(words, index), x.value / fine, y.value / fine))
    return found


def page_character(words: pdfium.PdfTextPage, index: int) -> str:
    """The character of that number; pdfium counts one beyond the basic plane twice, as the halves of a pair."""
    code = raw.FPDFText_GetUnicode(words.raw, index)
    if 0xD800 <= code < 0xDC00:
        low = raw.FPDFText_GetUnicode(words.raw, index + 1)
        return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00))
    return "" if 0xDC00 <= code < 0xE000 else chr(code)


@pytest.mark.parametrize("name", PAPERS)
def test_every_character_points_at_the_character_that_draws_it(name: str) -> None:
    document = demo(name)
    strangers, drawn, far = [], 0, 0
    with pdfium.PdfDocument(DEMO_PAPERS / f"{name}.pdf") as pdf:
        words = [page.get_textpage() for page in pdf]
        number = 0
        for offset, glyph in enumerate(document.glyphs.tolist()):
            if glyph < 0:
                continue
            number = next(i for i, page in enumerate(document.pages) if page.start <= glyph < page.end)
            printed = page_character(words[number], glyph - document.pages[number].start)
            letter = document.text[offset]
            drawn, far = drawn + 1, far + (letter > "\uffff")
            if folded(letter) not in folded(printed) or (letter == " ") != printed.isspace():
                strangers.append((offset, letter, printed))
    assert strangers == []
    assert drawn > 0.95 * len(document.text)
    assert far > 0 or name == "ecg-atrial-fibrillation"  # mathematical italics: two units of UTF-16 each


def under(span: Span, path: Path) -> str:
    """The folded characters of a page whose centres lie in a span's boxes."""
    return folded(
        "".join(
            letter
            for letter, x, y in cached_characters(path, span.page)
            if any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in span.boxes)
        )
    )


@cache
def cached_characters(path: Path, number: int) -> list[tuple[str, float, float]]:
    return page_characters(path, number)


def misplaced(document: Document, path: Path, stretches: list[tuple[int, int]]) -> list[str]:
    """The stretches whose boxes do not hold their words, all of them and no others."""
    wrong = []
    with PageGeometry(document, {document.pages[0].file: path}) as geometry:
        for start, end in stretches:
            spans = geometry.spans(start, end)
            assert [span.page for span in spans] == sorted({span.page for span in spans})
            held = "".join(under(span, path) for span in spans)
            if held != folded(document.text[start:end]):
                wrong.append(document.text[start:end])
    return wrong


def quoted(document: Document, name: str) -> list[tuple[int, int]]:
    """Where the quotes of the truth stand, of those that lie in one block."""
    text = Folded(document)
    places = [text.place(quote) for quote, _ in truth(name)]
    return [(s, e) for s, e in places if any(b.start <= s and e <= b.end for b in document.blocks)]


@pytest.mark.parametrize("name", PAPERS)
def test_boxes_hold_the_words_of_every_quote(name: str) -> None:
    document, path = demo(name), DEMO_PAPERS / f"{name}.pdf"
    stretches = quoted(document, name)
    assert len(stretches) >= len(truth(name)) - 2
    assert misplaced(document, path, stretches) == []


@pytest.mark.parametrize("name", PAPERS)
def test_spans_name_the_page_of_every_quote(name: str) -> None:
    document = demo(name)
    text = Folded(document)
    with PageGeometry(document, {document.pages[0].file: DEMO_PAPERS / f"{name}.pdf"}) as geometry:
        found = {quote: geometry.spans(*text.place(quote))[0] for quote, _ in truth(name)}
    assert {quote: span.page for quote, span in found.items()} == dict(truth(name))
    assert {span.file for span in found.values()} == {document.pages[0].file}


def test_there_is_a_box_for_each_line() -> None:
    document = demo("bean-leaf-disease")
    with PageGeometry(document, {document.pages[0].file: DEMO_PAPERS / "bean-leaf-disease.pdf"}) as geometry:
        (span,) = geometry.spans(*Folded(document).place("Near-duplicates are frequent in pooled collections."))
        assert len(span.boxes) == 1
        x0, y0, x1, y1 = span.boxes[0]
        assert 5 < y1 - y0 < 15 < 150 < x1 - x0 < 450
        block = block_of(document, "Common bean feeds more people directly than any other legume.")
        (span,) = geometry.spans(block.start, block.end)
    bottoms = sorted(box[3] for box in span.boxes)
    assert sum(below - above > 6 for above, below in pairwise(bottoms)) == 5
    assert all(box[3] - box[1] < 15 for box in span.boxes)


def test_space_between_blocks_has_no_place() -> None:
    document = demo("bean-leaf-disease")
    first = document.blocks[0]
    with PageGeometry(document, {document.pages[0].file: DEMO_PAPERS / "bean-leaf-disease.pdf"}) as geometry:
        assert geometry.spans(first.end, first.end + 2) == ()
        assert geometry.spans(first.start, first.start) == ()


TURNS = {90: (0, 1, -1, 0, "height", 0), 180: (-1, 0, 0, -1, "width", "height"), 270: (0, -1, 1, 0, 0, "width")}


def changed(name: str, out: Path, change: Callable[[pikepdf.Pdf, pikepdf.Page], None]) -> Path:
    """A demo paper each of whose pages has been changed."""
    with pikepdf.open(DEMO_PAPERS / f"{name}.pdf") as pdf:
        for page in pdf.pages:
            change(pdf, page)
        pdf.save(out)
    return out


@pytest.mark.parametrize("degrees", TURNS)
def test_pages_that_are_turned_twice_read_as_they_are_seen(degrees: int, tmp_path: Path) -> None:
    """A scanner's habit: the content lies on its side and /Rotate sets it upright again."""

    def turn(pdf: pikepdf.Pdf, page: pikepdf.Page) -> None:
        width, height = float(page.mediabox[2]), float(page.mediabox[3])
        numbers = {"width": width, "height": height}
        matrix = " ".join(str(numbers.get(str(part), part)) for part in TURNS[degrees])
        page.contents_add(pdf.make_stream(f"q {matrix} cm\n".encode()), prepend=True)
        page.contents_add(pdf.make_stream(b"\nQ"))
        page.mediabox = [0, 0, width, height] if degrees == 180 else [0, 0, height, width]
        page.rotate(degrees, relative=False)

    path = changed("bean-leaf-disease", tmp_path / "turned.pdf", turn)
    document, straight = read(path), demo("bean-leaf-disease")
    assert [page.width for page in document.pages] == pytest.approx([page.width for page in straight.pages])
    assert [page.height for page in document.pages] == pytest.approx([page.height for page in straight.pages])
    stretches = quoted(document, "bean-leaf-disease")
    assert len(stretches) >= len(quoted(straight, "bean-leaf-disease")) - 1
    assert misplaced(document, path, stretches) == []
    with PageGeometry(document, {digest_of(path): path}) as geometry:
        (here,) = geometry.spans(*stretches[0])
    with PageGeometry(straight, {straight.pages[0].file: DEMO_PAPERS / "bean-leaf-disease.pdf"}) as geometry:
        (there,) = geometry.spans(*quoted(straight, "bean-leaf-disease")[0])
    assert np.array(here.boxes) == pytest.approx(np.array(there.boxes), abs=0.1)


@pytest.mark.parametrize("degrees", TURNS)
def test_boxes_hold_their_words_on_pages_shown_sideways(degrees: int, tmp_path: Path) -> None:
    path = changed("bean-leaf-disease", tmp_path / "sideways.pdf", lambda _, page: page.rotate(degrees, relative=False))
    document = read(path)
    text = Folded(document)
    places = [place for quote, _ in truth("bean-leaf-disease") if len(quote) < 75 and (place := text.find(quote))]
    assert places
    assert misplaced(document, path, places) == []


def test_boxes_are_counted_from_the_corner_that_is_seen(tmp_path: Path) -> None:
    def crop(_: pikepdf.Pdf, page: pikepdf.Page) -> None:
        width, height = float(page.mediabox[2]), float(page.mediabox[3])
        page.cropbox = [20, 30, width - 10, height - 15]

    path = changed("bean-leaf-disease", tmp_path / "cropped.pdf", crop)
    document, whole = read(path), demo("bean-leaf-disease")
    stretches = quoted(document, "bean-leaf-disease")
    assert len(stretches) > 30
    assert misplaced(document, path, stretches) == []
    words = "Near-duplicates are frequent in pooled collections."
    with PageGeometry(document, {digest_of(path): path}) as geometry:
        ((x0, y0, x1, y1),) = geometry.spans(*Folded(document).place(words))[0].boxes
    with PageGeometry(whole, {whole.pages[0].file: DEMO_PAPERS / "bean-leaf-disease.pdf"}) as geometry:
        (box,) = geometry.spans(*Folded(whole).place(words))[0].boxes
    assert (x0 + 20, y0 + 15, x1 + 20, y1 + 15) == pytest.approx(box, abs=0.05)


@pytest.mark.slow
@pytest.mark.skipif("QUOTH_TEST_PAPERS" not in os.environ, reason="QUOTH_TEST_PAPERS names no folder of PDFs")
def test_boxes_hold_the_words_of_random_sentences_of_real_papers() -> None:
    chance = random.Random(20240229)
    wrong, tried = [], 0
    for path in sorted(Path(os.environ["QUOTH_TEST_PAPERS"]).glob("*.pdf")):
        document = read(path)
        some = chance.sample(document.sentences, min(40, len(document.sentences)))
        wrong += [(path.stem, words) for words in misplaced(document, path, [(s.start, s.end) for s in some])]
        tried += len(some)
    assert tried
    print(f"{len(wrong)} of {tried} sentences: other words under their boxes")
    assert len(wrong) <= 0.04 * tried, wrong


# Sections, captions, tables, links


@pytest.mark.parametrize(
    ("name", "words", "title", "kind"),
    [
        ("bird-song-transformer", "A forest at dawn is an orchestra", "Abstract", SectionKind.ABSTRACT),
        ("bird-song-transformer", "Where birds are many", "Introduction", SectionKind.BODY),
        ("bird-song-transformer", "We thank the rangers", "Acknowledgments", SectionKind.BACK),
        ("bird-song-transformer", "Synthetic choruses for rare voices", "References", SectionKind.REFERENCES),
        ("bird-song-transformer", "lists the settings of the fine-tuned", "Appendix A: Settings", SectionKind.APPENDIX),
        ("bird-song-transformer", "Masked time up to 1.2 s", "Appendix A: Settings", SectionKind.APPENDIX),
        ("seismic-phase-picking", "Phase pickers that were trained on quiet", "Abstract", SectionKind.ABSTRACT),
        ("seismic-phase-picking", "The waveforms and the analysts", "Data Availability", SectionKind.AVAILABILITY),
        (
            "seismic-phase-picking",
            "The observatory runs the ratio",
            "Appendix: The Classical Trigger",
            SectionKind.APPENDIX,
        ),
        (
            "ecg-atrial-fibrillation",
            "The recordings cannot be made public",
            "Availability of data and materials",
            SectionKind.AVAILABILITY,
        ),
        ("ecg-atrial-fibrillation", "supported by the Austrian Heart Circle", "Funding", SectionKind.BACK),
        (
            "ecg-atrial-fibrillation",
            "The ethics committee of the",
            "Ethics approval and consent to participate",
            SectionKind.BACK,
        ),
        ("bean-leaf-disease", "Two existing collections were downloaded", "2.1. Images", SectionKind.BODY),
        ("bean-leaf-disease", "received no external funding", "Funding", SectionKind.BACK),
        ("bean-leaf-disease", "deposited in Figshare", "Data Availability Statement", SectionKind.AVAILABILITY),
        ("bean-leaf-disease", "co-owner of LeafLine Software", "Conflicts of Interest", SectionKind.BACK),
        ("lynx-camera-traps", "boreal forest of spruce and birch", "2.1. Study area and cameras", SectionKind.BODY),
        (
            "lynx-camera-traps",
            "available from the corresponding author upon",
            "Data availability",
            SectionKind.AVAILABILITY,
        ),
        ("lynx-camera-traps", "No animal was caught", "Ethics", SectionKind.BACK),
        ("lynx-camera-traps", "The scripts for training", "Code availability", SectionKind.AVAILABILITY),
        ("lynx-camera-traps", "Supported by the Lysdal", "Funding", SectionKind.BACK),
    ],
)
def test_words_stand_in_their_section(name: str, words: str, title: str, kind: SectionKind) -> None:
    assert section_of(demo(name), words) == (title, kind)


HEADINGS = {
    "bean-leaf-disease": ["1. Introduction", "2.3. Evaluation", "5. Conclusions"],
    "bird-song-transformer": ["Recordings", "Model", "In the forest", "Discussion"],
    "ecg-atrial-fibrillation": ["Recordings and outcome", "Statistical analysis", "Competing interests"],
    "flower-strips-aphids": ["Introduction", "Methods", "Acknowledgements"],
    "lynx-camera-traps": ["2. Material and methods", "2.4. Test", "4. Discussion"],
    "seismic-phase-picking": ["I. Introduction", "V. Discussion", "VI. Conclusion"],
}


@pytest.mark.parametrize("name", PAPERS)
def test_headings_are_blocks_of_their_own(name: str) -> None:
    headings = blocks(demo(name), BlockKind.HEADING)
    assert [title for title in [*HEADINGS[name], "References"] if title not in headings] == []


@pytest.mark.parametrize("name", PAPERS)
def test_no_sentence_of_the_reference_list_is_anywhere_else(name: str) -> None:
    document = demo(name)
    listed = [s for s in document.sections if s.kind is SectionKind.REFERENCES]
    assert len(listed) == 1
    inside = document.text[listed[0].start : listed[0].end]
    assert re.search(r"10\.5555/|Privately printed", inside)
    assert not any(folded(quote) in folded(inside) for quote, _ in truth(name))


@pytest.mark.parametrize(
    ("name", "opening", "ending"),
    [
        ("lynx-camera-traps", "Table 1. Photographs by class and set", "were assigned to the sets."),
        ("lynx-camera-traps", "Figure 1. The 64 cells of the grid", "gave no picture for training."),
        ("bird-song-transformer", "Figure 2: Mean average precision", "windows of different length."),
        ("seismic-phase-picking", "TABLE II Picks on the records of 2019", "standard deviation of ten trainings)"),
        ("ecg-atrial-fibrillation", "Figure 2 Receiver operating", "The circle marks the cut-off."),
        ("flower-strips-aphids", "Table 1. Odds of being eaten", "(95% confidence interval)."),
    ],
)
def test_captions_are_whole(name: str, opening: str, ending: str) -> None:
    captions = blocks(demo(name), BlockKind.CAPTION)
    assert [c for c in captions if c.startswith(opening) and c.endswith(ending)] != []


@pytest.mark.parametrize("words", ["Table I lists what was tried.", "Table II shows the picks", "Table III gives its"])
def test_a_paragraph_that_begins_with_a_table_is_no_caption(words: str) -> None:
    assert block_of(demo("seismic-phase-picking"), words).kind is BlockKind.PARAGRAPH


@pytest.mark.parametrize(
    ("name", "row", "caption", "header"),
    [
        (
            "lynx-camera-traps",
            "Lynx 712 188 594 0.90 0.93 0.92",
            "Table 1. Photographs by class and set",
            "Class Training Validation Test Precision Recall F1",
        ),
        (
            "lynx-camera-traps",
            "Initial learning rate 0.0003 0.00001 to 0.01 (log)",
            "Table 2. Settings of the final network",
            "Setting Final Range",
        ),
        (
            "bean-leaf-disease",
            "Rust 898 289 233 1,420",
            "Table 1. Images by state of the leaf and source",
            "State BeanSet Legume Leaves Own Total",
        ),
        (
            "ecg-atrial-fibrillation",
            "Women 9,073 (48.0) 2,762 (51.0)",
            "Table 1 Characteristics of the patients.",
            "Eichwald (n = 18,902) St Varin (n = 5,416)",
        ),
        (
            "seismic-phase-picking",
            "Learning rate 0.0003, 0.001, 0.003",
            "TABLE I Hyperparameters",
            "Hyperparameter Values",
        ),
        (
            "bird-song-transformer",
            "Schedule linear to zero Weight decay 0.05",
            "Table 2: Settings of the fine-tuned transformer.",
            "Setting Value Setting Value",
        ),
        (
            "flower-strips-aphids",
            "Grass 1.38 (1.05 to 1.81) 1.17 (0.89 to 1.53) 0.98 (0.75 to 1.28)",
            "Table 1. Odds of being eaten",
            "Strip 2 m 10 m 40 m",
        ),
    ],
)
def test_a_table_row_is_a_block_that_knows_caption_and_header(name: str, row: str, caption: str, header: str) -> None:
    document = demo(name)
    block = block_of(document, row)
    assert block.kind is BlockKind.TABLE_ROW
    assert document.text[block.start : block.end] == row
    assert block.lead.startswith(caption)
    assert block.lead.endswith(header)
    assert len([s for s in document.sentences if s.start == block.start and s.end == block.end]) == 1


@pytest.mark.parametrize(
    ("name", "words", "target"),
    [
        ("lynx-camera-traps", "our repository", "https://github.com/example-lab/lynx-sites"),
        ("lynx-camera-traps", "solvang@example.org", "mailto:solvang@example.org"),
        ("bird-song-transformer", "audible demonstration", "https://example.org/dawn/listen"),
        ("bird-song-transformer", "doi:10.5555/zenodo.7731904", "https://doi.org/10.5555/zenodo.7731904"),
        ("flower-strips-aphids", "counts", "https://doi.org/10.5555/orrin.2019.cards"),
        ("flower-strips-aphids", "scripts", "https://gitlab.example.org/orrin/cards"),
    ],
)
def test_links_carry_their_words(name: str, words: str, target: str) -> None:
    document = demo(name)
    assert [document.text[link.start : link.end] for link in document.links if link.target == target] == [words]


# Sentences


@pytest.mark.parametrize(
    "text",
    [
        "We agree.| They do not.",
        "As Smith et al. (2019) found, it works.| We agree with Smith et al. on that.",
        "See Fig. 3 and Eq. (2), e.g. the first, i.e. that of A and Bo.| Next.",
        "J. R. Smith and A.-M. Roe wrote it.| Nobody read it.",
        "The value rose from 3.5 to 4.7 in 2019.| It fell again.",
        "The arrhythmia had not been known.1| Anticoagulation prevents it.",
        "It was shown twice.4,5| A third study failed.",
        "It ended (so they say).| “Quoted.”| Then more!| Really?| Yes.",
        "Approx. 20 cm of rope, cf. Table 1, vs. 30 cm before.| Done.",
        "Dr. Meyer saw No. 5.| It was lost.",
        "Felis sp. was found in the U.S. and elsewhere.| Nobody minded.",
        "We used 4.7 MB of it.| F1 was 0.88 (SD 0.01).| AUC was 0.842 (95% CI 0.824 to 0.860).| Done.",
        "It was known.[1,2]| Another one begins.",
        "It ran in Python v. 3.9.| It was slow.",
        "One sentence without an end",
    ],
)
def test_sentences(text: str) -> None:
    parts = [part.strip() for part in text.split("|")]
    whole = text.replace("|", "")
    assert [whole[start:end] for start, end in sentences(whole)] == parts


@given(st.text(alphabet="aB1.?!() \n“”"))
def test_sentences_leave_nothing_out(text: str) -> None:
    cuts = list(sentences(text))
    assert all(start < end for start, end in cuts)
    assert "".join("".join(text[start:end].split()) for start, end in cuts) == "".join(text.split())


# Files that cannot be read


def refused(path: Path, *, max_pages: int = 500) -> PaperError:
    with pytest.raises(PaperError) as caught:
        parse(path, "0" * 64, max_pages=max_pages)
    return caught.value


def test_why_a_file_cannot_be_read(tmp_path: Path) -> None:
    good = (DEMO_PAPERS / "lynx-camera-traps.pdf").read_bytes()
    contents = {
        "empty": b"",
        "not a PDF": b"<html><body>Please log in</body></html>",
        "truncated": good[: len(good) // 2],
        "damaged": b"%PDF-1.7\nnothing of the kind\n%%EOF\n",
    }
    for reason, content in contents.items():
        path = tmp_path / "paper.pdf"
        path.write_bytes(content)
        error = refused(path)
        assert error.reason.startswith(reason)
        assert error.file == path
        assert not error.transient


def test_a_file_that_is_not_there_may_come_back(tmp_path: Path) -> None:
    error = refused(tmp_path / "gone.pdf")
    assert "cannot be opened" in error.reason
    assert error.transient


def test_a_password_is_asked_for_by_name(tmp_path: Path) -> None:
    path = tmp_path / "locked.pdf"
    with pikepdf.open(DEMO_PAPERS / "lynx-camera-traps.pdf") as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="owner", user="secret"))
    assert "password" in refused(path).reason


def test_a_password_that_only_the_owner_needs_is_no_hindrance(tmp_path: Path) -> None:
    path = tmp_path / "restricted.pdf"
    with pikepdf.open(DEMO_PAPERS / "lynx-camera-traps.pdf") as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="owner", user=""))
    assert read(path).text == demo("lynx-camera-traps").text


def test_too_many_pages_are_counted_for_the_user() -> None:
    path = DEMO_PAPERS / "lynx-camera-traps.pdf"
    reason = refused(path, max_pages=2).reason
    assert "3 pages" in reason
    assert "max_pages is 2" in reason
    assert parse(path, "0" * 64, max_pages=3).text


def test_a_scan_says_that_it_is_one(tmp_path: Path) -> None:
    path = set_in_type(tmp_path / "scan.pdf", "#rect(width: 5cm, height: 5cm, fill: black)")
    reason = refused(path).reason
    assert "scan" in reason
    assert "OCR" in reason


def test_a_file_without_pages(tmp_path: Path) -> None:
    path = tmp_path / "none.pdf"
    with pikepdf.new() as pdf:
        pdf.save(path)
    assert refused(path).file == path


def test_an_error_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(PaperError("empty", file=Path("a.pdf"), transient=True)))
    assert isinstance(error, PaperError)
    assert str(error) == "empty"


def test_damaged_files_are_read_or_refused_and_nothing_else(tmp_path: Path) -> None:
    chance = random.Random(20240229)
    start = time.monotonic()
    read_anyway = 0
    for number in range(40):
        data = bytearray((DEMO_PAPERS / f"{PAPERS[number % len(PAPERS)]}.pdf").read_bytes())
        if number % 2:
            for _ in range(chance.choice((3, 30, 300))):
                data[chance.randrange(len(data))] = chance.randrange(256)
        else:
            cut = chance.randrange(len(data))
            del data[cut : cut + chance.choice((1, 100, 5000))]
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(data)
        try:
            document = read(path)
        except PaperError as error:
            assert error.reason
        else:
            assert len(document.glyphs) == len(document.text)
            read_anyway += 1
    assert time.monotonic() - start < 30
    assert 5 < read_anyway < 40


# Folders and papers of several files


def lay_out(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode())
    return folder


def test_files_and_folders_become_papers(tmp_path: Path) -> None:
    folder = lay_out(
        tmp_path / "papers",
        {
            "b.pdf": "b",
            "a.PDF": "a",
            "notes.txt": "no paper",
            ".hidden.pdf": "hidden",
            ".trash/old.pdf": "hidden too",
            "b/supplement 2.pdf": "s2",
            "b/supplement 1.pdf": "s1",
            "b/.DS_Store.pdf": "hidden",
            "b/deep/table.pdf": "deep",
            "c/aaa.pdf": "first by name",
            "c/main.pdf": "main",
            "d/a.pdf": "a",
            "d/d.pdf": "named like the folder",
            "empty/readme.txt": "",
        },
    )
    papers = find_papers(folder)
    assert {paper.name: [file.name for file in paper.files] for paper in papers} == {
        "a": ["a.PDF"],
        "b": ["b.pdf", "b/deep/table.pdf", "b/supplement 1.pdf", "b/supplement 2.pdf"],
        "c": ["c/main.pdf", "c/aaa.pdf"],
        "d": ["d/d.pdf", "d/a.pdf"],
    }
    for paper, places in papers.items():
        assert [file.role for file in paper.files] == [Role.MAIN] + [Role.SUPPLEMENT] * (len(paper.files) - 1)
        for file in paper.files:
            assert places[file.digest] == folder / file.name
            assert file.digest == digest_of(folder / file.name)
            assert file.size == (folder / file.name).stat().st_size


def test_names_are_composed(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, {"Mu\u0308ller.pdf": "main", "M\u00fcller/s1.pdf": "supplement"})
    (paper,) = find_papers(folder)
    assert paper.name == "M\u00fcller"
    assert [file.name for file in paper.files] == ["M\u00fcller.pdf", "M\u00fcller/s1.pdf"]


def test_the_same_bytes_twice_are_one_file(tmp_path: Path) -> None:
    folder = lay_out(tmp_path, {"a.pdf": "same", "a/copy.pdf": "same", "a/other.pdf": "other", "b.pdf": "same"})
    a, b = find_papers(folder)
    assert [file.name for file in a.files] == ["a.pdf", "a/other.pdf"]
    assert [file.name for file in b.files] == ["b.pdf"]


def test_no_folder_of_papers(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="papers"):
        find_papers(tmp_path / "papers")


@pytest.fixture(scope="module")
def joined() -> Document:
    return join([demo("bean-leaf-disease"), demo("lynx-camera-traps"), demo("bird-song-transformer")])


def test_a_single_document_needs_no_joining() -> None:
    assert join([demo("lynx-camera-traps")]) is demo("lynx-camera-traps")


def test_joining_keeps_everything_in_order(joined: Document) -> None:
    parts = [demo(name) for name in ("bean-leaf-disease", "lynx-camera-traps", "bird-song-transformer")]
    assert joined.digest == text_digest(joined.text)
    assert len(joined.glyphs) == len(joined.text)
    for what in ("sections", "blocks", "sentences", "links"):
        ours = [joined.text[x.start : x.end] for x in getattr(joined, what)]
        assert ours == [part.text[x.start : x.end] for part in parts for x in getattr(part, what)]
    titles = [(joined.sections[b.section].title, b.kind) for b in joined.blocks]
    assert titles == [(part.sections[b.section].title, b.kind) for part in parts for b in part.blocks]
    holders = [joined.blocks[s.block] for s in joined.sentences]
    assert all(b.start <= s.start < s.end <= b.end for b, s in zip(holders, joined.sentences, strict=True))


def test_spans_name_file_and_page_after_joining(joined: Document) -> None:
    names = ("bean-leaf-disease", "lynx-camera-traps", "bird-song-transformer")
    paths = {demo(name).pages[0].file: DEMO_PAPERS / f"{name}.pdf" for name in names}
    text = Folded(joined)
    with PageGeometry(joined, paths) as geometry:
        for name in names:
            for quote, page in truth(name):
                spans = geometry.spans(*text.place(quote))
                assert (spans[0].file, spans[0].page) == (demo(name).pages[0].file, page)
                assert folded(quote).startswith(folded(joined.text[spans[0].start : spans[0].end])[:20])
        quote, _ = truth("bird-song-transformer")[0]
        (span,) = geometry.spans(*text.place(quote))
        assert under(span, paths[span.file]) == folded(quote)


def test_a_file_with_hardly_any_text_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "note.pdf"
    words = b"Of lynx and snow there is no more than this to be read in here today, alas."
    path.write_bytes(hostile.paper(b"BT /F 11 Tf 72 700 Td (%s) Tj ET" % words))
    with pytest.raises(PaperError) as caught:
        parse(path, "0" * 64)
    assert caught.value.reason.startswith("hardly any text (75 characters on 1 page): damaged, scanned in part, or no ")
