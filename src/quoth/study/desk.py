"""One model at work: papers come to its desk, dialogues run side by side, findings go into the ledger."""

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from quoth.engine.asking import Asker, Limits, Purse, likely_tokens
from quoth.errors import BudgetError, BusyError, PaperError, RejectedError, UnusableError
from quoth.ledger import Ledger, Reply
from quoth.pipeline import read_paper
from quoth.protocol import ChatReader as ChatSettings
from quoth.readers.base import Completion, Conclusion, Dialogue, Request, Sitting
from quoth.readers.model import ModelReader
from quoth.study.bill import Bill, cost_of
from quoth.study.plan import Cells, Work
from quoth.study.scribe import Scribe, Written
from quoth.study.workshop import Workshop, not_read
from quoth.vocabulary import Failure, Finding, Question, Verdict

T = TypeVar("T")

_GLANCE = 0.002

_EMPTY_TRIES = 3
"""So often a model that says nothing at all is asked."""


class Teller(Protocol):
    """Is told of findings that are in the ledger, and when a paper is done as far as this desk goes."""

    def __call__(self, paper: str, findings: Sequence[Finding], *, ends: bool = False) -> None:
        """Take note."""
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """What all desks share; `processor` is one thread, because pdfium knows no two."""

    shop: Workshop
    scribe: Scribe
    purse: Purse
    processor: Executor
    tell: Teller
    askers: list[Asker] = field(default_factory=list)
    patience: float = 0.02
    """Seconds for which what needs the processor gives way to requests and replies."""

    async def compute(self, function: Callable[..., T], *arguments: object) -> T:
        """The result of a function that needs the processor."""
        return await asyncio.get_running_loop().run_in_executor(
            self.processor, self._after_traffic, function, *arguments
        )

    def _after_traffic(self, function: Callable[..., T], *arguments: object) -> T:
        """Let requests and replies pass first, as long as no endpoint waits for what is computed.

        Both need the interpreter, which only one thread has at a time.
        """
        until = time.monotonic() + self.patience
        while not any(asker.in_need for asker in self.askers) and not all(asker.calm for asker in self.askers):
            if time.monotonic() > until:
                break
            time.sleep(_GLANCE)
        return function(*arguments)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A paper that was read, with what one reader is to be asked of it."""

    piece: Work
    text_digest: str
    cells: Cells


class Desk:
    """One reader with its endpoint and the papers that wait for it."""

    def __init__(self, reader: ModelReader, office: Office) -> None:
        """Raises ReaderError where the reader cannot be reached as the protocol describes it."""
        self.papers: asyncio.Queue[Submitted | None] = asyncio.Queue()
        self.why = ""
        self.served: set[str] = set()
        self._reader = reader
        self._office = office
        self._asker = Asker(reader.connect(), limits_of(reader))
        office.askers.append(self._asker)
        # Nearly twice as many dialogues as requests: when replies come, what is asked next is ready. Where there is one
        # place, there is one dialogue, and a model that keeps what it read last need not read it again to correct it.
        self._dialogues = asyncio.Semaphore(2 * reader.concurrency - 1)
        # A look into the ledger costs as much as a prompt: it is left out where nothing can be found.
        self._replied_before = office.shop.ledger.has_replies(reader.name)
        self._asked: set[str] = set()
        self._waiting = 0
        self._room = asyncio.Event()

    async def serve(self) -> None:
        """Work until no further paper comes."""
        try:
            async with asyncio.TaskGroup() as group:
                while (submitted := await self.papers.get()) is not None:
                    await self._until_room()
                    self._waiting += 1
                    group.create_task(self._paper(submitted))
        finally:
            await self._asker.close()

    async def _until_room(self) -> None:
        """Papers are opened no faster than they are asked: that keeps memory flat."""
        while self._waiting >= self._reader.concurrency:
            self._room.clear()
            await self._room.wait()

    async def _paper(self, submitted: Submitted) -> None:
        stack = ExitStack()
        try:
            try:
                sitting = None if self.why else await self._opened(submitted, stack)
            finally:
                self._left()
            if sitting:
                await self._questions(submitted, sitting)
        finally:
            # Not here: while a run is being stopped, the other thread may still be at this paper.
            self._office.processor.submit(stack.close)
            self._office.tell(submitted.piece.paper.name, (), ends=True)

    async def _opened(self, submitted: Submitted, stack: ExitStack) -> Sitting | None:
        try:
            return await self._compute(self._sit, submitted.piece, stack)
        except PaperError as error:
            await self._lost(submitted, error.reason, Failure.TRANSIENT if error.transient else Failure.FINAL)
        except OSError as error:
            await self._lost(submitted, f"a file could not be read ({error.strerror})", Failure.TRANSIENT)
        return None

    async def _compute(self, function: Callable[..., T], *arguments: object) -> T:
        """The result of what has to be computed before this reader is asked on."""
        with self._asker.preparing():
            return await self._office.compute(function, *arguments)

    def _sit(self, piece: Work, stack: ExitStack) -> Sitting:
        shop = self._office.shop
        read = stack.enter_context(read_paper(piece.paper, piece.places, shop.settings, shop.encoder))
        return self._reader.sit(read)

    def _left(self) -> None:
        self._waiting -= 1
        self._room.set()

    async def _questions(self, submitted: Submitted, sitting: Sitting) -> None:
        """Ask all questions; where the whole paper is shown, one goes first, so that the server has it in its cache."""
        groups = grouped(submitted.cells, self._office.shop.protocol.questions, self._reader)
        if self._reader.showing.whole:
            self._waiting += 1
            await self._group(submitted, sitting, groups.pop(0))
        self._waiting += len(groups)
        async with asyncio.TaskGroup() as tasks:
            for group in groups:
                tasks.create_task(self._group(submitted, sitting, group))

    async def _group(self, submitted: Submitted, sitting: Sitting, questions: Sequence[Question]) -> None:
        async with asyncio.TaskGroup() as writing, self._dialogues:
            self._left()
            concluded = await self._converse(submitted, sitting, questions)
            writing.create_task(self._write(submitted, concluded.values()))
            for question in questions:
                if question.id not in concluded:
                    alone = await self._converse(submitted, sitting, [question])
                    writing.create_task(self._write(submitted, alone.values()))

    async def _converse(
        self, submitted: Submitted, sitting: Sitting, questions: Sequence[Question]
    ) -> dict[str, Conclusion]:
        """What is concluded of some questions, by their ids; the others are to be asked by themselves."""
        if self.why:
            return {}
        bill = Bill()
        anew = any(question.id in submitted.cells.anew for question in questions)
        try:
            dialogue = sitting.dialogue(questions, submitted.cells.beside(questions[0]))
            concluded = await self._dialogue(dialogue, bill, anew=anew)
        except (BudgetError, UnusableError) as error:
            self.why = self.why or str(error)
            return {}
        except RejectedError as error:
            if len(questions) > 1:
                return {}
            concluded = self._failed(submitted, questions, str(error), Failure.FINAL)
        except BusyError as error:
            concluded = self._failed(submitted, questions, str(error), Failure.TRANSIENT)
        return bill.shared(concluded)

    async def _dialogue(self, dialogue: Dialogue, bill: Bill, *, anew: bool) -> dict[str, Conclusion]:
        reply: Reply | None = None
        while True:
            step = await self._compute(self._advanced, dialogue, reply, bill, anew)
            if isinstance(step, dict):
                return step
            reply = await self._reply(step)
            bill.add(reply, cost_of(self._reader, reply))

    def _advanced(
        self, dialogue: Dialogue, reply: Reply | None, bill: Bill, anew: bool
    ) -> Request | dict[str, Conclusion]:
        """The next request that has no reply yet, or what the dialogue ends with."""
        while True:
            try:
                request = dialogue.send(reply) if reply else next(dialogue)
            except StopIteration as stop:
                concluded: dict[str, Conclusion] = stop.value
                return concluded
            stored = None if anew else self._stored(request)
            if stored is None:
                return request
            reply = stored
            bill.add(reply, cost_of(self._reader, reply))

    def _stored(self, request: Request) -> Reply | None:
        """The reply to this request, where it was asked before, in this run or another."""
        digest = self._reader.request_digest(request)[:16]
        if not self._replied_before and digest not in self._asked:
            self._asked.add(digest)
            return None
        return stored_reply(self._office.shop.ledger, request, self._reader)

    async def _reply(self, request: Request) -> Reply:
        """The reply to a request, paid for and in the ledger."""
        for _ in range(_EMPTY_TRIES):
            async with self._asker.place():
                completion, seconds = await self._paid(request)
                reply = recorded(self._reader, request, completion, seconds)
                await self._office.scribe.reply(reply)
            if completion.served_model:
                self.served.add(completion.served_model)
            if reply.text.strip():
                return reply
            if reply.finish_reason == "length":
                raise RejectedError("the model used up its tokens before it answered: raise max_answer_tokens")
            if reply.finish_reason == "content_filter":
                raise RejectedError("the server's filter withheld the answer")
        raise BusyError("the model gave no answer")

    async def _paid(self, request: Request) -> tuple[Completion, float]:
        """What the endpoint answers, within the study's budget."""
        purse, sent, most = self._office.purse, likely_tokens(request), self._reader.settings.max_answer_tokens
        held = sent + most, self._reader.cost(sent, most) or 0.0
        await purse.hold(*held)
        tokens, cost = 0, 0.0
        try:
            completion, seconds = await self._asker.ask(request)
            input_tokens = sent if completion.input_tokens is None else completion.input_tokens
            answered = len(completion.text) // 3 if completion.output_tokens is None else completion.output_tokens
            tokens = input_tokens + answered
            cost = self._reader.cost(input_tokens, answered, completion.cached_tokens or 0) or 0.0
            return completion, seconds
        finally:
            purse.settle(*held, spent_tokens=tokens, spent_usd=cost)

    def _failed(
        self, submitted: Submitted, questions: Sequence[Question], error: str, failure: Failure
    ) -> dict[str, Conclusion]:
        paper, reader = submitted.piece.paper.name, self._reader.name
        return {
            question.id: Conclusion(Finding(paper, question.id, reader, Verdict.FAILED, error=error, failure=failure))
            for question in questions
        }

    async def _lost(self, submitted: Submitted, reason: str, failure: Failure) -> None:
        findings = not_read(submitted.piece.paper.name, submitted.cells, reason, failure)
        await self._write(submitted, [Conclusion(finding) for finding in findings])

    def _write(self, submitted: Submitted, concluded: Collection[Conclusion]) -> Coroutine[None, None, None]:
        """Have findings written at once, whatever becomes of the caller; what it gives tells of them when they are."""
        name, cells = submitted.piece.paper.name, submitted.cells
        asked = {question.id: question for question in cells.questions}
        rows = [
            ((cells.key(name, submitted.text_digest, asked[one.finding.question]), one.finding), one.audit)
            for one in concluded
        ]
        written = self._office.scribe.findings(rows) if rows else None
        return self._told(name, [one.finding for one in concluded], written)

    async def _told(self, paper: str, findings: Sequence[Finding], written: Written | None) -> None:
        if written:
            await written
            self._office.tell(paper, findings)


