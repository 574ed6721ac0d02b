"""What goes into a publication from a study: the four figures, and the facts that the methods paragraph is made of."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from quoth.errors import StudyError
from quoth.papers import PARSER_VERSION
from quoth.protocol import Protocol
from quoth.quorum import Votes, is_unquoted
from quoth.quorum.votes import ABSENT, FAILED
from quoth.readers.embedded import QUOTE_THRESHOLD
from quoth.reports.methods import Facts, ReaderFacts, SecondLookFacts
from quoth.study.evaluate import unproven
from quoth.study.sampling import interval_of
from quoth.vocabulary import Decision, Outcome, Question

if TYPE_CHECKING:
    from quoth.quorum.agreement import Agreement
    from quoth.reports.figures import Share
    from quoth.study.judging import Judging

T = TypeVar("T")


def write_figures(study: "Judging", folder: Path, gold: Path | str | None) -> tuple[list[Path], list[str]]:
    """Write matrix, shares, agreement and calibration; the files, and why a figure was left out.

    Raises:
        StudyError: the study has no decision, or the gold cannot be used.
    """
    # matplotlib takes longer to import than all the rest, and only figures need it.
    from quoth.reports import figures

    decisions = study.decide()
    if not decisions:
        raise StudyError(f"there is nothing to draw: no finding yet (quoth run {study.folder})")
    questions = study.questions()
    labels = {id_: question.label for id_, question in questions.items()}
    papers = [stored.paper.name for stored in study.stored_papers()]
    states = {(decision.paper, decision.question): state_of(decision) for decision in decisions}
    written = figures.write_figure(figures.matrix(states, papers, labels), folder / "matrix")
    written += figures.write_figure(figures.shares(shares_of(decisions, questions)), folder / "shares")
    left_out = []
    try:
        found = study.agreement(draws=0)
        written += figures.write_figure(figures.agreement(found.readers, *tables_of(found)), folder / "agreement")
    except StudyError as error:
        left_out.append(f"no figure of agreement: {error}")
    try:
        curves = {row.name: row.calibration for row in study.evaluate(gold, draws=0).readers if row.calibration}
        if curves:
            written += figures.write_figure(figures.calibration(curves), folder / "calibration")
        else:
            left_out.append("no figure of calibration: no reader has scores on coded cells")
    except StudyError as error:
        if gold is not None:
            raise
        left_out.append(f"no figure of calibration: {error}")
    return written, left_out


def facts_of(study: "Judging", gold: Path | str | None) -> Facts:
    """What the methods paragraph says of a study.

    Raises:
        StudyError: the study has no decision, or the gold cannot be used.
    """
    decisions = study.decide()
    if not decisions:
        raise StudyError(f"there is nothing to report: no finding yet (quoth run {study.folder})")
    stored, protocol, votes = study.stored_papers(), study.protocol, study.votes()
    states = Counter(state_of(decision) for decision in decisions)
    decided = (one for one in decisions if one.decision in (Outcome.REPORTED, Outcome.NOT_REPORTED))
    found = _unless_missing(lambda: study.agreement())
    evaluation = study.evaluate(gold, rule=protocol.quorum.rule) if gold else None
    evaluation = evaluation or _unless_missing(lambda: study.evaluate(rule=protocol.quorum.rule))
    return Facts(
        version=version("quoth"),
        parser=PARSER_VERSION,
        protocol=protocol.digest,
        codebook=codebook_of(protocol),
        questions=len(protocol.questions),
        papers=len(stored),
        unreadable=sum(one.reason is not None for one in stored),
        by_name=sum(not one.paper.files for one in stored),
        characters=protocol.retrieval.characters,
        readers=tuple(_readers(study, votes)),
        threshold=QUOTE_THRESHOLD,
        terms=study.terms(),
        cells=len(decisions) - states["excluded"] - states["not_applicable"],
        decided_by=dict(Counter(one.basis for one in decided)),
        undecided=states["undecided"],
        failed=states["failed"],
        not_counted=states["excluded"] + states["not_applicable"],
        unquoted=sum(is_unquoted(one) for one in decisions),
        agreement=found,
        gold=evaluation.gold if evaluation else None,
        gold_cells=evaluation.cells if evaluation else 0,
        gold_papers=evaluation.papers if evaluation else 0,
        left_out=evaluation.left_out if evaluation else (),
        validated=evaluation.rules[0] if evaluation else None,
        unproven=tuple(_unproven(study, votes)),
        second_looks=_second_looks(study, votes),
        equal_weights=study.rule_note() is not None,
    )


def _second_looks(study: "Judging", votes: Votes) -> SecondLookFacts | None:
    looks = study.looks()
    if looks is None:
        return None
    # Every second look is at a cell that the same reader has answered: both tables have the same rows and columns.
    taken, changed = int((looks.second.said != ABSENT).sum()), int((looks.first.said != votes.said).sum())
    return SecondLookFacts(len(looks.second), taken, int((looks.second.said == FAILED).sum()), changed, looks.shown)


def _unless_missing(make: Callable[[], T]) -> T | None:
    """What there is, or None where the study lacks what it needs."""
    try:
        return make()
    except StudyError:
        return None


def codebook_of(protocol: Protocol) -> str:
    """The codebook by name and version, and how many of the questions are the authors' own."""
    book = protocol.codebook
    if book is None:
        return "a codebook of the authors' own"
    ids = {question.id: question for question in book.questions}
    own = sum(ids.get(question.id) != question for question in protocol.questions)
    named = f"codebook '{book.name}'" + (f" version {book.version}" if book.version else "")
    return named + (f", {own} of the questions the authors' own" if own else "")


