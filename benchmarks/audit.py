"""Figures of the support judge and the answer judge as shipped: python benchmarks/audit.py DATA.

DATA holds audit/dev.jsonl, and human_decisions.csv with answers.parquet. The judges as shipped were fitted on these
items; training/train_support.py and training/train_answers.py print the figures with papers left out (--measure).
"""

import json
import statistics
import sys
import time
from pathlib import Path

import pandas as pd
from scoring import figures
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score

from quoth.grounding.answers import AnswerJudge
from quoth.grounding.support import Label, SupportJudge
from quoth.models.encoder import Encoder
from quoth.vocabulary import Verdict


def say(what: str, figure: str) -> None:
    print(f"| {what} | {figure} |", flush=True)


def audited(path: Path) -> None:
    """Labels, flags and time of each item; every item with a new encoder, so that nothing is remembered."""
    items = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    labels, answered, faithful, verdicts, seconds = [], [], [], [], []
    for item in items:
        encoder = Encoder(threads=2)
        support, answers = SupportJudge(encoder), AnswerJudge(encoder)
        began = time.perf_counter()
        judged = support.judge(item["question"], item["context"], item["sentences"])
        reading = answers.read(item["question"], "\n".join(item["sentences"]))
        verdict = answers.verdict(item["question"], judged, reading)
        seconds.append(time.perf_counter() - began)
        said = [str(one.label) for one in judged]
        labels += [(gold, label) for gold, label in zip(item["labels"], said, strict=True) if gold]
        answered.append((item["answered"], reading.answered))
        faithful.append((item["faithful"], Label.UNSUPPORTED not in said))
        verdicts.append((bool(item["answered"] and item["answerable"]), verdict is Verdict.REPORTED))
    gold, label = zip(*labels, strict=True)
    say(f"sentences ({len(gold)}): kappa", f"{cohen_kappa_score(gold, label):.3f}")
    f1 = f1_score([one == "unsupported" for one in gold], [one == "unsupported" for one in label])
    say("F1 of unsupported", f"{f1:.3f}")
    for name, pairs in (("answered", answered), ("faithful", faithful)):
        known = [(bool(truth), guess) for truth, guess in pairs if truth is not None]
        say(f"accuracy of {name} ({len(known)} items)", f"{accuracy_score(*zip(*known, strict=True)):.3f}")
    say("verdict against 'answered, and its context does answer'", figures(verdicts))
    ninth = sorted(seconds)[int(0.9 * len(seconds))]
    say(
        "one answer with its context, two threads, warm: median / nine of ten under",
        f"{1000 * statistics.median(seconds[1:]):.0f} / {1000 * ninth:.0f} ms",
    )
    long = [time_ for item, time_ in zip(items, seconds, strict=True) if len(item["sentences"]) >= 10]
    say(f"the same, answers of ten sentences and more ({len(long)})", f"{1000 * statistics.median(long):.0f} ms")


def against_people(data: Path) -> None:
    questions = pd.read_csv(data / "questions.csv").set_index("question")["text"]
    frame = pd.read_csv(data / "human_decisions.csv", dtype={"paper": str})
    frame = frame.merge(pd.read_parquet(data / "answers.parquet"), on=["model", "paper", "question"])
    frame = frame.dropna(subset=["answer"]).assign(question=frame["question"].map(questions))
    judge = AnswerJudge(Encoder(threads=2))
    pairs = [(row.decision == "yes", judge.read(row.question, row.answer).reported) for row in frame.itertuples()]
    say(f"verdict from an answer's text against people ({len(pairs)})", figures(pairs))
    call = [(row.decision == "yes", row.label == "yes") for row in frame.itertuples()]
    say("the published model call on the same answers", figures(call))


def main() -> None:
    data = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("none")
    if not (data / "audit/dev.jsonl").is_file():
        print("no audit/dev.jsonl there: nothing to measure")
        return
    print("| the judges as shipped, which have seen these items | measured |\n| --- | --- |")
    audited(data / "audit/dev.jsonl")
    against_people(data)


if __name__ == "__main__":
    main()
