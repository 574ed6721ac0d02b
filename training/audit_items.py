"""The labelled answers that the support judge and the answer judge learn from, and the answers without such labels.

Items: DATA/audit/dev.jsonl, and training/support_labels.csv, which labels 96 further answers of DATA/answers.parquet by
model, paper and question: one letter for each sentence as `sentences_of` cuts it (s supported, u unsupported, m meta,
? undecided), and whether it answers. Both were labelled by language models under DATA/audit/CODING.md; the second set
once, not twice.
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from quoth.grounding.cut import sentences_of
from quoth.grounding.source import Source
from quoth.grounding.terms import TermKind, stem, terms

LABELS = Path(__file__).parent / "support_labels.csv"
KINDS = "msu"
"""The letters of meta, supported and unsupported, in the order of the model's classes."""


@dataclass
class Item:
    """One answer with its context: a label in KINDS for each sentence, '?' where the readings differ."""

    paper: str
    question: str
    context: str
    sentences: list[str]
    labels: str
    answered: bool | None
    answerable: bool | None
    faithful: bool | None
    held_out: bool
    """Whether it counts in the figures: the labels that were read twice."""


def dev_items(data: Path) -> list[Item]:
    rows = [json.loads(line) for line in (data / "audit/dev.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        Item(
            str(row["paper"]),
            row["question"],
            row["context"],
            row["sentences"],
            "".join(label[0] if label else "?" for label in row["labels"]),
            row["answered"],
            row["answerable"],
            row["faithful"],
            held_out=True,
        )
        for row in rows
    ]


def own_items(data: Path) -> list[Item]:
    questions = pd.read_csv(data / "questions.csv").set_index("question")["text"]
    answers = pd.read_parquet(data / "answers.parquet").set_index(["model", "paper", "question"])["answer"]
    contexts = pd.read_parquet(data / "contexts.parquet").set_index(["paper", "question"])["context"]
    items = []
    with LABELS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cut = sentences_of(answers[row["model"], row["paper"], row["question"]])
            if len(cut) != len(row["labels"]):
                raise SystemExit(
                    f"{LABELS.name}: {row['paper']} {row['question']} is now cut into {len(cut)} sentences"
                )
            answered = {"yes": True, "no": False, "": None}[row["answered"]]
            context = contexts[row["paper"], row["question"]]
            question = questions[row["question"]]
            items.append(
                Item(row["paper"], question, context, cut, row["labels"], answered, None, None, held_out=False)
            )
    return items


def unlabelled(data: Path, apart: set[str], count: int) -> pd.DataFrame:
    """A sample of answers of other papers: paper, question (its text), context, answer."""
    questions = pd.read_csv(data / "questions.csv").set_index("question")["text"]
    answers = pd.read_parquet(data / "answers.parquet")
    contexts = pd.read_parquet(data / "contexts.parquet")[["paper", "question", "context"]]
    size = answers["answer"].str.len()
    chosen = answers[~answers["paper"].isin(apart) & (size > 40) & (size < 4000)].sample(count, random_state=1)
    joined = chosen.merge(contexts, on=["paper", "question"])
    return joined.assign(question=joined["question"].map(questions))


def people(data: Path) -> pd.DataFrame:
    """Answers with people's decision: paper, question (its text), answer, reported."""
    questions = pd.read_csv(data / "questions.csv").set_index("question")["text"]
    decisions = pd.read_csv(data / "human_decisions.csv", dtype={"paper": str})
    joined = decisions.merge(pd.read_parquet(data / "answers.parquet"), on=["model", "paper", "question"])
    joined = joined.dropna(subset=["answer"])
    return joined.assign(reported=joined["decision"] == "yes", question=joined["question"].map(questions))


def folds(papers: list[str], count: int, seed: int) -> np.ndarray:
    """The fold of each item: all items of a paper stand in one."""
    names = sorted(set(papers))
    np.random.default_rng(seed).shuffle(names)
    fold = {name: number % count for number, name in enumerate(names)}
    return np.array([fold[paper] for paper in papers])


TIES = {
    "cq03": "to annotate the data",
    "cq04": "as a way of augmenting the data",
    "cq14": "to optimize the hyperparameters",
    "cq16": "to determine when training is complete",
    "cq17": "as regularization that prevents overfitting",
    "cq18": "to monitor the performance during training",
    "cq23": "to ensure the generalizability of the model",
    "cq24": "to handle randomness in the pipeline",
    "cq26": "to address bias in the data",
    "cq27": "to deploy the trained model",
}
_SHAPES = (
    "{said}, which is a strategy {tie}.",
    "{said}, and this helps {tie}.",
    "Several strategies are employed {tie}: {said}.",
    "One technique used {tie} is this: {said}.",
)


def planted(data: Path, items: list[Item], count: int) -> list[Item]:
    """Supported sentences tied to a question that their context says nothing of: unsupported by construction.

    Each is a copy of its item, asked another question, in which only the planted sentence is labelled.
    """
    questions = pd.read_csv(data / "questions.csv").set_index("question")["text"]
    draw = np.random.default_rng(7)
    places = [
        (item, number)
        for item in items
        for number, letter in enumerate(item.labels)
        if letter == "s" and len(item.sentences[number]) > 60 and " not " not in item.sentences[number]
    ]
    made: list[Item] = []
    for index in draw.permutation(len(places)):
        item, number = places[index]
        asked = str(draw.choice(list(TIES)))
        told = {stem(word) for word in item.context.lower().split()}
        key = max(TIES[asked].split(), key=len)
        if stem(key) in told or len(made) == count:
            continue
        said = item.sentences[number].rstrip(". ")
        sentence = str(draw.choice(_SHAPES)).format(said=said, tie=TIES[asked])
        sentences = [*item.sentences[:number], sentence, *item.sentences[number + 1 :]]
        labels = "?" * number + "u" + "?" * (len(sentences) - number - 1)
        made.append(
            Item(item.paper, questions[asked], item.context, sentences, labels, None, None, None, held_out=False)
        )
    return made


def strayed(items: list[Item], count: int) -> list[Item]:
    """Supported sentences that name or number something, before the context of another paper, which does not hold it.

    Each is an answer of its own, unsupported by construction: the other context holds few of its words.
    """
    draw = np.random.default_rng(11)
    sentences = [
        (item, sentence)
        for item in items
        for sentence, letter in zip(item.sentences, item.labels, strict=True)
        if letter == "s" and sum(term.kind is not TermKind.WORD for term in terms(sentence)) > 1
    ]
    made: list[Item] = []
    for index in draw.permutation(len(sentences))[:count]:
        item, sentence = sentences[index]
        # The same question first: a context that speaks of the same matter is the harder one.
        others = [one for one in items if one.paper != item.paper and one.question == item.question]
        others = others or [one for one in items if one.paper != item.paper]
        context = others[int(draw.integers(len(others)))].context
        held = Source(context)
        found = list(terms(sentence))
        if np.mean([held.held(term).any() for term in found]) < 0.6:
            made.append(Item(item.paper, item.question, context, [sentence], "u", None, None, None, held_out=False))
            made.append(
                Item(item.paper, item.question, item.context, [sentence], "s", None, None, None, held_out=False)
            )
    return made
