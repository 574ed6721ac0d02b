"""Supervised worker processes: one that hangs, crashes or grows too large costs its task, not the pool.

`concurrent.futures` and `multiprocessing.Pool` break or stall as a whole when one process dies, and cannot end a task
that takes too long; here the parent feeds each worker one task at a time over its own pipe, and replaces it singly.
"""

import itertools
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection, resource_tracker
from multiprocessing import process as processes
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

from quoth.engine.worker import MORE, READY, Answer, serve
from quoth.errors import PaperError, QuothError

Task = TypeVar("Task")
Result = TypeVar("Result")

START_SECONDS = 120.0
"""A worker that is not ready by then will not be."""

_FAILED_STARTS = 3
_MEMORY_SECONDS = 0.1
_FAREWELL_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 3600.0
_OUTSIDE_SIGNALS = (1, 9, 15)  # SIGHUP, SIGKILL, SIGTERM: no program does these to itself


@dataclass(frozen=True)
class Done(Generic[Task, Result]):
    """A task and what the work made of it."""

    task: Task
    result: Result
    seconds: float


@dataclass(frozen=True)
class Lost(Generic[Task]):
    """A task that came to nothing, and why. `details` is for a log: the worker's traceback, where there is one."""

    task: Task
    error: PaperError
    seconds: float
    details: str = ""


def run_supervised(
    tasks: Iterable[Task],
    work: Callable[[Task], Result],
    *,
    workers: int,
    seconds: float,
    memory_mb: int | None = None,
    init: Callable[[], None] | None = None,
    on_start: Callable[[Task], None] | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Done[Task, Result] | Lost[Task]]:
    """Do `work` on each task in `workers` processes, and yield what became of it, in the order of completion.

    `work`, `init` and the tasks are pickled, so the first two are functions of a module (or `functools.partial` of
    one). Tasks are taken from the iterable as workers get free. `init` runs once in each worker before its first task.
    `on_start` is called when a task is handed over. Once `stop` is set no further task is, and those under way are
    still yielded.

    A task is lost after `seconds` and what it asked for meanwhile (`worker.more_time`), when its worker dies, when the
    worker holds more than `memory_mb` (on Linux; no limit elsewhere), or when `work` raises: a `PaperError` as it is,
    anything else as a `PaperError` with its type and message. No task is tried twice. Closing or abandoning the
    iterator ends all workers at once. Supervision happens while the iterator is being advanced. Raises `QuothError` if
    workers cannot start.
    """
    if workers < 1:
        raise ValueError(f"at least one worker is needed, not {workers}")
    pool: _Pool[Task, Result] = _Pool(
        tasks, pickle.dumps((work, init)), workers, _Limits(seconds, memory_mb), on_start, stop
    )
    try:
        yield from pool.outcomes()
        pool.dismiss()
    except BaseException:  # KeyboardInterrupt and an iterator that is abandoned among them
        pool.kill()
        raise


@dataclass(frozen=True, slots=True)
class _Limits:
    """What one task may cost."""

    seconds: float
    memory_mb: int | None


