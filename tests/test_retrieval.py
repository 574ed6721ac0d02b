"""Passages, and which of them a question is shown: whole sentences, in a fixed order, within the budget."""

import csv
import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import DEMO_PAPERS
from quoth.models.encoder import Encoder, together
from quoth.papers import PageGeometry, join, parse
from quoth.papers.sentences import sentences
from quoth.protocol import load_codebook
from quoth.retrieval import PaperIndex, Ranking, passages, query, texts_of
from quoth.vocabulary import BlockKind, Document, Encoded, Passage, Question, SectionKind

PAPERS = sorted(path.stem for path in DEMO_PAPERS.glob("*.pdf"))
HARDWARE = Question("hardware", "Hardware", "On which GPU was the network trained, and how long did a run take?")
CODE = Question("code", "Source code", "Where are the scripts and the source code available?")


@cache
def demo(name: str) -> Document:
    path = DEMO_PAPERS / f"{name}.pdf"
    return parse(path, hashlib.sha256(path.read_bytes()).hexdigest())


@cache
def index_of(name: str) -> PaperIndex:
    return indexed(passages(demo(name)))


def indexed(found: Sequence[Passage]) -> PaperIndex:
    return PaperIndex(found, Encoder(threads=2).encode_tokens(texts_of(found)))


@cache
def asked(words: str) -> Encoded:
    return Encoder().encode_tokens([words])


def ranked(name: str, question: Question) -> Ranking:
    return index_of(name).rank(question, asked(query(question)))


def squeezed(text: str) -> str:
    return re.sub(r"[\s-]", "", text)


# Passages


@pytest.mark.parametrize("name", PAPERS)
def test_passages_are_runs_of_whole_sentences(name: str) -> None:
    document = demo(name)
    starts = {sentence.start: i for i, sentence in enumerate(document.sentences)}
    ends = {sentence.end: i for i, sentence in enumerate(document.sentences)}
    found = passages(document)
    for passage in found:
        assert passage.text == document.text[passage.start : passage.end]
        assert starts[passage.start] <= ends[passage.end]
    for before, after in pairwise(found):
        assert before.end < after.start


@pytest.mark.parametrize("name", PAPERS)
def test_every_sentence_but_the_references_is_in_one_passage(name: str) -> None:
    document = demo(name)
    found = passages(document)
    for sentence in document.sentences:
        block = document.blocks[sentence.block]
        listed = document.sections[block.section].kind is SectionKind.REFERENCES
        holders = [p for p in found if p.start <= sentence.start and sentence.end <= p.end]
        if not listed:
            assert len(holders) == 1
        elif block.kind is BlockKind.PARAGRAPH:
            assert holders == []


@pytest.mark.parametrize("name", PAPERS)
def test_passages_are_near_300_characters(name: str) -> None:
    document = demo(name)
    found = passages(document)
    prose = [p for p in found if p.section_kind is SectionKind.BODY and p.text.endswith(".")]
    assert 200 < np.median([len(passage.text) for passage in prose]) < 400
    longest_sentence = max(sentence.end - sentence.start for sentence in document.sentences)
    assert max(len(passage.text) for passage in found) <= max(420, longest_sentence)


@pytest.mark.parametrize("name", PAPERS)
def test_passages_keep_to_their_section_and_know_it(name: str) -> None:
    document = demo(name)
    for passage in passages(document):
        (section,) = [s for s in document.sections if s.start <= passage.start < s.end]
        assert (passage.section, passage.section_kind) == (section.title, section.kind)
        assert passage.end <= section.end


@pytest.mark.parametrize("name", PAPERS)
def test_headings_and_labels_in_figures_are_in_no_passage(name: str) -> None:
    document = demo(name)
    outside = [b for b in document.blocks if b.kind in (BlockKind.HEADING, BlockKind.FRAGMENT)]
    assert outside
    for passage in passages(document):
        assert [b for b in outside if b.start < passage.end and b.end > passage.start] == []


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("bird-song-transformer", "Synthetic choruses for rare voices"),
        ("lynx-camera-traps", "Twenty mammals and a network"),
        ("seismic-phase-picking", "Noise as a teacher"),
        ("ecg-atrial-fibrillation", "What sinus rhythm knows in women"),
    ],
)
def test_the_reference_list_is_in_no_passage(name: str, listed: str) -> None:
    assert listed in demo(name).text
    assert [p for p in passages(demo(name)) if listed in p.text or p.section_kind is SectionKind.REFERENCES] == []


