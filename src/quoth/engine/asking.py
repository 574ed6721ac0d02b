"""One endpoint, asked by many at a time and left alone overnight: its limits, its silences, and the study's budget."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from quoth.errors import BudgetError, BusyError, RejectedError, UnusableError
from quoth.readers.base import Completion, Endpoint, Request

_TRIES = 8
"""So often a request is sent while the endpoint answers others."""

_LONGEST_WAIT = 60.0
_FIRST_WAIT = 0.5
_STRANGER_PATIENCE = 60.0
"""Seconds for an endpoint that never answered: it is more likely not there than tired."""

_HEAD_START = 0.02
"""Seconds that the first request has before the others: a server that refuses a parameter mostly refuses it at once."""

_APART = 0.0015
"""Seconds between two requests: what is sent in one moment is answered in one, and every reply waits for the others."""

_CALM = 0.004
"""Seconds without a request or a reply after which nothing comes or goes."""

_CHARACTERS_PER_TOKEN = 3.0


def likely_tokens(request: Request) -> int:
    """How many tokens a request has, rather too many than too few."""
    return int(sum(len(message.content) for message in request.messages) / _CHARACTERS_PER_TOKEN) + 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What an endpoint may be asked; rates by the minute, None for no limit."""

    concurrency: int = 1
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    patience_seconds: float = 600.0


class Pace:
    """Lets so much pass by the minute, evenly: after each piece the next waits as long as the piece is worth."""

    def __init__(self, per_minute: float | None) -> None:
        self._seconds = 60 / per_minute if per_minute else 0.0
        self._free = 0.0

    async def take(self, amount: float = 1) -> None:
        """Wait for this piece's turn."""
        if not self._seconds:
            return
        now = asyncio.get_running_loop().time()
        turn = max(now, self._free)
        self._free = turn + amount * self._seconds
        if turn > now:
            await asyncio.sleep(turn - now)

    def correct(self, amount: float) -> None:
        """Take so much more, or give so much back, once it is known."""
        self._free += amount * self._seconds


@dataclass(slots=True)
class Purse:
    """The study's budget: what is spent, what is set aside for requests under way, and the ceilings."""

    max_cost_usd: float | None = None
    max_tokens: int | None = None
    cost_usd: float = 0.0
    tokens: int = 0
    _held_cost: float = field(default=0.0, init=False)
    _held_tokens: int = field(default=0, init=False)
    _returned: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def hold(self, tokens: int, cost_usd: float) -> None:
        """Set aside what a request may cost at most; waits while requests under way may leave room.

        Raises:
            BudgetError: there is no room left.
        """
        while not self._fits(tokens, cost_usd):
            if not self._held_tokens:
                raise BudgetError(self._full())
            self._returned.clear()
            await self._returned.wait()
        self._held_tokens += tokens
        self._held_cost += cost_usd

    def settle(self, tokens: int, cost_usd: float, *, spent_tokens: int, spent_usd: float) -> None:
        """Give back what was set aside, and count what was spent of it."""
        self._held_tokens -= tokens
        self._held_cost -= cost_usd
        self.tokens += spent_tokens
        self.cost_usd += spent_usd
        self._returned.set()

    def _fits(self, tokens: int, cost_usd: float) -> bool:
        enough = self.max_tokens is None or self.tokens + self._held_tokens + tokens <= self.max_tokens
        return enough and (self.max_cost_usd is None or self.cost_usd + self._held_cost + cost_usd <= self.max_cost_usd)

    def _full(self) -> str:
        parts = [f"${self.cost_usd:.4f} of ${self.max_cost_usd:g}"] if self.max_cost_usd is not None else []
        parts += [f"{self.tokens:,} of {self.max_tokens:,} tokens"] if self.max_tokens is not None else []
        return f"the budget has no room for another request: {' and '.join(parts)} spent; raise [budget] in study.toml"


