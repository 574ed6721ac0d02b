"""Fit the answer judge: python training/train_answers.py DATA (the folder with human_decisions.csv, audit/ and so on).

`reported`: 2,068 answers about 15 publications, decided by people. `answered`: the support judge's labelled answers.
The sentence kinds among the features were learnt from DATA/answers.parquet (train_support.py, run that first). Prints
figures with whole publications left out, then writes src/quoth/models/answers.npz. About two minutes on two cores.
"""

import argparse
import hashlib
import time
from pathlib import Path

import numpy as np
from audit_items import dev_items, folds, own_items, people
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, cohen_kappa_score

from quoth.grounding.answers import READ, AnswerJudge, log_odds
from quoth.grounding.cut import sentences_of
from quoth.models.encoder import Encoder
from quoth.models.logistic import Logistic

OUT = Path(__file__).parent.parent / "src/quoth/models/answers.npz"
REPORTED, ANSWERED = 0.02, 0.03  # inverse of the regularisation
QUESTION = 6.0  # weight of the question's vector against standardised features
REPEATS, FOLDS = 5, 8


def fitted(rows: np.ndarray, labels: np.ndarray, strength: float, unscaled: int = 0) -> Logistic:
    """A logistic regression; the last `unscaled` columns are taken times QUESTION instead of standardised."""
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale == 0] = 1
    if unscaled:
        mean[-unscaled:], scale[-unscaled:] = 0, 1 / QUESTION
    model = LogisticRegression(C=strength, max_iter=3000).fit((rows - mean) / scale, labels)
    return Logistic(mean, scale, model.coef_[0], float(model.intercept_[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the answer judge and measure it.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--measure", action="store_true", help="print the figures and write nothing")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    judge = AnswerJudge(Encoder(threads=2))

    frame = people(arguments.data)
    frame = frame[frame["answer"].map(lambda answer: bool(sentences_of(answer)))]
    read = [judge.features(row.question, sentences_of(row.answer)[:READ]) for row in frame.itertuples()]
    rows, width = np.array([np.concatenate(pair) for pair in read]), len(read[0][1])
    labels, papers = frame["reported"].to_numpy(), frame["paper"].to_numpy()
    chances = np.zeros(len(labels))
    for paper in np.unique(papers):
        apart = papers == paper
        chances[apart] = fitted(rows[~apart], labels[~apart], REPORTED, width).probability(rows[apart])
    print(
        f"reported, publications left out: kappa {cohen_kappa_score(labels, chances >= 0.5):.3f}, "
        f"accuracy {accuracy_score(labels, chances >= 0.5):.3f} (n = {len(labels)})"
    )
    call = frame["label"].fillna("no") == "yes"
    print(f"the published model call on the same answers: kappa {cohen_kappa_score(labels, call):.3f}")
    reported = fitted(rows, labels, REPORTED, width)

    items = [item for item in (*dev_items(arguments.data), *own_items(arguments.data)) if item.answered is not None]
    table = []
    for item in items:
        features, asked = judge.features(item.question, item.sentences[:READ])
        odds = log_odds(float(reported.probability(np.concatenate([features, asked])[None])[0]))
        table.append(np.append(features, odds))
    known, said = np.array(table), np.array([bool(item.answered) for item in items])
    held_out = np.array([item.held_out for item in items])
    shares = []
    for seed in range(REPEATS):
        fold = folds([item.paper for item in items], FOLDS, seed)
        guess = np.zeros(len(items))
        for number in range(FOLDS):
            apart = fold == number
            guess[apart] = fitted(known[~apart], said[~apart], ANSWERED).probability(known[apart])
        shares.append(accuracy_score(said[held_out], guess[held_out] >= 0.5))
    print(f"answered, papers left out: {np.mean(shares):.3f} (spread {np.std(shares):.3f}, n = {held_out.sum()})")
    answered = fitted(known, said, ANSWERED)

    if not arguments.measure:
        arrays = {
            f"{name}_{part}": np.asarray(getattr(model, part))
            for name, model in (("reported", reported), ("answered", answered))
            for part in ("mean", "scale", "weights", "intercept")
        }
        np.savez_compressed(OUT, **arrays)
        print(f"{OUT.name}: {OUT.stat().st_size:,} bytes, SHA-256 {hashlib.sha256(OUT.read_bytes()).hexdigest()}")
    print(f"done in {time.perf_counter() - begun:.0f} seconds")


if __name__ == "__main__":
    main()
