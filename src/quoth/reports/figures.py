"""Figures for print: they hold up in greyscale and for colour-blind readers, and the same data give the same bytes.

Colours after Okabe and Ito, with lightness and marks that say the same as hue. Text is drawn as shapes, so that a
figure looks alike everywhere.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from quoth.quorum.evaluation import Calibration
from quoth.reports.files import replacing

DARK, MIDDLE, FAINT, STRONG, INK = "#0B3C5D", "#9CC3E6", "#F1F3F5", "#D55E00", "#1F2933"
_LINES = ("#0B3C5D", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#000000", "#E69F00")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
_MARKERS = "osD^vPX"
_SEQUENTIAL = LinearSegmentedColormap.from_list("quoth", ["#FFFFFF", "#9CC3E6", "#0B3C5D"])

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.edgecolor": "#7B8794",
    "axes.linewidth": 0.6,
    "axes.labelcolor": INK,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "svg.fonttype": "path",
    "svg.hashsalt": "quoth",
    "figure.dpi": 100,
    "savefig.dpi": 300,
}

_NAMED = 60
"""With more papers than this, the matrix shows them without their names."""
_LONGEST = 34
_QUESTIONS_PER_LABEL = 6
"""How many columns of the matrix a label of its legend is wide, roughly."""

_STATES = {
    "reported": ("reported", DARK, ""),
    "not_reported": ("not reported", FAINT, ""),
    "undecided": ("undecided", MIDDLE, "?"),
    "failed": ("failed", STRONG, "×"),
    "excluded": ("excluded, not applicable", "#E4D8C4", "–"),
    "not_applicable": ("excluded, not applicable", "#E4D8C4", "–"),
    "": ("no finding", "#FFFFFF", ""),
}


@dataclass(frozen=True, slots=True)
class Share:
    """Of the `n` decided cells of a question, the share reported, with its interval."""

    label: str
    n: int
    share: float
    low: float
    high: float


def _styled() -> AbstractContextManager[None]:
    return rc_context(_STYLE)  # type: ignore[arg-type]  # matplotlib's types want each key spelt where it is used


def write_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write `stem`.svg and `stem`.png, each whole or not at all."""
    written = []
    with _styled():
        for suffix, metadata in ((".svg", {"Date": None, "Creator": None}), (".png", {"Software": None})):
            path = stem.with_name(stem.name + suffix)
            with replacing(path) as file:
                figure.savefig(file, format=suffix[1:], metadata=metadata, bbox_inches="tight", pad_inches=0.08)
            written.append(path)
    return written


# Papers and questions


def matrix(states: Mapping[tuple[str, str], str], papers: Sequence[str], questions: Mapping[str, str]) -> Figure:
    """Papers x questions, papers that report most on top.

    Args:
        states: by paper and question: a decision, 'failed', or nothing.
        papers: names.
        questions: labels by id, in order.
    """
    ids = list(questions)
    reported = {paper: sum(states.get((paper, id_)) == "reported" for id_ in ids) for paper in papers}
    rows = sorted(papers, key=lambda paper: (-reported[paper], paper))
    named = len(rows) <= _NAMED
    side = 0.2 if named else min(0.2, 9 / len(rows))
    with _styled():
        width, height = 0.2 * len(ids), side * len(rows)
        figure = Figure(figsize=(width + 2.4, height + 2.4))
        # Cells are squares where they are few, whatever the labels need.
        axes = figure.add_axes(
            (1.2 / (width + 2.4), 1.2 / (height + 2.4), width / (width + 2.4), height / (height + 2.4))
        )
        cells = [[states.get((paper, id_)) or "" for id_ in ids] for paper in rows]
        _draw_cells(axes, cells, marks=named)
        axes.set_xlim(0, len(ids))
        axes.set_ylim(len(rows), 0)
        axes.set_xticks(np.arange(len(ids)) + 0.5, [cut(label) for label in questions.values()], rotation=90)
        axes.xaxis.tick_top()
        axes.set_yticks(np.arange(len(rows)) + 0.5 if named else [], [cut(paper) for paper in rows] if named else [])
        axes.tick_params(length=0)
        axes.set_ylabel("" if named else f"{len(rows):,} papers")
        for side_ in axes.spines.values():
            side_.set_visible(not named)
        _state_legend(axes, {state for row in cells for state in row}, len(ids), marks=named)
    return figure


