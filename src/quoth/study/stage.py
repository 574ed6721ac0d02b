"""The second stage: models are asked about papers that were read, in one event loop that owns every endpoint's limits.

The loop runs in a thread beside the run, which hands it papers and takes findings. Every reply is in the ledger before
it is used; a request that was answered before is answered from there.
"""

import asyncio
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from quoth.engine.asking import Purse
from quoth.readers.embedded import encode_query
from quoth.readers.model import ModelReader
from quoth.study.desk import Desk, Office, Submitted
from quoth.study.plan import Work
from quoth.study.scribe import Scribe
from quoth.study.workshop import Workshop
from quoth.vocabulary import Finding

_STOP_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Answered:
    """Findings about one paper that are in the ledger now; `ends` says whether all models are done with the paper."""

    paper: str
    findings: tuple[Finding, ...]
    ends: bool


class AskStage:
    """Asks the models: `submit` papers, then `finish`, and take what is `answered` meanwhile."""

    def __init__(self, shop: Workshop, run: int, readers: Sequence[ModelReader], purse: Purse) -> None:
        """Connect the readers and begin.

        Raises:
            ReaderError: one of them cannot be reached as the protocol describes it.
        """
        self._told: queue.SimpleQueue[Answered | BaseException | None] = queue.SimpleQueue()
        self._parts: Counter[str] = Counter()
        self._processor = ThreadPoolExecutor(1, thread_name_prefix="ask-compute")
        self._scribe = Scribe(shop.ledger, run)
        self._office = Office(shop, self._scribe, purse, self._processor, self._tell)
        self._desks = {reader.name: Desk(reader, self._office) for reader in readers}
        self._loop = asyncio.new_event_loop()
        self._main: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="ask", daemon=True)
        self._thread.start()

    def submit(self, piece: Work, text_digest: str) -> None:
        """Have a paper asked that was read."""
        cells = [cells for cells in piece.cells if cells.reader.name in self._desks]
        self._parts[piece.paper.name] = len(cells)
        for part in cells:
            self._call(self._desks[part.reader.name].papers.put_nowait, Submitted(piece, text_digest, part))

    def finish(self) -> None:
        """Say that no further paper comes."""
        for desk in self._desks.values():
            self._call(desk.papers.put_nowait, None)

    def answered(self, *, wait: bool) -> Iterator[Answered]:
        """What is done since the last call; with `wait`, until all is done; raises what broke the stage."""
        while True:
            try:
                told = self._told.get(block=wait)
            except queue.Empty:
                return
            if told is None:
                return
            if isinstance(told, BaseException):
                raise told
            yield told

    def stop(self) -> None:
        """End at once; what came back is kept."""
        self._call(self._cancel)
        self._thread.join(_STOP_SECONDS)

    @property
    def stopped(self) -> dict[str, str]:
        """The readers that did not get to the end, and why."""
        return {name: desk.why for name, desk in self._desks.items() if desk.why}

    @property
    def served(self) -> Mapping[str, tuple[str, ...]]:
        """What each reader's server called its model, where it used several names."""
        return {name: tuple(sorted(desk.served)) for name, desk in self._desks.items() if len(desk.served) > 1}

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()

    def _tell(self, paper: str, findings: Sequence[Finding], *, ends: bool = False) -> None:
        self._parts[paper] -= ends
        self._told.put(Answered(paper, tuple(findings), ends and not self._parts[paper]))

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._serve())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # raised again where somebody waits for it
            self._told.put(error)
        finally:
            self._told.put(None)

    async def _serve(self) -> None:
        self._main = asyncio.current_task()
        try:
            await self._office.compute(self._prepare)
            async with asyncio.TaskGroup() as group:
                for desk in self._desks.values():
                    group.create_task(desk.serve())
        except* Exception as broken:
            raise _first(broken) from None
        finally:
            self._scribe.close()
            self._processor.shutdown(wait=False, cancel_futures=True)

    def _prepare(self) -> None:
        """What every paper needs: the vectors of the questions."""
        shop = self._office.shop
        for question in shop.protocol.questions:
            encode_query(shop.encoder, question)


def _first(broken: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of what broke, out of its groups."""
    error: BaseException = broken
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
