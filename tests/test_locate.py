"""Locating: the paper's own words for what a reader said, and nothing for what the paper does not say."""

import re
import sys
import time
import unicodedata
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from quoth.grounding import Locator
from quoth.grounding.fold import fold, fold_text
from quoth.vocabulary import (
    Block,
    BlockKind,
    Document,
    Located,
    Page,
    Quote,
    Section,
    SectionKind,
    Sentence,
    Span,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from planted_quotes import locator_finder, measure, table
from planting import plant


def paper(*pages: str, references: str = "") -> Document:
    """A document of those pages, each character drawn by the glyph of its own number; references on a last page."""
    texts = [*pages, references] if references else list(pages)
    text = "\n".join(texts)
    starts = [sum(len(one) + 1 for one in texts[:number]) for number in range(len(texts))]
    ends = [start + len(one) for start, one in zip(starts, texts, strict=True)]
    cuts = [0, *(match.end() for match in re.finditer(r"[.!?]\s+(?=[A-Z])", text)), len(text)]
    sections = [Section("", SectionKind.BODY, 0, ends[len(pages) - 1] if pages else 0)]
    if references:
        sections.append(Section("References", SectionKind.REFERENCES, starts[-1], len(text)))
    return Document(
        digest="0",
        text=text,
        pages=tuple(Page("f", n, 600, 800, a, b) for n, (a, b) in enumerate(zip(starts, ends, strict=True), start=1)),
        sections=tuple(sections),
        blocks=(Block(BlockKind.PARAGRAPH, 0, len(text), 0),),
        sentences=tuple(Sentence(a, b, 0) for a, b in pairwise(cuts) if a < b),
        links=(),
        glyphs=np.arange(len(text), dtype=np.int32),
    )


class PlainGeometry:
    """One span with one box for each page that a stretch touches."""

    def __init__(self, document: Document) -> None:
        self._pages = document.pages

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        return tuple(
            Span(page.file, page.number, max(start, page.start), min(end, page.end), ((0.0, 0.0, 1.0, 1.0),))
            for page in self._pages
            if page.start < end and start < page.end
        )


def locate(text: str, said: str) -> Quote:
    document = paper(text)
    return Locator(document, PlainGeometry(document)).locate(said)


def test_words_as_they_stand_are_exact_whatever_the_white_space() -> None:
    quote = locate("First words. We trained  a small\nnetwork on birds. Last.", "We trained a small network on birds.")
    assert quote == Quote(
        said="We trained a small network on birds.",
        text="We trained a small network on birds.",
        located=Located.EXACT,
        spans=quote.spans,
    )
    assert [(span.page, span.start, span.end) for span in quote.spans] == [(1, 13, 50)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("The optimizer was Adam in all runs.", "THE OPTIMIZER WAS ADAM IN ALL RUNS."),
        ("An efficient workflow was used.", "An eﬃcient workﬂow was used."),
        ("We used an in-house pipeline for it.", "We used an inhouse pipeline for it."),
        ("We used the classification accuracy.", "We used the classifi-\ncation accuracy."),
        ("We used the classification accuracy.", "We used the classifi\u00adcation accu\ufffe\nracy."),
        ("We used pre- and post-training here.", "We used pre- and posttraining here."),
        ("The “black box” isn’t opened here.", 'The "black box" isn\'t opened here.'),
        ("Runs 5–10 were kept — the best ones.", "Runs 5-10 were kept – the best ones."),
        ("Ｔｈｅ 𝛽 of 𝟏𝟎 runs was ﬁxed.", "The β of 10 runs was fixed."),
        ("The Sørensen index by Müller was used.", "The Sorensen index by Muller was used."),
        ("The naïve cafe\u0301 owner was asked.", "The nai\u0308ve café owner was asked."),
        ("A width of 5 μm was taken at 95 %.", "A width of 5 µm was taken at 95%."),
        ("It was p < 0.05 in ( nearly ) all.", "It was p<0.05 in (nearly) all."),
        ("The CO2 level in the room was high.", "The CO₂ level in the room was high."),
        ("−5 °C was reached at night.", "-5 °C was reached at night."),
        ("We used pre- and post-training here.", "and posttraining here."),
        ("Models were trained for ten days.", "“Models were trained for ten days”..."),
        ("Models were trained for ten days.", "- **Models** were `trained` for *ten days*"),
        ("Models were trained for ten days.", "2. Models were trained for ten days."),
        ("Models were trained for ten days, then", "…were trained for ten days [...]"),
        ("An area of 5 mm at 10 mW was lit by the sun.", "AN AREA OF 5 MM AT 10 MW WAS LIT BY THE SUN."),
    ],
)
def test_spelling_that_means_nothing_is_folded(text: str, said: str) -> None:
    quote = locate(f"Something before it. {text} And something after it.", said)
    assert quote.located is Located.FOLDED
    assert quote.text in text


