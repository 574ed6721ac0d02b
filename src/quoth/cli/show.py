"""What people see: tables, progress, last lines. Progress goes to standard error, data to standard output."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from quoth.cli.progress import duration, watching
from quoth.ledger import StoredPaper
from quoth.protocol import ReaderSettings
from quoth.readers.calibration import CALIBRATION_FILE
from quoth.readers.english import is_foreign
from quoth.study.calibrate import CalibrationResult
from quoth.study.doctor import Check
from quoth.study.estimate import Estimate
from quoth.study.execute import Outcome
from quoth.study.plan import Selection
from quoth.study.replay import Replayed
from quoth.study.status import ReaderStatus, Status
from quoth.study.study import Study
from quoth.vocabulary import Failure, Finding, Question, Quote, Span, Verdict

_LISTED = 20
_REPLACED = "Once these files are replaced or removed"
_ENGLISH_ONLY = "the embedded reader reads English alone, and answers questions in other languages by chance"


def say(console: Console, text: str, indent: int = 0) -> None:
    """Print words with markup, wrapped between words, each line indented."""
    for line in Text.from_markup(text).wrap(console, max(20, console.width - indent)):
        line.rstrip()
        console.print(Text(" " * indent) + line, soft_wrap=True)


def count(number: int, noun: str) -> str:
    """A number with its noun, such as '1 paper' or '1,200 papers'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# A run


def run_with_progress(study: Study, selection: Selection = Selection(), *, retry: bool = False) -> Outcome:  # noqa: B008 (frozen)
    """Run a study while showing how far it is."""
    with watching(Console(stderr=True)) as watch:
        return study.run(
            papers=selection.papers,
            questions=selection.questions,
            readers=selection.readers,
            limit=selection.limit,
            retry=retry,
            watch=watch,
        )


def conclude(
    study: Study,
    outcome: Outcome,
    selection: Selection = Selection(),  # noqa: B008 (frozen)
    *,
    quiet: bool = False,
) -> int:
    """Say how a run ended, and give its exit code; what failed is counted among what was selected."""
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    if outcome.interrupted:
        kept = f"{count(outcome.findings, 'finding')} of {count(outcome.papers, 'paper')}"
        console.print(f"Stopped; {kept} were kept. To go on: quoth run {study.folder}")
        return 1
    for name, models in outcome.served.items():
        console.print(f"Note: the server of '{name}' called its model by several names: {', '.join(models)}")
    stopped = tuple(_stopped(study, outcome))
    tallies = study.ledger.tallies(study.present(selection))
    failed = [tally for tally in tallies if tally.verdict is Verdict.FAILED]
    if not quiet and not stopped:
        console.print(_ending(study, outcome, selection, failed=bool(failed)))
    for line in stopped:
        console.print(line)
    if outcome.run is not None:
        for note in _notes(study, selection):
            console.print(f"Note: {note}")
    if not failed:
        return 3 if stopped else 0
    unreadable = [stored for stored in study.stored_papers(selection) if stored.reason is not None]
    # Those of this run were told as they came.
    for line in _unreadable([one for one in unreadable if one.paper.name not in outcome.unreadable], study.folder):
        console.print(line)
    papers = f" ({count(len(unreadable), 'paper')} could not be read)" if unreadable else ""
    number = sum(tally.findings for tally in failed)
    final = sum(tally.findings for tally in failed if tally.failure is not Failure.TRANSIENT)
    cells = len(_questions(study, selection)) * len(_asked(study, selection))
    of_files = cells * sum(stored.failure is Failure.FINAL for stored in unreadable)
    again = _REPLACED if number == of_files else "To try again"
    retry = " --retry" if final > of_files else ""
    console.print(f"{count(number, 'finding')} failed{papers}. {again}: quoth run {study.folder}{retry}")
    return 3


