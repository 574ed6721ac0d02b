"""`quoth import`, `sample`, `agreement`, `evaluate` and `report`: codes in, figures, words and the report out."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from quoth.study import Study

StudyDir = Annotated[Path, typer.Argument(metavar="DIR", help="The study's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]
Draws = Annotated[int, typer.Option(min=0, metavar="N", help="Draws of the bootstrap over papers; 0 for no intervals.")]


class As(StrEnum):
    """Whose findings are imported."""

    HUMAN = "human"
    IMPORTED = "imported"


class How(StrEnum):
    """How cells are drawn."""

    RANDOM = "random"
    STRATIFIED = "stratified"
    DISAGREEMENT = "disagreement"


class Pictured(StrEnum):
    """Whose quotes the report shows as pictures."""

    NONE = "none"
    DECISIONS = "decisions"
    ALL = "all"


class RuleName(StrEnum):
    """The rules."""

    MAJORITY = "majority"
    WEIGHTED = "weighted"
    DAWID_SKENE = "dawid-skene"
    EVIDENCE = "evidence"


def import_(
    folder: StudyDir,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A sheet: .csv, .jsonl, .json or .xlsx.")],
    as_: Annotated[As, typer.Option("--as", help="People's codes, or another program's findings.")] = As.HUMAN,
    wide: Annotated[bool, typer.Option("--wide", help="One column for each question, its cells verdicts.")] = False,
    add_papers: Annotated[
        bool, typer.Option("--add-papers", help="Take papers that the study does not have, by name alone.")
    ] = False,
    reader: Annotated[
        str | None, typer.Option(metavar="NAME", help="Who coded, where the sheet has no column for it.")
    ] = None,
    not_blind: Annotated[
        bool, typer.Option("--not-blind", help="The coders had seen what other readers said.")
    ] = False,
) -> None:
    """Take in codes or findings: paper, question, reader, verdict, and perhaps value, answer, quote, page and note."""
    from quoth.cli import quorum_tables
    from quoth.study import open_study

    with open_study(folder) as study:
        found = study.import_(file, as_=as_.value, wide=wide, add_papers=add_papers, reader=reader, blind=not not_blind)
    raise typer.Exit(quorum_tables.imported(found, folder))


def sample(
    folder: StudyDir,
    n: Annotated[int, typer.Option("--n", min=1, metavar="N", help="How many cells.")],
    how: Annotated[
        How, typer.Option(metavar="WAY", help="How: random, stratified (by question) or disagreement.")
    ] = How.RANDOM,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="The sheet to write: .csv, .jsonl or .xlsx.")] = None,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same seed draws the same cells.")] = 0,
) -> None:
    """Draw cells for people to code, and say how narrow an interval they buy."""
    from quoth.cli import quorum_tables
    from quoth.reports.tables import csv_text, write_table
    from quoth.study import open_study

    with open_study(folder) as study:
        drawn = study.sample(n, how.value, seed=seed)
        sheet = drawn.sheet(study.questions())
    if out:
        write_table(sheet, out, sheet="codes")
    else:
        sys.stdout.write(csv_text(sheet))
    quorum_tables.sampled(drawn, folder, out)


def agreement(
    folder: StudyDir,
    as_json: AsJson = False,
    not_blind: Annotated[
        bool, typer.Option("--not-blind", help="Count codes of people who had seen other readers' findings, too.")
    ] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="Compare the texts of the answers, too: cosine similarity.")
    ] = False,
    draws: Draws = 1000,
) -> None:
    """Say how far the readers agree: percent, kappa, alpha and AC1, with intervals."""
    from quoth.cli import quorum_tables
    from quoth.study import open_study

    with open_study(folder) as study:
        found = study.agreement(not_blind=not_blind, draws=draws)
        alike = study.likeness(not_blind=not_blind) if answers else ()
    if as_json:
        _print(quorum_tables.agreement_json(found, alike))
    else:
        quorum_tables.agreement(found, alike)


def evaluate(
    folder: StudyDir,
    gold: Annotated[
        Path | None,
        typer.Argument(
            metavar="GOLD",
            help="Coded cells: paper, question, decision (yes or no). Without it, the codes of people in the study.",
        ),
    ] = None,
    rule: Annotated[RuleName | None, typer.Option(help="This rule alone.")] = None,
    as_json: AsJson = False,
    draws: Draws = 1000,
) -> None:
    """Measure every reader and every rule against coded cells, beside a constant that knows no paper."""
    from quoth.cli import quorum_tables
    from quoth.study import open_study

    with open_study(folder) as study:
        found = study.evaluate(gold, rule=rule.value if rule else None, draws=draws)
    if as_json:
        _print(quorum_tables.evaluation_json(found))
    else:
        quorum_tables.evaluation(found)


def report(
    folder: StudyDir,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it.  [default: DIR/report.html]")
    ] = None,
    pictures: Annotated[
        Pictured, typer.Option(help="Whose quotes are shown as pictures of the page (up to 40 MB).")
    ] = Pictured.DECISIONS,
    methods: Annotated[
        bool,
        typer.Option("--methods", help="Instead: the paragraph for a paper's methods, with the disclosure of AI use."),
    ] = False,
    figures: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", file_okay=False, help="Instead: the figures, as SVG and PNG, into this folder."),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option(metavar="GOLD", help="Coded cells for these two; without it, the codes of people in the study."),
    ] = None,
) -> None:
    """Write the report, one HTML file; or what goes into the publication: the methods paragraph and the figures."""
    from quoth.reports.files import replacing
    from quoth.study import open_study

    with open_study(folder) as study:
        if note := study.rule_note():
            typer.echo(f"quoth: {note}", err=True)
        if not methods and figures is None:
            _page(study, out or folder / "report.html", pictures)
        if methods:
            text = study.methods(gold)
            if out:
                with replacing(out) as file:
                    file.write(text.encode())
                typer.echo(f"Wrote {out}.", err=True)
            else:
                typer.echo(text)
        if figures is not None:
            written, left_out = study.figures(figures, gold)
            for path in written:
                typer.echo(f"Wrote {path}.", err=True)
            for reason in left_out:
                typer.echo(f"quoth: {reason}", err=True)


def _page(study: "Study", out: Path, pictures: Pictured) -> None:
    from rich.console import Console

    with Console(stderr=True).status("writing the report"):
        shown = study.report(out, pictures=pictures.value)
    typer.echo(f"Wrote {out} ({out.stat().st_size / 1e6:.1f} MB, {len(shown.drawn):,} pictures).", err=True)
    if shown.left_out:
        typer.echo(f"quoth: {shown.left_out:,} quotes are without a picture: 40 MB are reached", err=True)


def _print(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))