@pytest.mark.parametrize(
    ("name", "words", "kind"),
    [
        ("bird-song-transformer", "Peak learning rate 0.00005", SectionKind.APPENDIX),
        ("bird-song-transformer", "lists the settings of the fine-tuned transformer", SectionKind.APPENDIX),
        ("seismic-phase-picking", "The observatory runs the ratio of averages", SectionKind.APPENDIX),
        ("ecg-atrial-fibrillation", "may be requested from the corresponding author", SectionKind.AVAILABILITY),
        ("bean-leaf-disease", "have been deposited in Figshare", SectionKind.AVAILABILITY),
        ("lynx-camera-traps", "copied twice before they were wiped", SectionKind.BODY),
    ],
)
def test_appendices_statements_and_footnotes_are_in_passages(name: str, words: str, kind: SectionKind) -> None:
    (passage,) = [p for p in passages(demo(name)) if words in p.text]
    assert passage.section_kind is kind


def test_a_passage_of_table_rows_carries_caption_and_header() -> None:
    (passage,) = [p for p in passages(demo("lynx-camera-traps")) if "Lynx 712 188 594" in p.text]
    assert "Red fox 2,946" in passage.text  # rows of one table may share a passage
    assert passage.lead.startswith("Table 1. Photographs by class and set")
    captions = [p for p in passages(demo("lynx-camera-traps")) if "Photographs by class and set" in p.text]
    assert [p for p in captions if "712" in p.text] == []


def test_rows_of_two_tables_share_no_passage() -> None:
    found = passages(demo("bean-leaf-disease"))
    assert [p for p in found if "480 156 140 776" in p.text and "0.935 0.923 0.929" in p.text] == []
    rows = [p for p in found if p.lead]
    assert {p.lead[:8] for p in rows} == {"Table 1.", "Table 2."}


@pytest.mark.parametrize("name", PAPERS)
def test_passages_know_their_neighbours(name: str) -> None:
    document = demo(name)
    found = passages(document)
    sentences = {document.text[s.start : s.end] for s in document.sentences}
    assert found[0].before == ""
    assert found[-1].after == ""
    for one, two in pairwise(found):
        assert one.text.endswith(two.before)
        assert two.text.startswith(one.after)
        assert {two.before, one.after} <= sentences


def test_passages_carry_the_targets_of_their_links() -> None:
    (passage,) = [p for p in passages(demo("lynx-camera-traps")) if "scripts for training and evaluation" in p.text]
    assert passage.links == ("https://github.com/example-lab/lynx-sites",)
    (passage,) = [p for p in passages(demo("bird-song-transformer")) if "audible demonstration" in p.text]
    assert passage.links[-1] == "https://example.org/dawn/listen"
    assert [p for p in passages(demo("bird-song-transformer")) if p.links and "deposited" not in p.text] in (
        [],
        [passage],
    )


def test_passages_name_the_page_and_the_file_on_which_they_begin() -> None:
    names = ("bean-leaf-disease", "lynx-camera-traps")
    document = join([demo(name) for name in names])
    found = passages(document)
    paths = {demo(name).pages[0].file: DEMO_PAPERS / f"{name}.pdf" for name in names}
    with PageGeometry(document, paths) as geometry:
        for passage in found:
            first = geometry.spans(passage.start, passage.end)[0]
            assert (passage.file, passage.page) == (first.file, first.page)
    assert {passage.file for passage in found} == set(paths)
    assert {passage.page for passage in found} == {1, 2, 3}
    (over,) = [p for p in found if "A photograph with several species took the label of" in p.text]
    assert over.page == 1


