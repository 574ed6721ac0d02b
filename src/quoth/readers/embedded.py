"""The embedded reader: answers from the words of the paper alone, on the CPU, with no network and no key.

A question's verdict comes from how its best passages stand out in the paper: a logistic model over the scores of
retrieval, fitted on coded papers. A bundled question has an offset of its own, as far as coded cells support it; any
other question is judged by the evidence alone. The quotes are the sentences of the best passages that most look like an
answer, by a second logistic model.
"""

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from quoth.models import EMBEDDED_READER, SCORER, path_of
from quoth.models.logistic import Logistic
from quoth.models.scorer import Scorer, cues
from quoth.protocol import question_digest
from quoth.readers.base import ReadPaper
from quoth.readers.calibration import Calibration
from quoth.readers.values import targets_of, value_of
from quoth.retrieval import PASSAGES_VERSION, Ranking, query
from quoth.vocabulary import (
    BlockKind,
    Encoder,
    Failure,
    Finding,
    Kind,
    Located,
    Question,
    Quote,
    Sentence,
    Verdict,
)

VERSION = "1"
"""Changes whenever the same model may give other findings."""

QUOTE_THRESHOLD = 0.02
"""Below this a sentence is no evidence: so score one in twenty-two of the proving ones, and two in five others."""

_LOOKED_AT = 6  # passages whose sentences may become quotes
_QUOTES = 4
_SUREST = 0.98  # the coded cells are too few to support more
_WORTH = 0.4  # share of the best quote's score that a further quote needs
_LONGEST = 600
_SHORTEST = 20
_UNDRAWN = 6  # characters that a PDF may hold between two lines or cells, none of them drawn
_FAR = 80  # characters: the way to another column
_LINK = re.compile(
    r"https?://|www\.|\bdoi\b|\b10\.\d{4,9}/|github|gitlab|bitbucket|zenodo|figshare|dryad|osf\.io", re.IGNORECASE
)

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ReaderModel:
    """The fitted numbers: `verdict` over `verdict_features`, `quote` over `quote_features`, offsets by question."""

    verdict: Logistic
    general: Logistic
    quote: Logistic
    offsets: Mapping[str, float]

    @classmethod
    def packaged(cls) -> "ReaderModel":
        """The model that ships with quoth.

        Raises:
            ModelError: it is missing or altered.
        """
        return _packaged()


@cache
def _packaged() -> ReaderModel:
    numbers = json.loads(path_of(EMBEDDED_READER).read_text(encoding="utf-8"))
    verdict, general, quote = (Logistic.of(numbers[name]) for name in ("verdict", "general", "quote"))
    return ReaderModel(verdict, general, quote, numbers["offsets"])


