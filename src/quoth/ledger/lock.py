"""One run at a time: the lock that a run holds on its study.

Three things make it. A **lock file** beside the ledger, on which the operating system holds a lock for as long as the
process lives, however it dies; in it stand the process number, to be told to people, and a random token. A **row** of
the table `locks` with the same token and a heartbeat, which a run from another folder or machine sees where the
database is shared. Whoever gets the lock file and finds in it the token of the row knows that the row's process is
dead, and takes over at once; a row with another token belongs to somebody elsewhere, and counts until its heartbeat is
old. So neither row nor file ever names a machine, and both are cleared when the run ends.
"""

import json
import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, delete, func, insert, select, type_coerce, update

from quoth.errors import LedgerError, LockedError
from quoth.ledger.database import Database
from quoth.ledger.schema import Moment, locks

BEAT_SECONDS = 5.0
"""How often a run says that it lives."""

STALE_SECONDS = 60.0
"""After how long without a heartbeat a run elsewhere counts as dead."""

_RUN = "run"
# Windows locks bytes against reading too, so the locked byte lies behind the content.
_LOCKED_BYTE = 1 << 20
_PATIENCE = 0.3

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Holder:
    """The run that holds a study: its process number (None where it runs elsewhere), its begin, its last heartbeat."""

    pid: int | None
    since: datetime | None
    heartbeat: datetime | None

    def __str__(self) -> str:
        """Say it to a person."""
        who = "a run in another folder or on another machine" if self.pid is None else f"process {self.pid}"
        since = f", since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        if not self.heartbeat:
            return who + since
        age = max(0, round((datetime.now(UTC) - self.heartbeat).total_seconds()))
        return f"{who}{since}, last heartbeat {age} s ago"


