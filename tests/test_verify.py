"""Verifying quotes: the paper's own answer stands, and nothing else does, however it is said."""

import csv
from collections.abc import Iterator
from importlib.resources import files
from itertools import islice
from pathlib import Path

import pytest

from quoth.models.encoder import Encoder
from quoth.papers import find_papers
from quoth.pipeline import ReadSettings, read_paper
from quoth.protocol.codebook import load_codebook
from quoth.readers.base import ReadPaper
from quoth.readers.verify import Said, Verifier, is_verified
from quoth.vocabulary import BlockKind, Located, Question, Quote, SectionKind

PAPER = "lynx-camera-traps"
HARDWARE = Question("hardware", "Hardware", "On which hardware was the network trained?")


@pytest.fixture(scope="module")
def paper(demo_papers: Path) -> Iterator[ReadPaper]:
    files_ = {paper: places for paper, places in find_papers(demo_papers).items() if paper.name == PAPER}
    for known, places in files_.items():
        with read_paper(known, places, ReadSettings(500, None), Encoder()) as read:
            yield read


@pytest.fixture(scope="module")
def verifier(paper: ReadPaper) -> Verifier:
    return Verifier(paper, Encoder())


def questions() -> dict[str, Question]:
    return {question.id: question for question in load_codebook("dl-methods", Path()).questions}


def truth() -> Iterator[tuple[Question, str]]:
    """The questions that the paper answers, each with a quote that proves it."""
    asked = questions()
    with (Path(str(files("quoth.demo"))) / "truth.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["paper"] == PAPER and row["codebook"] == "dl-methods" and row["quote"]:
                yield asked[row["question"]], row["quote"]


def texts(paper: ReadPaper, kind: BlockKind) -> list[str]:
    return [paper.document.text[block.start : block.end] for block in paper.document.blocks if block.kind is kind]


def twice(paper: ReadPaper) -> str:
    """The first three words that stand twice in the paper's passages."""
    seen = set()
    for passage in paper.index.passages:
        words = passage.text.split()
        for three in (" ".join(words[i : i + 3]) for i in range(len(words) - 2)):
            if three in seen and three.replace(" ", "").isalpha() and len(three) > 15:
                return three
            seen.add(three)
    raise AssertionError("no three words stand twice")


def only(verifier: Verifier, question: Question, text: str) -> Quote:
    (quote,) = verifier.quotes(question, [Said(text)])
    return quote


def test_most_quotes_that_prove_an_answer_are_verified(verifier: Verifier) -> None:
    quotes = [only(verifier, question, text) for question, text in truth()]
    assert len(quotes) > 30
    assert all(quote.located is Located.EXACT for quote in quotes)
    assert sum(map(is_verified, quotes)) > 0.8 * len(quotes)


def test_quotes_keep_their_order_and_what_was_said(verifier: Verifier) -> None:
    said = [Said(text) for _, text in islice(truth(), 3)]
    said.insert(1, Said("The network was trained on the moon by seven patient owls."))
    quotes = verifier.quotes(HARDWARE, said)
    assert [quote.said for quote in quotes] == [one.text for one in said]
    assert [quote.located is Located.MISSING for quote in quotes] == [False, True, False, False]


def test_made_up_words_are_missing_and_have_no_score(verifier: Verifier) -> None:
    quote = only(verifier, HARDWARE, "All models were trained on eight NVIDIA A100 cards for three weeks.")
    assert (quote.located, quote.score, quote.text, quote.spans) == (Located.MISSING, None, "", ())
    assert not is_verified(quote)


def test_a_heading_is_evidence_of_nothing(paper: ReadPaper, verifier: Verifier) -> None:
    for question in questions().values():
        for title in texts(paper, BlockKind.HEADING):
            assert not is_verified(only(verifier, question, title)), (question.id, title)


def test_a_part_of_the_title_in_other_letters_is_evidence_of_nothing(paper: ReadPaper, verifier: Verifier) -> None:
    words = texts(paper, BlockKind.HEADING)[0].split()
    quote = only(verifier, HARDWARE, " ".join(words[2:9]).upper())
    assert (quote.located, quote.score) == (Located.FOLDED, 0.0)


def test_words_of_the_reference_list_are_located_and_no_evidence(paper: ReadPaper, verifier: Verifier) -> None:
    document = paper.document
    (references,) = (section for section in document.sections if section.kind is SectionKind.REFERENCES)
    entries = [
        document.text[sentence.start : sentence.end]
        for sentence in document.sentences
        if references.start <= sentence.start < references.end and sentence.end - sentence.start > 40
    ]
    assert entries
    for entry in entries:
        quote = only(verifier, HARDWARE, entry)
        assert quote.located is not Located.MISSING
        assert not is_verified(quote)


def test_a_quote_answers_its_own_question_better_than_others(verifier: Verifier) -> None:
    camera = Question("licence", "Licence", "Under which licence are the data published?")
    proof = next(text for question, text in truth() if question.id == "cq20")
    right, wrong = only(verifier, HARDWARE, proof).score, only(verifier, camera, proof).score
    assert right is not None
    assert wrong is not None
    assert right > 3 * wrong


def test_one_answering_sentence_among_others_is_enough(paper: ReadPaper, verifier: Verifier) -> None:
    proof = next(text for question, text in truth() if question.id == "cq20")
    start = paper.document.text.index(proof[:40])
    passage = next(p for p in paper.index.passages if p.start <= start < p.end)
    alone, within = only(verifier, HARDWARE, proof).score, only(verifier, HARDWARE, passage.text).score
    assert alone is not None
    assert within is not None
    assert within >= alone


def test_of_two_places_the_cited_one_is_taken(paper: ReadPaper, verifier: Verifier) -> None:
    text = paper.document.text
    words = twice(paper)
    second = text.index(words, text.index(words) + 1)
    near = next((p.start, p.end) for p in paper.index.passages if p.start <= second < p.end)
    (free, cited) = verifier.quotes(HARDWARE, [Said(words), Said(words, near)])
    assert cited.spans[0].start == second > free.spans[0].start
