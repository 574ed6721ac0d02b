"""Rows into the ledger's tables, each function within a transaction that its caller holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Table, func, insert, select

from quoth.errors import LedgerError
from quoth.ledger.reading import ASKED_TOGETHER, blocks, current_papers
from quoth.ledger.records import Batch, Reply, StoredPaper
from quoth.ledger.schema import (
    audits,
    documents,
    files,
    findings,
    papers,
    questions,
    quotes,
    readers,
    replies,
    reviews,
    run_ends,
    runs,
    texts,
)
from quoth.vocabulary import Finding, Key, Paper, Question, Quote

Ids = dict[tuple[str, str], int]
Slot = tuple[int, int, int, int]


@dataclass(slots=True)
class Known:
    """Row ids of versions that are committed, so that they need not be looked up for every finding."""

    texts: Ids = field(default_factory=dict)
    questions: Ids = field(default_factory=dict)
    readers: Ids = field(default_factory=dict)


def add_papers(connection: Connection, given: Sequence[Paper], at: datetime) -> dict[str, int]:
    """A new row for each paper that is new or has changed; the current row's id of each, by name."""
    stored = current_papers(connection, {paper.name for paper in given})
    ids: dict[str, int] = {}
    for paper in given:
        if paper.name in stored and stored[paper.name][1].paper == paper:
            ids[paper.name] = stored[paper.name][0]
            continue
        row = {"name": paper.name, "doi": paper.doi, "title": paper.title, "year": paper.year, "at": at}
        ids[paper.name] = _insert(connection, papers, row)
        stored[paper.name] = (ids[paper.name], StoredPaper(paper))
        rows = [
            {
                "paper_id": ids[paper.name],
                "position": position,
                "name": file.name,
                "digest": file.digest,
                "size": file.size,
                "role": file.role.value,
            }
            for position, file in enumerate(paper.files, start=1)
        ]
        if rows:
            connection.execute(insert(files), rows)
    return ids


def add_document(connection: Connection, stored: StoredPaper, at: datetime) -> None:
    """What came of reading a paper, unless that is what its newest row says already."""
    paper_id = add_papers(connection, [stored.paper], at)[stored.paper.name]
    if current_papers(connection, {stored.paper.name})[stored.paper.name][1] == stored:
        return
    row = {
        "paper_id": paper_id,
        "text_digest": stored.text_digest,
        "parser": stored.parser,
        "pages": stored.pages,
        "characters": stored.characters,
        "reason": stored.reason,
        "failure": stored.failure.value if stored.failure else None,
        "at": at,
        **asdict(stored.about),
        "hidden": [asdict(part) for part in stored.hidden],
        "pictures": [asdict(part) for part in stored.pictures],
    }
    connection.execute(insert(documents), row)


def add_questions(connection: Connection, given: Iterable[tuple[Question, str]], at: datetime) -> None:
    """A row for each version of a question that has none."""
    stored = _ids(connection, questions, "question")
    for question, digest in given:
        if (question.id, digest) in stored:
            continue
        row = {
            "question": question.id,
            "digest": digest,
            "label": question.label,
            "text": question.text,
            "kind": question.kind.value,
            "guidance": question.guidance,
            "choices": list(question.choices),
            "unit": question.unit,
            "at": at,
        }
        stored[question.id, digest] = _insert(connection, questions, row)


def add_reader(
    connection: Connection, name: str, type_: str, digest: str, manifest: Mapping[str, object], at: datetime
) -> None:
    """A row for a version of a reader that has none."""
    if (name, digest) not in _ids(connection, readers, "reader"):
        row = {"reader": name, "digest": digest, "type": type_, "manifest": dict(manifest), "at": at}
        connection.execute(insert(readers), row)


def add_run(connection: Connection, manifest: Mapping[str, object], at: datetime) -> int:
    """The number of a run that begins."""
    return _insert(connection, runs, {"manifest": dict(manifest), "at": at})


