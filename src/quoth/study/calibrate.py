"""Calibrating the embedded reader on a study's own coded cells.

Fitted by a ridge logistic regression on the reader's log odds (Platt 1999, 'Probabilistic outputs for support vector
machines') with an offset for each question; what it is worth is measured with each paper left out of the fit.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quoth.errors import StudyError
from quoth.readers.calibration import Calibration, log_odds
from quoth.study.gold import CodedCell
from quoth.vocabulary import Finding, Verdict

LEAST = 30
"""Coded cells below which a fit is worth nothing."""

_SCALE = 1.5  # log odds are divided by this, so that the ridge weighs slope and offsets alike
_DIGITS = 6
_REPORTED = 0.5

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figures:
    """How verdicts and scores stand against coded cells; `error` is the expected calibration error, in ten bins."""

    n: int
    accuracy: float
    kappa: float
    error: float
    log_loss: float


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """The figures before, after (each paper left out of its own fit), and of the constant; what was fitted on all.

    `changed` counts the coded cells that get another verdict, each paper left out of its own fit.
    """

    before: Figures
    after: Figures
    constant: Figures
    changed: int
    calibration: Calibration

    @property
    def helps(self) -> bool:
        """Whether the scores got better on papers that the fit had not seen."""
        return self.after.log_loss < self.before.log_loss

    @property
    def beats_constant(self) -> bool:
        """Whether the verdicts are right more often than if each were that of most other papers."""
        return self.after.accuracy > self.constant.accuracy


@dataclass(frozen=True, slots=True)
class _Cells:
    odds: Floats
    labels: Flags
    papers: NDArray[np.str_]
    questions: NDArray[np.str_]


def calibrate(findings: Sequence[tuple[Finding, str]], coded: Sequence[CodedCell]) -> CalibrationResult:
    """Fit on coded cells.

    Args:
        findings: the embedded reader's findings as it ships, each with the digest of its question.
        coded: what people found.

    Raises:
        StudyError: too few coded cells have a finding, or all of them say the same, or they are of one paper.
    """
    cells = _joined(findings, coded)
    if len(cells.labels) < LEAST:
        raise StudyError(
            f"only {len(cells.labels)} coded cells have a verdict of the reader: at least {LEAST} are needed"
        )
    if cells.labels.all() or not cells.labels.any():
        raise StudyError("all coded cells say the same: code some of the other kind too")
    names = np.unique(cells.papers)
    if len(names) < 3:
        raise StudyError(
            f"the coded cells are of {len(names)} papers: at least 3 are needed to see what a fit is worth"
        )
    predicted = np.zeros(len(cells.labels))
    for name in names:
        out = cells.papers == name
        fitted = _fit(cells, ~out)
        predicted[out] = [
            _sigmoid(_moved(fitted, o, q)) for o, q in zip(cells.odds[out], cells.questions[out], strict=True)
        ]
    shipped = 1 / (1 + np.exp(-cells.odds))
    return CalibrationResult(
        _figures(shipped, cells.labels),
        _figures(predicted, cells.labels),
        _figures(_constant(cells), cells.labels),
        int(((predicted >= _REPORTED) != (shipped >= _REPORTED)).sum()),
        _fit(cells, np.ones(len(cells.labels), bool)),
    )


def _joined(findings: Sequence[tuple[Finding, str]], coded: Sequence[CodedCell]) -> _Cells:
    truth = {(cell.paper, cell.question): cell.reported for cell in coded}
    rows = []
    for finding, digest in findings:
        label = truth.get((finding.paper, finding.question))
        if label is None or finding.score is None or finding.verdict not in (Verdict.REPORTED, Verdict.NOT_REPORTED):
            continue
        share = finding.score if finding.verdict is Verdict.REPORTED else 1 - finding.score
        rows.append((log_odds(share), label, finding.paper, digest))
    odds, labels, papers, questions = zip(*rows, strict=True) if rows else ((), (), (), ())
    return _Cells(np.array(odds, float), np.array(labels, bool), np.array(papers, str), np.array(questions, str))


def _fit(cells: _Cells, chosen: Flags) -> Calibration:
    from sklearn.linear_model import LogisticRegression

    labels = cells.labels[chosen]
    if labels.all() or not labels.any():
        return Calibration(1.0, 0.0, {}, len(labels))
    questions = np.unique(cells.questions[chosen])
    own = (cells.questions[chosen][:, None] == questions[None]).astype(float)
    model = LogisticRegression(C=1.0, max_iter=5000)
    model.fit(np.hstack([cells.odds[chosen][:, None] / _SCALE, own]), labels)
    weights = model.coef_[0]
    offsets = {str(q): round(float(w), _DIGITS) for q, w in zip(questions, weights[1:], strict=True)}
    return Calibration(
        round(float(weights[0]) / _SCALE, _DIGITS), round(float(model.intercept_[0]), _DIGITS), offsets, len(labels)
    )


def _moved(fitted: Calibration, odds: float, question: str) -> float:
    return fitted.slope * odds + fitted.intercept + fitted.offsets.get(question, 0.0)


def _sigmoid(odds: float) -> float:
    return float(1 / (1 + np.exp(-odds)))


def _constant(cells: _Cells) -> Floats:
    """Each question answered with the share of the other papers that report it."""
    by_question: dict[str, list[int]] = defaultdict(list)
    for i, question in enumerate(cells.questions.tolist()):
        by_question[question].append(i)
    guess = np.zeros(len(cells.labels))
    for members in by_question.values():
        for i in members:
            others = [cells.labels[j] for j in members if cells.papers[j] != cells.papers[i]]
            guess[i] = (sum(others) + 0.5) / (len(others) + 1)
    return guess


def _figures(predicted: Floats, labels: Flags) -> Figures:
    from sklearn.metrics import cohen_kappa_score, log_loss

    said = predicted >= _REPORTED
    sure, right = np.maximum(predicted, 1 - predicted), said == labels
    bins = np.minimum(((sure - 0.5) * 20).astype(int), 9)
    error = sum((bins == b).mean() * abs(sure[bins == b].mean() - right[bins == b].mean()) for b in np.unique(bins))
    kappa = float(cohen_kappa_score(labels, said))
    loss = float(log_loss(labels, np.clip(predicted, 1e-6, 1 - 1e-6), labels=[False, True]))
    return Figures(len(labels), float(right.mean()), 0.0 if np.isnan(kappa) else kappa, float(error), loss)