def _draw_cells(axes: Axes, cells: Sequence[Sequence[str]], *, marks: bool) -> None:
    colours = np.array([[_rgb(_STATES[state][1]) for state in row] for row in cells])
    axes.imshow(colours, extent=(0, len(cells[0]), len(cells), 0), aspect="auto", interpolation="nearest", zorder=1)
    if not marks:
        return
    for line in range(len(cells) + 1):
        axes.axhline(line, color="white", linewidth=1.2, zorder=2)
    for line in range(len(cells[0]) + 1):
        axes.axvline(line, color="white", linewidth=1.2, zorder=2)
    for y, row in enumerate(cells):
        for x, state in enumerate(row):
            if mark := _STATES[state][2]:
                axes.text(x + 0.5, y + 0.53, mark, ha="center", va="center", fontsize=8, color="#000000", zorder=3)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _state_legend(axes: Axes, states: set[str], questions: int, *, marks: bool) -> None:
    shown: dict[str, tuple[str, str]] = {}
    for state, (label, colour, mark) in _STATES.items():
        if state in states:
            shown[label] = colour, mark
    handles = [Rectangle((0, 0), 1, 1, facecolor=c, edgecolor="#7B8794", linewidth=0.6) for c, _ in shown.values()]
    labels = [f"{label} ({mark})" if mark and marks else label for label, (_, mark) in shown.items()]
    axes.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        ncols=min(len(labels), max(1, questions // _QUESTIONS_PER_LABEL)),
        frameon=False,
        handlelength=1.1,
        handleheight=1.1,
        columnspacing=1.4,
        borderaxespad=0.6,
    )


# Shares


def shares(rows: Sequence[Share]) -> Figure:
    """The share of papers that report each question, highest on top, with 95 % intervals and numbers of papers."""
    ordered = sorted(rows, key=lambda row: (row.share, row.label))
    with _styled():
        figure = Figure(figsize=(6.3, 0.22 * len(ordered) + 0.9))
        axes = figure.add_subplot()
        for y, row in enumerate(ordered):
            axes.plot([row.low, row.high], [y, y], color=MIDDLE, linewidth=4, solid_capstyle="butt", zorder=2)
            axes.plot([row.share], [y], marker="o", markersize=5, color=DARK, zorder=3)
            axes.text(1.03, y, f"{row.share:.0%}".replace("%", " %"), va="center", ha="left", fontsize=7.5)
            axes.text(1.14, y, f"{row.n:,}", va="center", ha="left", fontsize=7.5, color="#52606D")
        top = len(ordered) - 0.35
        axes.text(1.03, top, "share", va="bottom", ha="left", fontsize=7, color="#52606D")
        axes.text(1.14, top, "papers", va="bottom", ha="left", fontsize=7, color="#52606D")
        axes.set_yticks(range(len(ordered)), [cut(row.label) for row in ordered])
        axes.set_ylim(-0.6, len(ordered) - 0.4)
        axes.set_xlim(-0.01, 1.01)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        axes.set_xlabel("papers that report it, with 95 % interval")
        axes.grid(axis="x", color="#DDE3E8", linewidth=0.6, zorder=0)
        axes.tick_params(length=0)
        _plain(axes)
    return figure


# Agreement


def agreement(names: Sequence[str], kappa: np.ndarray, percent: np.ndarray) -> Figure:
    """Readers x readers: Cohen's kappa below the diagonal, share of agreement above it; NaN for none."""
    size = len(names)
    with _styled():
        figure = Figure(figsize=(0.62 * size + 2.6, 0.5 * size + 1.9))
        axes = figure.add_subplot()
        for y in range(size):
            for x in range(size):
                _agreement_cell(axes, x, y, kappa[y, x] if x < y else percent[y, x])
        axes.set_xlim(0, size)
        axes.set_ylim(size, 0)
        axes.set_xticks(np.arange(size) + 0.5, [cut(name) for name in names], rotation=35, ha="left")
        axes.xaxis.tick_top()
        axes.set_yticks(np.arange(size) + 0.5, [cut(name) for name in names])
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        axes.set_xlabel("below the diagonal: Cohen's kappa; above: share of cells on which both agree", labelpad=8)
    return figure


def _agreement_cell(axes: Axes, x: int, y: int, value: float) -> None:
    """Kappa in colour, agreement as a plain number."""
    there = not np.isnan(value)
    shade = _SEQUENTIAL(float(np.clip(value, 0, 1)))[:3] if there and x < y else (1.0, 1.0, 1.0)
    colour = "#DDE3E8" if x == y else shade
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.5))
    if x != y:
        text = f"{value:.2f}".replace("-", "−") if there else "–"
        light = there and x < y and value > 0.55
        axes.text(x + 0.5, y + 0.52, text, ha="center", va="center", color="white" if light else INK)


# Calibration


def calibration(curves: Mapping[str, Calibration]) -> Figure:
    """Reliability of each reader's scores: what they said against what was true; larger points have more cells."""
    with _styled():
        figure = Figure(figsize=(4.4, 4.2))
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color="#7B8794", linewidth=0.8, linestyle=(0, (2, 2)), zorder=1, label="as scored")
        for place, (name, curve) in enumerate(curves.items()):
            x, y = [one.score for one in curve.curve], [one.reported for one in curve.curve]
            sizes = [10 + 250 * one.n / curve.n for one in curve.curve]
            colour, marker = _LINES[place % len(_LINES)], _MARKERS[place % len(_MARKERS)]
            label = f"{cut(name)}: Brier {curve.brier:.3f}, {curve.n:,} cells"
            axes.plot(x, y, color=colour, linewidth=1.1, linestyle=_DASHES[place % len(_DASHES)], zorder=2)
            axes.scatter(x, y, s=sizes, color=colour, marker=marker, edgecolor="white", linewidth=0.6, zorder=3)
            axes.plot([], [], color=colour, marker=marker, linestyle=_DASHES[place % len(_DASHES)], label=label)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("probability of 'reported', as the reader scored it")
        axes.set_ylabel("share that is reported")
        axes.set_aspect("equal")
        axes.grid(color="#E4E9ED", linewidth=0.6, zorder=0)
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.14), frameon=False, borderaxespad=0)
        _plain(axes)
    return figure


def cut(label: str) -> str:
    """A label that fits: whole words, as far as they go."""
    if len(label) <= _LONGEST:
        return label
    head = label[: _LONGEST - 1]
    return f"{head.rsplit(' ', 1)[0] if ' ' in head[12:] else head}…"


def _plain(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
