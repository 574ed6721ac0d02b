"""Train the scorer's head: which passage answers which question, over frozen vectors.

    python training/train_scorer.py --data ../shared/data --out src/quoth/models/scorer.npz

Learns from `passage_labels.jsonl` (28 questions x 112 papers) and `passage_labels_general.jsonl` (40 questions x 56
papers); both were labelled by a language model. In every step a question appears in another wording (its own in the
codebook, the source's, or one from `rewordings.toml`), so that the head learns to read it. The loss is listwise (Cao
et al. 2007, ListNet): cross-entropy between the softmax over a paper's passages and the labelled ones. A head is a sum
of products of its inputs, so the mean of an ensemble's weights is one head.

Prints how often the best labelled passage is among the first 10 and 20 (about 3,000 and 6,000 characters), plain
fusion beside it: with papers left out, with papers and questions left out, and from one set of questions to the other;
and the evidence recall on the whole papers of the gold. Seeds are fixed and a rerun writes the same bytes; 40 seconds
to train, three minutes with all measures, on two cores.
"""

import argparse
import csv
import hashlib
import json
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scorer_gold import gold_cells, whole_papers
from torch.nn import functional

from quoth.models.encoder import DIMENSIONS, Encoder
from quoth.models.scorer import CUES, Floats, Scorer, cues, fusion, matches
from quoth.protocol.codebook import load_codebook
from quoth.retrieval import query
from quoth.retrieval.lexical import LexicalIndex

RANK = 64
"""Of each member's matrix."""
MEMBERS = 8
EPOCHS = 4
RATE = 2e-3
DROPPED = 0.2
"""Share of a question vector's numbers set to zero in a step."""
SEED = 20241
FOLDS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Wordings:
    """Every wording of every question; `own` and `source` give each question's wording in the codebook and the data."""

    ids: list[str]
    texts: list[str]
    vectors: Floats
    own: dict[str, int]
    source: dict[str, int]

    def of(self, question: str) -> list[int]:
        """All wordings of a question."""
        return [number for number, name in enumerate(self.ids) if name == question]


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """One paper: its passages, the BM25 scores of every wording, and the passages that answer each question."""

    name: str
    texts: list[str]
    vectors: Floats
    surface: Floats
    lexical: Floats
    relevant: dict[str, list[int]]


def read_wordings(data: Path, encoder: Encoder) -> Wordings:
    """The questions as in the data, as in the codebook, and reworded."""
    source = {row["question"]: row["text"] for name in ("questions", "questions_general") for row in rows(data, name)}
    own = {question.id: query(question) for question in load_codebook("dl-methods", Path()).questions}
    others = tomllib.loads((Path(__file__).parent / "rewordings.toml").read_text(encoding="utf-8"))
    found = [(name, text) for texts in (source, own) for name, text in texts.items()]
    found += [(name, text) for name, texts in others.items() for text in texts]
    ids, texts = [name for name, _ in found], [text for _, text in found]
    first = {name: number for number, name in enumerate(source)}
    ours = {name: len(source) + number for number, name in enumerate(own)}
    return Wordings(ids, texts, encoder.encode(texts), first | ours, first)


