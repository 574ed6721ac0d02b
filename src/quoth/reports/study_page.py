"""The report of a study: one file that opens by a double click and asks nothing of any network.

Tables that are read as they stand are written by the template; the matrix and what its cells open into are data that
the page's script draws, as text and never as markup.
"""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from quoth.ledger import Run, StoredPaper, StoredReader
from quoth.protocol import Level, Variable
from quoth.quorum.agreement import Agreement
from quoth.reports.files import replacing
from quoth.reports.one_file import render
from quoth.reports.page_data import JSON, NOTHING, Audits, Cell, Details, Row, packed, state, votes
from quoth.reports.pictures import Pictures, Place
from quoth.vocabulary import Question, Verdict

_LISTED = 100  # failures, hidden words, notes; the export of papers has them all


@dataclass(frozen=True, slots=True)
class QuestionShare:
    """One question's cells by what became of them; `share` is of the decided ones, with its 95 % interval."""

    question: Question
    reported: int
    not_reported: int
    undecided: int
    failed: int
    left_out: int
    share: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ReaderSummary:
    """One reader's standing findings by verdict, and what they took; None where nothing was recorded."""

    name: str
    type: str
    verdicts: Mapping[Verdict, int]
    open: int
    seconds: float | None
    tokens: int | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Failure:
    """Findings of one reader that failed for one reason, and the papers concerned."""

    reader: str
    reason: str
    count: int
    papers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Derived variables, groups and levels: their names with what they are made of, and a state for each paper."""

    columns: tuple[tuple[str, str, str], ...]
    """Kind (variable, group, level), name, and what it is made of, in words."""
    states: Sequence[Sequence[str | None]]
    """Reported, not_reported, undecided or None, papers x columns."""


@dataclass(frozen=True, slots=True)
class Content:
    """All that a report says."""

    title: str
    codebook: str
    protocol: str
    rule: str
    papers: Sequence[StoredPaper]
    notes: Mapping[str, Sequence[str]]
    """What is odd about papers, by name."""
    other_notes: Mapping[str, Sequence[str]]
    """The same but for hidden words."""
    questions: Sequence[Question]
    readers: Sequence[StoredReader]
    rows: Sequence[Row]
    audits: Audits
    shares: Sequence[QuestionShare]
    summaries: Sequence[ReaderSummary]
    agreement: Agreement | None
    no_agreement: str
    scorecard: Scorecard | None
    runs: Sequence[Run]
    decisions: str
    stale: int
    pictures: Pictures


def write_study_page(content: Content, out: Path) -> None:
    """Write the page; the same ledger gives the same bytes.

    Raises:
        StudyError: it cannot be written.
    """
    with replacing(out) as file:
        file.write(_page(content).encode("utf-8", "replace"))


def _page(content: Content) -> str:
    places = {place: number for number, place in enumerate(content.pictures.drawn)}
    names = {file.digest: file.name for stored in content.papers for file in stored.paper.files}
    readers = [reader.name for reader in content.readers]
    files = {digest: number for number, digest in enumerate(names)}
    details = Details([question.id for question in content.questions], readers, files, places, content.audits)
    last = content.runs[-1] if content.runs else None
    tally = _tally(content)
    return render(
        "report",
        content=content,
        tally=tally,
        cells=sum(tally.values()),
        failures=list(_failures(content.rows)),
        listed=_LISTED,
        agreement=_pairs(content.agreement),
        card=_card(content.scorecard),
        files=names,
        manifest=json.dumps(last.manifest, indent=2, ensure_ascii=False, sort_keys=True) if last else "",
        matrix=packed(_matrix(content, details, list(names.values()))),
        pieces=details.pieces(content.rows),
        pictures=(b64encode(picture).decode() for picture in content.pictures.drawn.values()),
    )


def _matrix(content: Content, details: Details, files: Sequence[str]) -> JSON:
    card = content.scorecard
    return {
        "papers": [_paper(stored, content.notes.get(stored.paper.name, ())) for stored in content.papers],
        "questions": [[one.id, one.label, one.text, one.kind.value, one.guidance] for one in content.questions],
        "readers": [[reader.name, reader.type] for reader in content.readers],
        "states": ["".join(state(row.get(id_, Cell(None))) for id_ in details.questions) for row in content.rows],
        "votes": [
            "".join(votes(row.get(id_, Cell(None)), details.readers) for id_ in details.questions)
            for row in content.rows
        ],
        "files": files,
        "together": details.together,
        "variables": [list(column) for column in card.columns] if card else [],
        "scores": [_letters(states) for states in card.states] if card else [],
    }


def _paper(stored: StoredPaper, notes: Sequence[str]) -> JSON:
    name, files = stored.paper.name, len(stored.paper.files)
    return [name, stored.title, stored.year, stored.doi, stored.pages, stored.reason, files, list(notes)]


def _letters(states: Sequence[str | None]) -> str:
    return "".join({"reported": "r", "not_reported": "n", "undecided": "u"}.get(one or "", NOTHING) for one in states)


def _tally(content: Content) -> dict[str, int]:
    """How many cells there are of each state, in the order of the legend."""
    counts = Counter(state(cell) for row in content.rows for cell in row.values())
    order = {
        "r": "reported",
        "q": "unquoted",
        "n": "not reported",
        "u": "undecided",
        "f": "failed",
        "x": "excluded",
        "a": "not applicable",
    }
    tally = {name: counts[letter] for letter, name in order.items()}
    tally["no finding"] = len(content.papers) * len(content.questions) - sum(tally.values())
    return {name: count for name, count in tally.items() if count or name in ("reported", "not reported")}


def _failures(rows: Sequence[Row]) -> Iterator[Failure]:
    """Most frequent first."""
    papers: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        for cell in row.values():
            for stored in cell.findings:
                found = stored.finding
                if found.verdict is Verdict.FAILED:
                    papers.setdefault((found.reader, found.error or "no reason recorded"), []).append(found.paper)
    for (reader, reason), named in sorted(papers.items(), key=lambda item: (-len(item[1]), item[0])):
        yield Failure(reader, reason, len(named), tuple(dict.fromkeys(named)))


@dataclass(frozen=True, slots=True)
class _Pair:
    """One field of the agreement matrix, for the template."""

    kappa: float | None
    percent: float | None
    n: int
    ci: tuple[float, float] | None


def _pairs(found: Agreement | None) -> list[tuple[str, list[_Pair | None]]]:
    """Rows and columns are readers; None on the diagonal and where two have no cell in common."""
    if found is None:
        return []
    fields: dict[tuple[str, str], _Pair] = {}
    for pair in found.overall.pairs:
        field = _Pair(pair.kappa.value, pair.percent.value, pair.n, pair.kappa.ci)
        fields[pair.first, pair.second] = fields[pair.second, pair.first] = field
    return [(one, [fields.get((one, other)) for other in found.readers]) for one in found.readers]


_KINDS = {"variable": "Variables", "group": "Groups", "level": "Levels"}


def _card(card: Scorecard | None) -> list[tuple[str, list[tuple[str, str, Counter[str]]]]]:
    """The scorecard's columns by kind, each with how many papers are in each state."""
    kinds: dict[str, list[tuple[str, str, Counter[str]]]] = {}
    for place, (kind, name, made_of) in enumerate(card.columns if card else ()):
        counts = Counter(states[place] or "none" for states in card.states) if card else Counter()
        kinds.setdefault(_KINDS[kind], []).append((name, made_of, counts))
    return list(kinds.items())