@pytest.mark.parametrize(
    ("text", "said", "reason"),
    [
        ("in 31 of 60 images overall", "1 of 60 images overall", "starts inside a number"),
        ("in 31 of 60 images overall", "51 of 60 images overall", "another number"),
        ("the rate of 10.5 was taken", "0.5 was taken", "starts inside a decimal"),
        ("we set the rate to 0.51 then", "we set the rate to 0.5", "ends inside a decimal"),
        ("we set the rate to 0.5 then", "we set the rate to 05 then", "a decimal point is no punctuation"),
        ("a total of 1,000 images used", "a total of 1000 images used", "what stands between digits stays"),
        ("layers of sizes 5 6 were used", "layers of sizes 56 were used", "a space parts two numbers"),
        ("it rose by 10² units in total", "it rose by 102 units in total", "a power is no digit"),
        ("it rose by 1½ units in total", "it rose by 11/2 units in total", "a fraction is no digit"),
        ("kept at a mean of −5 °C here", "kept at a mean of 5 °C here", "a sign was dropped"),
        ("kept at a mean of −5 °C here", "5 °C here, as was said", "a sign was cut off"),
        ("the value is <0.05 in most runs", "0.05 in most runs", "a comparison was cut off"),
        ("the value is < 0.05 in most runs", "the value is > 0.05 in most runs", "another comparison"),
        ("we found scores of 95% ± 2 here", "we found scores of 95", "the unit was cut off"),
        ("we found a size of 5 mm there", "we found a size of 5", "the unit was cut off"),
        ("the spot was 5 mm wide there", "the spot was 5 Mm wide there", "case makes another unit"),
        ("the lamp takes 5 mW of power", "the lamp takes 5 MW of power", "case makes another unit"),
        ("runs 0.5–2 were kept of them", "runs 0.5–-2 were kept of them", "a minus after the dash"),
        ("cases went unreported in it", "reported in it, as was said", "starts inside a word"),
        ("cases were non-significant in it", "significant in it, then", "starts inside a word"),
        ("a self-supervised model was used", "supervised model was used", "starts inside a word"),
        ("we used the model of train/test data", "we used the model of train", "ends inside a word"),
        ("the term x-y was then used here", "the term xy was then used here", "a difference is no product"),
        ("the label ŷ was then used here", "the label y was then used here", "a mark over a symbol counts"),
        ("it did not reduce the error rate", "it did reduce the error rate", "the negation was dropped"),
        ("it did reduce the error rate", "it did not reduce the error rate", "a negation was added"),
    ],
)
def test_what_carries_the_claim_is_never_folded(text: str, said: str, reason: str) -> None:
    quote = locate(f"We say that {text}. And so on.", said)
    assert (quote.located, quote.text, quote.spans) == (Located.MISSING, "", ()), reason