def limits_of(reader: ModelReader) -> Limits:
    """The limits that the protocol sets to a reader's endpoint; a model in this process answers one at a time."""
    settings = reader.settings
    if not isinstance(settings, ChatSettings):
        return Limits()
    return Limits(
        settings.concurrency, settings.requests_per_minute, settings.tokens_per_minute, settings.patience_seconds
    )


def grouped(cells: Cells, codebook: Sequence[Question], reader: ModelReader) -> list[tuple[Question, ...]]:
    """What is asked at once: runs of the codebook of which every question is wanted, the others one by one.

    So the groups do not depend on what was done before, and a reply to one is found again. At a second look each
    question has excerpts of its own, and is asked by itself.
    """
    size = reader.settings.questions_per_call if reader.settings.style == "quotes" and not cells.second else 1
    ids = {question.id for question in cells.questions}
    groups: list[tuple[Question, ...]] = []
    for place in range(0, len(codebook), size):
        run = tuple(codebook[place : place + size])
        here = [question for question in run if question.id in ids]
        groups += [run] if len(here) == len(run) else [(question,) for question in here]
    return groups


def stored_reply(ledger: Ledger, request: Request, reader: ModelReader) -> Reply | None:
    """What was replied to this very request before, if it was an answer at all."""
    reply = ledger.reply(reader.request_digest(request))
    return reply if reply and reply.text.strip() else None


def recorded(reader: ModelReader, request: Request, completion: Completion, seconds: float) -> Reply:
    """A reply as the ledger keeps it."""
    cached = {} if completion.cached_tokens is None else {"cached_tokens": completion.cached_tokens}
    return Reply(
        reader=reader.name,
        reader_digest=reader.digest,
        request_digest=reader.request_digest(request),
        shown_digest=request.shown_digest,
        text=completion.text,
        parameters={**completion.parameters, **cached},
        served_model=completion.served_model,
        input_tokens=completion.input_tokens,
        output_tokens=completion.output_tokens,
        seconds=seconds,
        finish_reason=completion.finish_reason,
    )
