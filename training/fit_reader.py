"""Fit the embedded reader's numbers: python training/fit_reader.py DATA (the folder with papers/ and gold/).

Labels: DATA/gold (made by a language model) and the demo papers (true by construction). Prints figures with each paper
left out, then writes src/quoth/models/embedded-reader.json and its digest. Takes about a minute on two cores.
"""

import argparse
import csv
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score

from quoth.models.encoder import Encoder
from quoth.papers import PageGeometry, join, parse
from quoth.protocol import load_codebook, question_digest
from quoth.readers.base import ReadPaper
from quoth.readers.embedded import Asked, ReaderModel, verdict_features
from quoth.retrieval import PaperIndex, passages
from quoth.vocabulary import Question

ROOT = Path(__file__).parent.parent
OUT = ROOT / "src/quoth/models/embedded-reader.json"
QUESTION_WEIGHT = 2.0  # of a question's own offset against the evidence, in units of a standardised feature
DIGITS = 6


@dataclass
class Cell:
    """One coded cell: whether the paper reports it, and the quotes that prove it."""

    paper: str
    question: Question
    codebook: str
    reported: bool
    quotes: list[str]


@dataclass
class Rows:
    """Features and labels of verdicts or quotes."""

    features: np.ndarray
    labels: np.ndarray
    papers: np.ndarray
    questions: np.ndarray


