"""Writes what comes from many requests at a time into the ledger: what comes together goes into one transaction.

A commit waits for the disk; a hundred replies a second cannot each have one of their own. Replies are written at once:
until they are in the ledger they hold their places at the endpoint.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Generic, TypeVar

from quoth.grounding.audit import Audit
from quoth.ledger import Ledger, Reply
from quoth.vocabulary import Finding, Key

T = TypeVar("T")
Row = tuple[Key, Finding]
Written = asyncio.Future[None]

_GATHER = 0.03
"""Seconds that findings wait for others: nothing waits for them, and what is lost of them is made of replies again."""


class _Tray(Generic[T]):
    """What goes into the same transaction, and who waits for it."""

    def __init__(self, put: Callable[[Sequence[T]], None], thread: Executor, *, gather: float = 0.0) -> None:
        """Args: what writes, where, and for how many seconds more of the same is waited for."""
        self._put = put
        self._thread = thread
        self._gather = gather
        self._items: list[T] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._emptying: asyncio.Task[None] | None = None

    async def lay(self, items: Sequence[T]) -> None:
        """Have items written; returns when they are on the disk."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._items += items
        self._waiting.append(written)
        if self._emptying is None or self._emptying.done():
            self._emptying = asyncio.create_task(self._empty())
        await written

    def write(self) -> None:
        """Write what lies here now, once nothing else does."""
        if self._items:
            self._put(self._items)

    async def _empty(self) -> None:
        while self._waiting:
            await asyncio.sleep(self._gather)
            # Taken here, in the loop, where they are laid: a thread might take what is being laid, or take it twice.
            items, self._items = self._items, []
            waiting, self._waiting = self._waiting, []
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._put, items)
            except Exception as error:
                for written in waiting:
                    if not written.done():
                        written.set_exception(error)
            else:
                for written in waiting:
                    if not written.done():
                        written.set_result(None)


class Scribe:
    """The only one who writes for a stage; each call returns when what it gave is on the disk."""

    def __init__(self, ledger: Ledger, run: int) -> None:
        self._thread = thread = ThreadPoolExecutor(1, thread_name_prefix="scribe")
        self._replies = _Tray[tuple[Reply, datetime]](lambda replies: ledger.put_replies(run, replies), thread)
        self._audits = _Tray[Audit](
            lambda audits: ledger.put_audits([audit.row() for audit in audits], _now()), thread, gather=_GATHER
        )
        self._findings = _Tray[Row](lambda rows: ledger.put_findings(run, rows, _now()), thread, gather=_GATHER)

    async def reply(self, reply: Reply) -> None:
        """Write a reply."""
        await self._replies.lay([(reply, _now())])

    async def findings(self, rows: Sequence[Row]) -> None:
        """Write findings."""
        await self._findings.lay(rows)

    async def audits(self, audits: Sequence[Audit]) -> None:
        """Write audits."""
        if audits:
            await self._audits.lay(audits)

    def close(self) -> None:
        """Write what is left, such as replies that came while the stage was being stopped."""
        self._thread.shutdown()
        for tray in (self._replies, self._audits, self._findings):
            tray.write()


def _now() -> datetime:
    return datetime.now(UTC)
