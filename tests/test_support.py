"""The support judge: labels and evidence of an answer's sentences, by a context that comes as PDF readers leave it."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quoth.grounding.cut import sentences_of
from quoth.grounding.source import WINDOW, Source, mended
from quoth.grounding.support import Judged, Label, SupportJudge
from quoth.models.encoder import Encoder

RANDOMNESS = "Which strategies are employed to handle randomness in the deep learning pipeline (e.g., a fixed seed)?"
HARDWARE = "On which hardware was the network trained?"
CONTEXT = """\
2.3. Training of the otter detector

The detector was trained for 85 epochs on a single NVIDIA A40 card with the AdamW opti-
mizer and a batch size of 24.  Camera trap images from 31 river sites (cid:0) were scaled to
640 pixels and flipped  horizontally  at  random.

The remaining 4,120 images, from sites that the detector had not seen, were kept for
testing. Average precision rose from 0.71 to 0.83 when images taken at night were added.

EcologicalLetters12(2023)10188 T. Nowak et al.
"""
LECTURE = """\
The provided context does not mention how randomness is dealt with.

In general, several strategies can be adopted to manage randomness in deep learning:

1. **Fixed seeds**: Setting a fixed random seed ensures that the results are reproducible across different runs.
2. **Repeated runs**: Running the experiment several times and averaging the results reduces the impact of chance.
"""


@pytest.fixture(scope="module")
def judge() -> SupportJudge:
    return SupportJudge(Encoder())


def labels(judged: list[Judged]) -> list[Label]:
    return [one.label for one in judged]


def test_what_the_context_says_is_supported_and_shown_where_it_stands(judge: SupportJudge) -> None:
    sentence = "The detector was trained for 85 epochs on one NVIDIA A40 card, using the AdamW optimizer."
    [judged] = judge.judge(HARDWARE, CONTEXT, [sentence])
    assert judged.label is Label.SUPPORTED
    assert judged.evidence is not None
    assert judged.evidence.text == CONTEXT[judged.evidence.start : judged.evidence.end]
    assert judged.evidence.text.startswith("The detector was trained for 85 epochs")
    assert judged.evidence.text.endswith("batch size of 24.")


def test_an_abstention_is_meta_and_the_lecture_after_it_is_unsupported(judge: SupportJudge) -> None:
    judged = judge.judge(RANDOMNESS, CONTEXT, sentences_of(LECTURE))
    assert labels(judged) == [Label.META, Label.META, Label.UNSUPPORTED, Label.UNSUPPORTED]
    assert all(one.evidence is None for one in judged)


def test_what_the_context_says_of_another_matter_does_not_become_an_answer(judge: SupportJudge) -> None:
    """The flips stand in the context; that they deal with randomness is made up."""
    told = "The camera trap images were scaled to 640 pixels and flipped horizontally at random."
    tied = "Flipping the images is a strategy that is employed to handle randomness in the deep learning pipeline."
    made_up = "This approach mitigates the impact of randomness and ultimately leads to a more stable detector."
    assert labels(judge.judge(RANDOMNESS, CONTEXT, [told, tied, made_up])) == [
        Label.SUPPORTED,
        Label.UNSUPPORTED,
        Label.UNSUPPORTED,
    ]


def test_the_same_words_are_supported_by_their_own_context_alone(judge: SupportJudge) -> None:
    sentence = "Average precision rose from 0.71 to 0.83 when images taken at night were added."
    other = "Soil cores were taken in spring from forty plots and dried for two days before they were weighed."
    assert labels(judge.judge(HARDWARE, CONTEXT, [sentence])) == [Label.SUPPORTED]
    assert labels(judge.judge(HARDWARE, other, [sentence])) == [Label.UNSUPPORTED]


def test_words_that_the_pdf_glued_together_are_found(judge: SupportJudge) -> None:
    glued = "Thedetectorwastrainedfor85epochsonasingleNVIDIAA40cardwiththeAdamWoptimizerandabatchsizeof24."
    [judged] = judge.judge(HARDWARE, glued, ["The detector was trained for 85 epochs on a single NVIDIA A40 card."])
    assert judged.label is Label.SUPPORTED
    assert judged.evidence is not None
    assert judged.evidence.text == glued


@pytest.mark.parametrize("fragment", ["Moreover, Nowak et al.", "3 (b).", "Lastly, a plot (Fig."])
def test_a_fragment_cut_off_at_an_abbreviation_is_meta(judge: SupportJudge, fragment: str) -> None:
    assert labels(judge.judge(HARDWARE, CONTEXT, [fragment])) == [Label.META]


TRAINED = (
    "The learning rate was 0.001 and the batch size was thirty-two. Decay was 1e-4. Training ran for 60 epochs on "
    "1,200 images. The code is not publicly available. Accuracy on the test set was 0.9134. "
    "Seeds were not fixed. The images were annotated by 51 of 60 volunteers."
)


@pytest.mark.parametrize(
    "sentence",
    [
        "The learning rate was 0.01 and the batch size was thirty-two.",
        "The batch size was 64.",
        "Training ran for 1,200 epochs on 1,200 images.",
        "The code is publicly available.",
        "Seeds were fixed.",
        "The learning rate was not 0.001.",
        "The images were annotated by 31 of 60 volunteers.",
        "Accuracy on the test set was 0.9314.",
    ],
)
def test_another_figure_or_a_not_that_came_or_went_is_unsupported(judge: SupportJudge, sentence: str) -> None:
    one = judge.judge("How was the network trained?", TRAINED, [sentence])[0]
    assert one.label is Label.UNSUPPORTED
    assert one.evidence is None


@pytest.mark.parametrize(
    "sentence",
    [
        "The learning rate was 0.0010 and the batch size was 32.",
        "Accuracy on the test set was 91.3%.",
        "Accuracy on the test set was 0.91 [7].",
        "Training ran for 60 epochs on 1200 images.",
        "3. The images were annotated by 51 of 60 volunteers.",
        "The learning rate was 0.001 and the decay was 0.0001.",
    ],
)
def test_the_same_figure_in_another_form_stays_supported(judge: SupportJudge, sentence: str) -> None:
    assert judge.judge("How was the network trained?", TRAINED, [sentence])[0].label is Label.SUPPORTED


def test_nothing_to_judge_and_nothing_to_judge_by(judge: SupportJudge) -> None:
    assert judge.judge(HARDWARE, CONTEXT, []) == []
    [judged] = judge.judge(HARDWARE, "", ["The detector was trained for 85 epochs on a single NVIDIA A40 card."])
    assert judged.label is Label.UNSUPPORTED
    assert judged.evidence is None
    assert len(judge.judge("", " \n\n ", ["", "…", "\ud800"])) == 3


def test_a_judgement_does_not_depend_on_what_was_judged_before(judge: SupportJudge) -> None:
    fresh = SupportJudge(Encoder())
    sentences = sentences_of(LECTURE)
    judge.judge(HARDWARE, CONTEXT, ["The remaining images were kept for testing."])
    assert judge.judge(RANDOMNESS, CONTEXT, sentences) == fresh.judge(RANDOMNESS, CONTEXT, sentences)
    assert judge.digest == fresh.digest != SupportJudge(Encoder(max_tokens=64)).digest


damaged = st.text(st.sampled_from("ab n-.\n ﬁ\u00ad\u00e2\u0080\u0099é(cid:0)123ñ\x00"), max_size=300)


@settings(deadline=None)
@given(damaged)
def test_mending_keeps_the_way_back(given_text: str) -> None:
    text, at = mended(given_text)
    assert len(text) == len(at)
    assert all(0 <= offset <= len(given_text) for offset in at)
    assert all(first <= second for first, second in pairwise(at))


@settings(deadline=None)
@given(damaged)
def test_windows_lie_apart_in_the_text_and_are_not_too_long(given_text: str) -> None:
    source = Source(given_text)
    end = 0
    for window in source.windows:
        assert end <= window.start < window.end <= len(source.text)
        assert window.text == source.text[window.start : window.end]
        assert len(window.text) <= WINDOW
        end = window.end


def test_mending_undoes_what_pdf_readers_do() -> None:
    text, at = mended("The opti-\nmizer (cid:0) of  the ﬁrst\nrun\n\nNext")
    assert text == "The optimizer of the first run\nNext"
    assert at[text.index("mizer")] == len("The opti-\n")


def test_an_answer_is_cut_into_its_own_pieces() -> None:
    answer = (
        "# Summary\nNowak et al. (2023) trained for 3.5 days. They used a GPU, e.g. an A40.\n\n"
        "1. **Seeds**: none given. Nor elsewhere.\n- Batch size: 24\n---\n```\n"
    )
    assert sentences_of(answer) == [
        "# Summary",
        "Nowak et al. (2023) trained for 3.5 days.",
        "They used a GPU, e.g. an A40.",
        "1. **Seeds**: none given.",
        "Nor elsewhere.",
        "- Batch size: 24",
    ]


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("aB .!?\n-*#1)(e.g:;“”"), max_size=200))
def test_the_pieces_of_an_answer_stand_in_it_in_order(answer: str) -> None:
    end = 0
    for sentence in sentences_of(answer):
        start = answer.index(sentence, end)
        assert sentence.strip() == sentence != ""
        end = start + len(sentence)
