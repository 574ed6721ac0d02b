"""What an import, a sample, agreement and evaluation look like on a terminal and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from quoth.cli.show import count
from quoth.quorum.agreement import Agreed, Agreement, Statistic
from quoth.quorum.effect import Effect
from quoth.quorum.evaluation import FEWEST_PAPERS, Figures, Interval
from quoth.study.coding import HUMAN
from quoth.study.evaluate import Evaluation, Unproven
from quoth.study.importing import Imported
from quoth.study.likeness import Likeness
from quoth.study.sampling import How, Sample

_LISTED = 20
_FEW_PAPERS = 10


def imported(found: Imported, folder: Path) -> int:
    """What came in; 3 where quotes proved untrue."""
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    parts = [f"{found.new:,} new", f"{found.revised:,} revised", f"{found.unchanged:,} unchanged"]
    console.print(f"Imported from {', '.join(found.readers)}: {', '.join(parts)}.")
    if found.papers:
        console.print(f"Papers taken by name alone: {len(found.papers):,}.")
    if found.quotes:
        located = ", ".join(f"{number:,} {how}" for how, number in sorted(found.quotes.items()))
        console.print(f"Quotes looked for in the papers: {located}.")
    if found.unquoted:
        words = "" if found.type == HUMAN else "; under rules that weigh evidence they have no vote"
        console.print(f"'Reported' without a located quote, marked as unquoted: {found.unquoted:,}{words}.")
    if found.without_verdict:
        console.print(f"Cells without a verdict, passed over: {found.without_verdict:,}.")
    for line in _not_found(found.not_found):
        console.print(line)
    for note in found.notes:
        console.print(note[:1].upper() + note[1:] + ".")
    if not found.failed:
        return 0
    for cell in found.failed[:_LISTED]:
        console.print("  " + ", ".join(cell))
    words = "no quote of theirs stands in the paper and answers the question"
    console.print(
        f"{count(len(found.failed), 'finding')} failed: {words}. Mend the quotes and import again to {folder}."
    )
    return 3


def _not_found(cells: Sequence[tuple[str, str, str]]) -> Iterable[str]:
    """People's codes that came in with a quote that is not in the paper."""
    if cells:
        yield f"Taken in with a quote that does not stand in the paper: {count(len(cells), 'code')}."
    for cell in cells[:_LISTED]:
        yield "  " + ", ".join(cell)
    if len(cells) > _LISTED:
        yield f"  and {len(cells) - _LISTED:,} more; the table of quotes has them as 'missing'"


def sampled(found: Sample, folder: Path, out: Path | None) -> None:
    """What a sample buys."""
    console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    where = f" to {out}" if out else ""
    console.print(
        f"Drew {count(len(found.cells), 'cell')} of {found.among:,} that nobody has coded{where} ({found.how})."
    )
    for width in found.widths:
        low, high = _percent(width.low), _percent(width.high)
        console.print(f"An accuracy of {width.accuracy:.0%} on them has a 95 % interval of {low} to {high}.")
    if found.how is How.DISAGREEMENT:
        console.print(
            "These are the hardest cells: figures on them say nothing about the rest. Good for settling doubts."
        )
    else:
        console.print("Cells of one paper are not independent: from few papers, intervals are wider.")
    console.print(f"To take the codes in: quoth import {folder} {out or 'FILE'} --as human --reader NAME")


# Agreement


