"""The answer judge: abstentions, lectures, and the verdict that an audit gives."""

import pytest

from quoth.grounding.answers import AnswerJudge, AnswerReading
from quoth.grounding.cut import sentences_of
from quoth.grounding.support import SupportJudge
from quoth.models.encoder import Encoder
from quoth.vocabulary import Verdict

HARDWARE = "Which hardware was used for training the deep learning model (e.g., GPUs)?"
RANDOMNESS = "How is randomness in the deep learning pipeline dealt with (e.g., fixed seeds)?"
CONTEXT = (
    "The network was trained for two days on four NVIDIA RTX 3090 graphics cards with 24 GB each. Otters were "
    "photographed at 31 river sites. Pictures were mirrored at random, and a random search chose the learning rate."
)
ANSWER = "The deep learning model was trained on four NVIDIA RTX 3090 graphics cards with 24 GB of memory each."
ABSTENTION = "I don't know. The provided context does not mention any hardware that was used for training the model."
LECTURE = """\
Unfortunately, the provided context does not mention how randomness is handled.

However, there are some general strategies that are commonly used in deep learning:

* **Fixed seeds:** Setting a fixed random seed ensures that the results are reproducible across different runs.
* **Repeated runs:** Training several times with different seeds and averaging reduces the impact of randomness.
"""
MADE_UP = """\
Random search employs several strategies to handle randomness in the deep learning pipeline. This approach helps manage
the variability introduced by the random initialization of weights. These techniques help mitigate the impact of
randomness, ultimately leading to improved stability of the model.
"""


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder()


@pytest.fixture(scope="module")
def judge(encoder: Encoder) -> AnswerJudge:
    return AnswerJudge(encoder)


def verdict(judge: AnswerJudge, encoder: Encoder, question: str, answer: str) -> Verdict:
    judged = SupportJudge(encoder).judge(question, CONTEXT, sentences_of(answer))
    return judge.verdict(question, judged, judge.read(question, answer))


def test_an_answer_that_gives_information_reports(judge: AnswerJudge) -> None:
    reading = judge.read(HARDWARE, ANSWER)
    assert reading.answered
    assert reading.reported
    assert reading.reported_score > 0.5


@pytest.mark.parametrize(("question", "answer"), [(HARDWARE, ABSTENTION), (RANDOMNESS, LECTURE)])
def test_an_abstention_does_not_answer_with_or_without_a_lecture(
    judge: AnswerJudge, question: str, answer: str
) -> None:
    reading = judge.read(question, answer)
    assert not reading.answered
    assert not reading.reported


@pytest.mark.parametrize("answer", ["", "\n\n", "---", "..."])
def test_an_empty_answer_does_neither(judge: AnswerJudge, answer: str) -> None:
    assert judge.read(HARDWARE, answer) == AnswerReading(False, 0.0, False, 0.0)


def test_the_verdict_needs_an_answer_that_the_context_bears_out(judge: AnswerJudge, encoder: Encoder) -> None:
    assert verdict(judge, encoder, HARDWARE, ANSWER) is Verdict.REPORTED
    invented = "The model was trained on a cluster of eight Google TPU v4 chips rented from a cloud provider."
    assert judge.read(HARDWARE, invented).reported
    assert verdict(judge, encoder, HARDWARE, invented) is Verdict.NOT_REPORTED


@pytest.mark.parametrize("answer", [LECTURE, MADE_UP])
def test_a_lecture_or_a_made_up_tie_is_no_report(judge: AnswerJudge, encoder: Encoder, answer: str) -> None:
    assert verdict(judge, encoder, RANDOMNESS, answer) is Verdict.NOT_REPORTED


def test_scores_are_probabilities_of_their_flags(judge: AnswerJudge) -> None:
    for question, answer in ((HARDWARE, ANSWER), (HARDWARE, ABSTENTION), (RANDOMNESS, MADE_UP)):
        reading = judge.read(question, answer)
        assert reading.answered == (reading.answered_score >= 0.5)
        assert reading.reported == (reading.reported_score >= 0.5)
        assert 0 <= reading.answered_score <= 1
        assert 0 <= reading.reported_score <= 1


def test_the_digest_names_the_encoder(judge: AnswerJudge) -> None:
    assert judge.digest == AnswerJudge(Encoder()).digest != AnswerJudge(Encoder(max_tokens=64)).digest