def _readers(study: "Judging", votes: Votes) -> Iterator[ReaderFacts]:
    """Those that have a vote, with the manifest of their newest version."""
    known = {reader.name: reader for reader in study.ledger.readers() if "second_look" not in reader.manifest}
    for column, name in enumerate(votes.readers):
        there = votes.said[:, column] >= 0
        blind, settles = (int((there & table[:, column]).sum()) for table in (votes.blind, votes.settles))
        yield ReaderFacts(name, known[name].type, known[name].manifest, int(there.sum()), blind, settles)


def _unproven(study: "Judging", votes: Votes) -> Iterator[str]:
    for one in unproven(votes, study.ledger.unverified(study.everything())):
        parts = [f"{one.unverified:,} for want of a true quotation counted as failed"] if one.unverified else []
        parts += [f"{one.unquoted:,} without any verified quotation"] if one.unquoted else []
        yield f"Of {one.reported:,} 'reported' of '{one.reader}', {' and '.join(parts)}."


def state_of(decision: Decision) -> str:
    """A decision, or 'failed' where every vote failed."""
    voted = decision.votes_reported or decision.votes_not_reported
    if decision.decision is Outcome.UNDECIDED and decision.votes_failed and not voted:
        return "failed"
    return decision.decision.value


def shares_of(decisions: Sequence[Decision], questions: Mapping[str, Question]) -> "list[Share]":
    """Each question's share of reported among its decided cells."""
    from quoth.reports.figures import Share

    rows = []
    for id_, question in questions.items():
        outcomes = [decision.decision for decision in decisions if decision.question == id_]
        yes, no = outcomes.count(Outcome.REPORTED), outcomes.count(Outcome.NOT_REPORTED)
        if n := yes + no:
            rows.append(Share(question.label, n, yes / n, *interval_of(yes, n)))
    return rows


def tables_of(found: "Agreement") -> "tuple[np.ndarray, np.ndarray]":
    """Cohen's kappa and the share of agreement of each pair, both ways, NaN where they have no cell in common."""
    places = {name: place for place, name in enumerate(found.readers)}
    kappa, percent = (np.full((len(places), len(places)), np.nan) for _ in range(2))
    for pair in found.overall.pairs:
        for a, b in ((places[pair.first], places[pair.second]), (places[pair.second], places[pair.first])):
            kappa[a, b] = np.nan if pair.kappa.value is None else pair.kappa.value
            percent[a, b] = np.nan if pair.percent.value is None else pair.percent.value
    return kappa, percent
