"""Train the scorer: which passage answers which question, over frozen vectors.

    python training/train_scorer.py --data ../shared/data --out src/quoth/models/scorer.npz

Learns from `passage_labels.jsonl` (28 questions x 112 papers), `passage_labels_general.jsonl` (40 questions x 56
papers), `labels/` beside this script (60 questions x 60 of these papers, 140 questions with passages written for the
purpose, and papers invented for it; see its README), all labelled by a language model, and from the demo papers. In
every step a question appears in another of its wordings (its own, the source's, those of `rewordings.toml`; the w and x
questions have one), so that the scorer learns to read it. The loss has two parts: cross-entropy between the softmax
over a paper's passages and the labelled ones (Cao et al. 2007, ListNet), which ranks, and binary cross-entropy of each
pair, which makes a score mean the same from paper to paper and question to question. The scorer's two heads learn
apart, the one of the passages and the one of their sentences, of which the best has to answer. A member of a head's
ensemble is a sum of products of its inputs, so the mean of their weights is one head.

Prints the evidence recall on the whole papers of the gold, plain fusion beside it: with all questions known, with each
question's fold left out, and with all 28 of the codebook left out; on the general questions of `labels/` too, a quarter
of them or all left out; on the demo papers by scorers that did not learn from them. Seeds are fixed and a rerun writes
the same bytes; twelve minutes to train, forty with all measures, on two cores.
"""

import argparse
import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from corpus import (
    FOLDS,
    KINDS,
    SEED,
    Cell,
    Numbers,
    Sheet,
    Shelf,
    Wordings,
    coded_cells,
    fold_of,
    holds,
    part_of,
    read_wordings,
    sheet,
    squeezed,
    training_papers,
    whole_papers,
)
from torch.nn import functional

from quoth.models.encoder import DIMENSIONS, Encoder
from quoth.models.scorer import CUES, Floats, Head, Scorer, fusion
from quoth.readers.base import ReadPaper

RANK = 64
"""Of each member's matrix."""
MEMBERS, FEWER = 6, 2
"""Of a head that ships, and of one that only shows what leaving something out does."""
EPOCHS = 8
RATE = 2e-3
DROPPED = 0.2
"""Share of a question vector's numbers set to zero in a step."""
FULL = {"c": 8, "d": 6, "s": 6, "v": 6}
"""How many passages the labels hold at most for a question: a list this long says nothing of the other passages."""
PAIRS, WRITTEN = 0.3, 0.12
"""Weights in the loss: of the pairs beside the ranking, and of the written questions beside the papers."""
PASSES = 2
"""How often a paper with complete labels is met in an epoch: such labels are few, and tell what is not reported."""
OWN = 0.4
"""Share of the steps in which a question of quoth keeps its own wording."""
DOUBT = 0.7
"""Weight of a passage that is not listed where others are: near-copies of a listed one may be unlisted."""
START = {"passages": (0, 0.6, 0, 0, 0.8, 0, 1.0, 0.5, 0, 1.2, 0), "sentences": (6.0, 2.0, 1.0)}
"""Weights of what is matched before training: fusion with a little of each similarity."""
BIAS = {"passages": -6.0, "sentences": -8.0}
BUDGETS = (3000, 6000)
NEIGHBOUR = 0.2
"""As in `retrieval.search`."""

Questions = Iterable[str]
Choice = Callable[[Cell], Scorer | None]


