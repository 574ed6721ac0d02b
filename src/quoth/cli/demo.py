"""What `quoth demo` shows: a table of marks, one of its quotes, and where the files are."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from quoth.cli.show import quote, say
from quoth.study.study import Study
from quoth.vocabulary import Decision, Outcome, Question

_MARKS = {Outcome.REPORTED: "[green]●[/]", Outcome.NOT_REPORTED: "[dim]○[/]", Outcome.UNDECIDED: "[yellow]?[/]"}
_FAILED = "[red]×[/]"
_MEANING = {
    _MARKS[Outcome.REPORTED]: "reported: quoth has the paper's own words for it",
    _MARKS[Outcome.NOT_REPORTED]: "not reported",
    _MARKS[Outcome.UNDECIDED]: "undecided",
    _FAILED: "failed: the paper could not be read or asked",
}

_Decisions = Mapping[tuple[str, str], Decision]


def table(study: Study) -> None:
    """Questions down, papers across, a mark in each cell; then what the marks and the numbers mean."""
    console = Console(highlight=False)
    decisions = {(decision.paper, decision.question): decision for decision in study.decide()}
    names = [stored.paper.name for stored in study.stored_papers()]
    questions = study.protocol.questions
    marks = {key: _mark(decision) for key, decision in decisions.items()}
    console.print()
    console.print(f"[bold]{escape(study.protocol.title)}[/]")
    console.print()
    console.print(_grid(names, questions, marks))
    console.print()
    for mark, meaning in _MEANING.items():
        if mark in marks.values():
            console.print(f"{mark} {meaning}")
    console.print("\n[bold]papers[/]")
    console.print(_legend(names, questions, decisions))
    _example(console, questions, decisions)


def _mark(decision: Decision) -> str:
    failed = decision.votes_failed and not decision.votes_reported + decision.votes_not_reported
    return _FAILED if failed else _MARKS[decision.decision]


def _grid(names: Sequence[str], questions: Sequence[Question], marks: Mapping[tuple[str, str], str]) -> Table:
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    grid.add_column("", no_wrap=True)
    grid.add_column("question")
    for number in range(1, len(names) + 1):
        grid.add_column(str(number), justify="center", no_wrap=True)
    for question in questions:
        cells = (marks.get((name, question.id), "") for name in names)
        grid.add_row(f"[dim]{question.id}[/]", escape(question.label), *cells)
    return grid


def _legend(names: Sequence[str], questions: Sequence[Question], decisions: _Decisions) -> Table:
    """The papers by number, with how many of the questions each reports."""
    legend = Table.grid(padding=(0, 2))
    for number, name in enumerate(names, start=1):
        found = [decisions[name, question.id] for question in questions if (name, question.id) in decisions]
        yes = sum(decision.decision is Outcome.REPORTED for decision in found)
        legend.add_row(f"[bold]{number}[/]", escape(name), f"[dim]{yes} of {len(questions)} reported[/]")
    return legend


def _example(console: Console, questions: Sequence[Question], decisions: _Decisions) -> None:
    quoted = (decision for decision in decisions.values() if decision.quotes and decision.quotes[0].spans)
    best = max(quoted, key=lambda decision: decision.score or 0, default=None)
    if best is None:
        return
    asked = next(question for question in questions if question.id == best.question)
    first = best.quotes[0]
    console.print()
    say(console, f"For example, {asked.id} asks: {escape(asked.text)}")
    say(console, f"{escape(best.paper)} answers on page {first.spans[0].page}:")
    quote(console, first)


def files(folder: Path) -> None:
    """Where the demo's results are, and what comes next."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print("\nThe papers are fictional. All of it is in these files:")
    rows = (
        ("report.html", "all of it to look at: open it in a browser"),
        ("decisions.xlsx", "a row for each paper and question: decision, score, answer, quotes"),
        ("quotes.csv", "a row for each quote, with its page and its place on it"),
        ("matrix.csv", "papers x questions"),
    )
    for name, what in rows:
        console.print(f"  {folder / 'results' / name}\n    {what}")
    console.print("\nYour own papers:")
    for command in ("quoth init my-study", "cp PAPERS/*.pdf my-study/papers/", "quoth run my-study"):
        console.print(f"  {command}")
