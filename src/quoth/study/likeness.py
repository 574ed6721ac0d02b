"""How alike two readers' answers are in meaning."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby

import numpy as np

from quoth.vocabulary import Encoder, Finding

_TOGETHER = 2000
"""Cells whose answers are encoded at a time."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The mean cosine similarity of the answers of two readers, over the `n` cells that both answered in words."""

    first: str
    second: str
    n: int
    cosine: float


def likeness(findings: Iterable[Finding], encoder: Encoder) -> tuple[Likeness, ...]:
    """Every pair of readers that have a cell in common.

    Args:
        findings: those of a cell next to each other, one of each reader.
        encoder: the meaning of its vectors is the measure's.
    """
    sums: dict[tuple[str, str], list[float]] = {}
    batch: list[dict[str, str]] = []
    for _, cell in groupby(findings, key=lambda finding: (finding.paper, finding.question)):
        answers = {finding.reader: finding.answer for finding in cell if finding.answer.strip()}
        if len(answers) > 1:
            batch.append(answers)
        if len(batch) >= _TOGETHER:
            _add(batch, encoder, sums)
            batch = []
    _add(batch, encoder, sums)
    return tuple(Likeness(*pair, len(all_), float(np.mean(all_))) for pair, all_ in sorted(sums.items()))


def _add(batch: Sequence[dict[str, str]], encoder: Encoder, sums: dict[tuple[str, str], list[float]]) -> None:
    texts = list(dict.fromkeys(text for answers in batch for text in answers.values()))
    if not texts:
        return
    vectors = dict(zip(texts, encoder.encode(texts), strict=True))
    for answers in batch:
        for first, second in combinations(sorted(answers), 2):
            cosine = float(vectors[answers[first]] @ vectors[answers[second]])
            sums.setdefault((first, second), []).append(cosine)
