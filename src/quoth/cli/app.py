"""The commands. Each imports what it needs when it is called, so that `quoth --help` is instant."""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from typer.core import TyperGroup

from quoth.cli import quorum
from quoth.cli.audit import audit
from quoth.errors import QuothError


class _Commands(TyperGroup):
    """Tells what went wrong in words (an error of quoth's own, of the file system, or Ctrl-C) and ends with 1."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer has no public name for the base
        """Run a command."""
        with _interrupts() as interrupted:
            try:
                return super().invoke(ctx)
            except QuothError as error:
                words = str(error)
            except BrokenPipeError:
                # Whoever read the output has seen enough (quoth passages ... | head): typer ends quietly.
                raise
            except OSError as error:
                words = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            except (KeyboardInterrupt, ImportError) as error:
                if isinstance(error, ImportError) and not interrupted:
                    raise
                words = "stopped; what was finished is kept, and the same command goes on from there"
        typer.echo(f"quoth: {words}", err=True)
        raise typer.Exit(1)


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Keeps in mind that Ctrl-C was pressed: what is imported at that moment may turn it into an ImportError."""
    heard: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield heard
        return
    signal.signal(signal.SIGINT, hear)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, before)


app = typer.Typer(
    cls=_Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Ask every paper the same questions. Believe only what a reader can quote.",
    epilog="Start with: quoth demo",
)

StudyDir = Annotated[Path, typer.Argument(metavar="DIR", help="The study's folder.")]
Papers = Annotated[list[str] | None, typer.Option("--paper", metavar="NAME", help="Only this paper; may be repeated.")]
Questions = Annotated[
    list[str] | None, typer.Option("--question", metavar="ID", help="Only this question; may be repeated.")
]
Readers = Annotated[
    list[str] | None, typer.Option("--reader", metavar="NAME", help="Only this reader; may be repeated.")
]


class What(StrEnum):
    """What can be exported."""

    PAPERS = "papers"
    FINDINGS = "findings"
    QUOTES = "quotes"
    DECISIONS = "decisions"
    MATRIX = "matrix"
    VARIABLES = "variables"


class Kind(StrEnum):
    """What kind of answer a question asks for."""

    TEXT = "text"
    NUMBER = "number"
    LINK = "link"


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"quoth {version('quoth')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[  # noqa: ARG001, RUF100 (typer hands it to the callback)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Ask every paper the same questions. Believe only what a reader can quote."""


@app.command(epilog="Example: quoth demo")
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write the demo study.")] = Path("quoth-demo"),
) -> None:
    """Write the demo study, run it, print its table and write its exports and its report."""
    from quoth.cli import demo as shown
    from quoth.cli import show
    from quoth.study import create_demo, open_study

    create_demo(folder)
    with open_study(folder) as study:
        outcome = show.run_with_progress(study)
        if outcome.interrupted:
            raise typer.Exit(show.conclude(study, outcome))
        shown.table(study)
        for what in (What.DECISIONS, What.QUOTES, What.MATRIX):
            study.export(folder / "results" / f"{what}.csv", what=what.value)
        study.export(folder / "results" / "decisions.xlsx")
        study.report(folder / "results" / "report.html")
        shown.files(folder)
        raise typer.Exit(show.conclude(study, outcome, quiet=True))


@app.command(epilog="Example: quoth init my-study --codebook study-basics")
def init(
    folder: StudyDir,
    codebook: Annotated[
        str | None,
        typer.Option(metavar="NAME or FILE", help="A bundled codebook (dl-methods, study-basics) or a file."),
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Your own questions: columns id, text and more.")
    ] = None,
    title: Annotated[str, typer.Option(help="What the study is called.")] = "",
) -> None:
    """Make a study: a folder with study.toml and a place for your PDFs."""
    from quoth.study import create_study

    create_study(folder, codebook=codebook, questions=questions, title=title)
    typer.echo(f"Made {folder / 'study.toml'}.")
    typer.echo(f"Next: copy your PDFs to {folder / 'papers'}, then: quoth run {folder}")


@app.command(epilog="Example: quoth run my-study --limit 5")
def run(
    folder: StudyDir,
    reader: Readers = None,
    paper: Papers = None,
    question: Questions = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="At most N papers that are not done yet.")
    ] = None,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Say what would be done and what it would cost, and do nothing.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Parse and ground the models' stored replies anew, without a network.")
    ] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Ask again what failed for good, too.")] = False,
) -> None:
    """Do all that is not done; run again, it resumes."""
    from quoth.cli import show
    from quoth.study import open_study
    from quoth.study.plan import Selection

    selection = Selection(tuple(paper or ()), tuple(question or ()), tuple(reader or ()), limit)
    with open_study(folder) as study:
        if estimate:
            more_to_come = study.protocol.quorum.second_look != "none"
            show.estimate(study.estimate(selection, retry=retry), more_to_come=more_to_come)
            return
        if replay:
            show.replayed(study.replay(selection))
            return
        outcome = show.run_with_progress(study, selection, retry=retry)
        raise typer.Exit(show.conclude(study, outcome, selection))