@dataclass(slots=True, eq=False)
class _Worker(Generic[Task]):
    """One process, its pipe, and what it is doing."""

    process: processes.BaseProcess
    pipe: "connection.Connection[object, object]"
    since: float
    """When it was started, or was handed its task."""
    ready: bool = False
    tasks: list[Task] = field(default_factory=list)
    """The task under way, if any."""
    more: float = 0.0
    """Seconds that it was given beyond those that each has."""

    def end(self) -> None:
        """Kill the process, wait for its end, and close the pipe."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


class _Pool(Generic[Task, Result]):
    """The workers of one call of `run_supervised`."""

    def __init__(
        self,
        tasks: Iterable[Task],
        job: bytes,
        size: int,
        limits: _Limits,
        on_start: Callable[[Task], None] | None,
        stop: threading.Event | None,
    ) -> None:
        self._tasks = iter(tasks)
        self._job = job
        self._size = size
        self._limits = limits
        self._on_start = on_start
        self._stop = stop
        self._waiting: deque[Task] = deque()
        self._workers: list[_Worker[Task]] = []
        self._failed_starts = 0
        self._memory_due = 0.0
        self._watches_memory = limits.memory_mb is not None and sys.platform == "linux"

    def outcomes(self) -> Iterator[Done[Task, Result] | Lost[Task]]:
        """Feed and watch the workers until no task is left."""
        if not self._stopped():
            self._waiting.extend(itertools.islice(self._tasks, self._size))
        for _ in range(len(self._waiting)):
            self._start()
        while any(worker.tasks for worker in self._workers) or (self._waiting and not self._stopped()):
            # Whoever is free is fed before anything is yielded: what the caller does with an outcome costs no worker.
            yield from self._step()

    def kill(self) -> None:
        """End all workers now."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.end()

    def dismiss(self) -> None:
        """Let idle workers end by themselves, and end those that do not."""
        for worker in self._workers:
            worker.pipe.close()
        until = time.monotonic() + _FAREWELL_SECONDS
        for worker in self._workers:
            worker.process.join(max(0.0, until - time.monotonic()))
        self.kill()

    def _stopped(self) -> bool:
        return self._stop is not None and self._stop.is_set()

    def _next(self) -> list[Task]:
        """The next task, if there is one."""
        if self._stopped():
            return []
        return [self._waiting.popleft()] if self._waiting else list(itertools.islice(self._tasks, 1))

    def _start(self) -> None:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=serve, args=(theirs, self._job), name="quoth-worker", daemon=True)
        needs_main = b"__main__" in self._job or any(b"__main__" in pickle.dumps(task) for task in self._waiting)
        with _starting(needs_main):
            process.start()
            self._workers.append(_Worker(process, ours, time.monotonic()))
        theirs.close()

    def _replace(self, worker: _Worker[Task]) -> None:
        """Put another in the place of a worker that has ended, if there is anything left to do."""
        worker.end()
        self._workers.remove(worker)
        self._waiting.extendleft(self._next())
        if self._waiting:
            self._start()

    def _feed(self, worker: _Worker[Task]) -> None:
        worker.tasks = self._next()
        worker.since, worker.more = time.monotonic(), 0.0
        for task in worker.tasks:
            try:
                worker.pipe.send_bytes(pickle.dumps(task))
            except OSError:  # it died while it was idle: the task has not begun, and waits for another
                worker.tasks = []
                self._waiting.appendleft(task)
            else:
                if self._on_start is not None:
                    self._on_start(task)

    def _step(self) -> list[Done[Task, Result] | Lost[Task]]:
        """Wait for the next answer, death or deadline, and deal with all that have come."""
        waited = [thing for worker in self._workers for thing in (worker.pipe, worker.process.sentinel)]
        ready = set(connection.wait(waited, self._timeout()))
        outcomes: list[Done[Task, Result] | Lost[Task]] = []
        for worker in list(self._workers):
            if worker.pipe in ready or worker.process.sentinel in ready:
                outcomes += self._hear(worker)
        for worker, error in itertools.chain(self._overdue(), self._too_large()):
            outcomes += self._lost(worker, error)
            self._replace(worker)
        return outcomes

    def _timeout(self) -> float:
        """Seconds until the next deadline."""
        deadlines = [self._deadline(worker) for worker in self._workers]
        if self._watches_memory and any(worker.tasks for worker in self._workers):
            deadlines.append(self._memory_due)
        return min(max(0.0, min(deadlines) - time.monotonic()), _LONGEST_WAIT_SECONDS)

    def _deadline(self, worker: _Worker[Task]) -> float:
        if not worker.ready:
            return worker.since + START_SECONDS
        return worker.since + self._limits.seconds + worker.more if worker.tasks else float("inf")

    def _hear(self, worker: _Worker[Task]) -> list[Done[Task, Result] | Lost[Task]]:
        """Take what a worker says, or learn that it has died."""
        try:
            message = worker.pipe.recv_bytes() if worker.pipe.poll() else None
        except (EOFError, OSError):
            message = None
        if message is None:
            return [*self._bury(worker)]
        if message == READY:
            worker.ready = True
            self._failed_starts = 0
            self._feed(worker)
            return []
        if message.startswith(MORE):
            worker.more += float(message.removeprefix(MORE))
            return []
        answer: Answer[Result] = _read(message)
        if not worker.ready:
            raise answer.error or QuothError("a worker process answered before it was asked")
        (task,) = worker.tasks
        self._feed(worker)
        if answer.error is None:
            return [Done(task, result, answer.seconds) for result in answer.results]
        error = answer.error if isinstance(answer.error, PaperError) else PaperError(str(answer.error))
        return [Lost(task, error, answer.seconds, answer.details)]

    def _bury(self, worker: _Worker[Task]) -> list[Lost[Task]]:
        """What is left of a worker that has died: the loss of its task, if it had one."""
        worker.process.join()
        code = worker.process.exitcode
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise QuothError(f"worker processes end before they are ready ({_exit(code)})")
        lost = self._lost(worker, _crash(code))
        self._replace(worker)
        return lost

    def _lost(self, worker: _Worker[Task], error: PaperError) -> list[Lost[Task]]:
        seconds = time.monotonic() - worker.since
        return [Lost(task, error, seconds) for task in worker.tasks]

    def _overdue(self) -> Iterator[tuple[_Worker[Task], PaperError]]:
        now = time.monotonic()
        for worker in list(self._workers):
            # An answer that has come is taken, however late the caller was to ask for it.
            if self._deadline(worker) > now or worker.pipe.poll():
                continue
            if not worker.ready:
                raise QuothError(f"a worker process was not ready after {START_SECONDS:g} s")
            reason = (
                f"took longer than {self._limits.seconds + worker.more:g} s; to give it more time, raise "
                f"seconds_per_{'ocr_page' if worker.more else 'paper'} in [reading] of study.toml"
            )
            yield worker, PaperError(reason, transient=True)

    def _too_large(self) -> Iterator[tuple[_Worker[Task], PaperError]]:
        """Workers that hold more memory than they may.

        The parent looks at what each really holds. RLIMIT_AS would be enforced by the system, but it counts address
        space: onnxruntime, and every mapped model or PDF, reserve far more of it than they ever use.
        """
        now = time.monotonic()
        if not self._watches_memory or now < self._memory_due:
            return
        self._memory_due = now + _MEMORY_SECONDS
        limit = self._limits.memory_mb or 0
        for worker in list(self._workers):
            if worker.tasks and _resident_mb(worker.process.pid) > limit and not worker.pipe.poll():
                reason = (
                    f"needed more than {limit} MB of memory; "
                    "to give it more, raise memory_mb in [reading] of study.toml, with fewer workers if need be"
                )
                yield worker, PaperError(reason, transient=True)