class Member(torch.nn.Module):
    """One member of a head's ensemble: the formula of `models.scorer`, with M as a product of two thin matrices."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.weights = torch.nn.Parameter(torch.tensor(START[kind]))
        self.left = torch.nn.Parameter(torch.randn(RANK, DIMENSIONS) * 0.05)
        self.right = torch.nn.Parameter(self.left.detach().clone())
        self.scale = torch.nn.Parameter(torch.tensor(10.0))
        self.gate, self.passage = torch.nn.Linear(DIMENSIONS, CUES), torch.nn.Linear(DIMENSIONS, 1)
        for part in (self.gate.weight, self.gate.bias, self.passage.weight):
            torch.nn.init.zeros_(part)
        torch.nn.init.constant_(self.passage.bias, BIAS[kind])

    def forward(
        self, questions: torch.Tensor, texts: torch.Tensor, surface: torch.Tensor, matched: torch.Tensor
    ) -> torch.Tensor:
        """Scores of shape (questions, texts)."""
        kept = functional.dropout(questions, DROPPED, self.training)
        read = self.scale * (kept @ self.left.T) @ (texts @ self.right.T).T
        return matched @ self.weights + read + self.gate(kept) @ surface.T + self.passage(texts).T

    def arrays(self) -> list[Floats]:
        """Weights, matrix, gate and passage, as `Head` has them."""
        matrix = self.scale * self.left.T @ self.right
        gate = torch.cat([self.gate.weight, self.gate.bias[:, None]], dim=1)
        passage = torch.cat([self.passage.weight[0], self.passage.bias])
        return [part.detach().numpy() for part in (self.weights, matrix, gate, passage)]


def train(papers: Sequence[Sheet], wordings: Wordings, questions: Questions, members: int = MEMBERS) -> Scorer:
    """A scorer that learned from these papers, with these questions and the written ones."""
    choices = {question: wordings.of(question) for question in sorted(questions)}
    return Scorer(*(head(kind, papers, choices, wordings.own, members) for kind in KINDS))


def head(kind: str, papers: Sequence[Sheet], choices: dict[str, list[int]], own: dict[str, int], members: int) -> Head:
    """One of the two heads, trained by itself: together they learn less from the same papers."""
    surface = np.concatenate([paper.surface[kind] for paper in papers])
    centre, spread = surface.mean(axis=0), surface.std(axis=0) + np.float32(1e-3)
    trained = [member(kind, papers, choices, own, centre, spread, SEED + number).arrays() for number in range(members)]
    parts = [np.mean(parts, axis=0, dtype=np.float32) for parts in zip(*trained, strict=True)]
    return Head(*parts, centre, spread)


def member(
    kind: str,
    papers: Sequence[Sheet],
    choices: dict[str, list[int]],
    own: dict[str, int],
    centre: Floats,
    spread: Floats,
    seed: int,
) -> Member:
    """Train one member: a step is a paper with all the questions asked of it, each in a wording drawn anew."""
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    model = Member(kind)
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=1e-2)
    often = np.repeat(np.arange(len(papers)), [passes(paper) for paper in papers])
    steps = [number for _ in range(EPOCHS) for number in chance.permutation(often)]
    for done, number in enumerate(steps):
        paper = papers[number]
        asked = [question for question in paper.relevant if question in choices or question == paper.name]
        if not asked:
            continue
        drawn = [
            own[name] if name in own and chance.random() < OWN else int(chance.choice(choices.get(name, [0])))
            for name in asked
        ]
        texts = paper.beside(kind, drawn)
        inputs = (paper.asked[drawn], texts.vectors, (texts.surface - centre) / spread, texts.matched)
        scores = model(*map(torch.from_numpy, inputs))
        if kind == "sentences":
            scores = best_of(scores, paper.starts)
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, done / 30) * (1 - done / len(steps)) + 1e-6
        optimiser.zero_grad()
        loss(scores, paper, asked).backward()
        optimiser.step()
    return model


def best_of(scores: torch.Tensor, starts: Numbers) -> torch.Tensor:
    """The best sentence's score of each passage: the labels say which passages answer, not which of their sentences
    (multiple-instance learning: Andrews, Tsochantaridis and Hofmann 2002, 'Support vector machines for
    multiple-instance learning', NIPS)."""
    owners = np.repeat(np.arange(len(starts)), np.diff([*starts, scores.shape[1]]))
    whose = torch.from_numpy(owners)[None].expand(len(scores), -1)
    lowest = torch.full((len(scores), len(starts)), -torch.inf)
    return lowest.scatter_reduce(1, whose, scores, "amax")


def passes(paper: Sheet) -> int:
    """How often a paper is met in an epoch."""
    return PASSES if paper.complete and not written(paper) else 1


def written(paper: Sheet) -> bool:
    """Whether it is a written question with its passages, and not a paper."""
    return paper.name in paper.relevant


def loss(scores: torch.Tensor, paper: Sheet, asked: Sequence[str]) -> torch.Tensor:
    """How far the scores are from the labels: as a ranking, and pair by pair."""
    labels, weights = torch.zeros_like(scores), torch.ones_like(scores)
    for row, question in enumerate(asked):
        listed = paper.relevant[question]
        if not paper.complete and len(listed) >= FULL[question[0]]:
            weights[row] = 0.0
        elif not paper.complete and listed and question[0] != "c":
            weights[row] = DOUBT
        labels[row, listed] = weights[row, listed] = 1.0
    pairs = functional.binary_cross_entropy_with_logits(scores, labels, weights, reduction="sum") / len(asked)
    found = labels.sum(dim=1) > 0
    target = labels[found] / labels[found].sum(dim=1, keepdim=True)
    ranking = -(functional.log_softmax(scores[found], dim=1) * target).sum() / max(1, int(found.sum()))
    return (WRITTEN if written(paper) else 1.0) * (PAIRS * pairs + ranking)


def order(scorer: Scorer | None, paper: Sheet, wording: int) -> list[int]:
    """Passage numbers, best first, as `retrieval.search` ranks them; by plain fusion without a scorer."""
    if scorer is None:
        similar = paper.compared([wording])
        scores = fusion(similar.lexical, similar.cosine)[0]
    else:
        alone = paper.scores(scorer, wording)
        padded = np.concatenate([alone[:1], alone, alone[-1:]])
        scores = alone + NEIGHBOUR * np.maximum(padded[:-2], padded[2:])
    return np.argsort(-scores, kind="stable").tolist()


def recall(cells: Sequence[Cell], papers: dict[str, Sheet], chosen: Choice, used: dict[str, int]) -> str:
    """The share of reported cells whose evidence stands in the first 3,000 and 6,000 characters."""
    hits = []
    for cell in cells:
        paper = papers[cell.paper]
        ranked = [paper.texts[n] for n in order(chosen(cell), paper, used[cell.question.id])]
        hits.append([any(holds(shown(ranked, budget), quote) for quote in cell.quotes) for budget in BUDGETS])
    return f"n {len(hits)}, " + " / ".join(f"{share:.3f}" for share in np.mean(hits, axis=0))


def shown(ranked: Iterable[str], characters: int) -> str:
    """The first so many characters of these passages, squeezed."""
    texts = []
    for text in ranked:
        texts.append(text[:characters])
        characters -= len(text)
        if characters <= 0:
            break
    return squeezed("\n".join(texts))


def without(papers: Sequence[Sheet], parts: dict[str, int], part: int) -> list[Sheet]:
    """The papers to learn from, but for those of one part (see `corpus.part_of`)."""
    return [paper for paper in papers if parts.get(paper.name) != part]


def measure(
    data: Path,
    whole: dict[str, ReadPaper],
    cells: Sequence[Cell],
    papers: Sequence[Sheet],
    wordings: Wordings,
    scorer: Scorer,
    shelf: Shelf,
) -> None:
    """Print the evidence recall on whole papers, by scorers that did not learn from them."""
    reported = [cell for cell in cells if cell.reported]
    sheets = {
        name: sheet(name, paper.index.passages, wordings.texts, wordings.encoded, shelf)
        for name, paper in whole.items()
    }
    parts, every = part_of(whole), set(wordings.ids)
    own, others = fold_of(data), {cell.question.id for cell in cells if cell.question.id[0] in "sv"}
    folds = fold_of(data, others)

    def lacking(questions: Iterable[str], learned: Sequence[Sheet] = papers) -> Scorer:
        return train(learned, wordings, every - set(questions), FEWER)

    left, quarters = (
        [lacking(name for name in names if folds[name] == fold) for fold in range(FOLDS)] for names in (own, others)
    )
    new = lacking(own)
    rest = [without(papers, parts, part) for part in (0, 1)]
    known = [lacking((), half) for half in rest]
    unknown = [lacking(others, half) for half in rest]
    general: dict[str, Choice] = {
        "a quarter of sb and v left out": lambda cell: quarters[folds[cell.question.id]],
        "sb and v left out": lambda cell: unknown[parts[cell.paper]],
    }
    strangers: dict[str, Choice] = {"paper left out": lambda cell: known[parts[cell.paper]]}
    models: dict[str, dict[str, Choice]] = {
        "gold cq": {
            "known": lambda _: scorer,
            "question's fold left out": lambda cell: left[folds[cell.question.id]],
            "all 28 left out": lambda _: new,
        },
        **{group: {"known": lambda _: scorer} | general for group in ("gold sb", "gold v")},
        "demo cq": strangers,
        **{group: strangers | {"sb and v left out": general["sb and v left out"]} for group in ("demo sb", "demo v")},
    }
    for group, choices in models.items():
        these = [cell for cell in reported if cell.group == group]
        for name, choice in [*choices.items(), ("plain fusion", lambda _: None)]:
            print(f"{group}, {name}: {recall(these, sheets, choice, wordings.own)}")
        if group == "gold cq":
            for name, choice in [*choices.items(), ("plain fusion", lambda _: None)]:
                print(f"{group} in the source's wording, {name}: {recall(these, sheets, choice, wordings.source)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the scorer and measure it.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the labelled passages")
    parser.add_argument("--out", type=Path, required=True, help="where the weights go (.npz)")
    parser.add_argument("--quick", action="store_true", help="train and write, measure nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    begun = time.perf_counter()
    encoder = Encoder(threads=2)
    wordings = read_wordings(arguments.data, encoder)
    whole = whole_papers(arguments.data, encoder)
    cells = coded_cells(arguments.data, whole)
    shelf = Shelf(encoder)
    papers = training_papers(arguments.data, whole, cells, wordings, shelf)
    print(f"read in {time.perf_counter() - begun:.0f} seconds")
    scorer = train(papers, wordings, set(wordings.ids))
    scorer.save(arguments.out)
    digest = hashlib.sha256(arguments.out.read_bytes()).hexdigest()
    print(f"{arguments.out.name}: {arguments.out.stat().st_size:,} bytes, SHA-256 {digest}")
    print(f"trained in {time.perf_counter() - begun:.0f} seconds")
    if not arguments.quick:
        measure(arguments.data, whole, cells, papers, wordings, scorer, shelf)
        print(f"done in {time.perf_counter() - begun:.0f} seconds")


if __name__ == "__main__":
    main()