def rows(data: Path, name: str) -> list[dict[str, str]]:
    with (data / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def records(path: Path) -> list[dict[str, object]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def sheet(name: str, texts: list[str], wordings: Wordings, encoder: Encoder, relevant: dict[str, list[int]]) -> Sheet:
    """Work out all that is known of a paper before a head reads it."""
    index = LexicalIndex(texts)
    lexical = np.stack([index.scores(text) for text in wordings.texts])
    return Sheet(name, texts, encoder.encode(texts), cues(texts), lexical, relevant)


def read_sheets(data: Path, wordings: Wordings, encoder: Encoder) -> list[Sheet]:
    """The labelled papers."""
    general = {paper["paper"]: paper["relevant"] for paper in records(data / "passage_labels_general.jsonl")}
    return [
        sheet(paper["paper"], paper["passages"], wordings, encoder, paper["relevant"] | general.get(paper["paper"], {}))
        for paper in records(data / "passage_labels.jsonl")
    ]


class Member(torch.nn.Module):
    """One member of the ensemble: the formula of `models.scorer`, with M as a product of two thin matrices."""

    def __init__(self) -> None:
        super().__init__()
        # The start is fusion with a little of each similarity.
        self.weights = torch.nn.Parameter(torch.tensor([0, 0.3, 0, 0, 0.5, 0, 1.0]))
        self.left = torch.nn.Parameter(torch.randn(RANK, DIMENSIONS) * 0.05)
        self.right = torch.nn.Parameter(self.left.detach().clone())
        self.scale = torch.nn.Parameter(torch.tensor(10.0))
        self.gate = torch.nn.Linear(DIMENSIONS, CUES)
        torch.nn.init.zeros_(self.gate.weight)
        torch.nn.init.zeros_(self.gate.bias)

    def forward(
        self, questions: torch.Tensor, passages: torch.Tensor, surface: torch.Tensor, matched: torch.Tensor
    ) -> torch.Tensor:
        """Scores of shape (questions, passages)."""
        kept = functional.dropout(questions, DROPPED, self.training)
        read = self.scale * (kept @ self.left.T) @ (passages @ self.right.T).T
        return matched @ self.weights + read + self.gate(kept) @ surface.T

    def arrays(self) -> list[Floats]:
        """Weights, matrix and gate, as `Scorer` has them."""
        gate = torch.cat([self.gate.weight, self.gate.bias[:, None]], dim=1)
        return [part.detach().numpy() for part in (self.weights, self.scale * self.left.T @ self.right, gate)]


def train(sheets: Sequence[Sheet], wordings: Wordings, questions: Iterable[str]) -> Scorer:
    """A head that learned from these papers and questions."""
    surface = np.concatenate([paper.surface for paper in sheets])
    centre, spread = surface.mean(axis=0), surface.std(axis=0) + np.float32(1e-3)
    choices = {question: wordings.of(question) for question in sorted(questions)}
    members = [member(sheets, wordings, choices, centre, spread, SEED + number).arrays() for number in range(MEMBERS)]
    weights, matrix, gate = (np.mean(parts, axis=0) for parts in zip(*members, strict=True))
    return Scorer(weights, matrix, gate, centre, spread)


def member(
    sheets: Sequence[Sheet],
    wordings: Wordings,
    choices: dict[str, list[int]],
    centre: Floats,
    spread: Floats,
    seed: int,
) -> Member:
    """Train one member: a step is a paper with all its answered questions, each in a wording drawn anew."""
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    model = Member()
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-2)
    steps = [number for _ in range(EPOCHS) for number in chance.permutation(len(sheets))]
    for done, number in enumerate(steps):
        paper = sheets[number]
        asked = [question for question in choices if paper.relevant.get(question)]
        if not asked:
            continue
        drawn = [int(chance.choice(choices[question])) for question in asked]
        target = torch.zeros(len(asked), len(paper.texts))
        for place, question in enumerate(asked):
            target[place, paper.relevant[question]] = 1 / len(paper.relevant[question])
        vectors = wordings.vectors[drawn]
        matched = matches(paper.lexical[drawn], vectors @ paper.vectors.T)
        inputs = (vectors, paper.vectors, (paper.surface - centre) / spread, matched)
        scores = model(*map(torch.from_numpy, inputs))
        loss = -(functional.log_softmax(scores, dim=1) * target).sum() / len(asked)
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, done / 30) * (1 - done / len(steps)) + 1e-6
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model


def first_hits(
    head: Scorer | None, sheets: Iterable[Sheet], wordings: Wordings, used: dict[str, int], questions: Iterable[str]
) -> list[int]:
    """For each answered cell the rank of its best labelled passage, from 0; plain fusion without a head."""
    found = []
    for paper in sheets:
        asked = [question for question in questions if paper.relevant.get(question)]
        if not asked:
            continue
        scores = score(head, paper, wordings, [used[question] for question in asked])
        for question, row in zip(asked, scores, strict=True):
            order = np.argsort(-row, kind="stable")
            found.append(int(np.flatnonzero(np.isin(order, paper.relevant[question]))[0]))
    return found


def score(head: Scorer | None, paper: Sheet, wordings: Wordings, drawn: Sequence[int]) -> Floats:
    """Scores of shape (wordings drawn, passages)."""
    vectors, lexical = wordings.vectors[list(drawn)], paper.lexical[list(drawn)]
    if head is None:
        return fusion(lexical, vectors @ paper.vectors.T)
    return head.scores(vectors, paper.vectors, paper.surface, lexical)