def add_run_end(
    connection: Connection,
    run: int,
    outcome: str,
    decisions_digest: str | None,
    counts: Mapping[str, int],
    at: datetime,
) -> None:
    """How a run ended."""
    row = {"run_id": run, "outcome": outcome, "decisions_digest": decisions_digest, "counts": dict(counts), "at": at}
    connection.execute(insert(run_ends), row)


def add_replies(connection: Connection, run: int | None, rows: Sequence[tuple[Reply, datetime]], known: Known) -> None:
    """Replies, whole, and when each came."""
    connection.execute(insert(replies), [_reply_row(connection, run, reply, known, at) for reply, at in rows])


def _reply_row(connection: Connection, run: int | None, reply: Reply, known: Known, at: datetime) -> dict[str, object]:
    return {
        "run_id": run,
        "reader_id": _reader_id(connection, (reply.reader, reply.reader_digest), known),
        "request_digest": reply.request_digest,
        "shown_digest": reply.shown_digest,
        "text": reply.text,
        "served_model": reply.served_model,
        "parameters": dict(reply.parameters),
        "input_tokens": reply.input_tokens,
        "output_tokens": reply.output_tokens,
        "seconds": reply.seconds,
        "finish_reason": reply.finish_reason,
        "at": at,
    }


def add_audits(connection: Connection, rows: Sequence[Mapping[str, object]], at: datetime) -> None:
    """Audits, as their rows are printed."""
    columns = ("question", "answered", "verdict", "faithful", "sentences")
    connection.execute(
        insert(audits), [{"item": row["id"], **{name: row[name] for name in columns}, "at": at} for row in rows]
    )


def add_findings(
    connection: Connection, run: int | None, rows: Sequence[tuple[Key, Finding]], known: Known, at: datetime
) -> Ids:
    """Findings as next revisions of their keys, with their quotes; the ids of texts that are new with them."""
    return _add_findings(connection, run, rows, known, at)[0]


def add_batch(connection: Connection, batch: Batch, at: datetime) -> None:
    """Findings with all that they speak of, and how people came to them."""
    add_papers(connection, batch.papers, at)
    add_questions(connection, batch.questions, at)
    for reader in batch.readers:
        add_reader(connection, reader.name, reader.type, reader.digest, reader.manifest, at)
    # What this transaction adds is not known to others before it is committed.
    _, ids = _add_findings(connection, None, batch.findings, Known(), at)
    rows = [
        {"finding_id": id_, "coder": finding.reader, "blind": review.blind, "note": review.note, "at": at}
        for id_, (_, finding), review in zip(ids, batch.findings, batch.reviews, strict=True)
        if review is not None
    ]
    if rows:
        connection.execute(insert(reviews), rows)


def _add_findings(
    connection: Connection, run: int | None, rows: Sequence[tuple[Key, Finding]], known: Known, at: datetime
) -> tuple[Ids, Sequence[int]]:
    """The ids of new texts, and those of the findings in the order of the rows."""
    if not rows:
        return {}, []
    new_texts = _new_texts(connection, rows, known)
    slots = [_slot(connection, key, known, new_texts) for key, _ in rows]
    last = _last_revisions(connection, slots)
    values = []
    for slot, (_, finding) in zip(slots, rows, strict=True):
        last[slot] = last.get(slot, 0) + 1
        values.append(_finding_row(slot, last[slot], run, finding, at))
    # The ids come back in the order of the rows: quotes need them.
    statement = insert(findings).returning(findings.c.id, sort_by_parameter_order=True)
    ids = connection.scalars(statement, values).all()
    quoted = [
        _quote_row(id_, position, quote)
        for id_, (_, finding) in zip(ids, rows, strict=True)
        for position, quote in enumerate(finding.quotes, start=1)
    ]
    if quoted:
        connection.execute(insert(quotes), quoted)
    return new_texts, ids


