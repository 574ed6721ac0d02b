"""The database under the ledger: opening it by URL, its transactions, its migrations, its errors in plain words.

SQLite runs in WAL mode, so that readers never wait; a transaction that writes takes its place at once (BEGIN
IMMEDIATE; an advisory lock on PostgreSQL), so that what it reads stays true until it has written.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select, table
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql import column

from quoth.errors import LedgerError
from quoth.ledger.schema import VERSION, storable

BUSY_SECONDS = 60.0
"""How long a writer waits for another."""

# The execution option that says with which statement a transaction begins.
_BEGIN = "quoth_begin"
_IMMEDIATE = "BEGIN IMMEDIATE"
_ADVISORY = "SELECT pg_advisory_xact_lock(hashtext('quoth ledger' || current_schema()))"


class Database:
    """An open database at the version of this program."""

    def __init__(self, url: str, base: Path) -> None:
        """Connect and migrate; see `Ledger.open`."""
        parsed = _parse(url)
        self.file = None if parsed.get_backend_name() == "postgresql" else _file(parsed, base)
        self.place = str(self.file) if self.file else parsed.render_as_string(hide_password=True)
        if self.file:
            with _plain(self.place, OSError):
                self.file.parent.mkdir(parents=True, exist_ok=True)
            parsed = parsed.set(database=str(self.file))
        self._engine = _engine(parsed)
        isolation = {} if self.file else {"isolation_level": "REPEATABLE READ"}
        self._readers = self._engine.execution_options(**isolation)
        self._writers = self._engine.execution_options(**{_BEGIN: _IMMEDIATE})
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees the database as it is now until the block ends."""
        with _plain(self.place, DBAPIError), self._readers.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The only connection that may write; commits when the block ends, and not at all when it raises."""
        with _plain(self.place, DBAPIError), self._writers.begin() as connection:
            yield connection

    def _prepare(self) -> None:
        with self.reading() as connection:
            version = _version(connection, self.place)
        if version != VERSION:
            self._migrate(version)
        if self.file:
            self._keep_wal()

    def _keep_wal(self) -> None:
        # The mode stays with the file, but not with every copy of it, and cannot be set inside a transaction.
        outside = self._engine.execution_options(**{_BEGIN: ""})
        until = time.monotonic() + BUSY_SECONDS
        with _plain(self.place, DBAPIError), outside.connect() as connection:
            while connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                try:
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                    break
                except OperationalError as error:
                    # Here alone SQLite does not wait for others who have it open, who may be setting the same mode.
                    if "locked" not in str(error.orig) or time.monotonic() > until:
                        raise
                    time.sleep(0.02)

    def _migrate(self, version: str | None) -> None:
        # Alembic takes longer to import than a ledger to open, and is needed once in a version.
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", "quoth.ledger:migrations")
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if version is not None and version not in known:
            raise LedgerError(
                f"{self.place}: this ledger has version {version}, and this quoth knows versions up to {VERSION}; "
                "it was written by a newer quoth. Update quoth and try again; nothing was changed."
            )
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise LedgerError(
            "the ledger's URL cannot be read; write for example sqlite:///.quoth/ledger.db "
            "or postgresql://USER@HOST/DATABASE"
        ) from None
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite+pysqlite")
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise LedgerError(f"a ledger cannot live in {other!r}; its URL begins with sqlite:/// or postgresql://")


def _file(url: URL, base: Path) -> Path:
    name = url.database
    if not name or name == ":memory:" or name.startswith("file:") or url.host:
        raise LedgerError("the ledger's URL names no file; write for example sqlite:///.quoth/ledger.db")
    return (base / name).resolve()


def _engine(url: URL) -> Engine:
    sqlite = url.get_backend_name() == "sqlite"
    try:
        engine = create_engine(
            url,
            connect_args={"timeout": BUSY_SECONDS} if sqlite else {},
            # A run takes days, a connection over a network may not.
            pool_pre_ping=not sqlite,
            json_serializer=_to_json,
            hide_parameters=True,
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise LedgerError("a ledger on PostgreSQL needs a driver: pip install 'quoth[postgres]'") from None
    if sqlite:
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgresql)
    return engine


def _to_json(value: object) -> str:
    return storable(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def _set_up_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by its own rules: `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # Without this, REPLACE deletes rows behind the triggers' back.
    cursor.execute("PRAGMA recursive_triggers = ON")
    # A commit is on the disk when it returns: replies are paid for.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if statement:
        connection.exec_driver_sql(statement)


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(_BEGIN) == _IMMEDIATE:
        connection.exec_driver_sql(_ADVISORY)


def _version(connection: Connection, place: str) -> str | None:
    """The migration that the database stands at; None where it is empty."""
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        version = connection.scalar(select(column("version_num")).select_from(table("alembic_version")))
        return None if version is None else str(version)
    if connection.dialect.name == "sqlite" and tables:
        raise LedgerError(f"{place}: this is a database, but not a ledger of quoth; name another file in study.toml")
    return None


@contextmanager
def _plain(place: str, error: type[Exception]) -> Iterator[None]:
    """Say in plain words what the database or the file system refused."""
    try:
        yield
    except error as caught:
        reason = str(getattr(caught, "orig", None) or caught).strip()
        raise LedgerError(f"{place}: {reason}. {_remedy(reason)}") from caught


def _remedy(reason: str) -> str:
    for sign, remedy in (
        ("not a database", "The file is damaged or no ledger: restore a copy, or move it away and run again."),
        ("malformed", "The file is damaged: restore a copy, or try `sqlite3 FILE .recover` on a copy of it."),
        ("locked", "Another program holds the ledger: close it and run again; nothing is lost."),
        ("readonly", "The ledger cannot be written: check the permissions of the file and of its folder."),
        ("unable to open", "Check that the folder exists and may be written."),
        ("full", "Make room on the disk and run again; nothing is lost."),
        ("append-only", "What a ledger holds is never changed."),
        ("constraint", "It is recorded already, or speaks of what is not recorded; nothing was changed."),
    ):
        if sign in reason:
            return remedy
    return "Check the ledger's URL in study.toml and that its database can be reached."