def test_a_document_without_sentences_has_no_passages() -> None:
    assert passages(replace(demo("lynx-camera-traps"), sentences=())) == ()


# Ranking


def test_the_query_is_label_and_text() -> None:
    assert query(CODE) == "Source code. Where are the scripts and the source code available?"
    assert query(replace(CODE, label="code")) == CODE.text
    assert "guidance" not in query(replace(CODE, guidance="guidance"))


@pytest.mark.parametrize(
    ("name", "question", "words"),
    [
        ("lynx-camera-traps", HARDWARE, "One run took 5.2 hours on a single NVIDIA RTX 3090."),
        ("bird-song-transformer", HARDWARE, "A100 cards"),
        ("lynx-camera-traps", CODE, "The scripts for training and evaluation are kept in our repository."),
        ("flower-strips-aphids", CODE, "the scripts by which they were analysed, are archived"),
    ],
)
def test_evidence_is_among_the_first_three(name: str, question: Question, words: str) -> None:
    first = [index_of(name).passages[i].text for i in ranked(name, question).order[:3]]
    assert any(words in text for text in first), first


def test_ranking_finds_most_of_the_evidence_in_the_budget() -> None:
    with (DEMO_PAPERS.parent / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["decision"] == "yes" and row["codebook"] == "study-basics"]
    questions = {question.id: question for question in load_codebook("study-basics", DEMO_PAPERS).questions}
    hits = []
    for name in PAPERS:
        for asked in sorted({row["question"] for row in rows if row["paper"] == name}):
            index, ranking = index_of(name), ranked(name, questions[asked])
            shown = squeezed(" ".join(index.passages[i].text for i in index.shown(ranking, 3000)))
            quotes = [row["quote"] for row in rows if (row["paper"], row["question"]) == (name, asked)]
            hits.append(any(squeezed(quote) in shown for quote in quotes))
    assert len(hits) > 60
    assert np.mean(hits) > 0.9  # 0.42 for passages in any order


def test_every_passage_has_its_place_and_its_figures() -> None:
    index, ranking = index_of("lynx-camera-traps"), ranked("lynx-camera-traps", HARDWARE)
    count = len(index.passages)
    assert sorted(ranking.order.tolist()) == list(range(count))
    for figures in (ranking.score, ranking.share, ranking.fused, ranking.cosine, ranking.lexical, ranking.late):
        assert figures.shape == (count,)
        assert np.isfinite(figures).all()
    assert (np.diff(ranking.share[ranking.order]) <= 0).all()
    assert ranking.share.sum() == pytest.approx(1, abs=1e-4)
    assert ((ranking.fused >= 0) & (ranking.fused <= 1)).all()


def test_ranking_again_gives_the_same_bytes() -> None:
    index = index_of("seismic-phase-picking")
    again = PaperIndex(passages(demo("seismic-phase-picking")), together([index.encoded]))
    first, second, third = (i.rank(HARDWARE, asked(query(HARDWARE))) for i in (index, again, index))
    for one in (second, third):
        assert one.order.tolist() == first.order.tolist()
        assert one.score.tobytes() == first.score.tobytes()
        assert one.lexical.tobytes() == first.lexical.tobytes()


def test_like_passages_keep_the_order_of_the_paper() -> None:
    passage = index_of("lynx-camera-traps").passages[3]
    index = indexed([passage] * 6)
    ranking = index.rank(HARDWARE, asked(query(HARDWARE)))
    scores = ranking.share[ranking.order].tolist()
    for a, b, before, after in (
        (*pair, *values) for pair, values in zip(pairwise(ranking.order.tolist()), pairwise(scores), strict=True)
    ):
        assert before > after or a < b


@pytest.mark.parametrize("words", ["", "?!", "the of and", "Xyzzyqwertz?"])
def test_a_question_without_words_of_the_paper_is_ranked_by_meaning_alone(words: str) -> None:
    question = Question("q", "q", words)
    index = index_of("lynx-camera-traps")
    ranking = index.rank(question, asked("On which GPU was the network trained?"))
    assert not ranking.lexical.any()
    assert np.isfinite(ranking.score).all()
    assert "RTX 3090" in " ".join(index.passages[i].text for i in ranking.order[:5])


