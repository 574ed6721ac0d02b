"""The ledger: what goes in comes out, nothing is changed or lost, one run at a time, old files open.

Tests that take `url` run on SQLite, and, marked slow, on a PostgreSQL server that they start where one is installed.
"""

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import patience
from quoth.errors import LedgerError, LockedError
from quoth.ledger import Ledger, Present, Reply, lock
from quoth.vocabulary import (
    About,
    Failure,
    File,
    Finding,
    Hidden,
    Key,
    Kind,
    Located,
    Paper,
    Picture,
    Question,
    Quote,
    Role,
    Source,
    Span,
    Verdict,
)

SQLITE = "sqlite:///.quoth/ledger.db"
FIXTURES = Path(__file__).parent / "ledger_fixtures"
AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)

QUESTIONS = tuple((Question(f"cq{n:02}", f"Label {n}", f"Question {n}?"), f"digest-of-cq{n:02}") for n in range(1, 29))
READERS = ("embedded", "Zoë")
PAPER = Paper("paper", (File("aa11", "paper.pdf", 1234),), doi="10.1/x", title="On reeds", year=2020)

BOX = (72.1, 100.123456789, 300.0, 110.3)
QUOTES = (
    Quote("seeds", "We fixed all seeds.", Located.EXACT, 0.1 + 0.2, (Span("aa11", 3, 10, 29, (BOX, BOX)),)),
    Quote("runs", "„fünf Läufe“ \n=1+1", Located.FOLDED, None, ()),
)


def key(number: int = 1, reader: str = "embedded", paper: str = "paper", round_: int = 0) -> Key:
    question, digest = QUESTIONS[number - 1]
    return Key(paper, f"text-of-{paper}", question.id, digest, reader, f"digest-of-{reader}", round_)


def finding(of: Key, verdict: Verdict = Verdict.NOT_REPORTED, **fields: object) -> Finding:
    return replace(Finding(of.paper, of.question, of.reader, verdict), **fields)  # type: ignore[arg-type]


def present(papers: tuple[str, ...] = ("paper",)) -> Present:
    return Present(
        papers=frozenset((name, f"text-of-{name}") for name in papers),
        questions=frozenset((question.id, digest) for question, digest in QUESTIONS),
        readers=frozenset((name, f"digest-of-{name}") for name in READERS),
    )


def prepare(ledger: Ledger) -> Ledger:
    ledger.put_questions(QUESTIONS)
    for name in READERS:
        ledger.put_reader(name, "chat", f"digest-of-{name}", {"model": "m", "temperature": 0.1})
    return ledger


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty ledger with questions and readers, to be copied: migrating takes longer than a test."""
    base = tmp_path_factory.mktemp("template")
    with Ledger.open(SQLITE, base=base) as ledger:
        prepare(ledger)
    return base / ".quoth" / "ledger.db"


@pytest.fixture
def base(tmp_path: Path, template: Path) -> Path:
    """A study's folder with a ledger in which questions and readers are recorded."""
    copy_ledger(template, tmp_path)
    return tmp_path


def copy_ledger(template: Path, base: Path) -> None:
    (base / ".quoth").mkdir(parents=True)
    shutil.copy(template, base / ".quoth" / "ledger.db")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        request.getfixturevalue("base")
        return SQLITE
    return str(request.getfixturevalue("postgresql"))


