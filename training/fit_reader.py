"""Fit the embedded reader's numbers over the scorer, and measure them.

    python training/fit_reader.py ../shared/data

Labels: the gold (made by a language model), the demo papers (true by construction), `labels/whole.jsonl` and the
invented papers of `labels/invented.jsonl` (made by a language model). Verdicts are fitted twice. `verdict`, for
questions of the bundled codebooks, has an offset for each of them. `general`, for all others, learns from scorers that
did not know the question: a scorer that knows it is surer than it will be of a new one. For the same reason the demo
papers and the invented ones, from which the scorer learned, are read with scorers that did not know them, and the
quotes' model learns from the gold alone. Prints figures with each paper left out (and, for `general`, the question's
fold), then writes src/quoth/models/embedded-reader.json and prints its digest; `--measure` writes nothing. Needs torch;
forty minutes on two cores, nearly all of it for those scorers. (Without torch `--measure` prints the figures of
the publications alone.)
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from corpus import (
    BUNDLED,
    Cell,
    Shelf,
    coded_cells,
    fold_of,
    invented_cells,
    part_of,
    read_wordings,
    squeezed,
    training_papers,
    whole_papers,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score

from quoth.models import FOLDER
from quoth.models.encoder import Encoder
from quoth.models.scorer import Scorer
from quoth.protocol import question_digest
from quoth.readers.base import ReadPaper
from quoth.readers.embedded import Asked, ReaderModel, encode_query
from quoth.readers.features import verdict_features
from quoth.retrieval import PaperIndex

OUT = FOLDER / "embedded-reader.json"
LOOKED_AT = 8  # passages whose sentences the quotes' model learns from
MEMBERS = 2  # of a scorer that leaves out a fold
SEED = 20241
DIGITS = 6
DRAWS = 1000
ALL = (*BUNDLED, "v")

UNFITTED = ReaderModel(None, None, None, {})  # type: ignore[arg-type]
"""Enough to find features with."""

Floats = np.ndarray


@dataclass
class Rows:
    """Features, labels, and to which paper, question and group each belongs."""

    features: Floats
    labels: Floats
    papers: Floats
    questions: Floats
    groups: Floats

    def __getitem__(self, chosen: Floats) -> "Rows":
        return Rows(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def rows_of(found: list[tuple[Floats, bool, Cell]]) -> Rows:
    features, labels, cells = zip(*found, strict=True)
    columns = ([c.paper for c in cells], [question_digest(c.question) for c in cells], [c.group for c in cells])
    return Rows(np.array(features), np.array(labels), *map(np.array, columns))


def verdict_rows(cells: Sequence[Cell], indexes: dict[str, PaperIndex], encoder: Encoder) -> Rows:
    found = []
    for cell in cells:
        index = indexes[cell.paper]
        ranking = index.rank(cell.question, encode_query(encoder, cell.question))
        found.append((verdict_features(index, cell.question, ranking), cell.reported, cell))
    return rows_of(found)


def quote_rows(cells: Sequence[Cell], papers: dict[str, ReadPaper], encoder: Encoder) -> Rows:
    """The sentences of the best passages; right are those that overlap a coded quote."""
    asked = {name: Asked(paper, encoder, UNFITTED) for name, paper in papers.items()}
    found = []
    for cell in cells:
        one = asked[cell.paper]
        ranking = one.ranking(cell.question)
        candidates = [c for number in ranking.order[:LOOKED_AT].tolist() for c in one.candidates(number)]
        if candidates:
            features = one.features(cell.question, ranking, candidates)
            for candidate, row in zip(candidates, features, strict=True):
                text = one.paper.document.text[candidate.sentence.start : candidate.sentence.end]
                found.append((row, cell.reported and any(overlaps(text, quote) for quote in cell.quotes), cell))
    return rows_of(found)


def overlaps(text: str, quote: str) -> bool:
    a, b = squeezed(text), squeezed(quote)
    shingles = [a[i : i + 12] for i in range(0, max(1, len(a) - 11), 4)]
    back = [b[i : i + 12] for i in range(0, max(1, len(b) - 11), 4)]
    return bool(a and b) and (
        sum(s in b for s in shingles) >= 0.6 * len(shingles) or sum(s in a for s in back) >= 0.6 * len(back)
    )


@dataclass
class Fit:
    """How to fit: `c` of the penalty, the weight of a question's own offset (0: it has none), how much the log odds are
    lowered in the end, and the weight of a cell of an invented paper."""

    c: float
    offset: float = 0.0
    caution: float = 0.0
    invented: float = 1.0


# Cells of invented papers are seven times as many as all others, of which known questions are better learned.
VERDICT, QUOTE = Fit(0.03, offset=3.0, invented=0.1), Fit(1.0)
GENERAL = Fit(0.03, caution=0.2)  # a wrong 'reported' harms more than a missed one, and new questions are often rarer


def fit(rows: Rows, how: Fit) -> dict[str, object]:
    mean, scale = rows.features.mean(0), np.maximum(rows.features.std(0), 1e-6)
    whose, book = np.array([group.split() for group in rows.groups]).T
    # What an invented paper reports was its author's choice, and tells nothing of a question's own offset.
    questions = np.unique(rows.questions[np.isin(book, BUNDLED)])[: None if how.offset else 0]
    own = how.offset * ((rows.questions[:, None] == questions) & (whose != "invented")[:, None])
    table = np.hstack([(rows.features - mean) / scale, own])
    weight = np.where(whose == "invented", how.invented, 1.0)
    model = LogisticRegression(C=how.c, max_iter=5000).fit(table, rows.labels, sample_weight=weight)
    weights, offsets = np.split(model.coef_[0], [len(mean)])
    numbers = {"mean": mean, "scale": scale, "weights": weights}
    rounded: dict[str, object] = {name: [round(float(v), DIGITS) for v in values] for name, values in numbers.items()}
    rounded["intercept"] = round(float(model.intercept_[0]) - how.caution, DIGITS)
    rounded["offsets"] = {str(q): round(float(how.offset * v), DIGITS) for q, v in zip(questions, offsets, strict=True)}
    return rounded


def predict(model: dict[str, object], rows: Rows) -> Floats:
    offsets = np.array([model["offsets"].get(q, 0.0) for q in rows.questions])
    odds = ((rows.features - np.array(model["mean"])) / np.array(model["scale"])) @ np.array(model["weights"])
    return 1 / (1 + np.exp(-(odds + model["intercept"] + offsets)))


def left_out(rows: Rows, how: Fit, whose: Floats, folds: Floats | None = None) -> Floats:
    """Probabilities of some rows with the paper left out, and the question's fold, where folds are given."""
    found, parts = np.zeros(len(rows.labels)), np.zeros(len(rows.labels), int) if folds is None else folds
    for paper in np.unique(rows.papers[whose]):
        out = rows.papers == paper
        for number in np.unique(parts[out]):
            rest = ~out if folds is None else ~out & (parts != number)
            test = out & (parts == number)
            found[test] = predict(fit(rows[rest], how), rows[test])
    return found


