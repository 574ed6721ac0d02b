"""What a verdict and a quote are judged by: how the best passages stand out, how a sentence matches an answer."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quoth.models.scorer import cues
from quoth.retrieval import PaperIndex, Ranking, query
from quoth.retrieval.late import Tokens
from quoth.retrieval.lexical import Words
from quoth.vocabulary import Encoded, Kind, Question

LINK = re.compile(
    r"https?://|www\.|\bdoi\b|\b10\.\d{4,9}/|github|gitlab|bitbucket|zenodo|figshare|dryad|osf\.io", re.IGNORECASE
)
"""What an address looks like."""

Floats = NDArray[np.float64]


def verdict_features(index: PaperIndex, question: Question, ranking: Ranking) -> Floats:
    """How the best passages of a paper stand out, shape (18,)."""
    score, lexical = np.sort(ranking.score)[::-1].astype(np.float64), np.sort(ranking.lexical)[::-1]
    chances = 1 / (1 + np.exp(-score))
    top = [index.passages[number] for number in ranking.order[:3]]
    linked = any(passage.links or LINK.search(passage.text) for passage in top)
    return np.array(
        [
            score[0],
            score[:3].mean(),
            score[:8].mean(),
            # The log of -log(no passage answers), were passages independent: as the sum of many small chances.
            np.log(1e-3 - np.log1p(-np.minimum(chances, 0.999)).sum()),
            (score[0] - np.median(score)) / max(float(score.std()), 1e-6),
            *_best(ranking.cosine, ranking),
            *_best(ranking.coverage, ranking),
            *_best(ranking.late, ranking),
            np.log1p(lexical[0]),
            np.log1p(lexical[:3].mean()),
            (1.0 if linked else -1.0) if question.kind is Kind.LINK else 0.0,
            np.log(len(score)),
        ],
        np.float64,
    )


def _best(similar: NDArray[np.float32], ranking: Ranking) -> tuple[float, ...]:
    """A similarity's maximum, the mean of its three best, and its maximum among the three passages ranked first."""
    best = np.sort(similar)[::-1]
    first = similar[ranking.order[:3]]
    return float(best[0]), float(best[:3].mean()), float(first.max())


def quote_features(
    index: PaperIndex,
    question: Question,
    asked: Encoded,
    ranking: Ranking,
    texts: Sequence[str],
    encoded: Encoded,
    passages: Sequence[int],
) -> Floats:
    """How much sentences look like an answer, shape (sentences, 8): by themselves, and by their passages' standing.

    Args:
        index: of the paper.
        question: what is asked.
        asked: its query.
        ranking: of the paper's passages for the question.
        texts: the sentences.
        encoded: the same.
        passages: the number of each sentence's passage.
    """
    numbers = np.array(passages)
    return np.column_stack(
        [
            encoded.vectors @ asked.vectors[0],
            index.scorer.sentences.reading(asked.vectors, encoded.vectors, cues(texts))[0],
            index.late.scores(asked, Tokens(encoded))[0],
            index.lexical.coverage(query(question), Words(texts)),
            ranking.score[numbers] - ranking.score.max(),
            ranking.score[numbers],
            ranking.fused[numbers],
            np.log([len(text) for text in texts]),
        ]
    ).astype(np.float64)