@pytest.fixture
def ledger(url: str, tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(url, base=tmp_path) as opened:
        yield prepare(opened)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of the maintenance database of a PostgreSQL server that lives as long as the tests."""
    pytest.importorskip("psycopg")
    found = [*Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), *([which] if (which := shutil.which("pg_ctl")) else [])]
    if not found:
        pytest.skip("no PostgreSQL server is installed")
    programs = Path(found[-1]).resolve().parent
    # PostgreSQL refuses to run as root, and its own user cannot reach the folders of pytest.
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="quoth-postgresql-"))
    if user:
        shutil.chown(folder, "postgres", "postgres")
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "cwd": folder}
    subprocess.run([*user, programs / "initdb", "-D", data, "-A", "trust", "-U", "quoth"], **quiet)
    options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off"
    subprocess.run(
        [*user, programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start"], **quiet
    )
    yield f"postgresql://quoth@127.0.0.1:{port}/postgres"
    subprocess.run([*user, programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **quiet)
    shutil.rmtree(folder)


@pytest.fixture
def postgresql(server: str, request: pytest.FixtureRequest) -> str:
    """The URL of an empty PostgreSQL database."""
    import psycopg

    name = f"q{abs(hash(request.node.nodeid))}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres", f"/{name}")


def rows(base: Path, query: str) -> list[tuple[object, ...]]:
    """What anyone sees who opens the file with SQLite."""
    with closing(sqlite3.connect(base / ".quoth" / "ledger.db")) as connection:
        return connection.execute(query).fetchall()


def change(base: Path, statement: str) -> None:
    with closing(sqlite3.connect(base / ".quoth" / "ledger.db")) as connection, connection:
        connection.execute(statement)


def child(code: str, base: Path) -> subprocess.Popen[str]:
    """Another process that runs `code` with the names of this module and `base`."""
    lines = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nfrom test_ledger import *\n"
    lines += f"base = Path({str(base)!r})\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", lines],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class TestFindings:
    def test_come_back_as_they_went_in(self, ledger: Ledger) -> None:
        run = ledger.start_run({"protocol": "digest"})
        full = finding(
            key(1),
            Verdict.REPORTED,
            value="0.30000000000000004",
            unit="kg·m⁻²",
            answer="Naïve ‘answer’\tof\nlines 🐟",
            score=0.1 + 0.2,
            quotes=QUOTES,
            seconds=1e-9,
            input_tokens=2**31 - 1,
            output_tokens=0,
            cost_usd=1 / 3,
        )
        failed = finding(key(2), Verdict.FAILED, error="unverified", failure=Failure.FINAL)
        ledger.put_findings(run, [(key(2), failed), (key(1), full)], AT)
        first, second = ledger.current(present())
        assert (first.key, first.finding, first.revision, first.run, first.at) == (key(1), full, 1, run, AT)
        assert (second.key, second.finding) == (key(2), failed)

    def test_are_sorted_by_paper_question_reader_and_round_whatever_their_age(self, ledger: Ledger) -> None:
        names = ("Zander", "aal", "Äsche", "barsch")
        keys = [key(n, reader, paper, r) for r in (1, 0) for paper in names for n in (9, 2) for reader in READERS]
        ledger.put_findings(None, [(k, finding(k)) for k in keys], AT)
        found = [stored.key for stored in ledger.current(present(names))]
        assert found == sorted(keys, key=lambda k: (k.paper, k.question, k.reader, k.round))

    def test_made_again_become_the_next_revision(self, ledger: Ledger) -> None:
        for answer in "abc":
            ledger.put_findings(None, [(key(), finding(key(), answer=answer, quotes=QUOTES))], AT)
        assert [(s.revision, s.finding.answer) for s in ledger.current(present())] == [(3, "c")]
        assert [(s.revision, s.finding.answer, len(s.finding.quotes)) for s in ledger.history()] == [
            (1, "a", 2),
            (2, "b", 2),
            (3, "c", 2),
        ]

    @given(
        batches=st.lists(
            st.lists(
                st.tuples(st.integers(1, 3), st.sampled_from(READERS), st.integers(0, 1), st.text(max_size=3)),
                max_size=6,
            ),
            max_size=6,
        )
    )
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_current_is_the_last_of_each_key_and_history_is_whole(
        self, batches: list[list[tuple[int, str, int, str]]], template: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        base = tmp_path_factory.mktemp("any")
        copy_ledger(template, base)
        expected: dict[Key, list[str]] = {}
        with Ledger.open(SQLITE, base=base) as ledger:
            for batch in batches:
                keyed = [(key(n, reader, round_=r), answer) for n, reader, r, answer in batch]
                ledger.put_findings(None, [(k, finding(k, answer=answer)) for k, answer in keyed], AT)
                for k, answer in keyed:
                    # A NUL cannot be kept by every database.
                    expected.setdefault(k, []).append(answer.replace("\0", "\N{REPLACEMENT CHARACTER}"))
            current = {s.key: (s.revision, s.finding.answer) for s in ledger.current(present())}
            history: dict[Key, list[str]] = {}
            for stored in ledger.history():
                history.setdefault(stored.key, []).append(stored.finding.answer)
                assert stored.revision == len(history[stored.key])
            assert ledger.stale(present()) == 0
            assert ledger.done_keys(present()) == set(expected)
        assert current == {k: (len(answers), answers[-1]) for k, answers in expected.items()}
        assert history == expected
        shutil.rmtree(base)

    def test_of_another_version_are_stale_and_not_current(self, ledger: Ledger) -> None:
        keys = [key(n, paper=paper) for n in (1, 2, 3) for paper in ("a", "b")]
        for _ in range(2):
            ledger.put_findings(None, [(k, finding(k)) for k in keys], AT)
        now = present(("a", "b"))
        new_text = replace(now, papers=frozenset({("a", "another"), ("b", "text-of-b")}))
        new_question = replace(now, questions=now.questions - {("cq01", "digest-of-cq01")} | {("cq01", "another")})
        new_reader = replace(now, readers=frozenset({("embedded", "another")}))
        assert [ledger.stale(p) for p in (now, new_text, new_question, new_reader)] == [0, 3, 2, 6]
        assert [s.key for s in ledger.current(new_text)] == [key(n, paper="b") for n in (1, 2, 3)]
        assert {s.key.question for s in ledger.current(new_question)} == {"cq02", "cq03"}
        assert list(ledger.current(new_reader)) == []
        assert len(list(ledger.history())) == 12

    def test_are_done_unless_they_failed_in_a_way_to_be_tried_again(self, ledger: Ledger) -> None:
        states = [None, Failure.TRANSIENT, Failure.FINAL]
        batch = [
            (key(n), finding(key(n), Verdict.FAILED if failure else Verdict.REPORTED, failure=failure))
            for n, failure in enumerate(states, start=1)
        ]
        ledger.put_findings(None, batch, AT)
        assert ledger.done_keys(present()) == {key(1), key(3)}
        assert ledger.done_keys(present(), again=Failure) == {key(1)}
        ledger.put_findings(None, [(key(2), finding(key(2)))], AT)
        assert ledger.done_keys(present()) == {key(1), key(2), key(3)}

    def test_are_counted_by_reader_and_verdict_with_what_they_cost(self, ledger: Ledger) -> None:
        cost: dict[str, object] = {"seconds": 2.0, "input_tokens": 100, "output_tokens": 5, "cost_usd": 0.25}
        other = "Zoë"
        ledger.put_findings(None, [(key(n), finding(key(n), **cost)) for n in (1, 2)], AT)
        ledger.put_findings(None, [(key(1), finding(key(1), Verdict.REPORTED, **cost))], AT)
        failed = finding(key(1, other), Verdict.FAILED, failure=Failure.TRANSIENT)
        ledger.put_findings(None, [(key(1, other), failed)], AT)
        now = [(t.reader, t.verdict, t.failure, t.findings, t.cost_usd) for t in ledger.tallies(present())]
        assert now == [
            (other, "failed", "transient", 1, None),
            ("embedded", "not_reported", None, 1, 0.25),
            ("embedded", "reported", None, 1, 0.25),
        ]
        ever = {(t.reader, t.verdict): (t.findings, t.seconds, t.input_tokens) for t in ledger.spent()}
        assert ever == {
            (other, "failed"): (1, None, None),
            ("embedded", "not_reported"): (2, 4.0, 200),
            ("embedded", "reported"): (1, 2.0, 100),
        }

    def test_of_unrecorded_questions_or_readers_are_refused_whole(self, ledger: Ledger) -> None:
        good, bad = key(1), replace(key(2), question_digest="unheard-of")
        with pytest.raises(LedgerError, match="cq02"):
            ledger.put_findings(None, [(good, finding(good)), (bad, finding(bad))], AT)
        assert list(ledger.history()) == []
        ledger.put_findings(None, [(good, finding(good))], AT)
        assert len(list(ledger.history())) == 1

    def test_of_an_unrecorded_run_are_refused(self, ledger: Ledger) -> None:
        with pytest.raises(LedgerError, match="not recorded"):
            ledger.put_findings(12345, [(key(), finding(key()))], AT)

    def test_with_text_that_no_database_can_hold_keep_the_rest_of_it(self, ledger: Ledger) -> None:
        broken = finding(key(), answer="a\ud800b\0c", quotes=(Quote("x\udfff", "y", Located.MISSING),))
        ledger.put_findings(None, [(key(), broken)], AT)
        (stored,) = ledger.current(present())
        assert (stored.finding.answer, stored.finding.quotes[0].said) == ("a�b�c", "x�")

    def test_may_be_written_while_they_are_read(self, ledger: Ledger) -> None:
        ledger.put_findings(None, [(key(n, paper=f"p{n}"), finding(key(n, paper=f"p{n}"))) for n in range(1, 5)], AT)
        seen = []
        for stored in ledger.history():
            seen.append(stored.key)
            ledger.put_findings(None, [(stored.key, stored.finding)], AT)
        assert seen == [key(n, paper=f"p{n}") for n in range(1, 5)]
        assert len(list(ledger.history())) == 8

    def test_without_a_time_zone_are_refused(self, ledger: Ledger) -> None:
        with pytest.raises(Exception, match="without a zone"):
            ledger.put_findings(None, [(key(), finding(key()))], AT.replace(tzinfo=None))
        far = AT.astimezone(timezone(timedelta(hours=9)))
        ledger.put_findings(None, [(key(), finding(key()))], far)
        assert next(ledger.current(present())).at == AT


class TestPapers:
    def test_a_replaced_file_is_a_new_row_and_the_old_one_stays(self, ledger: Ledger, tmp_path: Path, url: str) -> None:
        replaced = replace(PAPER, files=(File("bb22", "paper.pdf", 99), File("cc33", "s.pdf", 1, Role.SUPPLEMENT)))
        other = Paper("other")
        for _ in range(2):
            ledger.put_papers([PAPER, other])
        ledger.put_papers([replaced, other])
        ledger.put_papers([replaced, other])
        assert [stored.paper for stored in ledger.papers()] == [other, replaced]
        if url == SQLITE:
            assert rows(tmp_path, "SELECT name, digest FROM files ORDER BY paper_id, position") == [
                ("paper.pdf", "aa11"),
                ("paper.pdf", "bb22"),
                ("s.pdf", "cc33"),
            ]
            assert rows(tmp_path, "SELECT name FROM papers ORDER BY id") == [("paper",), ("other",), ("paper",)]

    def test_the_same_outcome_of_reading_is_one_row(self, base: Path) -> None:
        with Ledger.open(SQLITE, base=base) as ledger:
            for digest in ("t1", "t1", "t2", "t1"):
                ledger.put_document(PAPER, text_digest=digest, parser="1", pages=9, characters=40_000)
            for _ in range(2):
                ledger.put_unreadable(PAPER, "truncated")
        assert rows(base, "SELECT text_digest, reason FROM documents ORDER BY id") == [
            ("t1", None),
            ("t2", None),
            ("t1", None),
            (None, "truncated"),
        ]
        assert rows(base, "SELECT count(*) FROM papers") == [(1,)]

    def test_unreadable_counts_until_the_paper_is_read_or_replaced(self, ledger: Ledger) -> None:
        ledger.put_unreadable(PAPER, "needs a password")
        ledger.put_unreadable(replace(PAPER, name="slow"), "took over 60 s", failure=Failure.TRANSIENT)
        assert [(s.paper.name, s.reason, s.failure) for s in ledger.unreadable()] == [
            ("paper", "needs a password", "final"),
            ("slow", "took over 60 s", "transient"),
        ]
        ledger.put_document(
            replace(PAPER, name="slow"), text_digest="text-of-slow", parser="1", pages=9, characters=40_000
        )
        assert [s.paper.name for s in ledger.unreadable()] == ["paper"]
        ledger.put_papers([replace(PAPER, files=())])
        assert ledger.unreadable() == []
        by_name = {stored.paper.name: stored for stored in ledger.papers()}
        assert (by_name["slow"].text_digest, by_name["slow"].pages) == ("text-of-slow", 9)
        assert by_name["paper"].text_digest is None


class TestRunsAndReplies:
    def test_a_run_has_its_manifest_and_its_end(self, ledger: Ledger) -> None:
        killed, whole = ledger.start_run({"a": [1, 2.5, "ü"]}), ledger.start_run({})
        ledger.finish_run(whole, "done", "dd", {"reported": 3})
        first, second = ledger.runs()
        assert (first.id, first.manifest, first.outcome, first.finished) == (killed, {"a": [1, 2.5, "ü"]}, None, None)
        assert (second.outcome, second.decisions_digest, second.counts) == ("done", "dd", {"reported": 3})
        assert second.finished is not None
        assert second.finished >= second.started > datetime.now(UTC) - timedelta(minutes=10)
        with pytest.raises(LedgerError, match="recorded already"):
            ledger.finish_run(whole, "failed", None, {})

    def test_a_reply_is_found_by_its_request_and_the_last_one_counts(self, ledger: Ledger) -> None:
        reply = Reply(
            reader="Zoë",
            reader_digest="digest-of-Zoë",
            request_digest="rr",
            shown_digest="ss",
            text='{"verdict": "reported"}\n',
            parameters={"sent": {"temperature": 0.1}, "refused": ["seed"]},
            served_model="m-2026",
            input_tokens=1000,
            output_tokens=20,
            seconds=0.7,
            finish_reason="stop",
        )
        assert ledger.reply("rr") is None
        ledger.put_reply(None, replace(reply, text="cut of"), AT)
        ledger.put_reply(ledger.start_run({}), reply, AT)
        assert ledger.reply("rr") == reply
        assert ledger.reply("other") is None

    def test_every_version_of_a_question_or_reader_is_one_row(self, base: Path) -> None:
        question = Question("cq01", "L", "T?", Kind.CHOICE, "G", ("a", "b"), "kg")
        with Ledger.open(SQLITE, base=base) as ledger:
            for _ in range(2):
                ledger.put_questions([(question, "v2"), (question, "v2")])
                ledger.put_reader("embedded", "embedded", "v2", {"model": "x"})
        assert rows(base, "SELECT digest, kind, choices, unit FROM questions WHERE question = 'cq01' ORDER BY id") == [
            ("digest-of-cq01", "text", "[]", None),
            ("v2", "choice", '["a","b"]', "kg"),
        ]
        assert rows(base, "SELECT type, manifest FROM readers WHERE digest = 'v2'") == [("embedded", '{"model":"x"}')]


class TestFile:
    def test_anyone_can_query_it(self, base: Path) -> None:
        with Ledger.open(SQLITE, base=base) as ledger:
            run = ledger.start_run({})
            ledger.put_unreadable(PAPER, "empty")
            for answer in "ab":
                ledger.put_findings(run, [(key(), finding(key(), answer=answer, quotes=QUOTES))], AT)
        assert rows(base, "SELECT paper, question, reader, revision, answer, run FROM current_findings") == [
            ("paper", "cq01", "embedded", 2, "b", run)
        ]
        assert rows(base, "SELECT revision FROM all_findings ORDER BY id") == [(1,), (2,)]
        assert rows(base, "SELECT paper, position, text FROM current_quotes ORDER BY position") == [
            ("paper", 1, QUOTES[0].text),
            ("paper", 2, QUOTES[1].text),
        ]
        assert rows(base, "SELECT * FROM unreadable_papers") == [("paper", "empty", "final")]
        assert rows(base, "SELECT id, outcome FROM run_log") == [(run, None)]

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE findings SET verdict = 'reported'",
            "DELETE FROM findings",
            "UPDATE quotes SET text = ''",
            "DELETE FROM quotes",
            "UPDATE replies SET text = ''",
            "DELETE FROM replies",
            "DELETE FROM papers",
            "UPDATE run_ends SET outcome = 'done'",
        ],
    )
    def test_what_it_holds_cannot_be_changed(self, statement: str, base: Path) -> None:
        with Ledger.open(SQLITE, base=base) as ledger:
            run = ledger.start_run({})
            ledger.finish_run(run, "failed", None, {})
            ledger.put_papers([PAPER])
            ledger.put_findings(run, [(key(), finding(key(), quotes=QUOTES))], AT)
            ledger.put_reply(run, Reply("embedded", "digest-of-embedded", "r", "s", "t", {}), AT)
        table = re.findall(r"(?:UPDATE|FROM) (\w+)", statement)[0]
        before = rows(base, f"SELECT * FROM {table}")
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
            change(base, statement)
        assert rows(base, f"SELECT * FROM {table}") == before != []

    @pytest.mark.slow
    def test_what_postgresql_holds_cannot_be_changed(self, postgresql: str, tmp_path: Path) -> None:
        import psycopg

        with Ledger.open(postgresql, base=tmp_path) as ledger:
            prepare(ledger).put_findings(None, [(key(), finding(key(), quotes=QUOTES))], AT)
        for statement in ("UPDATE findings SET verdict = ''", "DELETE FROM quotes", "TRUNCATE replies"):
            with psycopg.connect(postgresql) as connection, pytest.raises(psycopg.Error, match="append-only"):
                connection.execute(statement)

    def test_names_neither_the_machine_nor_its_folders(self, base: Path) -> None:
        with Ledger.open(SQLITE, base=base) as ledger:
            with ledger.lock():
                run = ledger.start_run({"protocol": "p"})
                ledger.put_document(PAPER, text_digest="text-of-paper", parser="1", pages=1, characters=2)
                ledger.put_findings(run, [(key(), finding(key(), quotes=QUOTES))], AT)
                during = dump(base)
            after = dump(base)
        assert (base / ".quoth" / "ledger.db.lock").read_bytes() == b""
        assert rows(base, "SELECT * FROM locks") == []
        for content in (during, after):
            assert "text-of-paper" in content
            assert str(base) not in content
            assert socket.gethostname() not in content
            assert not re.search(rf"\b{os.getpid()}\b", content)

    def test_a_first_opening_by_several_processes_makes_one_ledger(self, tmp_path: Path) -> None:
        code = "with Ledger.open(SQLITE, base=base) as ledger:\n    print(prepare(ledger).start_run({}))"
        children = [child(code, tmp_path) for _ in range(6)]
        said = [process.communicate(timeout=60) for process in children]
        assert sorted(out.strip() for out, _ in said) == ["1", "2", "3", "4", "5", "6"], said
        assert rows(tmp_path, "SELECT count(*) FROM questions") == [(28,)]


def dump(base: Path) -> str:
    with closing(sqlite3.connect(base / ".quoth" / "ledger.db")) as connection:
        return "\n".join(connection.iterdump())


def test_what_a_file_says_of_itself_and_hides_comes_back(ledger: Ledger) -> None:
    about, hidden = About("Naïve reeds", "10.5555/reeds", 2020), (Hidden("ab" * 32, 3, "ignore “all”"),)
    for _ in range(2):
        ledger.put_document(PAPER, text_digest="t", parser="2", pages=4, characters=9, about=about, hidden=hidden)
    (stored,) = [stored for stored in ledger.papers() if stored.paper == PAPER]
    assert (stored.about, stored.hidden) == (about, hidden)


def test_pages_that_are_pictures_and_quotes_on_them_come_back(ledger: Ledger) -> None:
    prepare(ledger)
    pictures = (Picture("ab" * 32, 2, Source.OCR), Picture("ab" * 32, 3, Source.PICTURE))
    ledger.put_document(PAPER, text_digest="t", parser="3 rapidocr", pages=4, characters=9, pictures=pictures)
    (stored,) = [stored for stored in ledger.papers() if stored.paper == PAPER]
    assert stored.pictures == pictures
    spans = (Span("ab" * 32, 2, 3, 9, (BOX,), ocr=True), Span("ab" * 32, 4, 10, 12, (BOX,)))
    quote = Quote("said", "text", Located.EXACT, 0.5, spans)
    ledger.put_findings(None, [(key(), finding(key(), quotes=(quote,)))], AT)
    (found,) = ledger.history()
    assert found.finding.quotes[0].spans == spans


class TestVersions:
    @pytest.mark.parametrize("old", sorted(FIXTURES.glob("*.sql")), ids=lambda path: path.stem)
    def test_an_old_ledger_opens_with_all_that_it_holds(self, old: Path, tmp_path: Path) -> None:
        (tmp_path / ".quoth").mkdir()
        with closing(sqlite3.connect(tmp_path / ".quoth" / "ledger.db")) as connection:
            connection.executescript(old.read_text(encoding="utf-8"))
        with Ledger.open(SQLITE, base=tmp_path) as ledger:
            history = list(ledger.history())
            assert [(s.key.question, s.revision, s.finding.verdict) for s in history] == [
                ("cq01", 1, "failed"),
                ("cq01", 2, "reported"),
                ("cq02", 1, "not_reported"),
            ]
            assert history[1].finding.quotes[0].spans == (
                Span("11" * 32, 2, 120, 151, ((72.0, 90.5, 301.25, 101.0), (72.0, 103.5, 140.0, 114.0))),
            )
            assert [s.reason for s in ledger.unreadable()] == ["needs a password"]
            assert [run.outcome for run in ledger.runs()] == ["done", None]
            reply = ledger.reply("request-1")
            assert reply is not None
            assert reply.parameters == {"sent": {"temperature": 0}, "refused": ["seed"]}
            assert rows(tmp_path, "PRAGMA journal_mode") == [("wal",)]
            # And it takes new rows.
            again = history[1]
            ledger.put_findings(None, [(again.key, again.finding)], AT)
            assert [s.revision for s in ledger.history()] == [1, 2, 3, 1]

    def test_there_is_an_old_ledger_of_every_version(self) -> None:
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        from quoth.ledger.schema import VERSION

        config = Config()
        config.set_main_option("script_location", "quoth.ledger:migrations")
        scripts = ScriptDirectory.from_config(config)
        assert scripts.get_current_head() == VERSION
        assert {path.stem for path in FIXTURES.glob("*.sql")} == {s.revision for s in scripts.walk_revisions()}

    def test_the_migrations_make_the_tables_that_the_program_uses(self, base: Path) -> None:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext
        from sqlalchemy import create_engine

        from quoth.ledger.schema import metadata

        engine = create_engine(f"sqlite:///{base / '.quoth' / 'ledger.db'}")
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
        engine.dispose()

    def test_a_ledger_of_a_newer_program_is_left_alone(self, base: Path) -> None:
        change(base, "UPDATE alembic_version SET version_num = '9999'")
        before = (base / ".quoth" / "ledger.db").read_bytes()
        with pytest.raises(LedgerError, match=r"version 9999.*newer quoth.*Update quoth"):
            Ledger.open(SQLITE, base=base)
        assert (base / ".quoth" / "ledger.db").read_bytes() == before

    def test_a_damaged_file_is_told_with_a_remedy(self, base: Path) -> None:
        file = base / ".quoth" / "ledger.db"
        file.write_bytes(b"no database at all, but long enough to be read as one" * 100)
        with pytest.raises(LedgerError, match=r"ledger\.db: .*not a database.*restore a copy"):
            Ledger.open(SQLITE, base=base)

    def test_a_file_cut_short_is_told_with_a_remedy(self, base: Path) -> None:
        file = base / ".quoth" / "ledger.db"
        file.write_bytes(file.read_bytes()[:9000])
        with pytest.raises(LedgerError, match=r"malformed.*recover"), Ledger.open(SQLITE, base=base) as ledger:
            list(ledger.history())

    def test_another_program_s_database_is_left_alone(self, tmp_path: Path) -> None:
        with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
            connection.execute("CREATE TABLE papers (x)")
        with pytest.raises(LedgerError, match="not a ledger"):
            Ledger.open("sqlite:///other.db", base=tmp_path)

    @pytest.mark.parametrize(
        ("url", "said"),
        [
            ("nonsense", "sqlite:///"),
            ("mysql://u:secret@h/d", "'mysql'"),
            ("sqlite://", "names no file"),
            ("sqlite:///:memory:", "names no file"),
        ],
    )
    def test_a_url_that_cannot_be_meant_is_told(self, url: str, said: str, tmp_path: Path) -> None:
        with pytest.raises(LedgerError, match=said) as caught:
            Ledger.open(url, base=tmp_path)
        assert "secret" not in str(caught.value)

    def test_postgresql_without_its_driver_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "psycopg", None)
        with pytest.raises(LedgerError, match=re.escape("quoth[postgres]")):
            Ledger.open("postgresql://user:secret@localhost/db", base=tmp_path)

    def test_opening_changes_no_logging_and_prints_nothing(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        code = (
            "import logging\nbefore = logging.getLogger().handlers[:], logging.getLogger().level\n"
            "Ledger.open(SQLITE, base=base).close()\n"
            "assert (logging.getLogger().handlers[:], logging.getLogger().level) == before"
        )
        assert child(code, tmp_path / "100%").communicate(timeout=60) == ("", "")


WRITER = """
ledger = Ledger.open(SQLITE, base=base)
with ledger.lock():
    run = ledger.start_run({})
    print("locked", flush=True)
    for n in range(100_000):
        keys = [key(number, paper=f"p{n}") for number in range(1, 29)]
        ledger.put_findings(run, [(k, finding(k, quotes=QUOTES)) for k in keys], AT)
        print(n, flush=True)
"""

REVIEWER = """
with Ledger.open(SQLITE, base=base) as ledger:
    for n in range(100):
        keys = [key(number, reader="Zoë", paper=f"p{n}") for number in (1, 2)]
        ledger.put_findings(None, [(k, finding(k, quotes=QUOTES)) for k in keys], AT)
"""


def lines(process: subprocess.Popen[str], number: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(number)]


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=30)


class TestLock:
    def test_a_second_run_is_told_who_holds_the_study_until_that_one_is_killed(self, base: Path) -> None:
        process = child(WRITER, base)
        try:
            said = lines(process, 6)
            assert said[0] == "locked", process.communicate(timeout=30)
            with Ledger.open(SQLITE, base=base) as ledger:
                who = rf"process {process.pid}, since \d{{4}}-\d\d-\d\d .*last heartbeat \d+ s ago"
                with pytest.raises(LockedError, match=who), ledger.lock():
                    raise AssertionError("two runs at once")
                holder = ledger.holder()
                assert holder is not None
                assert holder.pid == process.pid
                # Review goes on meanwhile.
                ledger.put_findings(None, [(key(reader="Zoë"), finding(key(reader="Zoë")))], AT)
                lines(process, 3)
        finally:
            end(process)
        with Ledger.open(SQLITE, base=base) as ledger:
            assert ledger.holder() is None
            began = time.monotonic()
            with ledger.lock():
                assert time.monotonic() - began < patience(2)
            history = list(ledger.history())
        by_run = [stored for stored in history if stored.run is not None]
        # Whole transactions only, and no fewer than were reported.
        assert len(by_run) % 28 == 0
        assert len(by_run) >= 28 * 8
        assert all(len(stored.finding.quotes) == 2 for stored in by_run)
        assert len(history) == len(by_run) + 1

    def test_review_and_run_at_once_lose_nothing(self, base: Path) -> None:
        writer = child(WRITER, base)
        try:
            assert lines(writer, 1) == ["locked"]
            assert child(REVIEWER, base).communicate(timeout=60) == ("", "")
            written = int(lines(writer, 100)[-1]) + 1
        finally:
            end(writer)
        with Ledger.open(SQLITE, base=base) as ledger:
            counts = {tally.reader: tally.findings for tally in ledger.spent()}
        assert counts["Zoë"] == 200
        assert counts["embedded"] >= 28 * written

    def test_is_free_again_after_a_run_that_raised(self, ledger: Ledger) -> None:
        with pytest.raises(ZeroDivisionError), ledger.lock():
            1 / 0  # noqa: B018
        assert ledger.holder() is None
        with ledger.lock():
            pass

    def test_refuses_a_second_run_of_the_same_process(self, ledger: Ledger, url: str, tmp_path: Path) -> None:
        with Ledger.open(url, base=tmp_path) as second, ledger.lock():
            with pytest.raises(LockedError, match=f"process {os.getpid()}"), second.lock():
                raise AssertionError("two runs at once")
            assert second.holder() is not None
            # Looking at it must not let go of it.
            process = child(f"print(Ledger.open({url!r}, base=base).holder().pid)", tmp_path)
            assert process.communicate(timeout=60)[0].strip() == str(os.getpid())

    def test_beats_while_the_run_lives(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lock, "BEAT_SECONDS", 0.05)
        with ledger.lock():
            time.sleep(1.2)
            holder = ledger.holder()
        assert holder is not None
        assert holder.since is not None
        assert holder.heartbeat is not None
        assert holder.heartbeat > holder.since

    def test_of_a_run_elsewhere_counts_until_its_heartbeat_is_old(self, base: Path) -> None:
        elsewhere = "INSERT INTO locks VALUES ('run', 'their token', {0}, {0})"
        with Ledger.open(SQLITE, base=base) as ledger:
            change(base, elsewhere.format("datetime('now', '-30 seconds')"))
            with pytest.raises(LockedError, match=r"another machine, since .* heartbeat \d+ s"), ledger.lock():
                raise AssertionError("two runs at once")
            change(base, "UPDATE locks SET heartbeat = datetime('now', '-70 seconds')")
            assert ledger.holder() is None
            with ledger.lock():
                assert rows(base, "SELECT token FROM locks") != [("their token",)]

    def test_that_another_run_took_over_stops_this_one(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lock, "BEAT_SECONDS", 0.05)
        with Ledger.open(SQLITE, base=base) as ledger, ledger.lock():
            change(base, "UPDATE locks SET token = 'their token'")
            time.sleep(0.5)
            with pytest.raises(LockedError, match="taken this study over"):
                ledger.put_findings(None, [(key(), finding(key()))], AT)
        assert rows(base, "SELECT token FROM locks") == [("their token",)]
