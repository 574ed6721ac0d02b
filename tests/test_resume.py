"""A run that is killed or interrupted at any moment, and the one that goes on: nothing lost, nothing doubled."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import quoth as api
from conftest import patience, quoth_command
from quoth.cli.app import app
from quoth.ledger import Ledger

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

NAMES = (
    "bean-leaf-disease",
    "bird-song-transformer",
    "ecg-atrial-fibrillation",
    "flower-strips-aphids",
    "lynx-camera-traps",
    "seismic-phase-picking",
)
COPIES = 3
CELLS = len(NAMES) * COPIES * 2


@pytest.fixture
def long_study(small_study: Callable[..., Path]) -> Callable[[str], Path]:
    """Makes a study of 18 papers: each demo paper under three names."""

    def make(name: str) -> Path:
        folder = small_study(NAMES, name=name, workers=2)
        papers = folder / "papers"
        for paper in NAMES:
            for number in range(1, COPIES):
                shutil.copyfile(papers / f"{paper}.pdf", papers / f"{paper}-{number}.pdf")
        return folder

    return make


def committed(folder: Path) -> int:
    """How many findings are in the ledger, as somebody sees who looks on."""
    path = folder / ".quoth" / "ledger.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path, timeout=5)) as database:
        try:
            (number,) = database.execute("SELECT count(*) FROM findings").fetchone()
        except sqlite3.OperationalError:  # its tables are not made yet
            return 0
    return int(number)


def exported(folder: Path, out: Path) -> dict[str, bytes]:
    with api.open(folder) as study:
        for what in ("papers", "findings", "quotes", "decisions", "matrix"):
            for suffix in (".csv", ".jsonl"):
                study.export(out / (what + suffix), what=what)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def assert_whole(folder: Path) -> None:
    """Every cell has one current finding, of the first revision, and nothing else is there."""
    with api.open(folder) as study:
        history = study.table("findings", history=True)
        assert len(study.findings) == CELLS
        assert len(history) == CELLS
        assert not history.duplicated(["paper", "question", "reader"]).any()
        assert set(history.revision) == {1}
        assert "failed" not in set(history.verdict)
        assert study.ledger.holder() is None


# Forks runs off a process that has imported what they need, and so saves a second for each kill.
RUNNER = """
import os, sys
import quoth
import quoth.study.study
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        with quoth.open(line.strip()) as study:
            study.run()
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""


@pytest.mark.slow
def test_killed_at_random_points_a_run_goes_on(long_study: Callable[[str], Path], tmp_path: Path) -> None:
    folder, calm = long_study("killed"), long_study("calm")
    dice = random.Random(20261122)
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert runner.stdin
    assert runner.stdout
    seen = []
    with runner:
        for number in range(12):
            before = committed(folder)
            seen.append(before)
            print(folder, file=runner.stdin, flush=True)
            child = int(runner.stdout.readline())
            if number % 2:  # among the first commits of the run
                until = time.monotonic() + 30
                while committed(folder) == before and time.monotonic() < until:
                    time.sleep(0.002)
                time.sleep(dice.uniform(0, 0.05))
            else:  # somewhere on the way there
                time.sleep(dice.uniform(0, 0.6))
            workers = children(child)
            os.kill(child, signal.SIGKILL)
            assert all_end(workers)
            assert runner.stdout.readline() == "ended\n"
        runner.stdin.close()
    assert seen == sorted(seen)
    assert 0 < seen[-1] < CELLS, "the kills were spread over the work"
    assert len(set(seen)) >= 5
    for study in (folder, calm):
        with api.open(study) as opened:
            opened.run()
    assert_whole(folder)
    assert exported(folder, tmp_path / "a") == exported(calm, tmp_path / "b")


def children(pid: int) -> set[int]:
    """The processes that a process has started, and theirs; known on Linux."""
    found = set()
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, path.read_text("ascii").split()):
            found |= {child, *children(child)}
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def all_end(processes: set[int]) -> bool:
    """Whether processes end within two seconds."""
    until = time.monotonic() + 2
    while any(map(alive, processes)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(alive, processes))


def start(folder: Path) -> "subprocess.Popen[str]":
    command = quoth_command("run", folder)
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8")


@pytest.mark.slow
def test_ctrl_c_stops_at_once_and_keeps_what_came_back(long_study: Callable[[str], Path]) -> None:
    folder = long_study("study")
    run = start(folder)
    while not committed(folder):
        time.sleep(0.01)
    workers = children(run.pid)
    assert workers or sys.platform != "linux"
    run.send_signal(signal.SIGINT)
    pressed = time.monotonic()
    _, errors = run.communicate(timeout=30)
    assert time.monotonic() - pressed < patience(2)
    assert run.returncode == 1
    assert errors.splitlines()[-1].endswith(f"To go on: quoth run {folder}")
    assert "Traceback" not in errors
    assert all_end(workers)
    kept = committed(folder)
    assert 0 < kept < CELLS
    with api.open(folder) as study:
        (stopped,) = study.ledger.runs()
        assert (stopped.outcome, stopped.counts["findings"]) == ("interrupted", kept)
        assert study.run().findings == CELLS - kept
    assert_whole(folder)


@pytest.mark.parametrize("module", ["numpy", "onnxruntime.capi._ld_preload", "sqlalchemy.sql"])
def test_ctrl_c_while_it_starts_is_told_in_words(small_study: Callable[..., Path], module: str) -> None:
    interpreter, *arguments = quoth_command("run", small_study())
    command = [interpreter, "-X", "importtime", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8") as run:
        assert run.stderr
        while f" {module}" not in run.stderr.readline():
            assert run.poll() is None
        time.sleep(0.006)  # into the next module, which in onnxruntime takes the interruption for an error of its own
        run.send_signal(signal.SIGINT)
        errors = [line for line in run.stderr if not line.startswith("import time:")]
    assert run.returncode == 1
    assert errors == ["quoth: stopped; what was finished is kept, and the same command goes on from there\n"]


def test_a_second_run_is_refused_and_told_who_holds_the_study(
    small_study: Callable[..., Path], quoth: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    folder = small_study()
    with api.open(folder) as study, study.ledger.lock():
        refused = quoth("run", folder, code=1)
        assert f"another run holds this study: process {os.getpid()}" in refused.stderr
        assert "A run is at work" in CliRunner().invoke(app, ["status", str(folder)]).output
    assert committed(folder) == 0


def test_what_was_kept_is_counted_even_if_ctrl_c_comes_right_after_a_commit(
    small_study: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Ledger.put_findings

    def interrupted(self: Ledger, *arguments: Any) -> None:
        commit(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Ledger, "put_findings", interrupted)
    with api.open(small_study(NAMES[:2])) as study:
        outcome = study.run()
        (stopped,) = study.ledger.runs()
        assert outcome.interrupted
        assert (outcome.papers, outcome.findings) == (1, 2)
        assert stopped.counts == {"papers": 1, "findings": 2, "failed": 0}