@app.command(epilog='Example: quoth ask paper.pdf "Which graphics card was used for training?"')
def ask(
    pdf: Annotated[Path, typer.Argument(metavar="PDF", help="One paper.")],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="One question, in your words.")],
    kind: Annotated[Kind, typer.Option(help="What kind of answer is wanted.")] = Kind.TEXT,
    reader: Annotated[str, typer.Option(metavar="NAME", help="Who answers; a model needs --study.")] = "embedded",
    study: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The study whose study.toml describes that reader.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the finding as JSON.")] = False,
) -> None:
    """Ask one question of one paper, and keep nothing: a pilot."""
    from quoth import vocabulary
    from quoth.cli import show
    from quoth.study import ask as answer

    finding = answer(pdf, question, kind=vocabulary.Kind(kind.value), reader=reader, study=study)
    show.finding(finding, question, as_json=as_json)
    raise typer.Exit(3 if finding.verdict is vocabulary.Verdict.FAILED else 0)


@app.command(epilog="Example: quoth passages my-study --question cq08 --characters 6000 > passages.jsonl")
def passages(
    folder: StudyDir,
    paper: Papers = None,
    question: Questions = None,
    characters: Annotated[int | None, typer.Option(min=100, metavar="N", help="The budget for each question.")] = None,
) -> None:
    """Print what a reader would be shown, as JSON lines, best first."""
    from dataclasses import asdict

    from quoth.study import open_study

    with open_study(folder) as study:
        unreadable: list[str] = []
        for shown in study.passages(
            papers=paper or (), questions=question or (), characters=characters, on_unreadable=unreadable.append
        ):
            sys.stdout.write(json.dumps(asdict(shown), ensure_ascii=False) + "\n")
    for line in unreadable:
        typer.echo(f"quoth: {line}", err=True)
    raise typer.Exit(3 if unreadable else 0)


@app.command(epilog="Example: quoth export my-study decisions.xlsx --what decisions")
def export(
    folder: StudyDir,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write: .csv, .jsonl, .parquet or .xlsx.")],
    what: Annotated[
        What, typer.Option(metavar="TABLE", help="Which: papers, findings, quotes, decisions, matrix or variables.")
    ] = What.DECISIONS,
    history: Annotated[
        bool, typer.Option("--history", help="Every revision of findings or quotes, with run and time.")
    ] = False,
) -> None:
    """Write a table of the study to a file."""
    from quoth.study import open_study

    with open_study(folder) as study:
        rows = study.export(out, what=what.value, history=history)
        waiting = (stored for stored in study.stored_papers() if stored.paper.files)
        unread = sum(stored.text_digest is None and stored.reason is None for stored in waiting)
        note = study.rule_note() if what in (What.DECISIONS, What.MATRIX, What.VARIABLES) else None
    typer.echo(f"Wrote {out}: {rows} rows of {what.value}.")
    if note:
        typer.echo(f"quoth: {note}", err=True)
    if unread:
        words = "1 paper is" if unread == 1 else f"{unread} papers are"
        typer.echo(f"quoth: {words} not read yet and not in it: quoth run {folder}", err=True)


@app.command(epilog="Example: quoth calibrate my-study coded.csv")
def calibrate(
    folder: StudyDir,
    gold: Annotated[
        Path, typer.Argument(metavar="GOLD.csv", help="Coded cells: paper, question, decision (yes or no).")
    ],
) -> None:
    """Fit the embedded reader's scores to cells that people coded in this study."""
    from quoth.cli import show
    from quoth.study import open_study

    with open_study(folder) as study:
        show.calibration(study.calibrate(gold), folder)


app.command("import", epilog="Example: quoth import my-study codes.xlsx --as human")(quorum.import_)
app.command(epilog="Example: quoth sample my-study --n 100 --out to-code.csv")(quorum.sample)
app.command(epilog="Example: quoth agreement my-study")(quorum.agreement)
app.command(epilog="Example: quoth evaluate my-study gold.csv")(quorum.evaluate)
app.command(epilog="Example: quoth report my-study --out report.html")(quorum.report)
app.command(epilog="Example: quoth audit answers.jsonl --html audit.html")(audit)


@app.command(epilog="Example: quoth review my-study --blind")
def review(
    folder: StudyDir,
    host: Annotated[
        str, typer.Option(metavar="HOST", help="Where to listen; beyond this machine a token is demanded.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="0 takes any that is free.")] = 8765,
    coder: Annotated[str | None, typer.Option(metavar="NAME", help="Who codes, unless they say otherwise.")] = None,
    blind: Annotated[
        bool, typer.Option("--blind", help="Nobody sees what readers said of a cell before coding it.")
    ] = False,
) -> None:
    """Serve the page on which people code cells and settle disagreements, until Ctrl-C."""
    from quoth.study import open_study
    from quoth.study.reviewing import review as serve

    def ready(address: str) -> None:
        typer.echo(f"Open {address}\nCodes go into the ledger at once; Ctrl-C ends the page.")

    with open_study(folder) as study:
        serve(study, ready, host=host, port=port, coder=coder, blind=blind)


@app.command(epilog="Example: quoth status my-study")
def status(
    folder: StudyDir,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what is done, failed, stale and spent."""
    from quoth.cli import show
    from quoth.study import open_study
    from quoth.study.status import status_of

    with open_study(folder) as study:
        show.status(status_of(study), folder, as_json=as_json)


@app.command(epilog="Example: quoth doctor")
def doctor() -> None:
    """Say what this machine can run."""
    from quoth.cli import show
    from quoth.study.doctor import checks

    raise typer.Exit(show.checks(checks()))
