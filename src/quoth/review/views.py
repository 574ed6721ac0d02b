"""What the templates show of a cell: its readers, its quotes on their page, and what this person may see of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from quoth.ledger import TAKEN_BACK, StoredFinding, StoredPaper
from quoth.review.board import Board, Queue
from quoth.review.desk import Cell, Desk, Sheet, Words
from quoth.review.forms import CodeForm
from quoth.review.sitting import Act, Sittings
from quoth.vocabulary import Located, Question, Quote, Review

_COLOURS = 6


class Person(NamedTuple):
    """Who looks at the page, and whether they code blind."""

    name: str
    blind: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A quote in the panel: `at` is the index of its first page among the sheets, None where it is on none."""

    mark: str
    quote: Quote
    at: int | None
    page: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """What one reader says, its quotes, and the number of its colour."""

    stored: StoredFinding
    person: bool
    colour: int
    quotes: tuple[Shown, ...]


class Mark(NamedTuple):
    """A box of a quote on the page, in points."""

    mark: str
    colour: int
    who: str
    x: float
    y: float
    width: float
    height: float


@dataclass(slots=True)
class Entry:
    """What stands in the fields of the form."""

    value: str = ""
    note: str = ""
    quotes: Sequence[Words] = ()
    verdict: str | None = None


@dataclass(slots=True)
class CellView:
    """A cell as one person sees it."""

    person: Person
    queue: Queue
    cell: Cell
    question: Question
    paper: StoredPaper
    settles: bool
    barred: bool
    """In dispute, and this person is one of those who differ: a third settles it."""
    knew: bool
    """Whether this person coded it with open eyes before, also if that code was taken back."""
    shown: bool
    """Whether the other readers' findings are shown."""
    mine: StoredFinding | None
    seen: int
    said: tuple[Said, ...]
    history: tuple[StoredFinding, ...]
    sheets: Sequence[Sheet]
    at: int
    before: Cell | None
    after: Cell | None
    last: Act | None
    left: int
    entry: Entry = field(default_factory=Entry)
    fault: str = ""

    @property
    def own(self) -> dict[str, Shown]:
        """This person's quotes as they were found, by what was said."""
        mine = [one for one in self.said if self.mine and one.stored.key == self.mine.key]
        return {shown.quote.said: shown for one in mine for shown in one.quotes}

    @property
    def sheet(self) -> Sheet | None:
        """The page that is shown."""
        return self.sheets[self.at] if self.sheets else None

    @property
    def marks(self) -> list[Mark]:
        """The boxes on that page."""
        return list(_marks(self.said, self.sheet)) if self.sheet else []


def cell_view(
    desk: Desk, board: Board, sittings: Sittings, person: Person, queue: Queue, cell: Cell, at: int | None = None
) -> CellView:
    """Everything that the page of a cell shows; that findings were shown is remembered.

    Args:
        desk: the study.
        board: refreshed.
        sittings: what people have seen.
        person: who looks.
        queue: where they come from.
        cell: one of the study's.
        at: the index of the page to be shown; the first with a quote without it.
    """
    everything = desk.findings(cell)
    settlers = board.settlers(cell)
    disputed = queue is Queue.DISAGREEMENTS and board.disputed(cell)
    settles = disputed and (board.may_settle(person.name, cell) or person.name in settlers)
    mine = [s for s in everything if s.key.reader == person.name and s.key.round == int(settles)]
    standing = mine[-1] if mine and mine[-1].finding.error != TAKEN_BACK else None
    shown = not person.blind or settles or standing is not None
    if shown:
        sittings.saw(person.name, cell)
    sheets = desk.sheets(cell.paper)
    people = desk.people()
    said = tuple(_said(newest(everything), people, sheets, person.name, shown))
    pages = [quote.at for one in said for quote in one.quotes if quote.at is not None]
    before, after = board.neighbours(queue, cell)
    return CellView(
        person,
        queue,
        cell,
        desk.questions[cell.question],
        desk.papers()[cell.paper],
        settles,
        disputed and not settles,
        any(stored.review is not None and not stored.review.blind for stored in mine),
        shown,
        standing,
        mine[-1].revision if mine else 0,
        said,
        tuple(sorted((s for s in everything if s.key.reader in people), key=lambda s: s.id)) if shown else (),
        sheets,
        min(max(0, at if at is not None else pages[0] if pages else 0), max(0, len(sheets) - 1)),
        before,
        after,
        sittings.last(person.name),
        len(board.left(queue, person.name)),
        _entry(standing or (mine[-2] if len(mine) > 1 else None)),
    )


def newest(everything: Iterable[StoredFinding]) -> list[StoredFinding]:
    """The newest revision of each key, but for codes that were taken back."""
    found = {stored.key: stored for stored in everything}
    return [stored for stored in found.values() if stored.finding.error != TAKEN_BACK]


def is_blind(view: CellView, sittings: Sittings) -> bool:
    """Whether a code given now is given without having seen what other readers say."""
    saw = sittings.has_seen(view.person.name, view.cell) or view.mine is not None or view.knew
    return view.person.blind and not saw


def entered(form: CodeForm) -> Entry:
    """The fields as they were sent, to be shown again."""
    return Entry(form.value, form.note, form.quotes(), form.verdict)


def _entry(stored: StoredFinding | None) -> Entry:
    if stored is None:
        return Entry()
    finding, review = stored.finding, stored.review or Review()
    quotes = [Words(quote.said, _place(quote)) for quote in finding.quotes]
    return Entry(finding.value or "", review.note, quotes, finding.verdict.value)


def _place(quote: Quote) -> tuple[int, int] | None:
    return (quote.spans[0].start, quote.spans[-1].end) if quote.spans else None


def _said(
    standing: Iterable[StoredFinding], people: frozenset[str], sheets: Sequence[Sheet], me: str, shown: bool
) -> Iterable[Said]:
    """One's own first, then the readers, then the other people."""
    visible = (stored for stored in standing if shown or stored.key.reader == me)
    order = sorted(visible, key=lambda s: (s.key.reader != me, s.key.reader in people, s.key.reader, s.key.round))
    places = {(sheet.file, sheet.number): index for index, sheet in enumerate(sheets)}
    mine = 0
    for number, stored in enumerate(order):
        mine += stored.key.reader == me
        colour = 0 if stored.key.reader == me else 1 + (number - mine) % (_COLOURS - 1)
        quotes = []
        for position, quote in enumerate(stored.finding.quotes):
            first = quote.spans[0] if quote.located is not Located.MISSING and quote.spans else None
            at = places.get((first.file, first.page)) if first else None
            quotes.append(Shown(f"m{number}-{position}", quote, at, first.page if first else None))
        yield Said(stored, stored.key.reader in people, colour, tuple(quotes))


def _marks(said: Iterable[Said], sheet: Sheet) -> Iterable[Mark]:
    for one in said:
        for shown in one.quotes:
            for span in shown.quote.spans:
                if (span.file, span.page) == (sheet.file, sheet.number):
                    for x0, y0, x1, y1 in span.boxes:
                        who = one.stored.key.reader
                        yield Mark(shown.mark, one.colour, who, x0, y0, round(x1 - x0, 2), round(y1 - y0, 2))
