"""How far a run is: a live bar on a terminal, plain lines now and then elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from quoth.study.execute import Progress as Step
from quoth.study.execute import Watcher

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
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("papers, {task.fields[findings]} findings, {task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    began = time.monotonic()
    with bar:
        task = bar.add_task("Reading", total=None, findings=0, rate="")

        def watch(step: Step) -> None:
            bar.update(
                task,
                total=step.papers,
                completed=step.papers_done,
                findings=step.findings_done,
                rate=_rate(step, time.monotonic() - began),
            )
            if step.note:
                bar.console.print(f"{escape(step.paper)}: {escape(step.note)}", highlight=False)

        yield watch


class _Lines:
    """A line at the start, at the end, for every paper that fails, and every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = self._last = time.monotonic()

    def __call__(self, step: Step) -> None:
        now = time.monotonic()
        if step.note:
            self._console.print(f"{step.paper}: {step.note}", highlight=False, soft_wrap=True, markup=False)
        ends = step.papers_done in (0, step.papers)
        if ends or now - self._last >= _EVERY_SECONDS:
            self._last = now
            left = _left(step, now - self._began)
            rate = _rate(step, now - self._began)
            line = f"{step.papers_done} of {step.papers} papers, {step.findings_done} of {step.findings} findings"
            self._console.print(", ".join(part for part in (line, rate, left) if part), highlight=False, soft_wrap=True)


def _rate(step: Step, seconds: float) -> str:
    return f"{step.papers_done / seconds * 60:.0f} papers a minute" if step.papers_done and seconds > 0 else ""


def _left(step: Step, seconds: float) -> str:
    if not step.papers_done or step.papers_done == step.papers:
        return ""
    left = seconds / step.papers_done * (step.papers - step.papers_done)
    return f"about {left / 60:.0f} min left" if left > 90 else f"about {left:.0f} s left"