@pytest.mark.parametrize(
    ("text", "said", "reason"),
    [
        ("We evaluate the network on held out data.", "We evaluate the netwerk on held out data.", "a wrong letter"),
        ("We evaluate the network on held out data.", "We evalaute the network on held out data.", "letters swapped"),
        (
            "We use a cross-validated estimate of loss.",
            "We use a cross-valadated estimate of loss.",
            "inside a compound",
        ),
        (
            "Researchers evaluate the data of researchers.",
            "Resaerchers evaluate the data of researchers.",
            "first word",
        ),
        ("We evaluate the network on held out data.", "We evaluate network on held out data.", "an article dropped"),
        ("We evaluate the network on held out data.", "We evaluate a network on held out data.", "another article"),
        ("We evaluate that network on held out data.", "We evaluate that that network on held out data.", "doubled"),
        ("We thus evaluate it on the held out data.", "We evaluate it on the held out data.", "an idle word dropped"),
        (
            "We use state-of-the-art vision models now.",
            "We use state of the art vision models now.",
            "hyphens as spaces",
        ),
        ("We use time series of the vision models.", "We use timeseries of the vision models.", "a space dropped"),
        ("We evaluate it, on held out data, again.", "We evaluate it (on held out data) again.", "punctuation"),
        ("We use nets (Smith et al., 2020) for birds.", "We use nets for birds. And so on.", "a citation left out"),
        ("We use nets [3] for all the birds.", "We use nets for all the birds.", "a citation left out"),
    ],
)
def test_harmless_slips_are_close(text: str, said: str, reason: str) -> None:
    quote = locate(f"As in [1] or [2], then [4] or [5] or [6]. {text} And so on.", said)
    assert quote.located is Located.CLOSE, reason
    assert quote.text in f"{text} And so on."


@pytest.mark.parametrize(
    ("text", "said", "reason"),
    [
        ("We use the training data of all sites.", "We use the straining data of all sites.", "another word"),
        ("We see an effect of the rain on birds.", "We see an affect of the rain on birds.", "another word"),
        ("The temporal resolution was set by us.", "The temporary resolution was set by us.", "another word"),
        (
            "We filter the spectra. A filler was of no use.",
            "We filler the spectra. A filler was",
            "the paper's own word",
        ),
        ("A supervised model was trained by us.", "An unsupervised model was trained by us.", "a prefix"),
        ("The symmetric model was trained by us.", "The asymmetric model was trained by us.", "a prefix of one letter"),
        ("A significant rise was seen by us.", "An insignificant rise was seen by us.", "a prefix"),
        ("We found no table of the data here.", "We found notable of the data here.", "a space that negates"),
        ("The model with noise was kept here.", "The model without noise was kept here.", "with and without"),
        ("It was higher than all other ones.", "It was highor than all other ones.", "a comparison, to the letter"),
        ("It may improve the score of the nets.", "It can improve the score of the nets.", "a modal"),
        ("All of the models improved the score.", "Some of the models improved the score.", "a quantifier"),
        ("We saw a few models improve the score.", "We saw few models improve the score.", "an article that counts"),
        ("Patients took vitamin A in the morning.", "Patients took vitamin in the morning.", "a name, no article"),
        ("We train it with AdamW on all the data.", "We train it with Adam on all the data.", "a name"),
        ("We train ResNet-50 on all of the data.", "We train ResNet-101 on all of the data.", "a name with a number"),
        ("As Smithson showed in an older work.", "As Smithsen showed in an older work.", "a name, to the letter"),
        ("We train it for 50 epochs on one node.", "We train it for 51 epochs on one node.", "a number"),
        ("We train it for fifty epochs on nodes.", "We train it for sixty epochs on nodes.", "a number in words"),
        ("We train it for ten hours on one node.", "We train it for ten days on one node.", "a unit"),
        ("We train it before the trees are cut.", "We train it after the trees are cut.", "an order"),
        ("Values scaled to [0, 1] were used then.", "Values scaled to were used then.", "an interval, no citation"),
        ("Values scaled like [0, 1] were used then.", "Values scaled like were used then.", "an interval, no citation"),
        ("Values scaled like [7, 3] were used then.", "Values scaled like were used then.", "an interval, no citation"),
        ("We use nets [3] for all of the birds.", "We use nets [5] for all of the birds.", "another citation"),
        ("We use the only model of the birds.", "The model of the birds and the trees.", "words that go on elsewhere"),
        ("Code is at github.com/birdlab/sounds now.", "Code is at github.com/birdleb/sounds now.", "a link"),
        ("The only manual effort is to select it.", "The manual effort is to select it.", "a word cut out"),
    ],
)
def test_what_carries_the_claim_is_no_slip(text: str, said: str, reason: str) -> None:
    assert locate(f"As in [1] or [2], then [4] or [6] or [7]. {text} And so on.", said).located is Located.MISSING, (
        reason
    )