def gold_cells(data: Path) -> Iterator[Cell]:
    questions = {q.id: q for q in load_codebook("dl-methods", ROOT).questions}
    for line in (data / "gold/text_gold.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["decision"] in ("yes", "no"):
            texts = [quote["text"] for quote in row["quotes"]]
            yield Cell(row["paper"], questions[row["question"]], "dl-methods", row["decision"] == "yes", texts)


def demo_cells() -> Iterator[Cell]:
    books = {name: {q.id: q for q in load_codebook(name, ROOT).questions} for name in ("dl-methods", "study-basics")}
    cells: dict[tuple[str, str, str], Cell] = {}
    with (ROOT / "src/quoth/demo/truth.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = row["paper"], row["codebook"], row["question"]
            question = books[row["codebook"]][row["question"]]
            cell = cells.setdefault(key, Cell(row["paper"], question, row["codebook"], row["decision"] == "yes", []))
            cell.quotes += [row["quote"]] if row["quote"] else []
    yield from cells.values()


def read(path: Path, encoder: Encoder) -> ReadPaper:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    document = join([parse(path, digest)])
    found = passages(document)
    index = PaperIndex(found, encoder.encode([passage.text for passage in found]))
    return ReadPaper(path.stem, document, index, PageGeometry(document, {digest: path}))


def squeeze(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def overlaps(text: str, quote: str) -> bool:
    a, b = squeeze(text), squeeze(quote)
    shingles = [a[i : i + 12] for i in range(0, max(1, len(a) - 11), 4)]
    back = [b[i : i + 12] for i in range(0, max(1, len(b) - 11), 4)]
    return bool(a and b) and (
        sum(s in b for s in shingles) >= 0.6 * len(shingles) or sum(s in a for s in back) >= 0.6 * len(back)
    )


def tables(cells: list[Cell], papers: dict[str, ReadPaper], encoder: Encoder) -> tuple[Rows, Rows]:
    verdicts, quotes = [], []
    untrained = ReaderModel(None, None, None, {})  # type: ignore[arg-type]
    asked = {name: Asked(paper, encoder, untrained) for name, paper in papers.items()}
    for cell in cells:
        one = asked[cell.paper]
        ranking = one.ranking(cell.question)
        key = question_digest(cell.question)
        verdicts.append((verdict_features(one.paper, cell.question, ranking), cell.reported, cell.paper, key))
        candidates = [c for number in ranking.order[:8].tolist() for c in one.candidates(number)]
        if not candidates:
            continue
        for c, features in zip(candidates, one.features(cell.question, ranking, candidates), strict=True):
            text = one.paper.document.text[c.sentence.start : c.sentence.end]
            label = cell.reported and any(overlaps(text, quote) for quote in cell.quotes)
            quotes.append((features, label, cell.paper, key))
    return tuple(Rows(*(np.array(column) for column in zip(*rows, strict=True))) for rows in (verdicts, quotes))


def fit(rows: Rows, questions: list[str], chosen: np.ndarray) -> dict[str, object]:
    features = rows.features[chosen]
    mean, scale = features.mean(0), np.maximum(features.std(0), 1e-6)
    offsets = (
        QUESTION_WEIGHT * (rows.questions[chosen][:, None] == np.array(questions)[None])
        if questions
        else np.zeros((len(features), 0))
    )
    model = LogisticRegression(C=1.0, max_iter=5000).fit(
        np.hstack([(features - mean) / scale, offsets]), rows.labels[chosen]
    )
    weights, own = model.coef_[0][: len(mean)], QUESTION_WEIGHT * model.coef_[0][len(mean) :]
    numbers = {"mean": mean, "scale": scale, "weights": weights}
    rounded: dict[str, object] = {name: [round(float(v), DIGITS) for v in values] for name, values in numbers.items()}
    rounded["intercept"] = round(float(model.intercept_[0]), DIGITS)
    rounded["offsets"] = {q: round(float(v), DIGITS) for q, v in zip(questions, own, strict=True)}
    return rounded


def predict(model: dict[str, object], rows: Rows, chosen: np.ndarray) -> np.ndarray:
    offsets = np.array([model["offsets"].get(q, 0.0) for q in rows.questions[chosen]])
    odds = ((rows.features[chosen] - np.array(model["mean"])) / np.array(model["scale"])) @ np.array(model["weights"])
    return 1 / (1 + np.exp(-(odds + model["intercept"] + offsets)))


def figures(name: str, rows: Rows, questions: list[str], report: np.ndarray) -> None:
    predicted = np.zeros(len(rows.labels))
    for paper in np.unique(rows.papers):
        out = rows.papers == paper
        predicted[out] = predict(fit(rows, questions, ~out), rows, out)
    said, right = predicted[report] >= 0.5, rows.labels[report].astype(bool)
    confidence, correct = np.maximum(predicted, 1 - predicted)[report], said == right
    error = sum(
        inside.mean() * abs(confidence[inside].mean() - correct[inside].mean())
        for low in np.arange(0.5, 1, 0.1)
        if (inside := (confidence >= low) & (confidence < low + 0.1 + 1e-9)).any()
    )
    kappa = cohen_kappa_score(right, said)
    print(f"{name}: n {len(right)}, accuracy {correct.mean():.3f}, kappa {kappa:.3f}, calibration error {error:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--measure", action="store_true", help="print the figures and write nothing")
    arguments = parser.parse_args()
    data = arguments.data
    encoder = Encoder(threads=2)
    cells = [*gold_cells(data), *demo_cells()]
    paths = [*sorted((data / "papers").glob("*.pdf")), *sorted((ROOT / "src/quoth/demo/papers").glob("*.pdf"))]
    papers = {path.stem: read(path, encoder) for path in paths}
    verdicts, quotes = tables(cells, papers, encoder)
    bundled = sorted(set(verdicts.questions))
    real = np.array([cell.paper.isdigit() for cell in cells])
    book = np.array([cell.codebook for cell in cells])
    figures("real papers, paper left out", verdicts, bundled, real)
    figures("the same without the questions' offsets", verdicts, [], real)
    figures("demo papers, dl-methods, paper left out", verdicts, bundled, ~real & (book == "dl-methods"))
    figures("demo papers, study-basics, paper left out", verdicts, bundled, ~real & (book == "study-basics"))
    if arguments.measure:
        return
    every = np.ones(len(cells), bool)
    final = {
        "verdict": fit(verdicts, bundled, every),
        "general": fit(verdicts, [], every),
        "quote": fit(quotes, [], np.ones(len(quotes.labels), bool)),
    }
    final["offsets"] = final["verdict"].pop("offsets")
    final["general"].pop("offsets")
    final["quote"].pop("offsets")
    text = json.dumps(final, indent=1, sort_keys=True) + "\n"
    OUT.write_text(text, encoding="utf-8")
    print(f"{OUT.relative_to(ROOT)}: sha256 {hashlib.sha256(text.encode()).hexdigest()}")


if __name__ == "__main__":
    main()
