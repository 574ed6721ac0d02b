"""Writes what comes from many requests at a time into the ledger: what comes together goes into one transaction.

A commit waits for the disk; a hundred replies a second cannot each have one of their own. Replies go before anything
else: until they are in the ledger they hold their places at the endpoint.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Generic, TypeVar

from quoth.grounding.audit import Audit
from quoth.ledger import Ledger, Reply
from quoth.vocabulary import Finding, Key

T = TypeVar("T")
Row = tuple[Key, Finding]
Written = asyncio.Future[None]


class _Tray(Generic[T]):
    """What waits for the same transaction, and who waits for it."""

    def __init__(self, put: Callable[[Sequence[T]], None]) -> None:
        self.items: list[T] = []
        self.waiting: list[Written] = []
        self.put = put

    def emptied(self) -> tuple[Callable[[], None], list[Written]]:
        """What writes all that lies here now, and who waits for that."""
        items, waiting = self.items, self.waiting
        self.items, self.waiting = [], []
        return lambda: self.put(items), waiting


class Scribe:
    """The only one who writes for a stage; each call returns when what it gave is on the disk."""

    def __init__(self, ledger: Ledger, run: int) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scribe")
        self._replies = _Tray[tuple[Reply, datetime]](lambda replies: ledger.put_replies(run, replies))
        self._audits = _Tray[Audit](lambda found: ledger.put_audits([audit.row() for audit in found], _now()))
        self._findings = _Tray[Row](lambda rows: ledger.put_findings(run, rows, _now()))
        self._trays = (self._replies, self._audits, self._findings)
        self._writing: asyncio.Task[None] | None = None

    async def reply(self, reply: Reply) -> None:
        """Write a reply."""
        await self._written(self._replies, [(reply, _now())])

    async def findings(self, rows: Sequence[Row]) -> None:
        """Write findings."""
        await self._written(self._findings, rows)

    async def audits(self, audits: Sequence[Audit]) -> None:
        """Write audits."""
        if audits:
            await self._written(self._audits, audits)

    def close(self) -> None:
        """Write what is left, such as replies that came while the stage was being stopped."""
        self._thread.shutdown()
        for tray in self._trays:
            if tray.items:
                write, _ = tray.emptied()
                write()

    def _written(self, tray: _Tray[T], items: Sequence[T]) -> Written:
        written: Written = asyncio.get_running_loop().create_future()
        tray.items += items
        tray.waiting.append(written)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return written

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while tray := next((tray for tray in self._trays if tray.waiting), None):
            write, waiting = tray.emptied()
            try:
                await loop.run_in_executor(self._thread, write)
            except Exception as error:
                for written in waiting:
                    if not written.done():
                        written.set_exception(error)
            else:
                for written in waiting:
                    if not written.done():
                        written.set_result(None)


def _now() -> datetime:
    return datetime.now(UTC)