ELLIPSIS = (
    "The recordings were cut into clips of a fixed length and then turned into pictures for the network. "
    "The clips did not show any birds at dawn. The loss fell by 5 points in the end of the run. "
    "The new model is more careful with noise than people are. " + "We " + "count it and " * 31 + "stop there at last. "
)


@pytest.mark.parametrize("mark", ["...", "…", "[...]", "[…]", "(...)", ". . .", " … "])
def test_an_ellipsis_may_leave_out_what_has_no_weight(mark: str) -> None:
    quote = locate(ELLIPSIS, f"The recordings were cut into clips {mark} turned into pictures for the network.")
    assert quote.located is Located.CLOSE
    assert quote.text == ELLIPSIS[: ELLIPSIS.index(" The clips did")]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("The clips did ... show any birds at dawn.", "leaves out a negation"),
        ("The loss fell ... in the end of the run.", "leaves out a number"),
        ("The new model is ... with noise than people are.", "leaves out a comparison"),
        ("then turned into pictures ... did not show any birds at dawn.", "runs into the next sentence"),
        ("turned into pictures for the network ... recordings were cut into clips", "the parts stand in another order"),
        ("We count it and ... stop there at last.", "leaves out more than 30 words"),
        ("The recordings were cut into clips ... network", "a lone word is no part"),
    ],
)
def test_an_ellipsis_may_not_hide(said: str, reason: str) -> None:
    assert locate(ELLIPSIS, said).located is Located.MISSING, reason


def test_sentences_spliced_from_two_places_are_missing() -> None:
    assert locate(ELLIPSIS, "The clips did fall by 5 points in the end of the run.").located is Located.MISSING
    assert locate(ELLIPSIS, "The recordings were cut into the end of the run.").located is Located.MISSING


@pytest.mark.parametrize("said", ["", " ", "…", "the", "of the data", "Adam", "5", "***", "?!", "data set"])
def test_too_little_is_missing_wherever_it_stands(said: str) -> None:
    assert locate("Of the data, the data set for Adam had 5 parts. ***?!…", said).located is Located.MISSING


def test_a_value_with_its_name_is_enough() -> None:
    assert locate("We chose a batch size of 32, or batch size 32.", "batch size 32").located is Located.EXACT


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("https://github.com/bird-lab/sounds", "https://github.com/ bird-lab/sounds"),
        ("github.com/bird-lab/sounds.", "github.com/ bird-lab/sounds"),
        ("(https://github.com/bird-lab/sounds/)", "https://github.com/ bird-lab/sounds"),
        ("https://github.com/birdlab/sounds", ""),
        ("https://github.com/bird-lab", ""),
        ("https://github.com/bird-lab/sound", ""),
        ("https://doi.org/10.5281/zenodo.1234567", "10.5281/zenodo.1234567"),
        ("10.5281/zenodo.123456", ""),
        ("PRJNA123456", "PRJNA123456"),
        ("PRJNA12345", ""),
        ("https://lab.org/data", ""),
        ("https://lab.org/data?id=1", "https://lab.org/data?id=1"),
    ],
)
def test_a_link_is_a_quote_on_its_own_and_whole(said: str, found: str) -> None:
    text = "Code: https://github.com/ bird-lab/sounds. Data: doi:10.5281/zenodo.1234567, PRJNA123456, https://lab.org/data?id=1."
    assert locate(text, said).text == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://github.com/ lab/sounds", "https://github.com/lab/sounds"),
        ("https://github.com/lab/sounds", "https://github.\ncom/lab/sounds"),
        ("https://doi.org/10.5061/dryad.c5g9s", "https://doi.org/10.5061/\ndryad.c5g9s"),
        ("https://github.com/lab/all-sounds", "https://github.com/lab/all\ufffesounds"),
    ],
)
def test_a_link_broken_at_a_line_end_is_found_inside_a_sentence(text: str, said: str) -> None:
    quote = locate(f"The code is at {text} for all.", f"The code is at {said} for all.")
    assert (quote.located, quote.text) == (Located.FOLDED, f"The code is at {text} for all.")