def _notes(study: Study, selection: Selection) -> Iterator[str]:
    """What one should know before one believes the decisions."""
    if note := study.rule_note():
        yield note
    foreign = [question.id for question in _questions(study, selection) if is_foreign(question.text)]
    if foreign and any(reader.type == "embedded" for reader in _asked(study, selection)):
        yield f"{_ENGLISH_ONLY}: {', '.join(foreign[:_LISTED])}{' and others' if len(foreign) > _LISTED else ''}"


def _questions(study: Study, selection: Selection) -> list[Question]:
    return [one for one in study.protocol.questions if one.id in selection.questions or not selection.questions]


def _asked(study: Study, selection: Selection) -> list[ReaderSettings]:
    return [one for one in study.protocol.readers if one.name in selection.readers or not selection.readers]


def _stopped(study: Study, outcome: Outcome) -> Iterator[str]:
    """Which readers could not go on, and how to."""
    for name, why in outcome.stopped.items():
        yield f"Reader '{name}' stopped: {why}"
    if outcome.stopped:
        done = f"{count(outcome.findings, 'finding')} of {count(outcome.papers, 'paper')}"
        yield f"{done} are in the ledger. To go on: quoth run {study.folder}"


def _ending(study: Study, outcome: Outcome, selection: Selection, *, failed: bool) -> str:
    if outcome.run is None:
        return "Nothing to do: all that was asked for is done" + (" or has failed for good." if failed else ".")
    again = f", {outcome.second_looks:,} of them second looks" if outcome.second_looks else ""
    done = f"Done: {count(outcome.papers, 'paper')}, {count(outcome.findings, 'finding')}{again}."
    left = len(study.plan(replace(selection, limit=None))) if selection.limit else 0
    if left:
        return f"{done} {count(left, 'paper')} not done yet: quoth run {study.folder}"
    return f"{done} To get the table: quoth export {study.folder} decisions.xlsx"


def _unreadable(stored: Sequence[StoredPaper], folder: Path) -> Iterator[str]:
    for one in stored[:_LISTED]:
        yield f"  {one.paper.name}: {one.reason}"
    if len(stored) > _LISTED:
        yield f"  and {len(stored) - _LISTED:,} more: quoth export {folder} papers.csv --what papers"


def estimate(estimates: Sequence[Estimate], *, more_to_come: bool = False) -> None:
    """What a run would do and cost, reader by reader; `more_to_come`, where first answers lead to second looks."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if not estimates:
        console.print("Nothing to do.")
    for one in estimates:
        noun = "second look" if one.second_look else "finding"
        what = f"{one.reader}: {count(one.findings, noun)} on {count(one.papers, 'paper')}"
        if one.calls is None:
            console.print(f"{what}; runs on this computer and costs nothing")
            continue
        tokens = f"{one.input_tokens:,} tokens in, {one.output_tokens:,} out"
        cost = "cost not known (price_per_million in study.toml would tell)"
        if one.cost_usd is not None:
            cost = f"{dollars(one.cost_usd)}, at most {dollars(one.most_usd or 0)} without corrections"
        console.print(f"{what}; about {count(one.calls, 'call')}, {tokens}, {cost}, {duration(one.seconds or 0)}")
    if more_to_come and any(not one.second_look for one in estimates):
        console.print(
            "Where the answers will disagree, second looks come on top: at most one for each finding of a model."
        )


def replayed(found: Replayed) -> None:
    """What changed when the stored replies were understood anew."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for change in found.changes:
        after = change.after
        before = _said(change.before) if change.before else "nothing"
        console.print(f"{after.paper}, {after.question}, {after.reader}: {before} is now {_said(after)}")
    for paper, reason in found.unreadable.items():
        console.print(f"{paper}: {reason}")
    console.print(f"{count(found.findings, 'finding')} made anew from stored replies, {len(found.changes):,} changed.")
    if found.without_reply:
        console.print(f"{count(found.without_reply, 'cell')} without a stored reply: a run asks them.")


def _said(one: Finding) -> str:
    parts = [one.verdict.value, one.value or "", one.error or "", *(f"“{quote.text}”" for quote in one.quotes)]
    return " ".join(part for part in parts if part)


