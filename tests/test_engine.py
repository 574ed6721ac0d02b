"""Supervised worker processes, with real processes that hang, crash, grow and are killed."""

import ctypes
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from conftest import patience
from quoth.engine.local import Done, Lost, run_supervised
from quoth.errors import ModelError, PaperError, QuothError

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

Outcomes = list[Done[object, object] | Lost[object]]


def run(
    work: Callable[..., object], tasks: object, *, workers: int = 1, seconds: float = 20.0, **more: object
) -> Outcomes:
    """All outcomes of a run that must leave no process behind."""
    found = list(run_supervised(tasks, work, workers=workers, seconds=seconds, **more))  # type: ignore[arg-type]
    assert multiprocessing.active_children() == []
    return found


def results(outcomes: Outcomes) -> dict[object, object]:
    return {outcome.task: outcome.result for outcome in outcomes if isinstance(outcome, Done)}


def errors(outcomes: Outcomes) -> dict[object, PaperError]:
    return {outcome.task: outcome.error for outcome in outcomes if isinstance(outcome, Lost)}


def gone(pid: int, seconds: float = 2.0) -> bool:
    """Whether a process ends within some seconds; one that waits to be reaped has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


# What the workers do


def hold_the_lock(seconds: int) -> None:
    """Sleep in native code that keeps the interpreter's lock, as a runaway regular expression does."""
    ctypes.PyDLL(None).sleep(seconds)


class Unloadable:
    """Can be pickled, and never be read again."""

    def __reduce__(self) -> tuple[object, ...]:
        return (int, ("not a number",))