@pytest.mark.parametrize(
    "said",
    ["The code is at https://github.com/lab/all-sounds 5 times.", "The codeis at https://github.com/lab/allsounds 56"],
)
def test_a_link_in_a_sentence_excuses_nothing_else(said: str) -> None:
    assert locate("The code is at https://github.com/lab/allsounds 56 times.", said).located is Located.MISSING


WORDS = "the network was trained on the sounds of birds"


def test_the_place_that_the_reader_cites_is_preferred() -> None:
    document = paper(f"First, {WORDS}.", f"Again, {WORDS}.", references=f"A. Author: {WORDS}.")
    locator = Locator(document, PlainGeometry(document))
    assert [span.page for span in locator.locate(WORDS).spans] == [1]
    second, third = (document.pages[number] for number in (1, 2))
    assert [span.page for span in locator.locate(WORDS, near=(second.start, second.end)).spans] == [2]
    assert [span.page for span in locator.locate(WORDS, near=(third.start, third.end)).spans] == [3]
    assert [span.page for span in locator.locate(WORDS, near=(0, 3)).spans] == [1]


def test_a_place_outside_the_references_is_preferred() -> None:
    document = paper("Nothing here.", references=f"A. Author: {WORDS}.")
    assert [span.page for span in Locator(document, PlainGeometry(document)).locate(WORDS).spans] == [2]
    text = f"A. Author: {WORDS}. "
    whole = paper(f"{text}And now: {WORDS}.")
    sections = (
        Section("References", SectionKind.REFERENCES, 0, len(text)),
        Section("B", SectionKind.BODY, len(text), 200),
    )
    moved = Document("0", whole.text, whole.pages, sections, whole.blocks, whole.sentences, (), whole.glyphs)
    assert Locator(moved, PlainGeometry(moved)).locate(WORDS).spans[0].start > len(text)


def test_of_two_spellings_the_one_as_said_is_preferred() -> None:
    quote = locate("A Model Of Many Birds. Later, a model of many birds.", "a model of many birds")
    assert (quote.located, quote.text) == (Located.EXACT, "a model of many birds")


def test_a_quote_over_a_page_break_has_a_span_on_each_page() -> None:
    document = paper("We trained the network", "on the sounds of birds.")
    quote = Locator(document, PlainGeometry(document)).locate("We trained the network on the sounds of birds.")
    assert (quote.located, [span.page for span in quote.spans]) == (Located.EXACT, [1, 2])


def test_words_known_from_elsewhere_are_no_slips() -> None:
    document = paper("The plumage of each bird was painted by hand here.")
    said = "The plumige of each bird was painted by hand here."
    assert Locator(document, PlainGeometry(document)).locate(said).located is Located.CLOSE
    known = Locator(document, PlainGeometry(document), known=frozenset(["plumige"]))
    assert known.locate(said).located is Located.MISSING


def test_a_long_quote_is_located_like_any_other() -> None:
    text = " ".join(f"Sentence number {number} speaks of birds." for number in range(200))
    assert locate(text, text[:4000].rpartition(" ")[0]).located is Located.EXACT


