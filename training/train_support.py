"""Fit the support judge: python training/train_support.py DATA (the folder with audit/, answers.parquet and so on).

1. How telling terms and tokens are: inverse document frequencies over the windows of sampled contexts.
2. What kind a sentence is by its vector: 36,000 unlabelled sentences are labelled softly by a logistic regression over
   their words and their context (fitted on support_labels.csv alone, so that the figures below stay clean), and a ridge
   regression learns these labels from the sentence's vector.
3. The judgement: a multinomial logistic regression over all features, fitted on every labelled item, and on sentences
   planted in them: tied to a question that the context says nothing of, or set before another paper's context.

Prints figures on DATA/audit/dev.jsonl with whole papers left out, then writes src/quoth/models/support.npz. Seeds are
fixed. About six minutes on two cores.
"""

import argparse
import hashlib
import time
import zlib
from pathlib import Path

import numpy as np
from audit_items import KINDS, Item, dev_items, folds, own_items, people, planted, strayed, unlabelled
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import cohen_kappa_score, f1_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from tokenizers import Tokenizer

from quoth.grounding.cues import cues
from quoth.grounding.cut import sentences_of
from quoth.grounding.features import Weights, lexical, match, place
from quoth.grounding.source import Source
from quoth.grounding.support import Label, SupportJudge, SupportModel
from quoth.models import ENCODER_TOKENIZER, path_of
from quoth.models.encoder import Encoder
from quoth.models.logistic import Softmax

OUT = Path(__file__).parent.parent / "src/quoth/models/support.npz"
BUCKETS = 1 << 15
UNLABELLED = 7000
PLANTED, STRAYED = 40, 60
STRENGTH = 0.1  # inverse of the logistic regressions' regularisation
RIDGE = 3.0
REPEATS, FOLDS = 5, 8


def frequencies(contexts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Inverse document frequencies of term hashes and of the tokenizer's tokens, a window a document."""
    tokenizer = Tokenizer.from_file(str(path_of(ENCODER_TOKENIZER)))
    terms, tokens, windows = np.zeros(BUCKETS), np.zeros(tokenizer.get_vocab_size()), 0
    for context in contexts:
        source = Source(context)
        windows += len(source.windows)
        for keys, window in zip(source.keys, source.windows, strict=True):
            terms[list({zlib.crc32(key.encode()) % BUCKETS for key in keys})] += 1
            tokens[list(set(tokenizer.encode(window.text.encode("utf-8", "replace").decode()).ids))] += 1
    return tuple(np.log((windows + 1) / (held + 1)).astype(np.float16) for held in (terms, tokens))


def classifier() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=3000))


def fitted(tables: list[np.ndarray], items: list[Item]) -> Pipeline:
    rows, labels = np.vstack(tables), np.array([letter for item in items for letter in item.labels])
    return classifier().fit(rows[labels != "?"], labels[labels != "?"])


def plain(question: str, context: str, sentences: list[str], weights: Weights) -> np.ndarray:
    """The features that need no encoder."""
    source = Source(context)
    matched = match(source, sentences, weights)
    marks = cues(sentences)
    return np.column_stack([lexical(source, matched, question, marks), place(len(sentences)), marks])


def kinds(data: Path, own: list[Item], apart: set[str], weights: Weights, encoder: Encoder) -> np.ndarray:
    """What kind a sentence is by its vector: shape (dimensions + 1, classes)."""
    teacher = fitted([plain(item.question, item.context, item.sentences, weights) for item in own], own)
    texts: list[str] = []
    tables = []
    for row in unlabelled(data, apart, UNLABELLED).itertuples():
        sentences = sentences_of(row.answer)
        texts += sentences
        tables.append(plain(row.question, row.context, sentences, weights))
    distinct = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    vectors = encoder.encode(list(distinct))[[distinct[text] for text in texts]]
    student = Ridge(alpha=RIDGE).fit(vectors, teacher.predict_proba(np.vstack(tables)))
    return np.vstack([student.coef_.T, student.intercept_]).astype(np.float32)