class Asker:
    """Asks one endpoint within its limits; sends again what failed for now, and knows when the endpoint is down."""

    def __init__(self, endpoint: Endpoint, limits: Limits) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._places = asyncio.Semaphore(limits.concurrency)
        self._requests = Pace(limits.requests_per_minute)
        self._tokens = Pace(limits.tokens_per_minute)
        self._moments = Pace(60 / _APART)
        self._first = asyncio.Event()
        self._begun = False
        self._resume_at = 0.0
        self._made = self._ready = 0
        self._spoke = 0.0
        self._answers = 0
        self._silent_since: float | None = None
        self._ended = asyncio.Event()
        self._why = ""

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """One of the endpoint's places, as many as it may have requests at a time.

        Whoever asks holds one until what came back is safe: so no more than these can be lost at any moment.
        """
        self._ready += 1
        try:
            await self._places.acquire()
        finally:
            self._ready -= 1
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def preparing(self) -> Iterator[None]:
        """For as long as a request is being made for the endpoint."""
        self._made += 1
        try:
            yield
        finally:
            self._made -= 1

    @property
    def in_need(self) -> bool:
        """Whether requests are being made for the endpoint, and few are ready to be sent."""
        return self._made > 0 and self._ready <= self._limits.concurrency // 4

    @property
    def calm(self) -> bool:
        """Whether no request or reply comes or goes just now."""
        return time.monotonic() - self._spoke > _CALM

    async def ask(self, request: Request) -> tuple[Completion, float]:
        """The answer to a request, and the seconds that it took; hold a `place` meanwhile.

        Raises:
            BusyError: this request finds no answer, although others do.
            RejectedError: the endpoint refuses this request for good.
            UnusableError: the endpoint is down or refuses everything; so will every further request.
        """
        await self._head_start()
        answers, tries = self._answers, 0
        while True:
            await self._turn(request)
            began = time.monotonic()
            try:
                completion = await self._complete(request)
            except BusyError as error:
                tries += 1
                self._fell_silent(error)
                if tries >= _TRIES and self._answers > answers:
                    raise
                await self._pause(tries, error.wait)
            except UnusableError as error:
                raise self._end(str(error)) from None
            except RejectedError:
                self._answered()
                raise
            else:
                self._answered()
                self._count_tokens(request, completion)
                return completion, time.monotonic() - began

    async def close(self) -> None:
        """Let go of the endpoint."""
        await self._endpoint.close()

    async def _complete(self, request: Request) -> Completion:
        """The same of the endpoint itself; notes when something goes or comes."""
        self._spoke = time.monotonic()
        try:
            return await self._endpoint.complete(request)
        finally:
            self._spoke = time.monotonic()
            self._first.set()

    async def _head_start(self) -> None:
        if self._begun and not self._first.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._first.wait(), _HEAD_START)
        self._begun = True

    async def _turn(self, request: Request) -> None:
        """Wait until the endpoint may be asked again; a rate is spent once the wait that it asked for is over."""
        amounts = (self._requests, 1), (self._tokens, likely_tokens(request)), (self._moments, 1)
        while True:
            await self._resumed()
            for pace, amount in amounts:
                await pace.take(amount)
            if self._ended.is_set():
                raise UnusableError(self._why)
            if self._resume_at <= _now():
                return
            for pace, amount in amounts:
                pace.correct(-amount)

    async def _resumed(self) -> None:
        """Wait as long as the endpoint asked for."""
        while not self._ended.is_set() and (wait := self._resume_at - _now()) > 0:
            await self._sleep(wait)

    def _answered(self) -> None:
        self._answers += 1
        self._silent_since = None

    def _count_tokens(self, request: Request, completion: Completion) -> None:
        if completion.input_tokens is not None:
            used = completion.input_tokens + (completion.output_tokens or 0)
            self._tokens.correct(used - likely_tokens(request))

    def _fell_silent(self, error: BusyError) -> None:
        now = _now()
        if self._silent_since is None:
            self._silent_since = now
        patience = self._limits.patience_seconds
        if not self._answers:
            patience = min(patience, _STRANGER_PATIENCE)
        if error.wait is not None and error.wait > self._limits.patience_seconds:
            raise self._end(f"it asks to wait {error.wait:,.0f} s ({error})")
        if now - self._silent_since >= patience:
            raise self._end(f"it has answered nothing for {now - self._silent_since:,.0f} s ({error})")

    async def _pause(self, tries: int, wait: float | None) -> None:
        """Wait before the next try: as long as the endpoint asked all of us to, or longer each time, never in step."""
        if wait is not None:
            self._resume_at = max(self._resume_at, _now() + wait)
            await self._sleep(wait + random.uniform(0, 0.1 * wait + 0.05))
        else:
            await self._sleep(min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (tries - 1)) * random.uniform(0.5, 1))

    async def _sleep(self, seconds: float) -> None:
        """Sleep, unless the endpoint is given up meanwhile."""
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            return
        raise UnusableError(self._why)

    def _end(self, why: str) -> UnusableError:
        if not self._ended.is_set():
            self._why = why
            self._ended.set()
        return UnusableError(self._why)


def _now() -> float:
    return asyncio.get_running_loop().time()
