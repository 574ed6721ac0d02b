"""The embedded reader: answers from the words of the paper alone, on the CPU, with no network and no key.

A question's verdict comes from how its best passages stand out in the paper: a logistic model over the scores of
retrieval, fitted on coded papers. A bundled question has an offset of its own, as far as coded cells support it; any
other question is judged by the evidence alone. The quotes are the sentences of the best passages that most look like an
answer, by a second logistic model.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from quoth.models import EMBEDDED_READER, SCORER, path_of
from quoth.models.encoder import part, together
from quoth.models.logistic import Logistic
from quoth.protocol import question_digest
from quoth.readers.base import ReadPaper
from quoth.readers.calibration import Calibration
from quoth.readers.features import LINK, Floats, quote_features, verdict_features
from quoth.readers.values import targets_of, value_of
from quoth.retrieval import PASSAGES_VERSION, Ranking, query
from quoth.vocabulary import (
    BlockKind,
    Encoded,
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

VERSION = "3"
"""Changes whenever the same model may give other findings."""

QUOTE_THRESHOLD = 0.03
"""Below this a sentence is no evidence: so score one in sixteen of the coded quotes, and of papers that do not report
what is asked all first sentences of abstracts but one in 265, and all sentences drawn by chance but one in eighty
(`benchmarks/verifying.py`)."""

_LOOKED_AT = 6  # passages whose sentences may become quotes
_QUOTES = 4
_SUREST = 0.98  # the coded cells are too few to support more
_WORTH = 0.2  # share of the best quote's score that a further quote needs
_LONGEST = 600
_SHORTEST = 20
_UNDRAWN = 6  # characters that a PDF may hold between two lines or cells, none of them drawn
_FAR = 80  # characters: the way to another column


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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may become a quote, and the number of its passage."""

    sentence: Sentence
    passage: int


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
        # It says 'reported' only where it can show words for it.
        quotes = asked.quotes(question, ranking) if probability >= 0.5 else ()
        value = value_of(question, quotes, targets_of(asked.paper.document, quotes[:1])) if quotes else None
        chance = probability if quotes else max(1 - probability, 0.5)
        return Finding(
            asked.paper.name,
            question.id,
            self.name,
            Verdict.REPORTED if quotes else Verdict.NOT_REPORTED,
            value=value,
            unit=question.unit if value is not None else None,
            answer=quotes[0].text if quotes else "",
            score=round(chance, 4),
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
        self._encoded: dict[tuple[int, int], Encoded] = {}

    def ranking(self, question: Question) -> Ranking:
        """All passages, ranked for a question."""
        return self.paper.index.rank(question, encode_query(self._encoder, question))

    def probability(self, question: Question, ranking: Ranking) -> float:
        """Of the paper reporting what the question asks for."""
        features = verdict_features(self.paper.index, question, ranking)[None]
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
        if LINK.search(self.paper.document.text[sentence.start : sentence.end]):
            return True
        return any(sentence.start <= link.start < sentence.end for link in self.paper.document.links)

    def features(self, question: Question, ranking: Ranking, candidates: Sequence[Candidate]) -> Floats:
        """Those of `quote_features`, a row for each candidate."""
        self._encode([c.sentence for c in candidates])
        text = self.paper.document.text
        return quote_features(
            self.paper.index,
            question,
            encode_query(self._encoder, question),
            ranking,
            [text[c.sentence.start : c.sentence.end] for c in candidates],
            together([self._encoded[c.sentence.start, c.sentence.end] for c in candidates]),
            [c.passage for c in candidates],
        )

    def _encode(self, sentences: Sequence[Sentence]) -> None:
        text, places = self.paper.document.text, [(s.start, s.end) for s in sentences]
        self._encoded |= {place: known for place in places if (known := self.paper.index.sentence(place))}
        new = {place: text[slice(*place)] for place in places if place not in self._encoded}
        encoded = self._encoder.encode_tokens(list(new.values()))
        self._encoded.update({place: part(encoded, number) for number, place in enumerate(new)})

    def _quote(self, sentence: Sentence, score: float) -> Quote:
        text = self.paper.document.text[sentence.start : sentence.end]
        spans = self.paper.geometry.spans(sentence.start, sentence.end)
        return Quote(text, text, Located.EXACT, round(score, 4), spans)


_QUERIES: dict[tuple[str, str], Encoded] = {}


def encode_query(encoder: Encoder, question: Question) -> Encoded:
    """A question's query, kept for the next paper."""
    key = encoder.digest, query(question)
    if key not in _QUERIES:
        _QUERIES[key] = encoder.encode_tokens([key[1]])
    return _QUERIES[key]
