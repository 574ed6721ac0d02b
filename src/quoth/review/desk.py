"""What the page needs of a study: a desk on which papers, questions and findings lie, and where codes go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from quoth.ledger import NewFinding, StoredFinding, StoredPaper
from quoth.vocabulary import Box, Question, Verdict


class Cell(NamedTuple):
    """A paper by name and a question by id."""

    paper: str
    question: str


class Sheet(NamedTuple):
    """One page of one file of a paper; sizes in points."""

    file: str
    """The file's digest."""
    name: str
    """The file's name, to be shown."""
    number: int
    width: float
    height: float


class Word(NamedTuple):
    """A word of the document as it stands on a page: more boxes than one where it is broken between lines."""

    text: str
    start: int
    end: int
    boxes: tuple[Box, ...]


class Hit(NamedTuple):
    """Words of a document that somebody looked for, on the page where they begin."""

    file: str
    page: int
    boxes: tuple[Box, ...]


class Words(NamedTuple):
    """What a person quotes; `near` are the offsets of the words marked on the page, None where they were typed."""

    text: str
    near: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Coded:
    """What a person says of a cell.

    `seen` is the revision of this person's code that was on the screen, 0 for none. `settles`: the last word on a cell
    on which others disagree.
    """

    coder: str
    cell: Cell
    verdict: Verdict
    value: str | None = None
    note: str = ""
    quotes: tuple[Words, ...] = ()
    blind: bool = True
    settles: bool = False
    seen: int = 0


class Desk(Protocol):
    """A study as the page sees it. May be used from several threads at once."""

    @property
    def title(self) -> str:
        """What the study is called."""
        ...

    @property
    def questions(self) -> Mapping[str, Question]:
        """By id, in the protocol's order."""
        ...

    def papers(self) -> Mapping[str, StoredPaper]:
        """By name, in order, as of the last `news`: those that runs have read meanwhile are known as read."""
        ...

    def people(self) -> frozenset[str]:
        """The names of those who have coded, as of the last `news`."""
        ...

    def news(self, after: int) -> tuple[list[NewFinding], int]:
        """The findings later than number `after`, oldest first, and the number of the newest.

        A person's that says `failed` tells that a code was taken back.
        """
        ...

    def findings(self, cell: Cell) -> list[StoredFinding]:
        """Every revision of every reader's finding of a cell, by reader and round, then oldest first."""
        ...

    def codes(self, coder: str) -> list[StoredFinding]:
        """Every revision of every code of one person, oldest first."""
        ...

    def sights(self) -> Iterable[tuple[str, Cell]]:
        """Who was ever shown what other readers say of which cell."""
        ...

    def saw(self, coder: str, cell: Cell) -> None:
        """Keep in mind that somebody was."""
        ...

    def sheets(self, paper: str) -> Sequence[Sheet]:
        """The pages of a paper's files, in order; none where no file can be opened."""
        ...

    def picture(self, file: str, page: int, scale: float) -> bytes:
        """A page as PNG, with so many pixels for each point.

        Raises:
            PaperError: it cannot be drawn, or the study has no such file.
        """
        ...

    def words(self, paper: str, file: str, page: int) -> list[Word]:
        """The words on a page in reading order; none where the paper has not been read."""
        ...

    def find(self, paper: str, words: str) -> list[Hit]:
        """Where these words stand in a paper, whatever their case, in order; none where it has not been read."""
        ...

    def check_name(self, name: str) -> str:
        """The name as it will be kept, for somebody who wants to code.

        Raises:
            CodeError: nobody can be called so.
        """
        ...

    def code(self, coded: Coded) -> StoredFinding:
        """Record what a person says; it is in the ledger when this returns.

        Raises:
            CodeError: the value does not fit the question, or a quote is too long.
            ConflictError: the person's code is another one by now than `coded.seen`.
        """
        ...

    def undo(self, coder: str, cell: Cell, *, settles: bool, seen: int, before: int) -> StoredFinding:
        """Bring back what a person said in revision `before`, as a new revision; for 0 the code is taken back.

        Raises:
            ConflictError: the person's code is another one by now than `seen`.
        """
        ...
