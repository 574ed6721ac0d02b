"""What people see: tables, progress, last lines. Progress goes to standard error, data to standard output."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from quoth.cli.progress import watching
from quoth.study.doctor import Check
from quoth.study.execute import Outcome
from quoth.study.plan import Work
from quoth.study.status import ReaderStatus, Status
from quoth.study.study import Study
from quoth.vocabulary import Finding, Verdict
from quoth.vocabulary import Outcome as Decided

_MARKS = {Decided.REPORTED: "[green]●[/]", Decided.NOT_REPORTED: "[dim]○[/]", Decided.UNDECIDED: "[yellow]?[/]"}
_FAILED = "[red]×[/]"


def run_with_progress(
    study: Study,
    *,
    papers: Sequence[str] = (),
    questions: Sequence[str] = (),
    readers: Sequence[str] = (),
    limit: int | None = None,
    retry: bool = False,
) -> Outcome:
    """Run a study while showing how far it is."""
    with watching(Console(stderr=True)) as watch:
        return study.run(papers=papers, questions=questions, readers=readers, limit=limit, retry=retry, watch=watch)


def conclude(study: Study, outcome: Outcome, *, quiet: bool = False) -> int:
    """Say how a run ended, and give its exit code."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    folder = study.folder
    if outcome.interrupted:
        console.print(f"Stopped. {outcome.findings} findings are kept; to go on: quoth run {folder}")
        return 1
    present = study.present()
    failed = sum(tally.findings for tally in study.ledger.tallies(present) if tally.verdict is Verdict.FAILED)
    if outcome.run is None and not failed:
        console.print(
            "Nothing to do: every paper has an answer to every question from every reader."
        ) if not quiet else None
        return 0
    if not quiet and outcome.run is not None:
        console.print(
            f"Done: {outcome.papers} papers, {outcome.findings} findings. quoth export {folder} decisions.xlsx"
        )
    if not failed:
        return 0
    unreadable = [stored for stored in study.stored_papers() if stored.reason is not None]
    for stored in unreadable[:20]:
        console.print(f"  {escape(stored.paper.name)}: {escape(stored.reason or '')}")
    if len(unreadable) > 20:
        console.print(f"  and {len(unreadable) - 20} more: quoth export {folder} papers.csv --what papers")
    papers = f", {_count(len(unreadable), 'paper')} could not be read" if unreadable else ""
    console.print(f"{_count(failed, 'finding')} failed{papers}. To try them again: quoth run {folder} --retry")
    return 3


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def demo_table(study: Study) -> None:
    """Questions down, papers across, a mark in each cell."""
    console = Console(highlight=False)
    decisions = {(d.paper, d.question): d for d in study.decide()}
    names = [stored.paper.name for stored in study.stored_papers()]
    table = Table(
        title=study.protocol.title, title_style="bold", title_justify="left", header_style="", box=None, pad_edge=False
    )
    table.add_column("")
    table.add_column("what the codebook asks", style="")
    for number in range(1, len(names) + 1):
        table.add_column(str(number), justify="center")
    for question in study.protocol.questions:
        marks = []
        for name in names:
            decision = decisions.get((name, question.id))
            failed = (
                decision is not None
                and decision.votes_failed
                and not (decision.votes_reported + decision.votes_not_reported)
            )
            marks.append("" if decision is None else _FAILED if failed else _MARKS[decision.decision])
        table.add_row(f"[dim]{question.id}[/]", escape(question.label), *marks)
    console.print()
    console.print(table)
    console.print()
    console.print(
        f"{_MARKS[Decided.REPORTED]} the paper reports it, and quoth has the words that prove it   {_MARKS[Decided.NOT_REPORTED]} it does not"
    )
    for number, name in enumerate(names, start=1):
        yes = sum(
            decisions[name, q.id].decision is Decided.REPORTED
            for q in study.protocol.questions
            if (name, q.id) in decisions
        )
        console.print(f"  [dim]{number}[/] {escape(name)} [dim]({yes} of {len(study.protocol.questions)})[/]")
    best = max((d for d in decisions.values() if d.quotes), key=lambda d: d.score or 0, default=None)
    if best is not None:
        label = next(q.label for q in study.protocol.questions if q.id == best.question)
        quote = best.quotes[0]
        console.print(f"\nFor example, {escape(label)} in {escape(best.paper)}, page {quote.spans[0].page}:")
        console.print(f"  [italic]“{escape(quote.text)}”[/]")