def agreement(found: Agreement, alike: Sequence[Likeness] = ()) -> None:
    """Overall, pairs, and questions."""
    console = Console(highlight=False)
    overall = found.overall
    console.print(f"{count(len(found.readers), 'reader')}, {count(overall.cells, 'cell')} with two votes or more")
    table = _table("", "value", "95 % interval")
    for name, statistic in (
        ("agreement", overall.percent),
        ("Fleiss' kappa", overall.fleiss),
        ("Krippendorff's alpha", overall.alpha),
        ("Gwet's AC1", overall.ac1),
    ):
        table.add_row(name, _figure(statistic.value), _interval(statistic, found))
    console.print(table)
    console.print()
    cosines = {(one.first, one.second): one for one in alike}
    extra = ("cosine of answers",) if alike else ()
    table = _table("readers", "cells", "agreement", "Cohen's kappa", "95 % interval", *extra)
    for pair in overall.pairs:
        one = cosines.get((pair.first, pair.second))
        more = (f"{one.cosine:.3f} ({one.n:,})" if one else "",) if alike else ()
        names = escape(f"{pair.first}, {pair.second}")
        row = (f"{pair.n:,}", _figure(pair.percent.value), _figure(pair.kappa.value), _interval(pair.kappa, found))
        table.add_row(names, *row, *more)
    console.print(table)
    if any(pair.kappa.value is None for pair in overall.pairs):
        console.print(_NO_KAPPA)
    console.print()
    table = _table("question", "cells", "agreement", "Fleiss", "alpha", "AC1", "alpha of values")
    for one_question in found.questions:
        table.add_row(*_question(one_question))
    console.print(table)


def _question(found: Agreed) -> tuple[str, ...]:
    statistics = (found.percent, found.fleiss, found.alpha, found.ac1)
    values = ", ".join(f"{_figure(of.value)} {metric}" for metric, of in found.alpha_values.items())
    return escape(found.question or ""), f"{found.cells:,}", *(_figure(of.value) for of in statistics), values


def agreement_json(found: Agreement, alike: Sequence[Likeness] = ()) -> dict[str, object]:
    """Everything, as plain values."""
    return {**asdict(found), **({"answers": [asdict(one) for one in alike]} if alike else {})}


# Evaluation


def evaluation(found: Evaluation) -> None:
    """Readers and rules beside the constant, with all that a reader of the figures must know."""
    console = Console(highlight=False, soft_wrap=True)
    whose = "codes of people in this study" if found.gold == "people" else escape(found.gold)
    console.print(f"{count(found.cells, 'cell')} of {count(found.papers, 'paper')} ({whose})\n")
    groups = [("reader", found.readers), ("rule", found.rules)]
    for title, rows in groups:
        if rows:
            console.print(_counts(title, rows))
            console.print()
            console.print(_figures(title, rows))
            console.print()
    if found.second_look:
        console.print(_changes(found.second_look))
        console.print()
    console.print("Undecided and failed cells are left out; 'of all' counts them as errors. The constant answers each")
    console.print("question with the majority of the other papers, and knows no paper. Brackets: 95 % intervals.")
    measured = [row for row in (*found.readers, *found.rules) if row.accuracy is not None]
    if any(row.kappa is None or row.constant_kappa is None for row in measured):
        console.print(_NO_KAPPA)
    for line in _remarks(found):
        console.print(line)


def _counts(title: str, rows: Iterable[Figures]) -> Table:
    table = _table(title, "cells", "right", "wrong", "undecided", "failed", "no finding")
    for row in rows:
        wrong = row.n - row.correct - row.undecided - row.failed
        numbers = (row.n, row.correct, wrong, row.undecided, row.failed, row.missing)
        table.add_row(escape(row.name), *(f"{number:,}" for number in numbers))
    return table


def _figures(title: str, rows: Sequence[Figures]) -> Table:
    table = _table(title, "accuracy", "of all", "kappa", "precision", "recall", "F1")
    for place, row in enumerate(rows):
        kappa = f"{_figure(row.kappa)} {_brackets(row.kappa_ci)}".rstrip()
        rest = (_figure(value) for value in (row.precision, row.recall, row.f1))
        table.add_row(escape(row.name), _figure(row.accuracy), _figure(row.as_errors.accuracy), kappa, *rest)
        constant = row.constant_accuracy, row.constant_kappa
        following = [(later.constant_accuracy, later.constant_kappa) for later in rows[place + 1 : place + 2]]
        # The same constant is said once for all rows that it stands beside.
        if constant not in ((None, None), *following):
            table.add_row("constant", _figure(constant[0]), "", _figure(constant[1]), style="dim")
    return table


