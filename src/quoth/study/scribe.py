"""Writes what comes from many requests at a time into the ledger: what comes together goes into one transaction.

A commit waits for the disk; a hundred replies a second cannot each have one of their own.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from quoth.grounding.audit import Audit
from quoth.ledger import Ledger, Reply
from quoth.vocabulary import Finding, Key

Row = tuple[Key, Finding]
Written = asyncio.Future[None]


class Scribe:
    """The only one who writes for a stage; each call returns when what it gave is on the disk."""

    def __init__(self, ledger: Ledger, run: int) -> None:
        self._ledger = ledger
        self._run = run
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scribe")
        self._replies: list[tuple[Reply, datetime]] = []
        self._audits: list[Audit] = []
        self._findings: list[Row] = []
        self._waiting: list[Written] = []
        self._writing: asyncio.Task[None] | None = None

    async def reply(self, reply: Reply) -> None:
        """Write a reply."""
        self._replies.append((reply, datetime.now(UTC)))
        await self._written()

    async def findings(self, rows: Sequence[Row]) -> None:
        """Write findings."""
        self._findings += rows
        await self._written()

    async def audits(self, audits: Sequence[Audit]) -> None:
        """Write audits."""
        if audits:
            self._audits += audits
            await self._written()

    def close(self) -> None:
        """Write what is left, such as replies that came while the stage was being stopped."""
        self._thread.shutdown()
        self._write(self._replies, self._audits, self._findings)

    def _written(self) -> Written:
        written: Written = asyncio.get_running_loop().create_future()
        self._waiting.append(written)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return written

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            replies, audits, findings, waiting = self._replies, self._audits, self._findings, self._waiting
            self._replies, self._audits, self._findings, self._waiting = [], [], [], []
            try:
                await loop.run_in_executor(self._thread, self._write, replies, audits, findings)
            except Exception as error:
                for written in waiting:
                    if not written.done():
                        written.set_exception(error)
            else:
                for written in waiting:
                    if not written.done():
                        written.set_result(None)

    def _write(
        self, replies: Sequence[tuple[Reply, datetime]], audits: Sequence[Audit], findings: Sequence[Row]
    ) -> None:
        if replies:
            self._ledger.put_replies(self._run, replies)
        if audits:
            self._ledger.put_audits([audit.row() for audit in audits], datetime.now(UTC))
        if findings:
            self._ledger.put_findings(self._run, findings, datetime.now(UTC))