# One finding


def calibration(result: CalibrationResult, folder: Path) -> None:
    """How much a calibration helps, and what became of it."""
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "cells", "accuracy", "kappa", "calibration error"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, figures in (
        ("as shipped", result.before),
        ("calibrated, each paper left out", result.after),
        ("constant: most of the other papers", result.constant),
    ):
        values = (f"{value:.3f}" for value in (figures.accuracy, figures.kappa, figures.error))
        table.add_row(name, str(figures.n), *values)
    console.print(table)
    if result.helps:
        console.print(f"The scores got better; the fit is kept in {folder / CALIBRATION_FILE}.")
        console.print(f"{result.changed:,} of the {result.after.n:,} coded cells get another verdict by it.")
        if not result.beats_constant:
            console.print("[yellow]They are right no more often than the constant, which reads no paper:[/] code more.")
        console.print(f"To answer with it: quoth run {folder}; to be rid of it, delete the file.")
    else:
        console.print("The scores got no better on papers left out of the fit: nothing was changed.")


def finding(found: Finding, question: str, *, as_json: bool) -> None:
    """One finding, for a person or as JSON; the question that it answers is looked at, too."""
    # Only the embedded reader gives scores.
    if found.score is not None and is_foreign(question):
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"Note: {_ENGLISH_ONLY}")
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False))
        return
    console = Console(highlight=False)
    score = f" (score {found.score:.2f})" if found.score is not None else ""
    console.print(f"[bold]{found.verdict.value.replace('_', ' ')}[/]{score}")
    if found.value is not None:
        say(console, f"value: {escape(found.value)}")
    if found.error:
        say(console, escape(found.error))
    for one in found.quotes:
        console.print(f"page {_where(one.spans[0])}:" if one.spans else "page not known:")
        quote(console, one)


def _where(span: Span) -> str:
    return f"{span.page} (read by OCR)" if span.ocr else str(span.page)


def quote(console: Console, shown: Quote) -> None:
    """A quote's words, set off from the rest."""
    say(console, f"[italic]“{escape(shown.text)}”[/]", indent=2)


# A study


def status(found: Status, folder: Path, *, as_json: bool) -> None:
    """A study at a glance."""
    if as_json:
        print(json.dumps(asdict(found), default=str, ensure_ascii=False))
        return
    console = Console(highlight=False)
    say(console, f"[bold]{escape(found.title)}[/]")
    console.print(_papers(found))
    for line in _unreadable(found.unreadable, folder):
        say(console, escape(line.strip()), indent=2)
    for line in _oddities(found):
        say(console, escape(line), indent=2)
    console.print(f"{count(found.questions, 'question')}, {count(len(found.readers), 'reader')}:")
    console.print(Padding(_readers(found.readers), (0, 0, 0, 2), expand=False))
    for line in _remarks(found):
        say(console, escape(line))
    for line in _next(found, folder):
        console.print(line, soft_wrap=True, markup=False)


def _papers(found: Status) -> str:
    parts = [f"{found.read:,} read"]
    parts += [f"{found.unread:,} not read yet"] if found.unread else []
    parts += [f"{found.by_name:,} known by name alone"] if found.by_name else []
    parts += [f"{len(found.unreadable):,} cannot be read"] if found.unreadable else []
    return f"{count(found.papers, 'paper')}: {', '.join(parts)}" if found.papers else "no papers yet"


def _readers(readers: Sequence[ReaderStatus]) -> Table:
    """A row for each reader; what no reader has is left out."""
    said = ("reported", "not reported", "unclear", "failed", "open", "second looks")
    headings = ("reader", *said, "time", "tokens", "cost", "energy")
    rows = [_reader_row(reader) for reader in readers]
    always = {"reader", "reported", "not reported", "failed", "open"}
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading, cells in zip(headings, zip(*rows, strict=True), strict=True):
        if heading in always or any(cell not in ("", "0") for cell in cells):
            table.add_column(heading, justify="left" if heading == "reader" else "right")
    kept = [column.header for column in table.columns]
    for row in rows:
        table.add_row(*(cell for heading, cell in zip(headings, row, strict=True) if heading in kept))
    return table