def test_passages_without_words_do_no_harm() -> None:
    passage = index_of("lynx-camera-traps").passages[0]
    marks = [replace(passage, text=text, links=(), sentences=()) for text in ("—", "…")]
    ranking = indexed(marks).rank(HARDWARE, asked("hardware"))
    assert sorted(ranking.order.tolist()) == [0, 1]
    assert np.isfinite(ranking.score).all()


def test_one_sentence_that_answers_is_enough() -> None:
    answer = "Training took nine hours on one GeForce RTX 3090."
    others = "Foxes were seen at dusk. Rain fell on most days. We thank the rangers."
    marks = (others, f"{others[:24]} {answer} {others[25:]}", others[::-1])
    first = index_of("lynx-camera-traps").passages[0]
    found = [
        replace(first, start=0, end=len(text), text=text, links=(), sentences=tuple(sentences(text))) for text in marks
    ]
    ranking = indexed(found).rank(HARDWARE, asked(query(HARDWARE)))
    assert ranking.order[0] == 1
    assert ranking.score[1] > 1 > -1 > ranking.score[0]


def test_the_index_knows_the_sentences_of_its_passages() -> None:
    index = index_of("seismic-phase-picking")
    for passage in index.passages[:20]:
        assert (passage.places[0][0], passage.places[-1][1]) == (passage.start, passage.end)
        for place, text in zip(passage.places, passage.said, strict=True):
            found = index.sentence(place)
            assert found is not None
            assert found.vectors.tobytes() == Encoder().encode([text]).tobytes()
    assert index.sentence((0, 10**9)) is None


def test_a_paper_without_passages_ranks_nothing() -> None:
    index = PaperIndex([], Encoder().encode_tokens([]))
    ranking = index.rank(HARDWARE, asked("hardware"))
    assert len(ranking.order) == len(ranking.score) == len(ranking.share) == 0
    assert list(index.shown(ranking, 3000)) == []


def test_words_of_a_link_s_target_count() -> None:
    passage = index_of("lynx-camera-traps").passages[0]
    texts = [replace(passage, text=f"Sentence {word}.", links=(), sentences=()) for word in ("one", "two", "three")]
    texts[1] = replace(texts[1], links=("https://zenodo.example.org/record",))
    index = indexed(texts)
    ranking = index.rank(Question("q", "q", "Is it on Zenodo?"), asked("Is it on Zenodo?"))
    assert ranking.lexical.argmax() == 1
    assert (ranking.lexical > 0).sum() == 1


# What is shown


@settings(deadline=None)  # the first example reads the paper
@given(budget=st.integers(0, 30_000))
def test_what_is_shown_keeps_the_budget_and_comes_best_first(budget: int) -> None:
    index, ranking = index_of("bean-leaf-disease"), ranked("bean-leaf-disease", HARDWARE)
    shown = list(index.shown(ranking, budget))
    lengths = [len(index.passages[i].text) for i in shown]
    assert sum(lengths) <= budget
    assert len(set(shown)) == len(shown)
    places = [ranking.order.tolist().index(i) for i in shown]
    assert places == sorted(places)
    skipped = [p for p in range(len(ranking.order)) if p not in places and p < max(places, default=0)]
    for place in skipped:  # what was passed over did not fit
        before = sum(length for other, length in zip(places, lengths, strict=True) if other < place)
        assert before + len(index.passages[int(ranking.order[place])].text) > budget


def test_the_best_passage_is_shown_first_and_all_are_shown_where_there_is_room() -> None:
    index, ranking = index_of("bean-leaf-disease"), ranked("bean-leaf-disease", HARDWARE)
    assert next(index.shown(ranking, 3000)) == ranking.order[0]
    assert list(index.shown(ranking, 1_000_000)) == ranking.order.tolist()
    assert list(index.shown(ranking, 0)) == []
    total = sum(len(index.passages[i].text) for i in index.shown(ranking, 3000))
    assert 2500 < total <= 3000