def verdict_features(paper: ReadPaper, question: Question, ranking: Ranking) -> Floats:
    """How the best passages stand out, shape (13,)."""
    parts = (ranking.score, ranking.cosine, ranking.lexical, ranking.coverage)
    score, cosine, lexical, covered = (np.sort(part)[::-1] for part in parts)
    top = [paper.index.passages[number] for number in ranking.order[:3]]
    linked = any(passage.links or _LINK.search(passage.text) for passage in top)
    return np.array(
        [
            score[0],
            score[:3].mean(),
            (score[0] - np.median(score)) / max(float(score.std()), 1e-6),
            cosine[0],
            cosine[:3].mean(),
            ranking.cosine[ranking.order[0]],
            np.log1p(lexical[0]),
            np.log1p(lexical[:3].mean()),
            covered[0],
            covered[:3].mean(),
            ranking.coverage[ranking.order[:3]].max(),
            (1.0 if linked else -1.0) if question.kind is Kind.LINK else 0.0,
            np.log(len(cosine)),
        ],
        np.float64,
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may become a quote, and the number of its passage."""

    sentence: Sentence
    passage: int


def quote_features(
    texts: Sequence[str], vectors: Floats32, query_: Floats32, ranking: Ranking, passages: Sequence[int]
) -> Floats:
    """How much sentences look like an answer, shape (sentences, 6): by themselves, and by their passages' standing.

    Args:
        texts: the sentences.
        vectors: theirs, shape (sentences, dimensions).
        query_: the question's vector, shape (dimensions,).
        ranking: of the paper's passages for the question.
        passages: the number of each sentence's passage.
    """
    numbers = np.array(passages)
    return np.column_stack(
        [
            vectors @ query_,
            Scorer.packaged().reading(query_[None], vectors, cues(texts))[0],
            ranking.score[numbers] - ranking.score.max(),
            ranking.score[numbers],
            ranking.fused[numbers],
            np.log([len(text) for text in texts]),
        ]
    ).astype(np.float64)


class EmbeddedReader:
    """Meets `readers.base.Reader`; cheap to make and to send to a worker."""

    digest: str
    """SHA-256 over the models, the passages' version and this reader's version."""

    def __init__(self, name: str, encoder: Encoder, calibration: Calibration | None = None) -> None:
        self.name = name
        self._encoder = encoder
        self._calibration = calibration
        own = (calibration.digest,) if calibration else ()
        parts = (VERSION, PASSAGES_VERSION, encoder.digest, SCORER.digest, EMBEDDED_READER.digest, *own)
        self.digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def manifest(self) -> Mapping[str, object]:
        """What it is, for the record."""
        return {
            "type": "embedded",
            "version": VERSION,
            "passages": PASSAGES_VERSION,
            "encoder": self._encoder.digest,
            "scorer": SCORER.digest,
            "model": EMBEDDED_READER.digest,
            "calibration": self._calibration.digest if self._calibration else None,
        }

    def answer(self, paper: ReadPaper, questions: Sequence[Question]) -> list[Finding]:
        """One finding for each question, in order."""
        if not paper.index.passages:
            error = "no sentence to answer from: the paper's text holds none"
            return [
                Finding(paper.name, q.id, self.name, Verdict.FAILED, error=error, failure=Failure.FINAL)
                for q in questions
            ]
        asked = Asked(paper, self._encoder, ReaderModel.packaged())
        return [self._finding(asked, question) for question in questions]

    def _finding(self, asked: "Asked", question: Question) -> Finding:
        began = time.perf_counter()
        ranking = asked.ranking(question)
        probability = asked.probability(question, ranking)
        if self._calibration:
            probability = self._calibration.applied(probability, question_digest(question))
        quotes: tuple[Quote, ...] = ()
        verdict, value = Verdict.NOT_REPORTED, None
        if probability >= 0.5:
            quotes = asked.quotes(question, ranking)
            verdict = Verdict.REPORTED
        if verdict is Verdict.REPORTED and not quotes:
            return Finding(
                asked.paper.name,
                question.id,
                self.name,
                Verdict.FAILED,
                seconds=time.perf_counter() - began,
                error="unverified: no sentence answers the question well enough to be quoted",
                failure=Failure.FINAL,
            )
        if quotes:
            value = value_of(question, quotes, targets_of(asked.paper.document, quotes[:1]))
        return Finding(
            asked.paper.name,
            question.id,
            self.name,
            verdict,
            value=value,
            unit=question.unit if value is not None else None,
            answer=quotes[0].text if quotes else "",
            score=round(float(max(probability, 1 - probability)), 4),
            quotes=quotes,
            seconds=time.perf_counter() - began,
        )


class Asked:
    """One paper while its questions are answered: sentences are encoded once, whichever question wants them."""

    def __init__(self, paper: ReadPaper, encoder: Encoder, model: ReaderModel) -> None:
        self.paper = paper
        self._encoder = encoder
        self._model = model
        self._starts = np.array([sentence.start for sentence in paper.document.sentences])
        self.vectors: dict[tuple[int, int], NDArray[np.float32]] = {}

    def ranking(self, question: Question) -> Ranking:
        """All passages, ranked for a question."""
        return self.paper.index.rank(question, self.query(question))

    def probability(self, question: Question, ranking: Ranking) -> float:
        """Of the paper reporting what the question asks for."""
        features = verdict_features(self.paper, question, ranking)[None]
        offset = self._model.offsets.get(question_digest(question))
        if offset is None:
            probability = self._model.general.probability(features)[0]
        else:
            probability = self._model.verdict.probability(features, offset)[0]
        return float(np.clip(probability, 1 - _SUREST, _SUREST))

    def quotes(self, question: Question, ranking: Ranking) -> tuple[Quote, ...]:
        """The sentences that most look like an answer, strongest first."""
        looked_at = _LOOKED_AT * (2 if question.kind is Kind.LINK else 1)
        candidates = [c for number in ranking.order[:looked_at].tolist() for c in self.candidates(number)]
        if question.kind is Kind.LINK:
            # Words without an address do not answer where something is to be had, as long as others have one.
            candidates = [c for c in candidates if self._has_address(c.sentence)] or candidates
        if not candidates:
            return ()
        scores = self.scores(question, ranking, candidates)
        best = np.argsort(-scores, kind="stable")[:_QUOTES]
        least = max(QUOTE_THRESHOLD, _WORTH * float(scores[best[0]]))
        return tuple(self._quote(candidates[i].sentence, float(scores[i])) for i in best.tolist() if scores[i] >= least)

    def scores(self, question: Question, ranking: Ranking, candidates: Sequence[Candidate]) -> Floats:
        """How well the candidates' words answer a question, from 0 to 1."""
        return self._model.quote.probability(self.features(question, ranking, candidates))

    def sentences(self, number: int) -> tuple[Sentence, ...]:
        """Those of a passage."""
        passage = self.paper.index.passages[number]
        low, high = np.searchsorted(self._starts, [passage.start, passage.end])
        return self.paper.document.sentences[low:high]

    def candidates(self, number: int) -> list[Candidate]:
        """The sentences of a passage that can stand as a quote."""
        fits = (s for s in self.sentences(number) if _SHORTEST <= s.end - s.start < _LONGEST)
        return [Candidate(s, number) for s in fits if self._stands_as_read(s)]

    def _stands_as_read(self, sentence: Sentence) -> bool:
        """Whether its words follow each other on the page: a table row or formula put together is no verbatim quote.

        Prose may jump far (to the next column, over a figure), and not over a few letters, which are a fraction's.
        """
        document = self.paper.document
        glyphs = document.glyphs[sentence.start : sentence.end]
        steps = np.diff(glyphs[glyphs >= 0])
        row = document.blocks[sentence.block].kind is BlockKind.TABLE_ROW
        leaps = (steps > _UNDRAWN) & (row | (steps < _FAR))
        return bool((steps >= 0).all() and not leaps.any())

    def _has_address(self, sentence: Sentence) -> bool:
        if _LINK.search(self.paper.document.text[sentence.start : sentence.end]):
            return True
        return any(sentence.start <= link.start < sentence.end for link in self.paper.document.links)

    def query(self, question: Question) -> NDArray[np.float32]:
        """The vector of a question's query, shape (dimensions,)."""
        return query_vector(self._encoder, query(question))

    def features(self, question: Question, ranking: Ranking, candidates: Sequence[Candidate]) -> Floats:
        """Those of `quote_features`, a row for each candidate."""
        text = self.paper.document.text
        self.encode([c.sentence for c in candidates])
        return quote_features(
            [text[c.sentence.start : c.sentence.end] for c in candidates],
            np.stack([self.vectors[c.sentence.start, c.sentence.end] for c in candidates]),
            self.query(question),
            ranking,
            [c.passage for c in candidates],
        )

    def encode(self, sentences: Sequence[Sentence]) -> None:
        """Put the sentences' vectors into `vectors`, by the sentence's start and end."""
        text, places = self.paper.document.text, ((s.start, s.end) for s in sentences)
        new = {place: text[slice(*place)] for place in places if place not in self.vectors}
        self.vectors.update(zip(new, self._encoder.encode(list(new.values())), strict=True))

    def _quote(self, sentence: Sentence, score: float) -> Quote:
        text = self.paper.document.text[sentence.start : sentence.end]
        spans = self.paper.geometry.spans(sentence.start, sentence.end)
        return Quote(text, text, Located.EXACT, round(score, 4), spans)


_QUERIES: dict[tuple[str, str], NDArray[np.float32]] = {}


def query_vector(encoder: Encoder, text: str) -> NDArray[np.float32]:
    """The vector of a query, kept for the next paper."""
    key = encoder.digest, text
    if key not in _QUERIES:
        _QUERIES[key] = encoder.encode([text])[0]
    return _QUERIES[key]