def show(what: str, chances: Floats, rows: Rows, whose: Floats, books: Sequence[str]) -> None:
    """Print the figures of each group of these rows whose questions are among these."""
    for group in np.unique(rows.groups[whose]):
        if group.split()[1] in books:
            chosen = rows.groups == group
            report(f"{group}, {what}", chances[chosen], rows[chosen])


def report(name: str, chances: Floats, rows: Rows) -> None:
    """Print accuracy and kappa with an interval, the constant's beside them, calibration and AUC within questions."""
    said, right, constant = chances >= 0.5, rows.labels.astype(bool), majority_of_others(rows)
    low, high = np.percentile(list(resampled(said, right, rows.papers)), [2.5, 97.5])
    pairs = [
        (a > b) + (a == b) / 2
        for question in np.unique(rows.questions)
        for a in chances[(rows.questions == question) & right]
        for b in chances[(rows.questions == question) & ~right]
    ]
    print(
        f"{name}: n {len(right)}, accuracy {(said == right).mean():.3f}, kappa {cohen_kappa_score(right, said):.3f} "
        f"({low:.2f} to {high:.2f}), constant {(constant == right).mean():.3f} and "
        f"{cohen_kappa_score(right, constant):.3f}, calibration error {calibration_error(chances, right):.3f}, "
        f"AUC within questions {np.mean(pairs):.3f}"
    )


def majority_of_others(rows: Rows) -> Floats:
    """What a constant says: each question as most of the other papers have it; ties as reported."""
    found = []
    for paper, question in zip(rows.papers, rows.questions, strict=True):
        others = rows.labels[(rows.questions == question) & (rows.papers != paper)]
        found.append(2 * others.sum() >= len(others))
    return np.array(found)


def calibration_error(chances: Floats, right: Floats) -> float:
    """Expected calibration error over bins of a tenth."""
    confidence, correct = np.maximum(chances, 1 - chances), (chances >= 0.5) == right
    bins = [(confidence >= low) & (confidence < low + 0.1 + 1e-9) for low in np.arange(0.5, 1, 0.1)]
    return sum(i.mean() * abs(confidence[i].mean() - correct[i].mean()) for i in bins if i.any())