class RunLock:
    """The lock of one study, held or not."""

    def __init__(self, database: Database, path: Path) -> None:
        self._database = database
        self._path = path
        self._token = secrets.token_hex(16)
        self._ended = threading.Event()
        self._lost = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the study until the block ends.

        Raises:
            LockedError: another run holds it.
        """
        with _claimed(self._path) as claim:
            if claim.file is None:
                raise _refusal(self._living(claim.pid))
            with self._database.writing() as connection:
                self._take(connection, claim.file)
            heart = threading.Thread(target=self._beat, name="quoth-heartbeat", daemon=True)
            heart.start()
            try:
                yield
            finally:
                self._ended.set()
                heart.join()
                self._release(claim.file)

    def check(self) -> None:
        """Raise LockedError where another run has taken the study over, as after a long sleep of this machine."""
        if self._lost:
            raise LockedError("another run has taken this study over while this one gave no sign; run again to resume")

    def holder(self) -> Holder | None:
        """The run that holds the study now, or None."""
        with _claimed(self._path) as claim:
            if claim.file is None:
                return self._living(claim.pid)
            with self._database.reading() as connection:
                return _elsewhere(connection, _row(connection), claim.file)

    def _living(self, pid: int | None) -> Holder:
        with self._database.reading() as connection:
            row = _row(connection)
        return Holder(pid, row.since, row.heartbeat) if row else Holder(pid, None, None)

    def _take(self, connection: Connection, file: IO[bytes]) -> None:
        row = _row(connection)
        other = _elsewhere(connection, row, file)
        if other is not None:
            raise _refusal(other)
        # Both tokens stand in the file: killed before the commit or after it, this process counts as dead at once.
        _write(file, {"pid": os.getpid(), "tokens": [self._token, *([row.token] if row else [])]})
        moment = func.current_timestamp()
        connection.execute(delete(locks).where(locks.c.name == _RUN))
        connection.execute(insert(locks).values(name=_RUN, token=self._token, since=moment, heartbeat=moment))

    def _beat(self) -> None:
        mine = update(locks).where(locks.c.token == self._token).values(heartbeat=func.current_timestamp())
        while not self._ended.wait(BEAT_SECONDS):
            try:
                with self._database.writing() as connection:
                    self._lost = connection.execute(mine).rowcount == 0
            except LedgerError as error:
                # A busy or unreachable database says nothing about the lock; the next beat tries again.
                _log.debug("no heartbeat: %s", error)

    def _release(self, file: IO[bytes]) -> None:
        # Without the row gone the token must stay in the file: it is what lets the next run take over.
        try:
            with self._database.writing() as connection:
                connection.execute(delete(locks).where(locks.c.token == self._token))
        except LedgerError as error:
            _log.debug("the lock's row stays behind: %s", error)
        else:
            file.truncate(0)


def _refusal(holder: Holder) -> LockedError:
    hint = "Wait until it ends, or end it, and run again."
    if holder.pid is None:
        hint += f" It counts as dead {STALE_SECONDS:.0f} s after its last heartbeat."
    return LockedError(f"another run holds this study: {holder}. {hint}")


@dataclass(frozen=True, slots=True)
class _Row:
    token: str
    since: datetime
    heartbeat: datetime


def _row(connection: Connection) -> _Row | None:
    columns = select(locks.c.token, locks.c.since, locks.c.heartbeat)
    found = connection.execute(columns.where(locks.c.name == _RUN)).one_or_none()
    return None if found is None else _Row(*found)


def _elsewhere(connection: Connection, row: _Row | None, file: IO[bytes]) -> Holder | None:
    """Who holds the study although nobody holds its lock file: somebody who shares the database, not the folder."""
    if row is None or row.token in _tokens(file):
        return None
    moment = connection.scalar(select(type_coerce(func.current_timestamp(), Moment)))
    if moment is None or (moment - row.heartbeat).total_seconds() > STALE_SECONDS:
        return None
    return Holder(pid=None, since=row.since, heartbeat=row.heartbeat)


@dataclass(frozen=True, slots=True)
class _Claim:
    """The lock file, open and locked; or None, and the process that holds it."""

    file: IO[bytes] | None
    pid: int | None


# A process is never refused a POSIX lock by itself, and loses its own as soon as it closes any handle of the file:
# which lock files this process has open is therefore known here, and each is open once.
_open_here: set[Path] = set()
_guard = threading.Lock()


@contextmanager
def _claimed(path: Path) -> Iterator[_Claim]:
    if not _patiently(lambda: _enter(path)):
        yield _Claim(None, os.getpid())
        return
    try:
        with _open(path) as file:
            if _patiently(lambda: _try_lock(file)):
                yield _Claim(file, None)
            else:
                yield _Claim(None, _pid(file))
    finally:
        with _guard:
            _open_here.discard(path)


def _enter(path: Path) -> bool:
    with _guard:
        free = path not in _open_here
        if free:
            _open_here.add(path)
        return free


def _patiently(attempt: Callable[[], bool]) -> bool:
    """Try for a moment: `holder` takes the lock to see whether it is free, which should not refuse a run."""
    deadline = time.monotonic() + _PATIENCE
    while not attempt():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _open(path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b", buffering=0)
    except OSError as error:
        raise LedgerError(f"{path}: the lock file cannot be opened: {error.strerror}; check permissions") from error


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        # Record locks, unlike flock, are not inherited by forked workers that outlive a killed run.
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _LOCKED_BYTE)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            raise LedgerError(f"the lock file cannot be locked here: {error.strerror}; use a local disk") from error
        return True


def _write(file: IO[bytes], content: dict[str, object]) -> None:
    # One line, written at once and read up to its end: a kill in between leaves the old line or the new one.
    file.seek(0)
    file.write(json.dumps(content).encode() + b"\n")
    file.truncate()


def _read(file: IO[bytes]) -> dict[str, object]:
    file.seek(0)
    line, _, _ = file.read(_LOCKED_BYTE).partition(b"\n")
    try:
        content = json.loads(line)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _tokens(file: IO[bytes]) -> list[object]:
    tokens = _read(file).get("tokens")
    return tokens if isinstance(tokens, list) else []


def _pid(file: IO[bytes]) -> int | None:
    pid = _read(file).get("pid")
    return pid if isinstance(pid, int) else None