def _new_texts(connection: Connection, rows: Iterable[tuple[Key, Finding]], known: Known) -> Ids:
    """Ids of the texts that are not known yet; a row is made for those that have none."""
    found: Ids = {}
    for paper, digest in dict.fromkeys((key.paper, key.text_digest) for key, _ in rows):
        if (paper, digest) in known.texts:
            continue
        id_ = connection.scalar(select(texts.c.id).where(texts.c.paper == paper, texts.c.digest == digest))
        found[paper, digest] = id_ or _insert(connection, texts, {"paper": paper, "digest": digest})
    return found


def _slot(connection: Connection, key: Key, known: Known, new_texts: Ids) -> Slot:
    text = (key.paper, key.text_digest)
    return (
        known.texts[text] if text in known.texts else new_texts[text],
        _question_id(connection, (key.question, key.question_digest), known),
        _reader_id(connection, (key.reader, key.reader_digest), known),
        key.round,
    )


def _question_id(connection: Connection, version: tuple[str, str], known: Known) -> int:
    if version not in known.questions:
        known.questions = _ids(connection, questions, "question")
    if version not in known.questions:
        raise LedgerError(f"question {version[0]} with digest {version[1]} is not recorded: call put_questions first")
    return known.questions[version]


def _reader_id(connection: Connection, version: tuple[str, str], known: Known) -> int:
    if version not in known.readers:
        known.readers = _ids(connection, readers, "reader")
    if version not in known.readers:
        raise LedgerError(f"reader {version[0]} with digest {version[1]} is not recorded: call put_reader first")
    return known.readers[version]


def _ids(connection: Connection, table: Table, name: str) -> Ids:
    return {(row[0], row[1]): row[2] for row in connection.execute(select(table.c[name], table.c.digest, table.c.id))}


def _last_revisions(connection: Connection, slots: Sequence[Slot]) -> dict[Slot, int]:
    columns = (findings.c.text_id, findings.c.question_id, findings.c.reader_id, findings.c.round)
    asked = findings.c.question_id.in_({slot[1] for slot in slots})
    newest = select(*columns, func.max(findings.c.revision)).where(asked).group_by(*columns)
    return {
        (text_id, question_id, reader_id, round_): revision
        for block in blocks({slot[0] for slot in slots}, ASKED_TOGETHER)
        for text_id, question_id, reader_id, round_, revision in connection.execute(
            newest.where(findings.c.text_id.in_(block))
        )
    }


def _finding_row(slot: Slot, revision: int, run: int | None, finding: Finding, at: datetime) -> dict[str, object]:
    return {
        "text_id": slot[0],
        "question_id": slot[1],
        "reader_id": slot[2],
        "round": slot[3],
        "revision": revision,
        "run_id": run,
        "verdict": finding.verdict.value,
        "value": finding.value,
        "unit": finding.unit,
        "answer": finding.answer,
        "score": finding.score,
        "seconds": finding.seconds,
        "input_tokens": finding.input_tokens,
        "output_tokens": finding.output_tokens,
        "cost_usd": finding.cost_usd,
        "error": finding.error,
        "failure": finding.failure.value if finding.failure else None,
        "at": at,
    }


def _quote_row(finding_id: int, position: int, quote: Quote) -> dict[str, object]:
    return {
        "finding_id": finding_id,
        "position": position,
        "said": quote.said,
        "text": quote.text,
        "located": quote.located.value,
        "score": quote.score,
        "spans": [
            {
                "file": span.file,
                "page": span.page,
                "start": span.start,
                "end": span.end,
                "boxes": span.boxes,
                **({"ocr": True} if span.ocr else {}),
            }
            for span in quote.spans
        ],
    }


def _insert(connection: Connection, table: Table, row: Mapping[str, object]) -> int:
    key = connection.execute(insert(table), dict(row)).inserted_primary_key
    if key is None:
        raise LedgerError(f"{table.name}: the database gave no number to a new row")
    return int(key[0])