def exported(pipeline: Pipeline) -> Softmax:
    scaler, model = pipeline[0], pipeline[1]
    return Softmax(scaler.mean_, scaler.scale_, model.coef_.T, model.intercept_)


def measure(items: list[Item], tables: list[np.ndarray]) -> None:
    """Kappa, F1 of unsupported, accuracy of faithful and calibration on the held-out items, papers left out."""
    figures = []
    for seed in range(REPEATS):
        fold = folds([item.paper for item in items], FOLDS, seed)
        chances: dict[int, np.ndarray] = {}
        for number in range(FOLDS):
            training = [i for i in range(len(items)) if fold[i] != number]
            model = fitted([tables[i] for i in training], [items[i] for i in training])
            chances |= {
                i: model.predict_proba(tables[i]) for i in range(len(items)) if fold[i] == number and items[i].held_out
            }
        figures.append(scored(items, chances))
    names = ("kappa", "F1 of unsupported", "faithful", "calibration error")
    for name, values in zip(names, np.array(figures).T, strict=True):
        print(f"{name}: {np.mean(values):.3f} (spread over {REPEATS} repeats {np.std(values):.3f})")


def scored(items: list[Item], chances: dict[int, np.ndarray]) -> tuple[float, float, float, float]:
    gold = "".join(items[i].labels for i in chances)
    rows = np.vstack(list(chances.values()))
    said = "".join(KINDS[k] for k in rows.argmax(axis=1))
    pairs = [(g, s) for g, s in zip(gold, said, strict=True) if g != "?"]
    truth, guess = ([pair[k] for pair in pairs] for k in (0, 1))
    faithful = [
        items[i].faithful == (KINDS.index("u") not in table.argmax(axis=1))
        for i, table in chances.items()
        if items[i].faithful is not None
    ]
    sure = rows.max(axis=1)[[g != "?" for g in gold]]
    right = np.array([g == s for g, s in pairs])
    bins = np.minimum((sure * 10).astype(int), 9)
    error = sum(abs(right[bins == b].sum() - sure[bins == b].sum()) for b in range(10)) / len(right)
    f1 = f1_score([g == "u" for g in truth], [s == "u" for s in guess])
    return cohen_kappa_score(truth, guess), f1, float(np.mean(faithful)), float(error)


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit the support judge and measure it.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--measure", action="store_true", help="print the figures and write nothing")
    arguments = parser.parse_args()
    assert [label.value[0] for label in Label] == list(KINDS)
    begun = time.perf_counter()
    encoder = Encoder(threads=2)
    own = own_items(arguments.data)
    labelled = [*dev_items(arguments.data), *own]
    items = [*labelled, *planted(arguments.data, labelled, PLANTED), *strayed(labelled, STRAYED)]
    apart = {item.paper for item in items} | set(people(arguments.data)["paper"])
    terms, tokens = frequencies(list(unlabelled(arguments.data, apart, UNLABELLED)["context"].drop_duplicates())[:3000])
    weights = Weights(terms.astype(np.float32))
    vectors = kinds(arguments.data, own, apart, weights, encoder)
    untrained = SupportModel(weights, tokens.astype(np.float32), vectors, Softmax(*(np.zeros(1),) * 4))
    judge = SupportJudge(encoder)
    tables = []
    for item in items:
        source = Source(item.context)
        matched = match(source, item.sentences, weights)
        tables.append(judge.features(item.question, source, item.sentences, matched, untrained))
    measure(items, tables)
    if not arguments.measure:
        model = exported(fitted(tables, items))
        np.savez_compressed(
            OUT,
            terms=terms,
            tokens=tokens,
            kinds=vectors,
            mean=model.mean,
            scale=model.scale,
            weights=model.weights,
            intercept=model.intercept,
        )
        print(f"{OUT.name}: {OUT.stat().st_size:,} bytes, SHA-256 {hashlib.sha256(OUT.read_bytes()).hexdigest()}")
    print(f"done in {time.perf_counter() - begun:.0f} seconds")


if __name__ == "__main__":
    main()