def resampled(said: Floats, right: Floats, papers: Floats) -> Iterator[float]:
    """Kappa over papers drawn with replacement."""
    chance = np.random.default_rng(SEED)
    names = np.unique(papers)
    places = [np.flatnonzero(papers == name) for name in names]
    for _ in range(DRAWS):
        drawn = np.concatenate([places[i] for i in chance.integers(len(names), size=len(names))])
        yield cohen_kappa_score(right[drawn], said[drawn])


class Strangers:
    """Verdict rows from scorers that knew neither the paper nor, on request, the question."""

    def __init__(
        self,
        data: Path,
        cells: Sequence[Cell],
        papers: dict[str, ReadPaper],
        indexes: dict[str, PaperIndex],
        encoder: Encoder,
    ) -> None:
        self._cells, self._indexes, self._encoder = cells, indexes, encoder
        self._wordings = read_wordings(data, encoder)
        self._learned = training_papers(data, papers, cells, self._wordings, Shelf(encoder))
        self._parts = part_of(indexes)
        folds = fold_of(data, {cell.question.id for cell in cells})
        self.folds = np.array([folds[cell.question.id] for cell in cells])
        """The fold of each cell's question."""

    def of_papers(self) -> Rows:
        """All questions known."""
        return self._rows(np.full(len(self._cells), -1))

    def of_questions(self) -> Rows:
        """The questions of the cell's fold unknown."""
        return self._rows(self.folds)

    def _rows(self, folds: Floats) -> Rows:
        from train_scorer import train, without  # needs torch

        parts = np.array([self._parts[cell.paper] for cell in self._cells])
        every = set(self._wordings.ids)
        found, places = [], []
        for part, fold in sorted(set(zip(parts.tolist(), folds.tolist(), strict=True))):
            these = np.flatnonzero((parts == part) & (folds == fold))
            unknown = {self._cells[i].question.id for i in these} if fold >= 0 else set()
            scorer = train(without(self._learned, self._parts, part), self._wordings, every - unknown, MEMBERS)
            indexes = {name: with_scorer(index, scorer) for name, index in self._indexes.items()}
            found.append(verdict_rows([self._cells[i] for i in these], indexes, self._encoder))
            places.append(these)
        order = np.argsort(np.concatenate(places))
        columns = (np.concatenate([getattr(rows, name) for rows in found])[order] for name in Rows.__dataclass_fields__)
        return Rows(*columns)


def with_scorer(index: PaperIndex, scorer: Scorer) -> PaperIndex:
    """The same passages, scored by another scorer."""
    return PaperIndex(index.passages, index.encoded, scorer)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the embedded reader's numbers and measure them.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--measure", action="store_true", help="print the figures and write nothing")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    encoder = Encoder(threads=2)
    papers = whole_papers(arguments.data, encoder)
    cells = coded_cells(arguments.data, papers)
    others, invented = invented_cells(encoder)
    indexes = {name: paper.index for name, paper in papers.items()} | invented
    known = verdict_rows([*cells, *others], indexes, encoder)
    if not find_spec("torch"):
        print("torch is not installed: figures of the demo papers and with the question's fold left out need it")
        gold = np.char.startswith(known.groups, "gold")
        show("paper left out", left_out(known, VERDICT, gold), known, gold, BUNDLED)
        return
    strangers = Strangers(arguments.data, [*cells, *others], papers, indexes, encoder)
    learned = ~np.char.startswith(known.groups, "gold")
    known.features[learned] = strangers.of_papers().features[learned]
    whole = ~np.char.startswith(known.groups, "invented")
    show("paper left out", left_out(known, VERDICT, whole), known, whole, BUNDLED)
    unknown = strangers.of_questions()
    chances = left_out(unknown, GENERAL, whole, strangers.folds)
    show("paper and question's fold left out", chances, unknown, whole, ALL)
    if not arguments.measure:
        quotes = quote_rows([cell for cell in cells if cell.paper.isdigit()], papers, encoder)
        final = {"verdict": fit(known, VERDICT), "general": fit(unknown, GENERAL), "quote": fit(quotes, QUOTE)}
        final["offsets"] = final["verdict"].pop("offsets")
        final["general"].pop("offsets")
        final["quote"].pop("offsets")
        text = json.dumps(final, indent=1, sort_keys=True) + "\n"
        OUT.write_text(text, encoding="utf-8")
        print(f"{OUT.name}: SHA-256 {hashlib.sha256(text.encode()).hexdigest()}")
    print(f"done in {time.perf_counter() - begun:.0f} seconds")


if __name__ == "__main__":
    main()
