"""Does this context support this sentence, and which words of the context bear it out: for each sentence of an answer.

General knowledge that the context does not hold is unsupported, however true; what claims nothing of substance ('the
context does not mention it', a heading, a lead-in) is meta. The label comes from a logistic regression over how much of
the sentence stands in the context (`features`), what it says of itself (`cues`) and what kind of sentence it is by its
meaning alone; `training/train_support.py` makes it, and the model card says of whose labels.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from quoth.grounding.contradicted import Figures, figures_of, turned_round
from quoth.grounding.cues import cues
from quoth.grounding.features import Matched, Weights, dense, lexical, match, place, searched, tokens
from quoth.grounding.source import Source, holds
from quoth.grounding.terms import squeeze, terms
from quoth.grounding.vectors import Meaning, meanings
from quoth.models import SUPPORT, path_of
from quoth.models.logistic import Softmax
from quoth.papers.sentences import sentences as sentences_in
from quoth.vocabulary import Encoder

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

VERSION = "2"
"""Changes whenever the same model may give other labels."""

_FRAGMENT = re.compile(r"\b(?:et al|Figs?|Eqs?|Tabs?|Refs?|Sec)\.\W*$|^[\W\d]*\w?[\W\d]*$")
_FRAGMENT_TERMS = 6
_ENOUGH = 0.9  # share of a window's matching terms that its evidence keeps


class Label(StrEnum):
    """What a sentence is to its context, in the order of the model's classes."""

    META = "meta"
    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of the context: `text` is `context[start:end]`, in code points of the context as given."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence and its label; `score` is the probability that the label is right, `evidence` bears it out.

    Only a supported sentence has evidence.
    """

    text: str
    label: Label
    score: float
    evidence: Evidence | None


@dataclass(frozen=True, slots=True, eq=False)
class SupportModel:
    """The fitted numbers: how telling terms and tokens are, what kind a sentence is by its vector, and the judgement.

    `tokens` has shape (vocabulary,), `kinds` (dimensions + 1, classes), the last row added to all.
    """

    terms: Weights
    tokens: Floats32
    kinds: Floats32
    judgement: Softmax

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "SupportModel":
        """From the arrays of its file."""
        plain = {name: np.asarray(arrays[name], np.float64) for name in ("mean", "scale", "weights", "intercept")}
        terms_, tokens_, kinds_ = (np.asarray(arrays[name], np.float32) for name in ("terms", "tokens", "kinds"))
        return cls(Weights(terms_), tokens_, kinds_, Softmax(**plain))

    def kinds_of(self, sentences: Sequence[Meaning]) -> Floats:
        """How much each sentence is of each class by its meaning alone, shape (sentences, classes)."""
        vectors = np.stack([one.vector for one in sentences])
        return np.asarray(vectors @ self.kinds[:-1] + self.kinds[-1], np.float64)

    @classmethod
    def packaged(cls) -> "SupportModel":
        """The model that ships with quoth.

        Raises:
            ModelError: it is missing or altered.
        """
        return _packaged()


@cache
def _packaged() -> SupportModel:
    with np.load(path_of(SUPPORT)) as stored:
        return SupportModel.of(stored)


class SupportJudge:
    """Judges the sentences of an answer by the context that the answer was made from."""

    digest: str
    """SHA-256 over the model, the encoder and the version of the code that changes a label."""

    def __init__(self, encoder: Encoder) -> None:
        self._meanings = meanings(encoder)
        self.digest = hashlib.sha256(f"support {VERSION} {SUPPORT.digest} {encoder.digest}".encode()).hexdigest()

    def judge(self, question: str, context: str, sentences: Sequence[str]) -> list[Judged]:
        """One judgement for each sentence, in order.

        Raises:
            ModelError: a file of the model is missing or altered.
        """
        if not sentences:
            return []
        model = SupportModel.packaged()
        source = Source(context)
        matched = match(source, sentences, model.terms)
        features = self.features(question, source, sentences, matched, model)
        chances = model.judgement.probabilities(features)
        figures = Figures(source.given, source.text)
        return [
            self._judged(source, figures, sentence, one, row)
            for sentence, one, row in zip(sentences, matched, chances, strict=True)
        ]

    def features(
        self, question: str, source: Source, sentences: Sequence[str], matched: Sequence[Matched], model: SupportModel
    ) -> Floats:
        """What the judgement is made from, shape (sentences, FEATURES and the kinds)."""
        own = self._meanings.of(sentences)
        asked = self._meanings.of([question])[0]
        numbers = searched(matched)
        windows = self._meanings.of([source.windows[number].text for number in numbers] or [""])
        at_best = [int(one.by_window[numbers].argmax()) if numbers else 0 for one in matched]
        marks = cues(sentences)
        return np.column_stack(
            [
                lexical(source, matched, question, marks),
                dense(own, asked, windows, at_best),
                tokens(own, asked, windows, model.tokens),
                place(len(sentences)),
                marks,
                model.kinds_of(own),
            ]
        )

    def _judged(self, source: Source, figures: Figures, sentence: str, matched: Matched, chances: Floats) -> Judged:
        label = tuple(Label)[int(chances.argmax())]
        score = float(chances.max())
        if len(matched.terms) <= _FRAGMENT_TERMS and _FRAGMENT.search(sentence):
            label, score = Label.META, max(float(chances[0]), 0.5)  # cut off at an abbreviation: it claims nothing yet
        evidence = evidence_for(source, matched) if label is Label.SUPPORTED else None
        if label is Label.SUPPORTED and _is_contradicted(sentence, figures, evidence):
            unsupported = float(chances[list(Label).index(Label.UNSUPPORTED)])
            label, score, evidence = Label.UNSUPPORTED, max(unsupported, 0.5), None
        return Judged(sentence, label, score, evidence)


def _is_contradicted(sentence: str, figures: Figures, evidence: Evidence | None) -> bool:
    if not all(figures.hold(figure) for figure in figures_of(sentence)):
        return True
    return evidence is not None and turned_round(sentence, evidence.text)


def evidence_for(source: Source, matched: Matched) -> Evidence | None:
    """The shortest run of whole sentences that holds nearly all that the best window holds of a sentence's terms."""
    if not source.windows or not matched.held.any():
        return None
    window = source.windows[int(matched.by_window.argmax())]
    spans = _sentences_of(window.text)
    runs = sorted(
        ((first, last) for i, (first, _) in enumerate(spans) for _, last in spans[i:]), key=lambda run: run[1] - run[0]
    )
    shares = [_share(window.text[first:last], matched) for first, last in runs]
    first, last = next(run for run, share in zip(runs, shares, strict=True) if share >= _ENOUGH * max(shares))
    start, end = source.span(window.start + first, window.start + last)
    return Evidence(source.given[start:end], start, end)


def _sentences_of(text: str) -> list[tuple[int, int]]:
    """Start and end of each sentence of a window, none of which runs over the end of a paragraph."""
    found, offset = [], 0
    for line in text.split("\n"):
        found += [(offset + start, offset + end) for start, end in sentences_in(line)]
        offset += len(line) + 1
    return found


def _share(text: str, matched: Matched) -> float:
    """The weight of the terms that a stretch of text holds."""
    keys, squeezed = frozenset(term.key for term in terms(text)), squeeze(text)
    return float(sum(w for term, w in zip(matched.terms, matched.weights, strict=True) if holds(keys, squeezed, term)))