def scorecard_columns(variables: Sequence[Variable], levels: Sequence[Level]) -> Iterator[tuple[str, str, str]]:
    """Variables, then their groups, then levels: kind, name, and what it is made of."""
    for variable in variables:
        questions, joined = (variable.any, " or ") if variable.any is not None else (variable.all or (), " and ")
        yield "variable", variable.name, joined.join(questions) or "no question of the codebook"
    for group in dict.fromkeys(variable.group for variable in variables if variable.group):
        yield "group", group, " and ".join(variable.name for variable in variables if variable.group == group)
    for level in levels:
        yield "level", level.name, " and ".join(level.groups)


def wanted_places(rows: Sequence[Row], which: str) -> list[list[Place]]:
    """What is to be drawn, what matters most first.

    That is the first quote of each decision, cells on which readers disagree before the others; the other quotes of
    decisions; all other quotes.

    Args:
        rows: the cells.
        which: 'none', 'decisions' or 'all'.
    """
    disputed: list[Place] = []
    first: list[Place] = []
    rest: list[Place] = []
    others: list[Place] = []
    for cell in (cell for row in rows for cell in row.values()):
        said = {stored.finding.verdict for stored in cell.findings}
        leading = disputed if {Verdict.REPORTED, Verdict.NOT_REPORTED} <= said else first
        for number, quote in enumerate(cell.decision.quotes if cell.decision else ()):
            (rest if number else leading).extend(map(Place.of, quote.spans))
        for stored in cell.findings:
            others.extend(Place.of(span) for quote in stored.finding.quotes for span in quote.spans)
    return {"none": [], "decisions": [disputed, first, rest], "all": [disputed, first, rest, others]}[which]
