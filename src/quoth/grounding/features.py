"""What the support judge looks at: how much of a sentence stands in its context, and what kind of sentence it is.

Shares are weighted by how telling a term is (its inverse document frequency in research papers, from a hashed table).
A sentence from a textbook shares the words of the question and of the field with any context, and nothing else:
therefore the terms that the question does not hold are counted apart, and so are those that the question holds and the
context does not (an answer that ties 'randomness' to what the context says of another matter).
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from quoth.grounding.cues import NAMES as CUES
from quoth.grounding.source import Source
from quoth.grounding.terms import Term, TermKind, terms
from quoth.grounding.vectors import Meaning

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Bools = NDArray[np.bool_]

LEXICAL = (
    "covered", "covered_best", "covered_two", "covered_new", "covered_new_best", "missing", "rarest_missing",
    "rarest_missing_new", "new", "question_share", "question_missing", "question_missing_best", "numbers",
    "numbers_missing", "names", "names_missing", "names_missing_best", "pairs", "longest_run", "terms", "length",
    "asked_unsaid", "tied", "covered_neighbours",
)  # fmt: skip
DENSE = ("nearest", "second", "at_best", "to_question", "nearest_less_question", "question_nearest")
TOKENS = (
    "near", "near_best", "near_new", "near_missing", "farthest", "farthest_three", "far_share", "distance",
    "near_plain", "same", "same_new",
)  # fmt: skip
PLACE = ("first", "last", "place", "sentences")
FEATURES = (*LEXICAL, *DENSE, *TOKENS, *PLACE, *CUES)
"""Names of the columns of `features`."""

SEARCHED = 6
"""Windows that are encoded at most: those that hold most of the answer's terms."""

_TIES = [LEXICAL.index(name) for name in ("asked_unsaid", "tied")]
_CLAIMS_NOTHING = [CUES.index(name) for name in ("says_not", "abstains", "lead_in", "while_not")]
_FAR = 0.5  # similarity of two tokens below which they mean different things
_TELLING = 2.5  # inverse document frequency from which on a token says something


@dataclass(frozen=True, slots=True)
class Matched:
    """A sentence's terms against a context: `weights` (terms,), `held` (terms, windows)."""

    terms: tuple[Term, ...]
    weights: Floats
    held: NDArray[np.bool_]

    @property
    def by_window(self) -> Floats:
        """The share of the sentence's terms that each window holds, shape (windows,)."""
        if not self.terms:
            return np.zeros(self.held.shape[1])
        share: Floats = self.weights @ self.held / self.weights.sum()
        return share


class Weights:
    """How telling a term is: inverse document frequencies by the hash of its key, shape (buckets,)."""

    def __init__(self, table: Floats32) -> None:
        self._table = table

    def of(self, key: str) -> float:
        """From about 0.3 for a word of every text to about 8 for one that none of the texts counted held."""
        return float(self._table[zlib.crc32(key.encode()) % len(self._table)])


def match(source: Source, sentences: Sequence[str], weights: Weights) -> list[Matched]:
    """Each sentence's terms and the windows that hold them."""
    held: dict[tuple[str, str], NDArray[np.bool_]] = {}
    matched = []
    for sentence in sentences:
        found = tuple(terms(sentence))
        for term in found:
            if (term.key, term.plain) not in held:
                held[term.key, term.plain] = source.held(term)
        rows = [held[term.key, term.plain] for term in found]
        table = np.array(rows, np.bool_).reshape(len(found), len(source.windows))
        _expand_acronyms(sentence, found, table)
        matched.append(Matched(found, np.array([weights.of(term.key) for term in found], np.float64), table))
    return matched


def _expand_acronyms(sentence: str, found: Sequence[Term], held: NDArray[np.bool_]) -> None:
    """'Random Forest (RF)': where one form stands the other is held too."""
    for number, term in enumerate(found):
        size = len(term.plain)
        before = found[max(0, number - size) : number]
        initials = "".join(one.plain[0] for one in before)
        bracketed = term.kind is TermKind.NAME and sentence[term.start - 1] == "("
        if bracketed and 2 <= size <= 6 and initials == term.plain:
            held[number - size : number + 1] |= held[number] | held[number - size : number].all(axis=0)


