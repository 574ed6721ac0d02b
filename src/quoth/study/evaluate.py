"""A study's readers and rules against coded cells."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from quoth.errors import StudyError
from quoth.quorum import RULES, Terms, Votes, rule_on
from quoth.quorum.effect import Effect, change
from quoth.quorum.evaluation import (
    DRAWS,
    FAILED,
    MISSING,
    NO,
    UNDECIDED,
    YES,
    Calibration,
    Comparison,
    Figures,
    Gold,
    calibration,
    compare,
    figures,
)
from quoth.quorum.ruling import OUTCOMES, coded_by_people
from quoth.quorum.values import same
from quoth.quorum.votes import Whole
from quoth.study.gold import CodedCell
from quoth.vocabulary import Outcome, Question, Verdict

_SAID = np.array(
    [{Verdict.REPORTED: YES, Verdict.NOT_REPORTED: NO, Verdict.FAILED: FAILED}.get(v, UNDECIDED) for v in Verdict]
)
_DECIDED = np.array([{Outcome.REPORTED: YES, Outcome.NOT_REPORTED: NO}.get(outcome, UNDECIDED) for outcome in OUTCOMES])
_OFF = [OUTCOMES.index(Outcome.EXCLUDED), OUTCOMES.index(Outcome.NOT_APPLICABLE)]


@dataclass(frozen=True, slots=True)
class Unproven:
    """A reader most of whose 'reported' rest on no verified quote; numbers of findings in the whole study."""

    reader: str
    reported: int
    """Said 'reported', those that failed for want of a true quote among them."""
    unquoted: int
    """Voting without a verified quote, as imported labels do."""
    unverified: int
    """Failed because no quote stands in the paper and answers the question."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything against the gold; see `Figures`."""

    gold: str
    """The file's name, or 'people' for the codes of people in this study."""
    cells: int
    papers: int
    left_out: tuple[str, ...]
    """People who have no part in the decisions here: they made the gold."""
    not_counted: int
    """Gold cells that people exclude, or to which the question does not apply."""
    readers: tuple[Figures, ...]
    rules: tuple[Figures, ...]
    comparisons: tuple[Comparison, ...]
    unproven: tuple[Unproven, ...]
    second_look: Effect | None = None
    """What second looks changed; None where there was none."""