def _changes(effect: Effect) -> Table:
    """What second looks changed, the constant beside."""
    table = _table("second look", "asked again", "failed", "changed", "mended", "spoilt", "right", "kappa", "constant")
    for row in (*effect.readers, *effect.rules):
        counts = (row.asked, row.failed, row.changed, row.mended, row.spoilt)
        right = f"{row.right_before:,} to {row.right_after:,}"
        kappa = f"{_figure(row.before.kappa)} to {_figure(row.after.kappa)}"
        constants = dict.fromkeys(_figure(one.constant_kappa) for one in (row.before, row.after))
        table.add_row(escape(row.name), *(f"{number:,}" for number in counts), right, kappa, " to ".join(constants))
    return table


def _brackets(ci: Interval) -> str:
    return "" if ci is None else f"\\[{ci[0]:.2f}, {ci[1]:.2f}]"


_NO_KAPPA = "Kappa '-' is not defined: on these cells both sides say the same everywhere, and so would chance."


def _remarks(found: Evaluation) -> Iterable[str]:
    if found.left_out:
        yield f"Left out of the decisions, as coders of the gold: {escape(', '.join(found.left_out))}."
    if found.not_counted:
        yield f"Not counted, excluded by people or not applicable: {count(found.not_counted, 'cell')}."
    if found.papers < _FEW_PAPERS:
        too_few = f"there are no intervals: too few papers, at least {FEWEST_PAPERS} are needed"
        words = too_few if found.papers < FEWEST_PAPERS else "intervals are rough"
        yield f"From {count(found.papers, 'paper')}, {words}."
    if found.second_look:
        yield from _of_second_look(found.second_look)
    for row in found.readers:
        if row.calibration:
            brier, error = row.calibration.brier, row.calibration.error
            yield f"{escape(row.name)}: scores off by {error:.3f} on average (Brier score {brier:.3f})."
        if row.values:
            yield f"{escape(row.name)}: {row.values_correct:,} of {row.values:,} values right."
    for pair in found.comparisons:
        only = f"{pair.first_only:,} cells right by the first alone, {pair.second_only:,} by the second alone"
        test = f"McNemar p {_p(pair.p)}, corrected for all pairs {_p(pair.p_holm)}"
        yield f"{escape(pair.first)}, {escape(pair.second)}: {only}; {test}."
    for one in found.unproven:
        yield unproven(one)


def _of_second_look(effect: Effect) -> Iterable[str]:
    yield "Second look: 'right' is of the cells asked again, kappa of all cells; first answers stand where it failed."
    if effect.shown == "all":
        yield "It showed people's quotes: against the codes of these people its figures flatter."


def unproven(one: Unproven) -> str:
    """A reader that does not show what it claims."""
    parts = [f"{one.unverified:,} had quotes that prove nothing and count as failed"] if one.unverified else []
    parts += [f"{one.unquoted:,} have no verified quote and vote under 'majority' alone"] if one.unquoted else []
    return f"[bold]{escape(one.reader)}[/] said 'reported' {one.reported:,} times: {'; '.join(parts)}."


def evaluation_json(found: Evaluation) -> dict[str, object]:
    """The contract's `readers` and `rules`, and the rest beside them."""
    return asdict(found)


def _table(first: str, *headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(first)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _interval(statistic: Statistic, found: Agreement) -> str:
    if statistic.ci is not None:
        return f"{statistic.ci[0]:.3f} to {statistic.ci[1]:.3f}"
    return "too few papers" if found.draws and statistic.value is not None else "-"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _percent(value: float) -> str:
    return f"{value:.1%}".replace("%", " %")