class StubbornError(PaperError):
    """An error that pickle cannot make again: its class wants two arguments."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}", transient=True)


def hoard_memory() -> None:
    hoard = []
    while True:
        hoard.append(b"x" * 20_000_000)
        time.sleep(0.01)


def fail(error: BaseException) -> None:
    raise error


MISBEHAVIOUR: dict[str, Callable[[], object]] = {
    "hang": lambda: time.sleep(60),
    "hang in native code": lambda: hold_the_lock(60),
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(7),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "sys.exit": lambda: sys.exit(3),
    "hog": hoard_memory,
    "paper": lambda: fail(PaperError("needs a password", file="a.pdf", transient=True)),
    "stubborn": lambda: fail(StubbornError("two", "words")),
    "value": lambda: fail(ValueError("odd")),
    "unpicklable": lambda: lambda: None,
    "unloadable": Unloadable,
}


def misbehave(task: str) -> object:
    return MISBEHAVIOUR.get(task, os.getpid)()


def square(number: int) -> int:
    return number * number


def pid_after(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def meet(folder: str, name: str) -> bool:
    """Whether another task is under way while this one is."""
    Path(folder, name).touch()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if len(list(Path(folder).iterdir())) == 2:
            return True
        time.sleep(0.005)
    return False


def note_pid(folder: str, task: str) -> None:
    Path(folder, str(os.getpid())).touch()
    misbehave(task)


ready: list[str] = []


def get_ready() -> None:
    ready.append("ready")


def how_ready(task: int) -> tuple[int, int]:
    return os.getpid(), len(ready)


def fail_to_get_ready() -> None:
    raise ModelError("the model is not there")


def die_getting_ready() -> None:
    os._exit(9)


# All goes well


@pytest.mark.parametrize(("workers", "tasks"), [(1, 5), (2, 50), (3, 2), (2, 0)])
def test_every_task_is_done_once(workers: int, tasks: int) -> None:
    found = run(square, range(tasks), workers=workers)
    assert sorted(outcome.task for outcome in found) == list(range(tasks))  # type: ignore[type-var]
    assert results(found) == {number: number * number for number in range(tasks)}


def test_without_tasks_no_worker_is_started() -> None:
    assert run(square, [], init=fail_to_get_ready) == []


def test_no_worker_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least one worker"):
        run(square, [1], workers=0)


def test_workers_read_at_the_same_time(tmp_path: Path) -> None:
    assert results(run(partial(meet, str(tmp_path)), ["a", "b"], workers=2)) == {"a": True, "b": True}


def test_outcomes_come_in_the_order_of_completion() -> None:
    assert [outcome.task for outcome in run(pid_after, [0.3, 0.01], workers=2)] == [0.01, 0.3]


def test_init_runs_once_in_each_worker_and_the_worker_stays() -> None:
    found = results(run(how_ready, range(40), workers=2, init=get_ready))
    assert len({pid for pid, _ in found.values()}) <= 2  # type: ignore[misc]
    assert {times for _, times in found.values()} == {1}  # type: ignore[misc]
    assert os.getpid() not in {pid for pid, _ in found.values()}  # type: ignore[misc]


def test_tasks_are_taken_as_they_are_needed() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    outcomes = run_supervised(tasks(), square, workers=2, seconds=10)
    for finished, _ in zip(range(1, 30), outcomes, strict=False):
        assert len(taken) <= finished + 4
    outcomes.close()  # type: ignore[attr-defined]


def test_start_is_told_for_each_task_before_its_outcome() -> None:
    started: list[object] = []
    for outcome in run_supervised(range(5), square, workers=1, seconds=10, on_start=started.append):
        assert outcome.task in started
    assert started == list(range(5))


def test_many_small_tasks_are_quick() -> None:
    outcomes = run_supervised(range(3001), square, workers=2, seconds=10, memory_mb=1000)
    next(outcomes)
    begun = time.monotonic()
    assert sum(1 for _ in outcomes) == 3000
    assert time.monotonic() - begun < patience(3.0)


def test_a_stop_lets_running_tasks_end_and_starts_no_other() -> None:
    stop = threading.Event()
    found: Outcomes = []
    for outcome in run_supervised(iter(range(1000)), square, workers=1, seconds=10, stop=stop):
        found.append(outcome)
        if outcome.task == 3:
            stop.set()
    # The fourth had been handed over when the third was yielded.
    assert [outcome.task for outcome in found] == [0, 1, 2, 3, 4]
    assert run(square, range(3), stop=stop) == []


# Tasks go wrong


@posix
@pytest.mark.parametrize(
    ("task", "reason", "transient"),
    [
        ("segfault", "the parser crashed (signal 11)", False),
        ("exit", "the parser crashed (exit code 7)", False),
        ("killed", "the worker was killed from outside (signal 9)", True),
        ("sys.exit", "SystemExit: 3", False),
        ("paper", "needs a password", True),
        ("stubborn", "two words", True),
        ("value", "ValueError: odd", False),
        ("unpicklable", "the result cannot be sent to the parent process (", False),
        ("unloadable", "the result cannot be read by the parent process (ValueError: ", False),
    ],
)
def test_what_goes_wrong_costs_its_task_only(task: str, reason: str, transient: bool) -> None:
    found = run(misbehave, ["fine", task, "good", "well"])
    assert list(results(found)) == ["fine", "good", "well"]
    (error,) = errors(found).values()
    assert error.reason.startswith(reason)
    assert error.transient is transient
    assert "Traceback" not in error.reason


def test_an_error_of_a_paper_comes_back_as_it_was_with_its_traceback_aside() -> None:
    (lost,) = run(misbehave, ["paper"])
    assert isinstance(lost, Lost)
    assert (type(lost.error), lost.error.file, lost.error.transient) == (PaperError, "a.pdf", True)
    assert "Traceback" in lost.details
    assert "in misbehave" in lost.details


@pytest.mark.parametrize("task", ["hang", pytest.param("hang in native code", marks=posix)])
def test_a_task_that_hangs_is_ended_at_its_limit(task: str) -> None:
    begun = time.monotonic()
    found = run(misbehave, ["fine", task, "good"], seconds=0.4)
    assert time.monotonic() - begun < patience(5)
    assert list(results(found)) == ["fine", "good"]
    (lost,) = (outcome for outcome in found if isinstance(outcome, Lost))
    assert lost.error.reason.startswith("took longer than 0.4 s; to give it more time, raise seconds_per_paper")
    assert lost.error.transient
    assert 0.4 <= lost.seconds < 2


def test_others_go_on_while_one_hangs() -> None:
    found = run(misbehave, ["hang", *(f"fine {number}" for number in range(30))], workers=2, seconds=1.2)
    assert len(results(found)) == 30
    assert found[-1].task == "hang"


@linux
def test_a_task_that_needs_too_much_memory_is_ended() -> None:
    found = run(misbehave, ["fine", "hog", "good"], memory_mb=400)
    assert list(results(found)) == ["fine", "good"]
    (error,) = errors(found).values()
    assert error.reason.startswith("needed more than 400 MB of memory; to give it more, raise memory_mb")
    assert error.transient


@posix
def test_many_crashes_in_a_row_cost_their_tasks_and_no_other() -> None:
    found = run(misbehave, ["exit"] * 6 + ["fine"], workers=2)
    assert len(found) == 7
    assert list(results(found)) == ["fine"]


def test_an_answer_that_has_come_is_taken_though_the_caller_is_late() -> None:
    outcomes = run_supervised([0.0, 0.2], pid_after, workers=1, seconds=0.5)
    next(outcomes)
    time.sleep(0.7)
    assert isinstance(next(outcomes), Done)
    assert list(outcomes) == []


@posix
def test_a_worker_that_dies_between_tasks_costs_none() -> None:
    def tasks() -> Iterator[float]:
        yield 0.0
        yield 0.01
        (child,) = multiprocessing.active_children()
        assert child.pid
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        yield 0.02

    found = run(pid_after, tasks())
    assert [outcome.task for outcome in found] == [0.0, 0.01, 0.02]
    pids = [outcome.result for outcome in found if isinstance(outcome, Done)]  # type: ignore[misc]
    assert pids[0] == pids[1] != pids[2]


@posix
def test_workers_leave_ctrl_c_to_the_program() -> None:
    outcomes = run_supervised([0.0, 0.3], pid_after, workers=1, seconds=20)
    next(outcomes)
    (child,) = multiprocessing.active_children()
    assert child.pid
    os.kill(child.pid, signal.SIGINT)
    assert [type(outcome) for outcome in outcomes] == [Done]


# Workers cannot begin


def test_an_init_that_fails_ends_the_run_with_its_error() -> None:
    with pytest.raises(ModelError, match="the model is not there"):
        run(square, range(5), workers=2, init=fail_to_get_ready)
    assert multiprocessing.active_children() == []


def test_workers_that_die_at_the_start_end_the_run() -> None:
    with pytest.raises(QuothError, match=r"end before they are ready \(exit code 9\)"):
        run(square, range(5), workers=2, init=die_getting_ready)
    assert multiprocessing.active_children() == []


# The caller goes away


def test_an_abandoned_iterator_ends_its_workers() -> None:
    outcomes = run_supervised(["fine", "hang", "hang"], misbehave, workers=2, seconds=60)
    next(outcomes)
    children = multiprocessing.active_children()
    assert len(children) == 2
    begun = time.monotonic()
    del outcomes
    assert multiprocessing.active_children() == []
    assert time.monotonic() - begun < patience(2)


SCRIPT = """
import sys, pathlib
from functools import partial
sys.path.insert(0, {tests!r})
from quoth.engine.local import run_supervised
import test_engine
work = partial(test_engine.note_pid, {folder!r})
for outcome in run_supervised({tasks!r}, work, workers=2, seconds=60):
    print(outcome, flush=True)