@dataclass(frozen=True, slots=True)
class Looks:
    """A study's second looks: all votes without them, theirs alone, and whose quotes were shown."""

    first: Votes
    second: Votes
    shown: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a study brings to an evaluation."""

    votes: Votes
    terms: Terms
    questions: Mapping[str, Question]
    scores: Mapping[tuple[str, str, str], float]
    """The scores of findings by paper, question and reader."""
    unverified: Mapping[str, int]
    looks: Looks | None = None


def gold_of_people(votes: Votes) -> list[CodedCell]:
    """What people settled or agree on.

    Raises:
        StudyError: there is nothing of the kind.
    """
    truth = zip(votes.cells(), coded_by_people(votes).tolist(), strict=True)
    cells = [CodedCell(*cell, bool(said)) for cell, said in truth if said >= 0]
    if not cells:
        raise StudyError("no cell is coded by people who agree: name a gold file, or import codes (quoth import)")
    return cells


def evaluate(
    evidence: Evidence,
    coded: Sequence[CodedCell],
    name: str,
    rules: Sequence[str] = tuple(RULES),
    *,
    draws: int = DRAWS,
) -> Evaluation:
    """Evaluate all readers, and some rules.

    The gold's own coders decide nothing here: those that it names, or all people where it names none.
    """
    votes = evidence.votes
    counted = _counted(evidence, coded)
    gold = Gold.of({(cell.paper, cell.question): cell.reported for cell in counted})
    left_out = _left_out(votes, coded)
    bench = _Bench(evidence, votes.without(left_out), gold, counted, draws)
    return Evaluation(
        name,
        len(gold.truth),
        len(gold.papers),
        tuple(sorted(left_out)),
        len(coded) - len(counted),
        bench.readers(),
        tuple(bench.rule(rule) for rule in rules),
        compare(gold, bench.said),
        unproven(votes, evidence.unverified),
        _effect(bench, evidence.looks, left_out, rules) if evidence.looks else None,
    )


def _effect(bench: "_Bench", looks: Looks, left_out: Collection[str], rules: Sequence[str]) -> Effect:
    """What second looks changed in readers and rules."""
    before, again = bench.with_votes(looks.first.without(left_out)), bench.with_votes(looks.second)
    by_any = np.full(len(bench.gold.truth), MISSING)
    for said in again.said.values():
        by_any = np.where((by_any == MISSING) | (said == FAILED), said, by_any)
    readers = (
        change(reader, bench.gold, before.said[reader], bench.said[reader], said) for reader, said in again.said.items()
    )
    ruled = (change(rule, bench.gold, before.decided(rule), bench.decided(rule), by_any) for rule in rules)
    return Effect(looks.shown, tuple(readers), tuple(ruled))


def _counted(evidence: Evidence, coded: Sequence[CodedCell]) -> list[CodedCell]:
    """The coded cells that people have not taken out."""
    off = np.isin(rule_on(evidence.votes, evidence.terms).outcome, _OFF)
    out = {cell for cell, is_off in zip(evidence.votes.cells(), off.tolist(), strict=True) if is_off}
    counted = [cell for cell in coded if (cell.paper, cell.question) not in out]
    if not counted:
        raise StudyError("people exclude every coded cell: there is nothing to compare with")
    return counted


def _left_out(votes: Votes, coded: Sequence[CodedCell]) -> set[str]:
    people = {reader for reader, person in zip(votes.readers, votes.people, strict=True) if person}
    coders = {cell.coder for cell in coded if cell.coder}
    return people & coders if coders else people


class _Bench:
    """The votes of those who are judged, beside the gold."""

    def __init__(self, evidence: Evidence, votes: Votes, gold: Gold, coded: Sequence[CodedCell], draws: int) -> None:
        self._evidence, self._votes, self.gold, self._draws = evidence, votes, gold, draws
        self._coded = coded
        self._values = {(cell.paper, cell.question): cell.value for cell in coded if cell.value is not None}
        places = {cell: place for place, cell in enumerate(votes.cells())}
        # The row of each gold cell among the votes, or -1.
        self._rows = np.array([places.get(cell, -1) for cell in gold.cells()], np.int64)
        self.said: dict[str, Whole] = {}
        for column, reader in enumerate(votes.readers):
            there = votes.said[:, column] >= 0
            self.said[reader] = self._at(np.where(there, _SAID[votes.said[:, column]], MISSING), MISSING)

    def with_votes(self, votes: Votes) -> "_Bench":
        """Other votes beside the same gold."""
        return _Bench(self._evidence, votes, self.gold, self._coded, self._draws)

    def _at(self, table: Whole, otherwise: int) -> Whole:
        """The entries of a table of all cells for the gold's cells."""
        padded = np.append(table, otherwise)
        found: Whole = padded[self._rows]
        return found

    def readers(self) -> tuple[Figures, ...]:
        """Everybody's figures."""
        return tuple(self._reader(column, reader) for column, reader in enumerate(self._votes.readers))

    def _reader(self, column: int, reader: str) -> Figures:
        said = self.said[reader]
        values, right = self._valued(column, said)
        found = figures(reader, self.gold, said, draws=self._draws)
        return replace(found, calibration=self._calibrated(reader, said), values=values, values_correct=right)

    def rule(self, name: str) -> Figures:
        """A rule's figures."""
        return figures(name, self.gold, self.decided(name), draws=self._draws)

    def decided(self, name: str) -> Whole:
        """What a rule makes of the gold's cells; one that learns learns from the gold's other papers."""
        truth = np.full(len(self._votes), -1)
        there = self._rows >= 0
        truth[self._rows[there]] = self.gold.truth[there]
        kinds = {id_: question.kind for id_, question in self._evidence.questions.items()}
        ruling = rule_on(self._votes, replace(self._evidence.terms, rule=name), kinds, truth)
        decided = _DECIDED[ruling.outcome]
        lost = (decided == UNDECIDED) & (ruling.failed > 0) & (ruling.reported + ruling.not_reported == 0)
        return self._at(np.where(lost, FAILED, decided), UNDECIDED)

    def _calibrated(self, reader: str, said: Whole) -> Calibration | None:
        scores = [self._evidence.scores.get((*cell, reader)) for cell in self.gold.cells()]
        used = [i for i, score in enumerate(scores) if score is not None and said[i] >= 0]
        given = np.array([scores[i] for i in used], float)
        return calibration(np.where(said[used] == YES, given, 1 - given), self.gold.truth[used])

    def _valued(self, column: int, said: Whole) -> tuple[int, int]:
        """Of the gold's values in cells rightly called reported: how many there are, and how many the reader gives."""
        n = right = 0
        for place, cell in enumerate(self.gold.cells()):
            if cell not in self._values or said[place] != YES or not self.gold.truth[place]:
                continue
            question, given = self._evidence.questions.get(cell[1]), self._votes.values[self._rows[place], column]
            kind, unit = (question.kind, question.unit) if question else (None, None)
            both = [(self._values[cell], unit), given] if given else []
            n += 1
            right += bool(both) and len(set(same(both, kind, unit, self._evidence.terms.tolerance))) == 1
        return n, right


def unproven(votes: Votes, unverified: Mapping[str, int]) -> tuple[Unproven, ...]:
    """Readers, but people, most of whose 'reported' rest on no verified quote."""
    bare = votes.unquoted().sum(0)
    reported = (votes.said == list(Verdict).index(Verdict.REPORTED)).sum(0)
    found = []
    for column, reader in enumerate(votes.readers):
        untrue = unverified.get(reader, 0)
        said = int(reported[column]) + untrue
        if not votes.people[column] and said and 2 * (int(bare[column]) + untrue) >= said:
            found.append(Unproven(reader, said, int(bare[column]), untrue))
    return tuple(found)