def lexical(source: Source, matched: Sequence[Matched], question: str, marks: Floats) -> Floats:
    """The columns LEXICAL, shape (sentences, len(LEXICAL)); `marks` are the columns CUES of the same sentences."""
    asked = frozenset(term.key for term in terms(question))
    rows = [_lexical_row(source, one, asked) for one in matched]
    table = np.array(rows, np.float64).reshape(len(rows), len(LEXICAL) - 1)
    # What says that something is missing, and what only leads to something, ties nothing to the question.
    table[:, _TIES] *= ~(marks[:, _CLAIMS_NOTHING] > 0).any(axis=1, keepdims=True)
    return np.column_stack([table, _beside(table[:, 0])])


def _beside(values: Floats) -> Floats:
    """The mean of each value's neighbours; its own where it has none."""
    if len(values) < 2:
        return values
    padded = np.concatenate([values[1:2], values, values[-2:-1]])
    beside: Floats = (padded[:-2] + padded[2:]) / 2
    return beside


def _lexical_row(source: Source, one: Matched, asked: frozenset[str]) -> list[float]:
    count = len(one.terms)
    if not count:
        return [1.0] * 5 + [0.0] * (len(LEXICAL) - 6)
    weights, held = one.weights, one.held
    anywhere: Bools = np.asarray(held.any(axis=1))
    best = int(one.by_window.argmax()) if held.shape[1] else 0
    at_best: Bools = np.asarray(held[:, best] if held.shape[1] else anywhere)
    rest = (weights * ~at_best) @ held / weights.sum() if held.shape[1] else np.zeros(1)
    in_question = np.array([term.key in asked for term in one.terms])
    numbers = np.array([term.kind is TermKind.NUMBER for term in one.terms])
    names = np.array([term.kind is TermKind.NAME for term in one.terms])
    new = ~in_question

    def share(of: Bools, among: Bools) -> float:
        return float(weights[of & among].sum() / weights[among].sum()) if among.any() else 1.0

    missing = weights * ~anywhere
    keys = [term.key for term in one.terms]
    following = [pair in source.pairs for pair in pairwise(keys)]
    return [
        share(anywhere, np.ones(count, np.bool_)),
        float(one.by_window.max(initial=0.0)),
        float(one.by_window.max(initial=0.0) + rest.max(initial=0.0)),
        share(anywhere, new),
        share(at_best, new),
        float(missing.sum()) / 10,
        float(missing.max()),
        float((missing * new).max()),
        float(new.sum()) / 10,
        share(in_question, np.ones(count, np.bool_)),
        float((missing * in_question).sum()) / 5,
        float((weights * in_question * ~at_best).sum()) / 5,
        float(numbers.sum()),
        float((numbers & ~anywhere).sum()),
        float(names.sum()),
        float((names & ~anywhere).sum()),
        float((names & ~at_best).sum()),
        float(np.mean(following)) if following else 0.0,
        float(_longest(following)),
        float(np.log1p(count)),
        float(weights.sum()) / 50,
        *_tied(source, one, in_question, share(anywhere, new) if new.any() else 0.0),
    ]


def _tied(source: Source, one: Matched, in_question: NDArray[np.bool_], covered_new: float) -> tuple[float, float]:
    """How much the sentence says in the question's own words that the context never uses, and ties to what it does say.

    Word for word, not by stems: 'random search' in the context is no 'randomness'.
    """
    unsaid = [asked and not source.says(term.plain) for term, asked in zip(one.terms, in_question, strict=True)]
    weight = float(one.weights[np.array(unsaid)].sum()) / 5
    return weight, weight * covered_new


def _longest(following: Sequence[bool]) -> int:
    """The longest run of pairs that the context holds too."""
    longest = run = 0
    for one in following:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return longest


