"""The inside of a worker process: do one task after another, and end when the parent does."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from typing import Generic, TypeVar

from quoth.errors import PaperError, QuothError

if sys.platform != "win32":
    import fcntl

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Answer(Generic[Result]):
    """What a worker sends back for a task, or where it cannot begin; `results` holds one, or none with an error."""

    seconds: float
    results: list[Result]
    error: QuothError | None = None
    details: str = ""


READY = b""
"""What a worker says when it can take its first task."""

MORE = b"more "
"""What it says before a number of seconds that it asks for beyond those of its task."""

_to_parent: "connection.Connection[object, object] | None" = None


def more_time(seconds: float) -> None:
    """Ask the parent for so many seconds more for the task under way; outside of a worker nobody counts them."""
    if _to_parent is not None:
        _to_parent.send_bytes(MORE + repr(float(seconds)).encode())


def serve(pipe: "connection.Connection[object, object]", job: bytes) -> None:
    """The life of a worker: get ready, then answer task after task until the parent closes the pipe."""
    global _to_parent
    _to_parent = pipe
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    _end_with_parent()
    try:
        work, init = pickle.loads(job)
        if init is not None:
            init()
    except BaseException as error:
        words = f"a worker process cannot begin: {type(error).__name__}: {error}"
        cause = error if isinstance(error, QuothError) else QuothError(words)
        pipe.send_bytes(_packed(Answer(0.0, [], cause, traceback.format_exc())))
        return
    with suppress(EOFError, OSError):  # the parent needs no more workers, perhaps before this one is ready
        pipe.send_bytes(READY)
        while True:
            pipe.send_bytes(_answer(work, pipe.recv_bytes()))


def _answer(work: Callable[[Task], Result], message: bytes) -> bytes:
    """Do one task, whatever comes of it."""
    begun = time.monotonic()
    try:
        result = work(pickle.loads(message))
    except BaseException as error:
        cause = error if isinstance(error, PaperError) else PaperError(f"{type(error).__name__}: {error}")
        return _packed(Answer(time.monotonic() - begun, [], cause, traceback.format_exc()))
    seconds = time.monotonic() - begun
    try:
        return pickle.dumps(Answer(seconds, [result]))
    except Exception as error:
        cause = PaperError(f"the result cannot be sent to the parent process ({type(error).__name__}: {error})")
        return _packed(Answer(seconds, [], cause, traceback.format_exc()))


def _packed(answer: "Answer[object]") -> bytes:
    """An answer with an error, pickled; an error that does not survive that is reduced to its words."""
    try:
        packed = pickle.dumps(answer)
        pickle.loads(packed)
    except Exception:
        plain = PaperError(str(answer.error), transient=getattr(answer.error, "transient", False))
        return pickle.dumps(Answer(answer.seconds, [], plain, answer.details))
    return packed


def _end_with_parent() -> None:
    """See to it that this process ends when its parent does, even if the parent is killed and says nothing.

    A thread waits for the end of the parent. It cannot run while native code holds the interpreter's lock, so on POSIX
    the system is asked for SIGIO on the pipe that only the parent holds open, and SIGIO, left alone, ends a process.
    (Linux' PR_SET_PDEATHSIG would act when the *thread* ends that started the worker.)
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    sentinel = parent.sentinel

    def watch() -> None:
        connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="quoth-parent-watch", daemon=True).start()
    if sys.platform != "win32":
        fcntl.fcntl(sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(sentinel, fcntl.F_SETFL, fcntl.fcntl(sentinel, fcntl.F_GETFL) | os.O_ASYNC)
