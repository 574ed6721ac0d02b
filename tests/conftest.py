"""What several tests share: the demo papers, a finished demo study, small studies, and the command line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import settings

# A machine that does other work too is slow now and then: that is no fault of the code.
settings.register_profile("quoth", deadline=None)
settings.load_profile("quoth")


def patience(seconds: float) -> float:
    """How long to wait for what takes so many seconds on a machine that does nothing else."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return seconds * max(1.0, 2 * load / (os.cpu_count() or 1))


DEMO_PAPERS = Path(str(files("quoth.demo"))) / "papers"

SMALL = """\
[study]
title = "A small study"

[reading]
workers = {workers}
seconds_per_paper = {seconds}
max_pages = {max_pages}

[[question]]
id = "metrics"
text = "By which metrics was the network judged?"

[[question]]
id = "code"
label = "Source code"
text = "Where can the source code of the work be obtained?"
kind = "link"

[[reader]]
name = "embedded"
type = "embedded"
"""


Quoth = Callable[..., "subprocess.CompletedProcess[str]"]


def quoth_command(*arguments: object) -> list[str]:
    """The command line that a user would type, with this interpreter."""
    return [sys.executable, "-m", "quoth", *(str(argument) for argument in arguments)]


@pytest.fixture(scope="session")
def quoth() -> Quoth:
    """Runs a command of quoth as a user would and gives exit code, output and errors; a traceback fails the test."""

    def run(*arguments: object, cwd: Path | None = None, code: int | None = 0) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
        environment.pop("COLUMNS", None)
        done = subprocess.run(
            quoth_command(*arguments),
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert code is None or done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    return run


@pytest.fixture(scope="session")
def demo_papers() -> Path:
    """The folder of the six demo papers."""
    return DEMO_PAPERS


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory, quoth: Quoth) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    """The demo study, made and run once by `quoth demo`, and what that printed. Do not change it: see `demo_copy`."""
    folder = tmp_path_factory.mktemp("demo") / "a-study"
    return folder, quoth("demo", folder.name, cwd=folder.parent)


@pytest.fixture(scope="session")
def demo_study(demo_run: tuple[Path, object]) -> Path:
    """The finished demo study, to be looked at only."""
    return demo_run[0]


@pytest.fixture
def demo_copy(demo_study: Path, tmp_path: Path) -> Path:
    """A finished demo study that a test may change."""
    return Path(shutil.copytree(demo_study, tmp_path / "study"))


SmallStudy = Callable[..., Path]


@pytest.fixture
def small_study(tmp_path: Path) -> SmallStudy:
    """Makes a study of two questions over some of the demo papers, given as name and demo paper, not run yet."""

    def make(
        papers: Sequence[str] = ("lynx-camera-traps",),
        *,
        name: str = "study",
        workers: int = 1,
        seconds: float = 60.0,
        max_pages: int = 500,
        more: str = "",
    ) -> Path:
        folder = tmp_path / name
        (folder / "papers").mkdir(parents=True)
        text = SMALL.format(workers=workers, seconds=seconds, max_pages=max_pages) + more
        (folder / "study.toml").write_text(text, encoding="utf-8")
        for paper in papers:
            shutil.copyfile(DEMO_PAPERS / f"{paper}.pdf", folder / "papers" / f"{paper}.pdf")
        return folder

    return make
