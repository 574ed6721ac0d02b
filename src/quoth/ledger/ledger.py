"""The ledger of a study: what goes in, what comes out, and the lock of its run."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from quoth.ledger import counting, reading, replies, writing
from quoth.ledger.database import Database
from quoth.ledger.lock import Holder, RunLock
from quoth.ledger.records import (
    Asked,
    Batch,
    Made,
    NewFinding,
    Present,
    Reply,
    Run,
    StoredFinding,
    StoredPaper,
    StoredReader,
    Tally,
)
from quoth.vocabulary import About, Failure, Finding, Hidden, Key, Paper, Picture, Question, VoteColumns


class Ledger:
    """The open database of a study; append-only, one run at a time, people's review beside it.

    Every `put_` method is one transaction: killed at any moment, the ledger holds it whole or not at all. May be used
    from several threads. All methods raise LedgerError where the database refuses.
    """

    def __init__(self, database: Database, lock_file: Path) -> None:
        """Use `Ledger.open`."""
        self._database = database
        self._lock_file = lock_file
        self._lock: RunLock | None = None
        self._known = writing.Known()

    @classmethod
    def open(cls, url: str, *, base: Path) -> Self:
        """Open the ledger at `url`, make it where there is none, bring it to this version where it is older.

        Args:
            url: `sqlite:///FILE`, where a relative FILE is relative to `base`, or `postgresql://...`.
            base: the study's folder.

        Raises:
            LedgerError: it is damaged, no ledger, written by a newer quoth, or out of reach.
        """
        database = Database(url, base)
        if database.file:
            lock_file = database.file.with_name(database.file.name + ".lock")
        else:
            lock_file = base.resolve() / ".quoth" / "ledger.lock"
        return cls(database, lock_file)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __enter__(self) -> Self:
        """Closes when the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    # The run's lock

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the study for a run until the block ends; review may write meanwhile.

        Raises:
            LockedError: another run holds it; the message says who, since when, and its last sign of life.
        """
        lock = RunLock(self._database, self._lock_file)
        with lock.held():
            self._lock = lock
            try:
                yield
            finally:
                self._lock = None

    def holder(self) -> Holder | None:
        """The run that holds the study now, or None."""
        return RunLock(self._database, self._lock_file).holder()

    def _check_lock(self) -> None:
        if self._lock is not None:
            self._lock.check()

    # What goes in

    def put_papers(self, papers: Sequence[Paper]) -> None:
        """Record papers that are new or have changed (title, files, their bytes); older states are kept."""
        with self._database.writing() as connection:
            writing.add_papers(connection, papers, _now())

    def put_document(
        self,
        paper: Paper,
        *,
        text_digest: str,
        parser: str,
        pages: int,
        characters: int,
        about: About | None = None,
        hidden: tuple[Hidden, ...] = (),
        pictures: tuple[Picture, ...] = (),
    ) -> None:
        """Record that a paper was read: the digest of its text, the version of the parser, what it holds and hides."""
        said = about or About()
        stored = StoredPaper(
            paper, text_digest, parser, pages, characters, about=said, hidden=hidden, pictures=pictures
        )
        with self._database.writing() as connection:
            writing.add_document(connection, stored, _now())

    def put_unreadable(self, paper: Paper, reason: str, *, failure: Failure = Failure.FINAL) -> None:
        """Record that a paper cannot be read, and why; it counts until its files change or it is read."""
        with self._database.writing() as connection:
            writing.add_document(connection, StoredPaper(paper, reason=reason, failure=failure), _now())

    def put_questions(self, questions: Iterable[tuple[Question, str]]) -> None:
        """Record questions with the digests of their versions."""
        with self._database.writing() as connection:
            writing.add_questions(connection, questions, _now())

    def put_reader(self, name: str, type_: str, digest: str, manifest: Mapping[str, object]) -> None:
        """Record a version of a reader; `manifest` says what it is (model, prompt, parameters), without keys."""
        with self._database.writing() as connection:
            writing.add_reader(connection, name, type_, digest, manifest, _now())

    def start_run(self, manifest: Mapping[str, object]) -> int:
        """Record that a run begins (protocol digest, versions, models, parameters, as JSON) and give its number."""
        with self._database.writing() as connection:
            self._check_lock()
            return writing.add_run(connection, manifest, _now())

    def finish_run(self, run: int, outcome: str, decisions_digest: str | None, counts: Mapping[str, int]) -> None:
        """Record how a run ended; may be said once."""
        with self._database.writing() as connection:
            self._check_lock()
            writing.add_run_end(connection, run, outcome, decisions_digest, counts, _now())

    def put_reply(self, run: int | None, reply: Reply, at: datetime) -> None:
        """Record a reply before it is used; its reader must be recorded."""
        self.put_replies(run, [(reply, at)])

    def put_replies(self, run: int | None, replies: Sequence[tuple[Reply, datetime]]) -> None:
        """Record replies that came at about the same time, in one transaction; their readers must be recorded."""
        if not replies:
            return
        with self._database.writing() as connection:
            self._check_lock()
            writing.add_replies(connection, run, replies, self._known)

    def put_findings(self, run: int | None, rows: Sequence[tuple[Key, Finding]], at: datetime) -> None:
        """Record findings, with their quotes, as the next revisions of their keys.

        Args:
            run: the run that made them; None for people's.
            rows: the versions of their questions and readers must be recorded.
            at: when they were made.
        """
        if not rows:
            return
        with self._database.writing() as connection:
            self._check_lock()
            new_texts = writing.add_findings(connection, run, rows, self._known, at)
        self._known.texts |= new_texts

    def put_batch(self, batch: Batch) -> None:
        """Record findings that no run made, with their papers, questions, readers and reviews: all, or nothing."""
        with self._database.writing() as connection:
            writing.add_batch(connection, batch, _now())

    def put_audits(self, rows: Sequence[Mapping[str, object]], at: datetime) -> None:
        """Record audits, each as its row is printed (`id, question, answered, verdict, faithful, sentences`)."""
        with self._database.writing() as connection:
            self._check_lock()
            writing.add_audits(connection, rows, at)

    # What comes out

    def papers(self) -> list[StoredPaper]:
        """The papers as they stand now, by name; the caller picks those that the study still has."""
        with self._database.reading() as connection:
            return [stored for _, stored in reading.current_papers(connection).values()]

    def unreadable(self) -> list[StoredPaper]:
        """The papers that could not be read as they stand now, with the reason."""
        return [stored for stored in self.papers() if stored.reason is not None]

    def replaced(self) -> frozenset[str]:
        """The papers of which a file had other bytes under the same name before."""
        with self._database.reading() as connection:
            return reading.replaced_papers(connection)

    def readers(self) -> list[StoredReader]:
        """Every version of every reader, oldest first."""
        with self._database.reading() as connection:
            return reading.all_readers(connection)

    def runs(self) -> list[Run]:
        """Every run, oldest first."""
        with self._database.reading() as connection:
            return reading.all_runs(connection)

    def reply(self, request_digest: str) -> Reply | None:
        """The last reply to the very same request, which need not be paid for again; None where there is none."""
        with self._database.reading() as connection:
            return replies.newest_reply(connection, request_digest)

    def has_replies(self, reader: str) -> bool:
        """Whether a reader of this name was ever replied to."""
        with self._database.reading() as connection:
            return replies.has_replies(connection, reader)

    def asked(self) -> list[Asked]:
        """What every reader's replies took, used in a finding or not, by reader."""
        with self._database.reading() as connection:
            return replies.asked(connection)

    def audits(self) -> dict[str, list[tuple[str, str]]]:
        """The sentences of each audited answer with their labels, by item (`PAPER/QUESTION/READER` for a finding)."""
        with self._database.reading() as connection:
            return replies.newest_audits(connection)

    def current(self, present: Present) -> Iterator[StoredFinding]:
        """The newest revision of each key of the present versions, by paper, question, reader and round."""
        with self._database.reading() as connection:
            yield from reading.newest_findings(connection, reading.present_names(connection, present))

    def votes(self, present: Present) -> Iterator[VoteColumns]:
        """What the quorum needs of the current findings of the present versions, in blocks and no order."""
        with self._database.reading() as connection:
            yield from reading.newest_votes(connection, reading.present_names(connection, present))

    def new_findings(self, present: Present, after: int, upto: int) -> list[NewFinding]:
        """What came in later than finding number `after`, up to number `upto`; what was taken back says `failed`."""
        with self._database.reading() as connection:
            names = reading.present_names(connection, present)
            return list(reading.new_findings(connection, names, after, upto))

    def newest_rows(self) -> tuple[int, int, int]:
        """The numbers of the newest finding, try to read a paper, and reader: they tell whether anything is new."""
        with self._database.reading() as connection:
            return reading.newest_rows(connection)

    def revisions(self, present: Present) -> Iterator[StoredFinding]:
        """Every revision of the present versions, by paper, question, reader and round, then oldest first."""
        with self._database.reading() as connection:
            yield from reading.every_finding(connection, reading.present_names(connection, present))

    def history(self) -> Iterator[StoredFinding]:
        """Every revision of every key, stale ones too, by paper, question, reader and round, then oldest first."""
        with self._database.reading() as connection:
            yield from reading.every_finding(connection, reading.all_names(connection))

    def done_keys(self, present: Present, *, again: Collection[Failure] = (Failure.TRANSIENT,)) -> set[Key]:
        """The keys of the present versions that need not be asked.

        A key takes about 200 bytes: with millions of them, give the present papers in portions.

        Args:
            present: the versions that the study has now.
            again: failures of these kinds are not done.
        """
        with self._database.reading() as connection:
            return set(reading.done_keys(connection, reading.present_names(connection, present), again))

    def tallies(self, present: Present) -> list[Tally]:
        """The current findings of the present versions, counted by reader, verdict and failure."""
        with self._database.reading() as connection:
            return counting.tallies(connection, reading.present_names(connection, present))

    def made(self, run: int) -> Made:
        """What a run has put in so far."""
        with self._database.reading() as connection:
            return counting.made(connection, run)

    def unverified(self, present: Present) -> dict[str, int]:
        """By reader, how many current findings failed because no quote of theirs proved true."""
        with self._database.reading() as connection:
            return counting.unverified(connection, reading.present_names(connection, present))

    def stale(self, present: Present) -> int:
        """The number of keys that have findings, and are of a version that is not present."""
        with self._database.reading() as connection:
            among = counting.keys_among(connection, reading.present_names(connection, present))
            return counting.keys(connection) - among

    def spent(self) -> list[Tally]:
        """All findings ever made, superseded and stale ones too, counted by reader, verdict and failure."""
        with self._database.reading() as connection:
            return counting.spent(connection)


def _now() -> datetime:
    return datetime.now(UTC)
