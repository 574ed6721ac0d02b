"""Figures of quoth's output against coded cells, beside the constant that knows the questions and no paper."""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sklearn.metrics import accuracy_score, cohen_kappa_score

Cell = tuple[str, str]


@dataclass
class Coded:
    """One coded cell: whether the paper reports it, and the quotes that prove it with their pages."""

    reported: bool
    quotes: list[tuple[str, int]] = field(default_factory=list)


def gold(path: Path) -> dict[Cell, Coded]:
    """Coded cells from JSON lines with paper, question, decision and quotes; borderline cells are left out."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {
        (row["paper"], row["question"]): Coded(
            row["decision"] == "yes", [(q["text"], q["page"]) for q in row["quotes"]]
        )
        for row in rows
        if row["decision"] in ("yes", "no")
    }


def demo_truth(path: Path, codebook: str) -> dict[Cell, Coded]:
    """The demo papers' truth for one codebook."""
    cells: dict[Cell, Coded] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["codebook"] == codebook:
                cell = cells.setdefault((row["paper"], row["question"]), Coded(row["decision"] == "yes"))
                if row["quote"]:
                    cell.quotes.append((row["quote"], int(row["page"])))
    return cells


def squeeze(text: str) -> str:
    """Letters and digits alone, in lower case."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


def holds(squeezed: str, quote: str) -> bool:
    """Whether at least 60 % of a quote's shingles of 12 letters stand in a squeezed text."""
    text = squeeze(quote)
    parts = [text[i : i + 12] for i in range(0, max(1, len(text) - 11), 4)]
    return bool(text) and sum(part in squeezed for part in parts) >= 0.6 * len(parts)


def evidence_recall(coded: Mapping[Cell, Coded], shown: Mapping[Cell, Sequence[str]], characters: int) -> float:
    """Share of the reported cells for which the first `characters` of the passages hold one of the proving quotes."""
    hits = total = 0
    for cell, code in coded.items():
        if code.reported:
            text = squeeze("\n".join(shown.get(cell, ()))[: characters + len(shown.get(cell, ()))])
            hits, total = hits + any(holds(text, quote) for quote, _ in code.quotes), total + 1
    return hits / total


def constant(coded: Mapping[Cell, Coded]) -> list[tuple[bool, bool]]:
    """Truth and guess, where each question is answered with the majority of the other papers (ties: reported)."""
    votes: dict[str, dict[str, bool]] = defaultdict(dict)
    for (paper, question), code in coded.items():
        votes[question][paper] = code.reported
    pairs = []
    for (paper, question), code in coded.items():
        others = [said for name, said in votes[question].items() if name != paper]
        pairs.append((code.reported, 2 * sum(others) >= len(others)))
    return pairs


def figures(pairs: Iterable[tuple[bool, bool]]) -> str:
    """Accuracy and kappa of truth and guess."""
    truth, guess = zip(*pairs, strict=True)
    return f"accuracy {accuracy_score(truth, guess):.3f}, kappa {cohen_kappa_score(truth, guess):.3f}"


def right_evidence(coded: Mapping[Cell, Coded], quotes: Mapping[Cell, Sequence[tuple[str, int]]]) -> float:
    """Of the cells rightly called reported, the share with a quote that overlaps a proving one within a page."""
    hits = total = 0
    for cell, said in quotes.items():
        if cell in coded and coded[cell].reported and said:
            total += 1
            hits += any(
                abs(page - true_page) <= 1 and (holds(squeeze(text), true) or holds(squeeze(true), text))
                for text, page in said
                for true, true_page in coded[cell].quotes
            )
    return hits / max(total, 1)
