"""Reading what models replied: the last reply to a request, what all replies took, and how their answers fared."""

import math
from itertools import groupby

from sqlalchemy import Connection, select

from quoth.ledger.records import Asked, Reply
from quoth.ledger.schema import audits, readers, replies


def newest_reply(connection: Connection, request_digest: str) -> Reply | None:
    """The last reply to a request, or None."""
    statement = (
        select(replies, readers.c.reader, readers.c.digest)
        .select_from(replies.join(readers, readers.c.id == replies.c.reader_id))
        .where(replies.c.request_digest == request_digest)
        .order_by(replies.c.id.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    return Reply(
        reader=row.reader,
        reader_digest=row.digest,
        request_digest=row.request_digest,
        shown_digest=row.shown_digest,
        text=row.text,
        parameters=row.parameters,
        served_model=row.served_model,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        seconds=row.seconds,
        finish_reason=row.finish_reason,
    )


def has_replies(connection: Connection, reader: str) -> bool:
    """Whether a reader was ever replied to, in any of its versions."""
    of_reader = (
        select(replies.c.id).join(readers, readers.c.id == replies.c.reader_id).where(readers.c.reader == reader)
    )
    return connection.scalar(select(of_reader.exists())) or False


def asked(connection: Connection) -> list[Asked]:
    """What every reader's replies took, by reader."""
    columns = (readers.c.reader, replies.c.input_tokens, replies.c.output_tokens, replies.c.seconds, replies.c.at)
    statement = (
        select(*columns, replies.c.parameters)
        .select_from(replies.join(readers, readers.c.id == replies.c.reader_id))
        .order_by(readers.c.reader, replies.c.at.desc())
    )
    found = []
    for reader, rows in groupby(connection.execute(statement), key=lambda row: row.reader):
        counted, sent, answered, cached, seconds, busy = 0, 0, 0, 0, 0.0, 0.0
        since = math.inf
        for row in rows:
            counted, sent, answered = counted + 1, sent + (row.input_tokens or 0), answered + (row.output_tokens or 0)
            cached += int(row.parameters.get("cached_tokens") or 0)
            seconds, end = seconds + (row.seconds or 0.0), row.at.timestamp()
            began = end - (row.seconds or 0.0)
            # From the last end backwards, only what lies before the earliest beginning so far is new.
            busy, since = busy + max(0.0, min(end, since) - began), min(since, began)
        found.append(Asked(reader, counted, sent, answered, cached, seconds, busy))
    return found


def newest_audits(connection: Connection) -> dict[str, list[tuple[str, str]]]:
    """The sentences of each audited answer with their labels, by item; of an item audited twice, the later."""
    rows = connection.execute(select(audits.c.item, audits.c.sentences).order_by(audits.c.id))
    return {row.item: [(one["text"], one["label"]) for one in row.sentences] for row in rows}