# --- rules that hold for all quotes -----------------------------------------------------------------------------------

STORY = (
    "We recorded the dawn chorus in 14 forests between May and July. Each recording lasted 30 min and was stored "
    "without compression at 48 kHz. The spectrograms were computed with windows of 1,024 samples and an overlap of "
    "12.5%. A small convolutional network, called BirdNet-7, was trained on 31 of the 60 sites with the Adam "
    "optimizer and a learning rate of 0.003. The network did not see recordings from the other sites. Its weights "
    "were initialised at random with a fixed seed of 42. Early stopping ended the training after 85 epochs, when the "
    "loss was no longer falling. The efficient in-house workflow ran on 2 cards of 24 GB each. Accuracy was higher "
    "than 91.4% on quiet mornings, but never above 70% in strong wind. The difference was significant (p < 0.05). We "
    "could not repeat the test at −5 °C. The authors, Müller and Sørensen, thank the “Friends of the Forest” for "
    "their patience with state-of-the-art gear."
)
CUT = STORY.index(" ", 500)
DOCUMENT = paper(STORY[:CUT], STORY[CUT + 1 :])
LOCATOR = Locator(DOCUMENT, PlainGeometry(DOCUMENT))
RULE = settings(deadline=None, derandomize=True, max_examples=300)
"""The same examples each time, and no failure because the machine was busy."""


def is_verbatim(quote: Quote) -> bool:
    return quote.text in " ".join(DOCUMENT.text.split()) and (quote.located is Located.MISSING) == (not quote.text)


@st.composite
def stretches(draw: st.DrawFn) -> str:
    """Five or more whole words of the story that begin and end with an ordinary word."""
    words = STORY.split()
    plain = [at for at, word in enumerate(words) if re.fullmatch(r"(?!min|kHz)[A-Za-z]{3,}[.,]?", word)]
    start = draw(st.sampled_from(plain[:-8]))
    end = draw(st.sampled_from([at for at in plain if start + 5 <= at <= start + 40] or [plain[-1]]))
    return " ".join(words[start : end + 1])


@st.composite
def respelled(draw: st.DrawFn) -> tuple[str, str]:
    """A stretch, and the same as careless typesetting makes it."""
    plain = draw(stretches())
    said = "".join(draw(st.sampled_from([" ", "\n", "  ", "\u00a0", " \r\n"])) if c == " " else c for c in plain)
    if draw(st.booleans()):
        said = said.replace("fi", "ﬁ").replace("ff", "ﬀ").replace("–", "-").replace("“", '"').replace("”", '"')
    if draw(st.booleans()):
        said = re.sub(
            r"(?<=\b[a-z]{3})(?=[a-z]{5})", lambda _: draw(st.sampled_from(["", "", "-\n", "\u00ad"])), said, count=9
        )
    if draw(st.booleans()) and not re.search(r"\d", said):
        said = draw(st.sampled_from([str.upper, str.lower, str.title]))(said.replace("ﬁ", "fi").replace("ﬀ", "ff"))
    return plain, draw(st.sampled_from(["", "- ", "“", "…"])) + said


@RULE
@given(respelled())
def test_every_stretch_is_found_however_it_is_typeset(pair: tuple[str, str]) -> None:
    plain, said = pair
    quote = LOCATOR.locate(said)
    assert quote.located in (Located.EXACT, Located.FOLDED)
    assert fold_text(quote.text).strip(" .,") == fold_text(plain).strip(" .,")
    assert is_verbatim(quote)
    covered = " ".join(DOCUMENT.text[quote.spans[0].start : quote.spans[-1].end].split())
    assert covered == quote.text