def demo_files(folder: Path) -> None:
    """Where the demo's results are, and what comes next."""
    console = Console(highlight=False, soft_wrap=True)
    results = folder / "results"
    console.print("\nThe papers are fictional. All of it is in files:")
    for name, what in (
        ("decisions.xlsx", "a row for each paper and question: decision, score, answer, quotes"),
        ("quotes.csv", "every quote with its page and its place on it"),
        ("matrix.csv", "papers x questions"),
    ):
        console.print(f"  {escape(str(results / name))}  [dim]{what}[/]")
    console.print("Your own papers: quoth init my-study, copy PDFs to my-study/papers, quoth run my-study")


def estimate(study: Study, work: Sequence[Work]) -> None:
    """What a run would do, reader by reader."""
    console = Console(highlight=False, soft_wrap=True)
    cells: Counter[str] = Counter()
    for piece in work:
        for part in piece.cells:
            cells[part.reader.name] += len(part.questions)
    if not work:
        console.print("Nothing to do.")
    for name, number in cells.items():
        console.print(f"{escape(name)}: {number} findings on {len(work)} papers; runs on this computer, costs nothing")


def finding(found: Finding, *, as_json: bool) -> None:
    """One finding, for a person or as JSON."""
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False))
        return
    console = Console(highlight=False)
    score = f" (score {found.score:.2f})" if found.score is not None else ""
    console.print(f"[bold]{found.verdict.value.replace('_', ' ')}[/]{score}")
    if found.value is not None:
        console.print(f"value: {escape(found.value)}")
    if found.error:
        console.print(escape(found.error))
    for quote in found.quotes:
        console.print(f"  page {quote.spans[0].page if quote.spans else '?'}: [italic]“{escape(quote.text)}”[/]")


def status(found: Status, folder: Path, *, as_json: bool) -> None:
    """A study at a glance."""
    if as_json:
        print(json.dumps(asdict(found), default=str, ensure_ascii=False))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{escape(found.title)}[/]")
    console.print(
        f"{_count(found.papers, 'paper')}, {_count(found.questions, 'question')}, {_count(len(found.readers), 'reader')}"
    )
    parts = [f"{found.read} read"]
    parts += [f"{found.unread} not read yet"] if found.unread else []
    parts += [f"{len(found.unreadable)} cannot be read"] if found.unreadable else []
    console.print("Papers: " + ", ".join(parts))
    for stored in found.unreadable[:20]:
        console.print(f"  {escape(stored.paper.name)}: {escape(stored.reason or '')}")
    if len(found.unreadable) > 20:
        console.print(f"  and {len(found.unreadable) - 20} more: quoth export {folder} papers.csv --what papers")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("reader", "reported", "not reported", "unclear", "failed", "open", "time", "tokens", "cost"):
        table.add_column(heading, justify="left" if heading == "reader" else "right")
    for reader in found.readers:
        table.add_row(*_reader_row(reader))
    console.print(table)
    if found.stale:
        console.print(
            f"{found.stale} findings are stale (another text, question or reader); they are kept and do not vote."
        )
    if found.gone:
        console.print(
            f"No longer in the folder: {escape(', '.join(found.gone[:10]))}{' ...' if len(found.gone) > 10 else ''}"
        )
    if found.holder:
        console.print(f"A run is at work: {found.holder}")
    elif any(reader.transient or reader.open for reader in found.readers):
        console.print(f"To go on: quoth run {folder}")
    if any(reader.final for reader in found.readers):
        console.print(f"To try again what failed for good: quoth run {folder} --retry")


def _reader_row(reader: ReaderStatus) -> tuple[str, ...]:
    seconds = "" if reader.seconds is None else f"{reader.seconds:.0f} s"
    tokens = "" if reader.tokens is None else f"{reader.tokens:,}"
    cost = "" if reader.cost_usd is None else f"${reader.cost_usd:.2f}"
    counts = (reader.reported, reader.not_reported, reader.unclear, reader.failed, reader.open)
    return escape(reader.name), *(str(number) for number in counts), seconds, tokens, cost


def checks(found: Iterable[Check]) -> int:
    """What was looked at; 1 where something needed is missing."""
    console = Console(highlight=False, soft_wrap=True)
    missing = False
    for check in found:
        mark = "[green]good[/]" if check.good else "[red]missing[/]" if check.needed else "[dim]not there[/]"
        missing |= check.needed and not check.good
        console.print(f"{mark:>9}  {check.name}: {escape(check.says)}")
    return int(missing)
