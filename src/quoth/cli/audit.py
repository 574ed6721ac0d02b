"""`quoth audit`: answers in, a table, JSON lines or a page out."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from quoth.grounding.audit import Audit


def audit(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Transcripts, JSON lines, or folders of both; - is standard input."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each answer.")] = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar="OUT", dir_okay=False, help="Write a page that shows each sentence beside its evidence."),
    ] = None,
) -> None:
    """Check answers of any RAG system against the context they were given."""
    from quoth.cli.audit_table import AuditTable
    from quoth.grounding.audit import audit as audited
    from quoth.reports.audit_page import write_audit_page

    faults = 0

    def fault(error: Exception) -> None:
        nonlocal faults
        faults += 1
        typer.echo(f"quoth: {error}", err=True)

    audits = audited(*(sys.stdin.buffer if file == "-" else file for file in files), on_fault=fault)
    kept: list[Audit] = []
    table = AuditTable()
    done = 0
    with _counting(quiet=as_json and sys.stdout.isatty()) as count:
        for one in audits:
            _print_json(one.row()) if as_json else table.add(one)
            if html:
                kept.append(one)
            done += 1
            count(done)
    if done and not as_json:
        table.print()
    if done and html:
        write_audit_page(kept, html)
        typer.echo(f"Wrote {html}.", err=True)
    if faults:
        items = f"{faults:,} item{'' if faults == 1 else 's'} could not be audited, {done:,} could"
        typer.echo(f"{items}. To try again, mend what is named above and run the same command.", err=True)
        raise typer.Exit(3)


@contextmanager
def _counting(*, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Shows on a terminal how many answers are done, unless lines of data go to the same terminal."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda done: None
        return
    words = TextColumn("{task.description}")
    with Progress(SpinnerColumn(), words, console=console, transient=True, redirect_stdout=False) as shown:
        task = shown.add_task("loading the models", total=None)
        yield lambda done: shown.update(task, description=f"{done:,} answers audited")


def _print_json(row: dict[str, object]) -> None:
    """A line at once, so that whoever reads it need not wait for the rest."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(json.dumps(row, ensure_ascii=not utf8) + "\n")
    sys.stdout.flush()