class Table:
    """Collects ranks of first hits by row and prints the shares within 10 and 20."""

    def __init__(self, wordings: Wordings) -> None:
        self.wordings = wordings
        self.hits: dict[tuple[str, bool], list[int]] = defaultdict(list)

    def add(self, name: str, head: Scorer, sheets: Sequence[Sheet], questions: Sequence[str]) -> None:
        for set_name, start in (("codebook", "c"), ("general", "d")):
            these = [question for question in questions if question.startswith(start)]
            for wording, used in (("own", self.wordings.own), ("source", self.wordings.source)):
                if set_name == "general" and wording == "own":
                    continue
                for model in (head, None):
                    hits = first_hits(model, sheets, self.wordings, used, these)
                    self.hits[f"{name}: {set_name}, {wording} wording", model is None].extend(hits)

    def print(self) -> None:
        for (row, plain), hits in self.hits.items():
            if hits and not plain:
                both = [np.array(self.hits[row, kind]) for kind in (False, True)]
                shares = " | ".join(f"{np.mean(ranks < 10):.3f} {np.mean(ranks < 20):.3f}" for ranks in both)
                print(f"{row} (n = {len(hits)}): head, fusion | {shares}")


def fold_of(data: Path, questions: Sequence[str]) -> dict[str, int]:
    """The fold of each question: as in folds.json, the general ones dealt out."""
    folds = json.loads((data / "folds.json").read_text(encoding="utf-8"))
    found = {name: number for number, names in enumerate(folds.values()) for name in names}
    others = [question for question in questions if question not in found]
    return found | {
        others[place]: i % FOLDS for i, place in enumerate(np.random.default_rng(SEED).permutation(len(others)))
    }


def validate(sheets: Sequence[Sheet], wordings: Wordings, folds: dict[str, int]) -> None:
    """Print what a head reaches on papers and questions that it did not learn from."""
    questions = sorted(folds)
    own, general = ([name for name in questions if name.startswith(start)] for start in "cd")
    part = np.random.default_rng(SEED).permutation(len(sheets)) % FOLDS
    table = Table(wordings)
    for held in range(FOLDS):
        test = [paper for paper, fold in zip(sheets, part, strict=True) if fold == held]
        rest = [paper for paper, fold in zip(sheets, part, strict=True) if fold != held]
        table.add("papers left out", train(rest, wordings, questions), test, questions)
        for fold in range(FOLDS):
            known, new = ([name for name in questions if (folds[name] == fold) is left] for left in (False, True))
            table.add("papers and questions left out", train(rest, wordings, known), test, new)
        table.add("learned from the codebook alone", train(rest, wordings, own), test, general)
        table.add("learned from the general questions alone", train(rest, wordings, general), test, own)
    table.print()


def on_whole_papers(
    data: Path, sheets: Sequence[Sheet], wordings: Wordings, folds: dict[str, int], head: Scorer
) -> None:
    """Print the evidence recall on the gold's papers: all questions known, each question's fold left out, fusion."""
    encoder = Encoder(threads=2)
    papers = {name: sheet(name, texts, wordings, encoder, {}) for name, texts in whole_papers(data / "papers").items()}
    cells = [cell for cell in gold_cells(data / "gold" / "text_gold.jsonl") if cell.paper in papers]
    left_out = [train(sheets, wordings, [name for name in folds if folds[name] != fold]) for fold in range(FOLDS)]
    for wording, used in (("own", wordings.own), ("source", wordings.source)):
        for name, models in (("known", [head] * FOLDS), ("left out", left_out), ("fusion", [None] * FOLDS)):
            found = []
            for cell in cells:
                paper = papers[cell.paper]
                scores = score(models[folds[cell.question]], paper, wordings, [used[cell.question]])[0]
                ranked = [paper.texts[number] for number in np.argsort(-scores, kind="stable")]
                found.append([cell.holds(ranked, budget) for budget in (3000, 6000)])
            shares = " ".join(f"{share:.3f}" for share in np.mean(found, axis=0))
            print(f"whole papers, {wording} wording, {name} (n = {len(cells)}): in 3,000 and 6,000 characters {shares}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the scorer's head and measure it.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the labelled passages")
    parser.add_argument("--out", type=Path, required=True, help="where the weights go (.npz)")
    parser.add_argument("--quick", action="store_true", help="train and write, measure nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    begun = time.perf_counter()
    encoder = Encoder(threads=2)
    wordings = read_wordings(arguments.data, encoder)
    sheets = read_sheets(arguments.data, wordings, encoder)
    folds = fold_of(arguments.data, sorted(wordings.source))
    head = train(sheets, wordings, folds)
    head.save(arguments.out)
    digest = hashlib.sha256(arguments.out.read_bytes()).hexdigest()
    print(f"{arguments.out.name}: {arguments.out.stat().st_size:,} bytes, SHA-256 {digest}")
    print(f"trained in {time.perf_counter() - begun:.0f} seconds")
    if not arguments.quick:
        on_whole_papers(arguments.data, sheets, wordings, folds, head)
        validate(sheets, wordings, folds)
        print(f"done in {time.perf_counter() - begun:.0f} seconds")


if __name__ == "__main__":
    main()
