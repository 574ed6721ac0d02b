"""Counting what is in the ledger's tables, each function within a transaction that its caller holds."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, distinct, func, select, true

from quoth.ledger.reading import ASKED_TOGETHER, STANDS, Names, all_names, among, blocks
from quoth.ledger.records import Made, Tally
from quoth.ledger.schema import findings, texts
from quoth.vocabulary import Failure, Verdict


def tallies(connection: Connection, names: Names) -> list[Tally]:
    """The newest findings among `names`, counted by reader, verdict and failure."""
    sums: _Sums = defaultdict(list)
    for block in blocks(names.texts, ASKED_TOGETHER):
        _count(connection, names, findings.c.text_id.in_(block) & among(names) & STANDS, sums)
    return _tallied(sums)


def made(connection: Connection, run: int) -> Made:
    """What a run has put in so far."""
    failed = func.count().filter(findings.c.verdict == Verdict.FAILED.value)
    counted = select(func.count(distinct(texts.c.paper)), func.count(), failed)
    joined = counted.select_from(findings.join(texts, texts.c.id == findings.c.text_id))
    return Made(*connection.execute(joined.where(findings.c.run_id == run)).one())


def unverified(connection: Connection, names: Names) -> dict[str, int]:
    """By reader, how many of the newest findings among `names` failed because no quote of theirs proved true."""
    counts: dict[str, int] = defaultdict(int)
    counted = select(findings.c.reader_id, func.count()).group_by(findings.c.reader_id)
    untrue = findings.c.error.startswith("unverified")
    for block in blocks(names.texts, ASKED_TOGETHER):
        chosen = findings.c.text_id.in_(block) & among(names) & STANDS & untrue
        for reader_id, count in connection.execute(counted.where(chosen)):
            counts[names.readers[reader_id][0]] += count
    return dict(counts)


def spent(connection: Connection) -> list[Tally]:
    """All findings that were ever made, superseded and stale ones too, counted by reader, verdict and failure."""
    sums: _Sums = defaultdict(list)
    _count(connection, all_names(connection), true(), sums)
    return _tallied(sums)


def keys_among(connection: Connection, names: Names) -> int:
    """The number of keys whose versions are all among `names`: every key has one first revision."""
    first = select(func.count()).select_from(findings).where(findings.c.revision == 1)
    return sum(
        connection.scalar(first.where(findings.c.text_id.in_(block) & among(names))) or 0
        for block in blocks(names.texts, ASKED_TOGETHER)
    )


def keys(connection: Connection) -> int:
    """The number of keys in the ledger."""
    return connection.scalar(select(func.count()).select_from(findings).where(findings.c.revision == 1)) or 0


_Sums = dict[tuple[str, str, str | None], list[tuple[float | None, ...]]]


def _count(connection: Connection, names: Names, chosen: ColumnElement[bool], sums: _Sums) -> None:
    by = (findings.c.reader_id, findings.c.verdict, findings.c.failure)
    counted = select(
        *by,
        func.count(),
        func.sum(findings.c.seconds),
        func.sum(findings.c.input_tokens),
        func.sum(findings.c.output_tokens),
        func.sum(findings.c.cost_usd),
    ).group_by(*by)
    for reader_id, verdict, failure, *figures in connection.execute(counted.where(chosen)):
        sums[names.readers[reader_id][0], verdict, failure].append(tuple(figures))


def _tallied(sums: _Sums) -> list[Tally]:
    found = []
    for (reader, verdict, failure), parts in sums.items():
        count, seconds, input_tokens, output_tokens, cost = (_sum(column) for column in zip(*parts, strict=True))
        found.append(
            Tally(
                reader=reader,
                verdict=Verdict(verdict),
                failure=Failure(failure) if failure else None,
                findings=int(count or 0),
                seconds=seconds,
                input_tokens=None if input_tokens is None else int(input_tokens),
                output_tokens=None if output_tokens is None else int(output_tokens),
                cost_usd=cost,
            )
        )
    return sorted(found, key=lambda tally: (tally.reader, tally.verdict, tally.failure or ""))


def _sum(column: Iterable[float | None]) -> float | None:
    recorded = [value for value in column if value is not None]
    return sum(recorded) if recorded else None
