"""How far a run is: a live bar on a terminal, plain lines now and then elsewhere."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from quoth.study.workshop import Progress as Step
from quoth.study.workshop import Watcher

_EVERY_SECONDS = 10.0


@contextmanager
def watching(console: Console) -> Iterator[Watcher]:
    """What to hand to a run as its watcher."""
    if console.is_terminal:
        with _live(console) as watch:
            yield watch
    else:
        yield _Lines(console)


@contextmanager
def _live(console: Console) -> Iterator[Watcher]:
    bar = Progress(
        BarColumn(bar_width=16),
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        redirect_stdout=False,
    )
    began = time.monotonic()
    with bar:
        task = bar.add_task("starting", total=None)

        def watch(step: Step) -> None:
            words = (
                f"{step.papers_done:,}/{step.papers:,} papers",
                f"{step.findings_done:,}/{step.findings:,} findings",
                *_pace(step, time.monotonic() - began),
            )
            bar.update(task, total=step.papers, completed=step.papers_done, description=", ".join(words))
            if step.note:
                bar.console.print(f"{escape(step.paper)}: {escape(step.note)}", highlight=False)

        yield watch


class _Lines:
    """A line at the start, at the end, for every paper that fails, and every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()
        self._last = -math.inf

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if step.note:
            self._say(f"{step.paper}: {step.note}")
        ends = step.papers_done == step.papers and step.findings_done == step.findings
        if ends or now - self._last >= _EVERY_SECONDS:
            self._last = now
            papers = f"{step.papers_done:,} of {step.papers:,} papers"
            findings = f"{step.findings_done:,} of {step.findings:,} findings"
            self._say(", ".join((papers, findings, *_pace(step, now - self._began))))

    def _say(self, line: str) -> None:
        self._console.print(line, highlight=False, soft_wrap=True, markup=False)


def _pace(step: Step, seconds: float) -> Iterator[str]:
    """Rate and time left, as far as they can be known."""
    if not step.papers_done or seconds <= 0:
        return
    yield f"{step.papers_done / seconds * 60:,.0f} papers/min"
    if step.papers_done < step.papers:
        yield f"{duration(seconds / step.papers_done * (step.papers - step.papers_done))} left"


def duration(seconds: float) -> str:
    """A time in words, such as '90 s' or '2 h 5 min'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