def dollars(usd: float) -> str:
    """A sum in US dollars, to the cent; what is less than one is not nothing."""
    return "under $0.01" if 0 < usd < 0.01 else f"${usd:.2f}"


def _reader_row(reader: ReaderStatus) -> tuple[str, ...]:
    seconds = "" if reader.seconds is None else f"{reader.seconds:,.0f} s"
    paid = reader.tokens if reader.paid_tokens is None else reader.paid_tokens
    tokens = "" if paid is None else f"{paid:,}"
    usd = reader.cost_usd if reader.paid_usd is None else reader.paid_usd
    cost = "" if usd is None else dollars(usd)
    energy = "" if reader.watt_hours is None else f"{reader.watt_hours:,.1f} Wh"
    counts = (reader.reported, reader.not_reported, reader.unclear, reader.failed, reader.open)
    parts = [f"{reader.second_failed:,} failed"] if reader.second_failed else []
    parts += [f"{reader.second_open:,} open"] if reader.second_open else []
    again = f"{reader.second_looks:,}" + (f" ({', '.join(parts)})" if parts else "")
    return escape(reader.name), *(f"{number:,}" for number in counts), again, seconds, tokens, cost, energy


def _oddities(found: Status) -> Iterator[str]:
    for name, remarks in list(found.notes.items())[:_LISTED]:
        yield f"{name}: {'; '.join(remarks)}"
    if len(found.notes) > _LISTED:
        yield f"and notes on {count(len(found.notes) - _LISTED, 'more paper')}: see the export of papers"
    if found.passed_over:
        more = " and others" if len(found.passed_over) > _LISTED else ""
        yield f"passed over, being no PDF: {', '.join(found.passed_over[:_LISTED])}{more}"


def _remarks(found: Status) -> Iterator[str]:
    if found.stale:
        whose = "whose text, question, reader or paper is not the present one"
        yield f"Stale: {count(found.stale, 'finding')} {whose}; kept without a vote"
    if found.disputed and found.disputed.cells:
        parts = [f"Readers disagree on {count(found.disputed.cells, 'cell')} at first"]
        waiting, bare = found.disputed.waiting, found.disputed.nothing_to_show
        parts += [f"{waiting:,} of them wait for a reader before a second look"] if waiting else []
        parts += [f"{count(bare, 'finding')} of models get none: those who disagree show no quote"] if bare else []
        yield "; ".join(parts)
    if found.gone:
        more = " and others" if len(found.gone) > _LISTED else ""
        yield f"No longer in the folder: {', '.join(found.gone[:_LISTED])}{more}"
    if found.holder:
        yield f"A run is at work: {found.holder}"


def _next(found: Status, folder: Path) -> Iterator[str]:
    if not found.papers:
        yield f"Copy your PDFs to {folder / 'papers'}, then: quoth run {folder}"
    elif not found.holder and any(one.transient or one.open or one.second_open for one in found.readers):
        yield f"To go on: quoth run {folder}"
    of_files = found.questions * sum(entry.failure is Failure.FINAL for entry in found.unreadable)
    if any((one.final > of_files or one.second_failed) and one.asked for one in found.readers):
        yield f"To try again what failed: quoth run {folder} --retry"
    elif of_files:
        yield f"{_REPLACED}: quoth run {folder}"


# This machine


def checks(found: Iterable[Check]) -> int:
    """What was looked at; 1 where something needed is missing."""
    console = Console(highlight=False)
    table = Table.grid(padding=(0, 2))
    missing = False
    for check in found:
        mark = "[green]good[/]" if check.good else "[red]missing[/]" if check.needed else "[dim]not there[/]"
        missing |= check.needed and not check.good
        table.add_row(mark, check.name, escape(check.says))
    console.print(table)
    return int(missing)
