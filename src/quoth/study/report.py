"""What the report of a study says, gathered from its ledger."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from quoth.errors import StudyError
from quoth.ledger import StoredPaper, StoredReader
from quoth.protocol import Protocol
from quoth.quorum import RULES
from quoth.reports.notes import notes, other_notes
from quoth.reports.page_data import Cell, Row
from quoth.reports.pictures import Pictures, draw
from quoth.reports.study_page import (
    Content,
    QuestionShare,
    ReaderSummary,
    Scorecard,
    scorecard_columns,
    wanted_places,
    write_study_page,
)
from quoth.study.judging import digest_of, standing_of
from quoth.study.reporting import codebook_of, state_of
from quoth.study.sampling import interval_of
from quoth.study.scorecard import scorecard
from quoth.vocabulary import Decision, Question, Verdict

if TYPE_CHECKING:
    from quoth.study.study import Study


class Pictured(StrEnum):
    """Whose quotes a report shows as pictures of the page."""

    NONE = "none"
    DECISIONS = "decisions"
    ALL = "all"


def write_report(study: "Study", out: Path, shown: Pictured) -> Pictures:
    """Write the report, and give the pictures that are in it.

    Raises:
        StudyError: the study has no finding yet, or the file cannot be written.
    """
    decisions = study.decide()
    if not decisions:
        raise StudyError(f"there is nothing to report: no finding yet (quoth run {study.folder})")
    papers = study.stored_papers()
    rows = _rows(study, decisions, papers)
    pictures = _pictures(study, rows, shown)
    write_study_page(_content(study, papers, decisions, rows, pictures), out)
    return pictures


def _rows(study: "Study", decisions: Sequence[Decision], papers: Sequence[StoredPaper]) -> list[Row]:
    """The cells of each paper: its decisions, with the standing finding of each reader."""
    decided = {(decision.paper, decision.question): decision for decision in decisions}
    rows: dict[str, dict[str, Cell]] = {stored.paper.name: {} for stored in papers}
    cells = groupby(study.current(), key=lambda stored: (stored.finding.paper, stored.finding.question))
    for (paper, question), group in cells:
        findings = list(group)
        standing = tuple(standing_of(findings))
        others = tuple(stored for stored in findings if stored not in standing and stored.review is None)
        rows[paper][question] = Cell(decided.get((paper, question)), standing, others)
    return list(rows.values())


def _pictures(study: "Study", rows: Sequence[Row], shown: Pictured) -> Pictures:
    tiers = wanted_places(rows, shown.value)
    if not tiers:
        return Pictures({})
    return draw(tiers, {digest: path for places in study.files().values() for digest, path in places.items()})


def _content(
    study: "Study",
    papers: Sequence[StoredPaper],
    decisions: Sequence[Decision],
    rows: Sequence[Row],
    pictures: Pictures,
) -> Content:
    protocol = study.protocol
    try:
        agreement, no_agreement = study.agreement(), ""
    except StudyError as error:
        agreement, no_agreement = None, str(error)
    readers = _readers(study, rows)
    replaced = study.ledger.replaced()
    return Content(
        title=protocol.title,
        codebook=codebook_of(protocol),
        protocol=protocol.digest,
        rule=RULES[protocol.quorum.rule].title,
        papers=papers,
        notes=notes(papers, replaced),
        other_notes=other_notes(papers, replaced),
        questions=protocol.questions,
        readers=readers,
        rows=rows,
        audits=study.ledger.audits(),
        shares=[_share(question, decisions) for question in protocol.questions],
        summaries=_summaries(protocol, readers, papers, rows),
        agreement=agreement,
        no_agreement=no_agreement,
        scorecard=_scorecard(study.protocol, decisions, papers),
        runs=study.ledger.runs(),
        decisions=digest_of(decisions),
        stale=study.ledger.stale(study.everything()),
        pictures=pictures,
    )


def _readers(study: "Study", rows: Sequence[Row]) -> list[StoredReader]:
    """Those that have a finding, in their newest version: those of the protocol first, then people and imports."""
    heard = {stored.finding.reader for row in rows for cell in row.values() for stored in cell.findings}
    order = {settings.name: place for place, settings in enumerate(study.protocol.readers)}
    known = {
        reader.name: reader
        for reader in study.ledger.readers()
        if reader.name in heard and "second_look" not in reader.manifest
    }
    return sorted(known.values(), key=lambda reader: (order.get(reader.name, len(order)), reader.type, reader.name))


def _share(question: Question, decisions: Sequence[Decision]) -> QuestionShare:
    counts = Counter(state_of(decision) for decision in decisions if decision.question == question.id)
    yes, no = counts["reported"], counts["not_reported"]
    low, high = interval_of(yes, yes + no) if yes + no else (0.0, 1.0)
    share = yes / (yes + no) if yes + no else None
    left_out = counts["excluded"] + counts["not_applicable"]
    return QuestionShare(question, yes, no, counts["undecided"], counts["failed"], left_out, share, low, high)


def _summaries(
    protocol: Protocol, readers: Sequence[StoredReader], papers: Sequence[StoredPaper], rows: Sequence[Row]
) -> list[ReaderSummary]:
    asked = {settings.name for settings in protocol.readers}
    cells = sum(bool(stored.paper.files) for stored in papers) * len(protocol.questions)
    verdicts: dict[str, Counter[Verdict]] = {reader.name: Counter() for reader in readers}
    took: dict[str, list[tuple[float | None, int | None, float | None]]] = {reader.name: [] for reader in readers}
    for cell in (cell for row in rows for cell in row.values()):
        for stored in cell.findings:
            verdicts[stored.finding.reader][stored.finding.verdict] += 1
    every = (stored for row in rows for cell in row.values() for stored in (*cell.findings, *cell.others))
    for found in (stored.finding for stored in every):
        tokens = [count for count in (found.input_tokens, found.output_tokens) if count is not None]
        took[found.reader].append((found.seconds, sum(tokens) if tokens else None, found.cost_usd))
    return [
        ReaderSummary(
            reader.name,
            reader.type,
            verdicts[reader.name],
            max(0, cells - verdicts[reader.name].total()) if reader.name in asked else 0,
            _sum([seconds for seconds, _, _ in took[reader.name]]),
            _whole(_sum([tokens for _, tokens, _ in took[reader.name]])),
            _sum([cost for _, _, cost in took[reader.name]]),
        )
        for reader in readers
    ]


def _sum(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) if there else None


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _scorecard(protocol: Protocol, decisions: Sequence[Decision], papers: Sequence[StoredPaper]) -> Scorecard | None:
    if not protocol.variables:
        return None
    columns = tuple(scorecard_columns(protocol.variables, protocol.levels))
    frame = scorecard(decisions, [stored.paper.name for stored in papers], protocol.variables, protocol.levels)
    names = [f"group: {name}" if kind == "group" else name for kind, name, _ in columns]
    return Scorecard(columns, [_states(row) for row in frame[names].to_dict("records")])


def _states(row: Mapping[object, object]) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in row.values()]  # type: ignore[call-overload]