"""


def _start(folder: Path, tasks: list[str]) -> tuple[subprocess.Popen[str], list[int]]:
    """A program whose two workers are busy, and their process ids."""
    pids = folder / "pids"
    pids.mkdir()
    script = folder / "script.py"  # without the guard of __main__ that multiprocessing asks of scripts
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent), folder=str(pids), tasks=tasks), "utf-8")
    program = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    until = time.monotonic() + 10
    while len(found := [int(path.name) for path in pids.iterdir()]) < 2 and time.monotonic() < until:
        time.sleep(0.02)
    assert len(found) == 2
    return program, found


@posix
def test_ctrl_c_ends_the_program_and_all_its_workers(tmp_path: Path) -> None:
    program, pids = _start(tmp_path, ["hang", "hang in native code"])
    for pid in (*pids, program.pid):  # a terminal sends it to all of them
        os.kill(pid, signal.SIGINT)
    begun = time.monotonic()
    output, _ = program.communicate(timeout=10)
    assert time.monotonic() - begun < patience(2)
    assert program.returncode == -signal.SIGINT
    assert output.count("Traceback") == 1  # the program's own, and none of a worker
    assert all(gone(pid) for pid in pids)


@posix
@pytest.mark.parametrize("task", ["hang", "hang in native code"])
def test_no_worker_outlives_a_program_that_is_killed(tmp_path: Path, task: str) -> None:
    program, pids = _start(tmp_path, [task, task])
    assert not any(gone(pid, 0.1) for pid in pids)
    program.kill()
    assert all(gone(pid) for pid in pids)
    program.communicate(timeout=10)


def test_a_script_needs_no_guard_for_its_main_module(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import math\nfrom quoth.engine.local import run_supervised\n"
        "print([outcome.result for outcome in run_supervised([3, 4], math.factorial, workers=1, seconds=20)])\n",
        "utf-8",
    )
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=20, check=False)
    assert (ended.stdout, ended.stderr) == (f"{[math.factorial(3), math.factorial(4)]}\n", "")


def test_a_script_with_the_guard_may_bring_its_own_work(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from quoth.engine.local import run_supervised\n"
        "def double(number):\n    return 2 * number\n"
        "if __name__ == '__main__':\n"
        "    print([outcome.result for outcome in run_supervised([3, 4], double, workers=1, seconds=20)])\n",
        "utf-8",
    )
    ended = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=20, check=False)
    assert (ended.stdout, ended.stderr) == ("[6, 8]\n", "")
