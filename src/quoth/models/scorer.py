"""The scorer: the log odds that a passage answers a question, in numpy alone.

    score(q, p) = head(q, p) + max over the sentences s of p: other head(q, s)
    head(q, t) = w . matched(q, t) + q' M t + (G q + g) . cues(t) + v . t + b

A passage speaks of several things, and its vector of their mixture: one sentence that answers is enough, and the best
one counts. `q` and `t` are the encoder's vectors. A passage is matched by lexical, dense and late similarity, as they
are, standardised within the paper, and as ranks, with plain fusion among them: its score starts from fusion and learns
what to add. A sentence is matched by late and dense similarity and shared words as they are. `M` (384 x 384) is the
part that reads the question: which meanings of a text answer which meanings of a question. `cues` are marks on the
surface of a text that a vector loses, such as links, code hosts, processors, or words of denial, intention and other
people's work, weighed by what the question asks. `v` and `b` tell texts that state something from those that do not.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quoth.models import SCORER, path_of

Floats = NDArray[np.float32]

_MARKS = (
    r"https?://|www\.|doi\.org|\b10\.\d{4,}/",
    r"github|gitlab|bitbucket|sourceforge|codeocean",
    r"zenodo|figshare|dryad|osf\.io|dataverse|kaggle|gbif|pangaea|hugging ?face|mendeley data",
    r"\b(?:PRJ|SRR|SRP|GSE|ERP)\w*\d|accession",
    r"availab|download|freely|publicly|upon request|supplementary",
    r"\bet al\b|\((?:19|20)\d\d[a-z]?\)|, (?:19|20)\d\d[;)]",
    r"\b\d+ ?\(\d+\), ?\d+[–-]\d+|[A-Z][a-z]+, [A-Z]\.,",
    r"\b(?:[Ww]e|[Oo]ur)\b",
    r"Table \d|Fig(?:ure|\.) ?\d",
    r"NVIDIA|GeForce|RTX|GTX|Tesla|GPU|CPU|Intel|Xeon|\bRAM\b|TPU",
    r"[Ww]e (?:thank|acknowledge|are grateful)|[Ff]unded|[Ff]unding|[Gg]rant\b",
    r"%|percent",
    r"(?:\b\d+(?:\.\d+)?\b.*){3}",
    r"[Ll]icen[cs]e|CC[ -]BY|copyright",
    r"\b(?:not|no|none|never|neither|nor|without|cannot|nothing|nobody|nowhere|lack(?:s|ed|ing)?)\b|n['’]t\b",
    r"\b(?:will|shall|would|plan(?:s|ned)? (?:to|for)|planned|intend(?:s|ed)?|future|upcoming|hope|proposal|not yet"
    r"|remains to|yet to|should|ought)\b",
    r"\b(?:could|might|may|if|whether|ideally|possibl[ey]|perhaps)\b",
    r"\band (?:colleagues|co-?workers)\b|\b(?:[Tt]hey|[Tt]heirs?|[Oo]thers?|[Pp]revious(?:ly)?|[Ee]arlier|[Pp]rior"
    r"|[Mm]ost|[Mm]any|[Ss]ome)\b",
)
CUES = len(_MARKS) + 3
MATCHES = 11
LIKENESS = 3
SHORT, LONG = 10, 60
"""Constants of the reciprocal ranks: sharp at the top, and that of plain fusion."""


def cues(passages: Sequence[str]) -> Floats:
    """Marks on the surface of each passage, shape (passages, CUES), before standardisation."""
    rows = [
        [float(re.search(mark, text, re.IGNORECASE if i < 5 else 0) is not None) for i, mark in enumerate(_MARKS)]
        + [sum(map(str.isdigit, text)) / (len(text) or 1), sum(map(str.isupper, text)) / (len(text) or 1)]
        + [min(len(text), 800) / 400]
        for text in passages
    ]
    return np.array(rows, np.float32).reshape(len(passages), CUES)


@dataclass(frozen=True, slots=True, eq=False)
class Similar:
    """How alike questions and passages of one paper are, each of shape (questions, passages).

    `lexical` are BM25 scores, `cosine` those of the vectors, `late` of their tokens, `coverage` the share of the
    question's words.
    """

    lexical: Floats
    cosine: Floats
    late: Floats
    coverage: Floats


def matches(similar: Similar) -> Floats:
    """Similarities as features, shape (questions, passages, MATCHES)."""
    lexical, cosine, late = similar.lexical, similar.cosine, similar.late
    first, second, third = _ranks(lexical), _ranks(cosine), _ranks(late)
    columns = [
        lexical / (lexical.max(axis=1, keepdims=True) + 1e-6),
        _standard(lexical),
        SHORT / (SHORT + first),
        cosine,
        _standard(cosine),
        SHORT / (SHORT + second),
        _fused(first, second),
        similar.coverage,
        late,
        _standard(late),
        SHORT / (SHORT + third),
    ]
    return np.stack(columns, axis=-1).astype(np.float32)


def likeness(late: Floats, cosine: Floats, coverage: Floats) -> Floats:
    """What sentences are matched by, shape (questions, sentences, LIKENESS), from three similarities."""
    return np.stack([late, cosine, coverage], axis=-1).astype(np.float32)


def fusion(lexical: Floats, cosine: Floats) -> Floats:
    """Plain reciprocal-rank fusion, shape (questions, passages), from two similarities of that shape."""
    return _fused(_ranks(lexical), _ranks(cosine)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A paper's passages, or its sentences, beside some questions.

    `vectors` have the shape (texts, 384), `surface` comes from `cues`, `matched` from `matches` or `likeness`.
    """

    vectors: Floats
    surface: Floats
    matched: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The weights for one kind of text."""

    weights: Floats
    """Of what is matched, shape (MATCHES,) or (LIKENESS,)."""
    matrix: Floats
    """M, shape (384, 384)."""
    gate: Floats
    """G with g as its last column, shape (CUES, 385)."""
    passage: Floats
    """v with b as its last number, shape (385,)."""
    centre: Floats
    """Mean of the cues, shape (CUES,)."""
    spread: Floats
    """Standard deviation of the cues, shape (CUES,)."""

    def scores(self, questions: Floats, texts: Texts) -> Floats:
        """Scores of shape (questions, texts); `questions` are vectors, shape (questions, 384)."""
        return np.asarray(texts.matched @ self.weights + self.reading(questions, texts.vectors, texts.surface))

    def reading(self, questions: Floats, vectors: Floats, surface: Floats) -> Floats:
        """The part of a score that holds for any text, whatever stands beside it: shape (questions, texts)."""
        asked = questions @ self.gate[:, :-1].T + self.gate[:, -1]
        marks = asked @ ((surface - self.centre) / self.spread).T
        return np.asarray(questions @ self.matrix @ vectors.T + marks + vectors @ self.passage[:-1] + self.passage[-1])


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """The scorer's weights; made by `training/train_scorer.py`."""

    passages: Head
    sentences: Head

    def scores(self, questions: Floats, passages: Texts, sentences: Texts, starts: NDArray[np.intp]) -> Floats:
        """How well each passage of a paper answers each question, shape (questions, passages).

        Args:
            questions: vectors, shape (questions, 384).
            passages: all of one paper.
            sentences: theirs, in order.
            starts: the number of each passage's first sentence.
        """
        best = np.maximum.reduceat(self.sentences.scores(questions, sentences), starts, axis=1)
        return np.asarray(self.passages.scores(questions, passages) + best)

    def save(self, path: Path) -> None:
        """Write the weights; M in half precision, which changes no rank that matters."""
        heads = {"passages": self.passages, "sentences": self.sentences}
        arrays = {f"{kind}_{name}": getattr(head, name) for kind, head in heads.items() for name in Head.__slots__}
        matrices = {name: array.astype(np.float16) for name, array in arrays.items() if name.endswith("_matrix")}
        np.savez_compressed(path, **arrays | matrices)

    @classmethod
    def packaged(cls) -> "Scorer":
        """The scorer that ships with quoth.

        Raises:
            ModelError: it is missing or altered.
        """
        return _packaged()

    @classmethod
    def load(cls, path: Path) -> "Scorer":
        """Read what `save` wrote."""
        with np.load(path) as stored:
            heads = [
                Head(*(stored[f"{kind}_{name}"].astype(np.float32) for name in Head.__slots__))
                for kind in ("passages", "sentences")
            ]
        return cls(*heads)


@cache
def _packaged() -> Scorer:
    return Scorer.load(path_of(SCORER))


def _fused(first: NDArray[np.intp], second: NDArray[np.intp]) -> NDArray[np.float64]:
    return LONG / (LONG + first) / 2 + LONG / (LONG + second) / 2


def _ranks(values: Floats) -> NDArray[np.intp]:
    order = np.argsort(-values, axis=1, kind="stable")
    ranks = np.empty_like(order)
    ranks[np.arange(len(order))[:, None], order] = np.arange(values.shape[1])
    return ranks


def _standard(values: Floats) -> Floats:
    return np.asarray((values - values.mean(axis=1, keepdims=True)) / (values.std(axis=1, keepdims=True) + 1e-6))
