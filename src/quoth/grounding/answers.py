"""Does an answer answer: from its words alone, whether it gives information, and whether people would call it reported.

Two logistic regressions over the same features: `answered` (gives information that answers the question, rather than
abstaining, with or without a lecture) and `reported` (holds specific information from the paper, as people decided).
`training/train_answers.py` makes them, and the model card says of whose labels.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from quoth.grounding.cues import NAMES, cues
from quoth.grounding.cut import sentences_of
from quoth.grounding.features import Weights
from quoth.grounding.support import Judged, Label, SupportModel
from quoth.grounding.terms import Term, TermKind, terms
from quoth.grounding.vectors import Meaning, meanings
from quoth.models import ANSWERS, SUPPORT, path_of
from quoth.models.logistic import Logistic
from quoth.vocabulary import Encoder, Verdict

Floats = NDArray[np.float64]

VERSION = "1"
"""Changes whenever the same model may read an answer otherwise."""

READ = 40
"""Sentences of an answer that are read; the rest is left out."""

_SAYS_NOT = NAMES.index("says_not")


@dataclass(frozen=True, slots=True)
class AnswerReading:
    """What an answer does; each score is the probability that its flag is true."""

    answered: bool
    answered_score: float
    reported: bool
    reported_score: float


@dataclass(frozen=True, slots=True, eq=False)
class AnswerModel:
    """`reported` over an answer's features and the question's vector; `answered` over the features and its odds."""

    reported: Logistic
    answered: Logistic

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "AnswerModel":
        """From the arrays of its file."""
        parts = ("mean", "scale", "weights", "intercept")
        numbers = {
            name: {part: np.asarray(arrays[f"{name}_{part}"], np.float64) for part in parts}
            for name in ("reported", "answered")
        }
        models = {
            name: Logistic(one["mean"], one["scale"], one["weights"], float(one["intercept"]))
            for name, one in numbers.items()
        }
        return cls(**models)

    @classmethod
    def packaged(cls) -> "AnswerModel":
        """The model that ships with quoth.

        Raises:
            ModelError: it is missing or altered.
        """
        return _packaged()


@cache
def _packaged() -> AnswerModel:
    with np.load(path_of(ANSWERS)) as stored:
        return AnswerModel.of(stored)


class AnswerJudge:
    """Reads an answer without its context."""

    digest: str
    """SHA-256 over the models, the encoder and the version of the code that changes a reading."""

    def __init__(self, encoder: Encoder) -> None:
        self._meanings = meanings(encoder)
        identity = f"answers {VERSION} {ANSWERS.digest} {SUPPORT.digest} {encoder.digest}"
        self.digest = hashlib.sha256(identity.encode()).hexdigest()

    def read(self, question: str, answer: str) -> AnswerReading:
        """Whether a free-text answer gives information, and whether it reports something of the paper.

        An empty answer does neither.

        Raises:
            ModelError: a file of the model is missing or altered.
        """
        return self._read(question, sentences_of(answer))

    def verdict(self, question: str, judged: Sequence[Judged], reading: AnswerReading) -> Verdict:
        """The audit's verdict: reported only if the answer reports, and if what the context supports of it does alone.

        The supported sentences that say something are read as if they were the whole answer: an answer whose
        information the context does not bear out makes no `reported`, nor one that the context bears out beside the
        point.
        """
        if not (reading.answered and reading.reported):
            return Verdict.NOT_REPORTED
        supported = [one.text for one in judged if one.label is Label.SUPPORTED]
        kept = [text for text, row in zip(supported, cues(supported), strict=True) if not row[_SAYS_NOT]]
        return Verdict.REPORTED if self._read(question, kept).reported else Verdict.NOT_REPORTED

    def features(self, question: str, sentences: Sequence[str]) -> tuple[Floats, Floats]:
        """What an answer is read by, shape (features,), and the question's vector, shape (dimensions,)."""
        own = self._meanings.of(sentences)
        asked = self._meanings.of([question])[0]
        support = SupportModel.packaged()
        marks, kinds = cues(sentences), support.kinds_of(own)
        parts = [
            *(marks.mean(axis=0), marks[0], marks[-1], marks.max(axis=0)),
            *(kinds.mean(axis=0), kinds.max(axis=0), kinds.min(axis=0), kinds[0], kinds[-1]),
            _sizes(question, sentences, support.terms),
            _nearness(own, asked, kinds, marks),
        ]
        return np.concatenate(parts), asked.vector.astype(np.float64)

    def _read(self, question: str, sentences: Sequence[str]) -> AnswerReading:
        if not any(True for sentence in sentences for _ in terms(sentence)):
            return AnswerReading(False, 0.0, False, 0.0)
        features, asked = self.features(question, sentences[:READ])
        model = AnswerModel.packaged()
        reported = float(model.reported.probability(np.concatenate([features, asked])[None])[0])
        answered = float(model.answered.probability(np.append(features, log_odds(reported))[None])[0])
        return AnswerReading(answered >= 0.5, answered, reported >= 0.5, reported)


def log_odds(probability: float) -> float:
    """The log odds of a probability, kept finite."""
    kept = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(kept / (1 - kept)))


def _sizes(question: str, sentences: Sequence[str], weights: Weights) -> Floats:
    """How much an answer says, and how much of it the question did not say before."""
    asked = frozenset(term.key for term in terms(question))
    found: list[Term] = [term for sentence in sentences for term in terms(sentence)]
    new = [term for term in found if term.key not in asked]
    numbers = sum(term.kind is TermKind.NUMBER for term in new)
    names = len({term.key for term in new if term.kind is TermKind.NAME})
    counts = np.log1p(np.array([len(sentences), len(found), len(new), numbers, names], np.float64))
    return np.append(counts, np.mean([weights.of(term.key) for term in new]) if new else 0.0)


def _nearness(own: Sequence[Meaning], asked: Meaning, kinds: Floats, marks: Floats) -> Floats:
    """How near the answer is to its question, and how many of its sentences look like something of a paper."""
    near = np.stack([one.vector for one in own]) @ asked.vector
    firm = kinds[:, 1] > kinds[:, 0]
    shares = [firm.mean(), (kinds[:, 1] > 0.4).sum(), (1 - marks[:, _SAYS_NOT]).mean()]
    return np.array([near.max(), near.mean(), near[0], *shares], np.float64)
