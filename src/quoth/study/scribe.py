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
"""Seconds that findings wait for others; a paper's first question at most waits for them."""


class _Tray(Generic[T]):
    """What goes into the same transaction, and who waits for it."""

    def __init__(self, put: Callable[[Sequence[T]], None], thread: Executor, *, gather: float = 0.0) -> None:
        """Args: what writes, where, and for how many seconds more of the same is waited for."""
        self._put = put
        self._thread = thread
        self._gather = gather
        self._items: list[T] = []
        self._waiting: list[Written] = []
        self._emptying: asyncio.Task[None] | None = None

    def lay(self, items: Sequence[T]) -> Written:
        """Have items written, whatever becomes of the caller; what it gives is done when they are on the disk."""
        written: Written = asyncio.get_running_loop().create_future()
        self._items += items
        self._waiting.append(written)
        if self._emptying is None or self._emptying.done():
            self._emptying = asyncio.create_task(self._empty())
        return written

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
    """The only one who writes for a stage; what each call gives is done when what it was given is on the disk."""

    def __init__(self, ledger: Ledger, run: int) -> None:
        self._ledger = ledger
        self._run = run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scribe")
        self._replies = _Tray[tuple[Reply, datetime]](self._put_replies, self._thread)
        self._findings = _Tray[tuple[Row, Audit | None]](self._put_findings, self._thread, gather=_GATHER)

    def reply(self, reply: Reply) -> Written:
        """Write a reply."""
        return self._replies.lay([(reply, _now())])

    def findings(self, rows: Sequence[tuple[Row, Audit | None]]) -> Written:
        """Write findings, each with the audit that it comes from, if any."""
        return self._findings.lay(rows)

    def close(self) -> None:
        """Write what is left, such as replies that came while the stage was being stopped."""
        self._thread.shutdown()
        self._replies.write()
        self._findings.write()

    def _put_replies(self, replies: Sequence[tuple[Reply, datetime]]) -> None:
        self._ledger.put_replies(self._run, replies)

    def _put_findings(self, items: Sequence[tuple[Row, Audit | None]]) -> None:
        if audits := [audit.row() for _, audit in items if audit]:
            self._ledger.put_audits(audits, _now())
        self._ledger.put_findings(self._run, [row for row, _ in items], _now())


def _now() -> datetime:
    return datetime.now(UTC)
