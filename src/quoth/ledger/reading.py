"""Rows out of the ledger's tables, each function within a transaction that its caller holds.

Findings come paper by paper in blocks, so that a ledger of any size is read in little memory, in an order that does
not depend on when they were made: paper, question, reader, round, then age.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TypeVar

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, case, exists, func, select, true

from quoth.ledger.records import (
    TAKEN_BACK,
    NewFinding,
    Present,
    Run,
    StoredFinding,
    StoredPaper,
    StoredReader,
)
from quoth.ledger.schema import (
    documents,
    files,
    findings,
    papers,
    questions,
    quotes,
    readers,
    reviews,
    run_ends,
    runs,
    texts,
)
from quoth.vocabulary import (
    About,
    Box,
    Failure,
    File,
    Finding,
    Hidden,
    Key,
    Located,
    Paper,
    Picture,
    Quote,
    Review,
    Role,
    Source,
    Span,
    Verdict,
    VoteColumns,
)

T = TypeVar("T")

_READ_TOGETHER = 100
_FEW = 100

ASKED_TOGETHER = 10_000
"""How many values go into one statement: databases allow some tens of thousands."""

_later = findings.alias("later")
# Revisions count without gaps, so the newest is the one that has no successor.
_is_newest = ~exists().where(
    _later.c.text_id == findings.c.text_id,
    _later.c.question_id == findings.c.question_id,
    _later.c.reader_id == findings.c.reader_id,
    _later.c.round == findings.c.round,
    _later.c.revision == findings.c.revision + 1,
)
STANDS = _is_newest & (findings.c.error.is_(None) | (findings.c.error != TAKEN_BACK))


@dataclass(frozen=True, slots=True)
class Names:
    """Which versions the row ids of texts, questions and readers stand for; texts in the order of their papers."""

    texts: dict[int, tuple[str, str]]
    questions: dict[int, tuple[str, str]]
    readers: dict[int, tuple[str, str]]


def all_names(connection: Connection, papers_: Collection[str] | None = None) -> Names:
    """Every version in the ledger; where a few papers are named, of texts only theirs."""
    return Names(
        texts=_names(connection, texts, "paper", papers_),
        questions=_names(connection, questions, "question"),
        readers=_names(connection, readers, "reader"),
    )


def present_names(connection: Connection, present: Present) -> Names:
    """The versions in the ledger that are present in the study."""
    names = all_names(connection, {name for name, _ in present.papers})
    return Names(
        texts={id_: version for id_, version in names.texts.items() if version in present.papers},
        questions={id_: version for id_, version in names.questions.items() if version in present.questions},
        readers={id_: version for id_, version in names.readers.items() if version in present.readers},
    )


def newest_findings(connection: Connection, names: Names) -> Iterator[StoredFinding]:
    """The newest revision of every key whose versions are all among `names`, but for codes that were taken back."""
    chosen = STANDS & among(names)
    return _findings(connection, names, chosen)


def every_finding(connection: Connection, names: Names) -> Iterator[StoredFinding]:
    """All revisions of all keys."""
    return _findings(connection, names, among(names))


def newest_votes(connection: Connection, names: Names) -> Iterator[VoteColumns]:
    """The newest revision of every key whose versions are all among `names`, as votes, in blocks."""
    located = and_(quotes.c.finding_id == findings.c.id, quotes.c.located != Located.MISSING.value)
    best = select(func.max(quotes.c.score)).where(located).scalar_subquery()
    columns = select(
        findings.c.text_id,
        findings.c.question_id,
        findings.c.reader_id,
        findings.c.round,
        findings.c.verdict,
        case((findings.c.verdict == Verdict.REPORTED.value, best)),
        findings.c.value,
        findings.c.unit,
        findings.c.id,
    )
    seeing = _seeing(connection)
    named = [{id_: name for id_, (name, _) in part.items()} for part in (names.texts, names.questions, names.readers)]
    for block in blocks(names.texts, _READ_TOGETHER):
        chosen = findings.c.text_id.in_(block) & among(names) & STANDS
        # By columns and maps: millions of rows are no place for a loop in Python.
        if rows := connection.execute(columns.where(chosen)).all():
            text, question, reader, round_, verdict, evidence, value, unit, finding = zip(*rows, strict=True)
            paper, asked, who = (
                [*map(of.__getitem__, column)] for of, column in zip(named, (text, question, reader), strict=True)
            )
            blind = [one not in seeing for one in finding] if seeing else [True] * len(finding)
            yield VoteColumns(paper, asked, who, round_, verdict, evidence, value, unit, blind)


def new_findings(connection: Connection, names: Names, after: int, upto: int) -> Iterator[NewFinding]:
    """Findings numbered above `after` and up to `upto` among `names`, oldest first; codes taken back as `failed`."""
    columns = (findings.c.text_id, findings.c.question_id, findings.c.reader_id, findings.c.round, findings.c.verdict)
    new = (findings.c.id > after) & (findings.c.id <= upto) & among(names) & _is_newest
    seeing = _seeing(connection)
    statement = select(*columns, findings.c.score, findings.c.id).where(new).order_by(findings.c.id)
    for text, question, reader, round_, verdict, score, id_ in connection.execute(statement):
        if text in names.texts:
            named = (names.texts[text][0], names.questions[question][0], names.readers[reader][0])
            yield NewFinding(*named, round_, Verdict(verdict), score, id_ not in seeing)


def _seeing(connection: Connection) -> set[int]:
    """The findings of people who had seen what other readers said."""
    return set(connection.scalars(select(reviews.c.finding_id).where(reviews.c.blind.is_(False))))


def done_keys(connection: Connection, names: Names, again: Collection[Failure]) -> Iterator[Key]:
    """The keys whose newest finding stands: all but failures of the kinds that are to be asked again."""
    stands = findings.c.failure.is_(None) | findings.c.failure.not_in([failure.value for failure in again])
    columns = select(findings.c.text_id, findings.c.question_id, findings.c.reader_id, findings.c.round)
    for block in blocks(names.texts, ASKED_TOGETHER):
        chosen = findings.c.text_id.in_(block) & among(names) & _is_newest & stands
        for text_id, question_id, reader_id, round_ in connection.execute(columns.where(chosen)):
            yield _key(names, text_id, question_id, reader_id, round_)


def newest_rows(connection: Connection) -> tuple[int, int, int]:
    """The highest numbers of findings, of tries to read a paper, and of readers; 0 where there is none."""
    newest = (select(func.coalesce(func.max(t.c.id), 0)).scalar_subquery() for t in (findings, documents, readers))
    finding, document, reader = connection.execute(select(*newest)).one()
    return finding, document, reader


def current_papers(connection: Connection, among: Collection[str] | None = None) -> dict[str, tuple[int, StoredPaper]]:
    """The papers as they stand, by name in order, each with the id of its row; all of them, or those named."""
    if among is None:
        return _papers(connection, true())
    found: dict[str, tuple[int, StoredPaper]] = {}
    for block in blocks(sorted(among), ASKED_TOGETHER):
        found |= _papers(connection, _snapshots.c.name.in_(block))
    return found


def replaced_papers(connection: Connection) -> frozenset[str]:
    """The papers of which a file had other bytes under the same name before."""
    was, before = files.alias("was"), papers.alias("before")
    newest = select(func.max(_snapshots.c.id)).group_by(_snapshots.c.name)
    statement = (
        select(papers.c.name)
        .join(files, files.c.paper_id == papers.c.id)
        .join(before, (before.c.name == papers.c.name) & (before.c.id < papers.c.id))
        .join(was, (was.c.paper_id == before.c.id) & (was.c.name == files.c.name) & (was.c.digest != files.c.digest))
        .where(papers.c.id.in_(newest))
    )
    return frozenset(connection.scalars(statement))


def all_readers(connection: Connection) -> list[StoredReader]:
    """Every version of every reader, oldest first."""
    rows = connection.execute(select(readers).order_by(readers.c.id))
    return [StoredReader(row.reader, row.digest, row.type, row.manifest) for row in rows]


def all_runs(connection: Connection) -> list[Run]:
    """Every run, oldest first."""
    ends = (run_ends.c.at.label("finished"), run_ends.c.outcome, run_ends.c.decisions_digest, run_ends.c.counts)
    tables = runs.outerjoin(run_ends, run_ends.c.run_id == runs.c.id)
    statement = select(runs, *ends).select_from(tables).order_by(runs.c.id)
    return [
        Run(
            id=row.id,
            manifest=row.manifest,
            started=row.at,
            finished=row.finished,
            outcome=row.outcome,
            decisions_digest=row.decisions_digest,
            counts=row.counts or {},
        )
        for row in connection.execute(statement)
    ]


def blocks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """`items` in lists of at most `size`."""
    rest = iter(items)
    while block := list(islice(rest, size)):
        yield block


def _names(
    connection: Connection, table: Table, name: str, among: Collection[str] | None = None
) -> dict[int, tuple[str, str]]:
    statement = select(table.c.id, table.c[name], table.c.digest).order_by(table.c[name], table.c.id)
    if among is not None and len(among) <= _FEW:
        statement = statement.where(table.c[name].in_(among))
    return {row[0]: (row[1], row[2]) for row in connection.execute(statement)}


def among(names: Names) -> ColumnElement[bool]:
    """Findings by the readers and on the questions among `names`."""
    return and_(findings.c.question_id.in_(list(names.questions)), findings.c.reader_id.in_(list(names.readers)))


def _key(names: Names, text_id: int, question_id: int, reader_id: int, round_: int) -> Key:
    return Key(*names.texts[text_id], *names.questions[question_id], *names.readers[reader_id], round_)


def _findings(connection: Connection, names: Names, chosen: ColumnElement[bool]) -> Iterator[StoredFinding]:
    by_paper = groupby(names.texts, key=lambda text_id: names.texts[text_id][0])
    for block in blocks((list(text_ids) for _, text_ids in by_paper), _READ_TOGETHER):
        among = findings.c.text_id.in_([text_id for text_ids in block for text_id in text_ids])
        quoted = _quotes(connection, among & chosen)
        reviewed = _reviews(connection, among & chosen)
        rows = connection.execute(select(findings).where(among & chosen)).mappings()
        made = (_stored(names, row, quoted.get(row["id"], ()), reviewed.get(row["id"])) for row in rows)
        yield from sorted(made, key=_place)


def _place(stored: StoredFinding) -> tuple[str, str, str, int, int]:
    key = stored.key
    return key.paper, key.question, key.reader, key.round, stored.id


def _stored(names: Names, row: RowMapping, quoted: Sequence[Quote], review: Review | None) -> StoredFinding:
    key = _key(names, row["text_id"], row["question_id"], row["reader_id"], row["round"])
    finding = Finding(
        paper=key.paper,
        question=key.question,
        reader=key.reader,
        verdict=Verdict(row["verdict"]),
        value=row["value"],
        unit=row["unit"],
        answer=row["answer"],
        score=row["score"],
        quotes=tuple(quoted),
        seconds=row["seconds"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost_usd=row["cost_usd"],
        error=row["error"],
        failure=Failure(row["failure"]) if row["failure"] else None,
    )
    return StoredFinding(row["id"], key, finding, row["revision"], row["run_id"], row["at"], review)


def _quotes(connection: Connection, chosen: ColumnElement[bool]) -> dict[int, list[Quote]]:
    statement = (
        select(quotes)
        .join(findings, findings.c.id == quotes.c.finding_id)
        .where(chosen)
        .order_by(quotes.c.finding_id, quotes.c.position)
    )
    found: dict[int, list[Quote]] = defaultdict(list)
    for row in connection.execute(statement):
        spans = tuple(_span(**span) for span in row.spans)
        found[row.finding_id].append(Quote(row.said, row.text, Located(row.located), row.score, spans))
    return found


def _reviews(connection: Connection, chosen: ColumnElement[bool]) -> dict[int, Review]:
    joined = select(reviews).join(findings, findings.c.id == reviews.c.finding_id).where(chosen)
    rows = connection.execute(joined.order_by(reviews.c.id))
    return {row.finding_id: Review(row.blind, row.note) for row in rows}


def _span(file: str, page: int, start: int, end: int, boxes: list[list[float]], ocr: bool = False) -> Span:
    return Span(file, page, start, end, tuple(_box(*box) for box in boxes), ocr)


def _box(x0: float, y0: float, x1: float, y1: float) -> Box:
    return x0, y0, x1, y1


_snapshots = papers.alias("snapshots")
_tries = documents.alias("tries")


def _papers(connection: Connection, named: ColumnElement[bool]) -> dict[str, tuple[int, StoredPaper]]:
    chosen = papers.c.id.in_(select(func.max(_snapshots.c.id)).where(named).group_by(_snapshots.c.name))
    held: dict[int, list[File]] = defaultdict(list)
    of_papers = select(files).join(papers, papers.c.id == files.c.paper_id).where(chosen)
    for row in connection.execute(of_papers.order_by(files.c.paper_id, files.c.position)):
        held[row.paper_id].append(File(row.digest, row.name, row.size, Role(row.role)))
    last_try = select(func.max(_tries.c.id)).where(_tries.c.paper_id == papers.c.id).scalar_subquery()
    read = (
        documents.c.text_digest,
        documents.c.parser,
        documents.c.pages,
        documents.c.characters,
        documents.c.reason,
        documents.c.failure,
        documents.c.title.label("said_title"),
        documents.c.doi.label("said_doi"),
        documents.c.year.label("said_year"),
        documents.c.hidden,
        documents.c.pictures,
    )
    tables = papers.outerjoin(documents, documents.c.id == last_try)
    statement = select(papers, *read).select_from(tables).where(chosen).order_by(papers.c.name)
    return {
        row.name: (
            row.id,
            StoredPaper(
                paper=Paper(row.name, tuple(held[row.id]), row.doi, row.title, row.year),
                text_digest=row.text_digest,
                parser=row.parser,
                pages=row.pages,
                characters=row.characters,
                reason=row.reason,
                failure=Failure(row.failure) if row.failure else None,
                about=About(row.said_title, row.said_doi, row.said_year),
                hidden=tuple(Hidden(**part) for part in row.hidden or ()),
                pictures=tuple(Picture(p["file"], p["page"], Source(p["source"])) for p in row.pictures or ()),
            ),
        )
        for row in connection.execute(statement)
    }