@RULE
@given(stretches(), st.data())
def test_another_digit_is_missing(plain: str, data: st.DataObject) -> None:
    digits = [at for at, character in enumerate(plain) if character.isdigit()]
    assume(digits)
    at = data.draw(st.sampled_from(digits))
    digit = data.draw(
        st.sampled_from([one for one in "0123456789" if one != plain[at]] + ["", plain[at] * 2, "." + plain[at]])
    )
    assert LOCATOR.locate(plain[:at] + digit + plain[at + 1 :]).located is Located.MISSING


@RULE
@given(stretches(), st.data())
def test_a_negation_put_in_or_taken_out_is_missing(plain: str, data: st.DataObject) -> None:
    words = plain.split()
    negations = [
        at for at, word in enumerate(words) if word in ("not", "no", "never", "without") and 0 < at < len(words) - 1
    ]
    if negations and data.draw(st.booleans()):
        del words[data.draw(st.sampled_from(negations))]
    else:
        words.insert(
            data.draw(st.integers(1, len(words) - 1)), data.draw(st.sampled_from(["not", "no", "never", "without"]))
        )
    assert LOCATOR.locate(" ".join(words)).located is Located.MISSING


@RULE
@given(stretches(), st.data())
def test_a_word_more_or_less_is_missing_unless_it_is_idle(plain: str, data: st.DataObject) -> None:
    words = plain.split()
    at = data.draw(st.integers(1, len(words) - 2))
    assume(words[at].lower() not in ("the", "a", "an"))
    assert LOCATOR.locate(" ".join(words[:at] + words[at + 1 :])).located is Located.MISSING


@RULE
@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from([*STORY.split()[:60], "...", "[3]", "\u00ad", "-", "5", "not"])).map(" ".join)
)
def test_whatever_is_said_only_the_papers_words_come_back(said: str) -> None:
    assert is_verbatim(LOCATOR.locate(said))


@RULE
@given(st.text(max_size=300))
def test_any_text_can_be_a_document_and_folding_knows_the_way_back(text: str) -> None:
    folded = fold(text)
    assert folded.text == fold_text(text)
    assert len(folded.text) == len(folded.cased) == len(folded.at)
    assert np.all(np.diff(folded.at) >= 0)
    assert all(0 <= at < len(text) for at in folded.at.tolist())
    document = paper(text)
    quote = Locator(document, PlainGeometry(document)).locate(text)
    assert quote.text in " ".join(text.split())


def test_no_other_sign_folds_into_the_digits_of_a_number() -> None:
    signs = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "No"]
    assert len(signs) > 500
    for sign in signs:
        assert re.findall("[0-9]+", fold_text(f"a 7{sign} b")) == ["7"]


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a ",
        "the ",
        "-",
        "(",
        "*a",
        "...",
        "a...b ",
        "\ufffe a",
        "é",
        "5 ",
        "https://",
        "'",
        "[1, 2] ",
        "(Smith, 2020; ",
        "1.1.",
        "We trained a net ... ",
    ],
)
def test_hostile_length_costs_no_more_than_a_second(unit: str) -> None:
    hostile = (unit * (100_000 // len(unit) + 1))[:100_000]
    document = paper(hostile)
    started = time.process_time()
    LOCATOR.locate(hostile)
    assert time.process_time() - started < 1
    locator = Locator(document, PlainGeometry(document))
    started = time.process_time()
    locator.locate(hostile[:600] + " zz " + hostile[:600])
    assert time.process_time() - started < 1


def test_planted_true_quotes_are_found_and_false_ones_are_not() -> None:
    documents = [DOCUMENT, paper(ELLIPSIS)]
    planted = plant(documents, number=120, seed=5)
    assert planted == plant(documents, number=120, seed=5)
    rows = measure(planted, locator_finder(documents, [PlainGeometry(document) for document in documents]))
    true, false = [row for row in rows if row.true], [row for row in rows if not row.true]
    assert sum(row.planted for row in true) > 60
    assert sum(row.planted for row in false) > 60
    assert all(row.right_page == row.planted for row in true), table(rows)
    assert all(row.located == 0 for row in false), table(rows)