def searched(matched: Sequence[Matched], limit: int = SEARCHED) -> list[int]:
    """The numbers of the windows worth encoding: each next one adds most to what the sentences have covered so far."""
    shares = np.array([one.by_window for one in matched]).reshape(len(matched), -1)
    chosen: list[int] = []
    covered = np.zeros(len(matched))
    for _ in range(min(limit, shares.shape[1])):
        gains = np.maximum(shares - covered[:, None], 0).sum(axis=0)
        best = int(gains.argmax())
        if gains[best] <= 0:
            break
        chosen.append(best)
        covered = np.maximum(covered, shares[:, best])
    return sorted(chosen) or list(range(min(1, shares.shape[1])))


def dense(
    sentences: Sequence[Meaning], question: Meaning, windows: Sequence[Meaning], at_best: Sequence[int]
) -> Floats:
    """The columns DENSE, shape (sentences, len(DENSE)).

    Args:
        sentences: of the answer.
        question: what was asked.
        windows: those of the context that were encoded, at least one.
        at_best: for each sentence the place in `windows` of the one that holds most of its terms.
    """
    own = np.stack([one.vector for one in sentences])
    others = np.stack([one.vector for one in windows])
    near = own @ others.T
    ordered = np.sort(np.column_stack([np.zeros(len(own)), near]), axis=1)
    asked = own @ question.vector
    top, second = ordered[:, -1], ordered[:, -2]
    columns = [top, second, near[np.arange(len(own)), list(at_best)], asked, top - asked]
    return np.column_stack([*columns, np.full(len(own), (others @ question.vector).max())]).astype(np.float64)


def tokens(sentences: Sequence[Meaning], question: Meaning, windows: Sequence[Meaning], telling: Floats32) -> Floats:
    """The columns TOKENS: how near each token of a sentence has its nearest in the context, shape (sentences, 11).

    The greedy matching of BERTScore's recall (Zhang et al. 2020, arXiv:1904.09675), each token weighted by `telling`,
    the inverse document frequencies by the tokenizer's numbers; tokens of every text weigh nothing.
    """
    known = np.unique(np.concatenate([one.ids for one in windows]))
    rows = []
    for one in sentences:
        near = np.stack([(one.tokens @ other.tokens.T).max(axis=1, initial=0.0) for other in windows], axis=1)
        weights = telling[one.ids]
        rows.append(
            _token_row(
                near, np.where(weights < _TELLING, 0, weights), np.isin(one.ids, known), np.isin(one.ids, question.ids)
            )
        )
    return np.array(rows, np.float64).reshape(len(rows), len(TOKENS))


def _token_row(near: Floats32, weights: Floats32, same: NDArray[np.bool_], asked: NDArray[np.bool_]) -> list[float]:
    if not weights.sum():
        return [0.9] * 6 + [0.0, 0.0, 0.9, 1.0, 1.0]
    anywhere = near.max(axis=1)
    every = np.ones(len(weights), np.bool_)
    ordered = np.sort(anywhere[weights > 0])

    def mean(values: Floats32, among: NDArray[np.bool_]) -> float:
        total = weights[among].sum()
        return float((values * weights)[among].sum() / total) if total else 0.9

    return [
        mean(anywhere, every),
        float((weights @ near).max() / weights.sum()),
        mean(anywhere, ~asked),
        mean(anywhere, ~same),
        float(ordered[0]),
        float(ordered[:3].mean()),
        mean((anywhere < _FAR).astype(np.float32), every),
        float(((1 - anywhere) * weights).sum()) / 10,
        float(anywhere.mean()),
        mean(same.astype(np.float32), every),
        mean(same.astype(np.float32), ~asked),
    ]


def place(count: int) -> Floats:
    """The columns PLACE: where each sentence stands in its answer."""
    number = np.arange(count, dtype=np.float64)
    return np.column_stack(
        [number == 0, number == count - 1, number / max(count - 1, 1), np.full(count, np.log1p(count))]
    )