_SPAWN = multiprocessing.get_context("spawn")
_START_LOCK = threading.Lock()


@contextmanager
def _starting(needs_main: bool) -> Iterator[None]:
    """The moment in which a process is started: what it would inherit and should not is put aside.

    SIGINT is blocked, so that Ctrl-C does not hit a child before it can ignore it. The program's main module is hidden
    unless the work is defined in it: multiprocessing would import it again in every child, which costs time, and runs
    a script from its first line if it lacks the `if __name__ == "__main__"` that few people know about.
    """
    with _START_LOCK:
        main = sys.modules["__main__"]
        mask = _block_interrupts()
        if not needs_main:
            sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            if mask is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _block_interrupts() -> "set[int | signal.Signals] | None":
    """Block SIGINT for this thread; the mask before, or None where there are no masks."""
    if sys.platform == "win32":
        return None
    # It unblocks SIGINT when it starts its helper, and would do so in our midst.
    resource_tracker.ensure_running()
    return signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _resident_mb(pid: int | None) -> float:
    """Megabytes of memory that a process holds, on Linux; 0 if it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000


def _crash(code: int | None) -> PaperError:
    """The error for a worker that died over its task; one that was killed from outside may do better next time."""
    if code is not None and -code in _OUTSIDE_SIGNALS:
        reason = (
            f"the worker was killed from outside ({_exit(code)}), perhaps because memory ran out; use fewer workers"
        )
        return PaperError(reason, transient=True)
    return PaperError(f"the parser crashed ({_exit(code)}); if the file opens elsewhere, save it anew and try again")


def _exit(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _read(message: bytes) -> Answer[Result]:
    try:
        answer: Answer[Result] = pickle.loads(message)
    except Exception as error:
        reason = f"the result cannot be read by the parent process ({type(error).__name__}: {error})"
        return Answer(0.0, [], PaperError(reason), traceback.format_exc())
    return answer
