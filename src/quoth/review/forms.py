"""What browsers send: every field checked for type and length before anything looks at it."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, Field, field_validator

from quoth.review.board import Queue
from quoth.review.desk import Cell, Coded, Words
from quoth.vocabulary import Verdict

Short = Annotated[str, Field(max_length=300)]
Revision = Annotated[int, Field(ge=0, le=1_000_000)]
Near = Annotated[str, Field(pattern=r"^(\d{1,9}-\d{1,9})?$")]

OfPeople = Literal[Verdict.REPORTED, Verdict.NOT_REPORTED, Verdict.UNCLEAR, Verdict.NOT_APPLICABLE, Verdict.EXCLUDED]
OF_PEOPLE: tuple[Verdict, ...] = get_args(OfPeople)
"""The verdicts that the page offers, in the order of their keys."""


class Where(BaseModel):
    """A cell in a queue."""

    paper: Annotated[str, Field(max_length=2000)]
    question: Short
    queue: Queue = Queue.DOUBTFUL

    @property
    def cell(self) -> Cell:
        """The cell."""
        return Cell(self.paper, self.question)


class Look(Where):
    """A cell to be looked at: `at` is the index of the page that is wanted, `part` what is to be drawn anew."""

    at: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    part: Literal["cell", "viewer"] = "cell"


class CodeForm(Where):
    """A code. `coder` is who the page was shown to; `seen` the revision that it showed."""

    coder: Short
    seen: Revision = 0
    settles: bool = False
    verdict: OfPeople
    value: Annotated[str, Field(max_length=10_000)] = ""
    note: Annotated[str, Field(max_length=10_000)] = ""
    quote: Annotated[list[Annotated[str, Field(max_length=10_000)]], Field(max_length=8)] = []
    near: Annotated[list[Near], Field(max_length=8)] = []

    @field_validator("value", "note")
    @classmethod
    def _stripped(cls, text: str) -> str:
        return text.strip()

    def quotes(self) -> tuple[Words, ...]:
        """The quotes that are not empty, each with the place that was marked for it."""
        places = [*self.near, *[""] * len(self.quote)]
        said = zip((" ".join(text.split()) for text in self.quote), places, strict=False)
        return tuple(Words(text, _offsets(place)) for text, place in said if text)

    def coded(self, *, blind: bool) -> Coded:
        """What this person says."""
        return Coded(
            self.coder,
            self.cell,
            Verdict(self.verdict),
            self.value or None,
            self.note,
            self.quotes(),
            blind=blind and not self.settles,
            settles=self.settles,
            seen=self.seen,
        )


class UndoForm(Where):
    """The code that is to be undone."""

    coder: Short
    settles: bool = False
    revision: Annotated[int, Field(ge=1, le=1_000_000)]
    before: Revision = 0


class DoorForm(BaseModel):
    """Who somebody is, and whether they code blind."""

    name: Short
    blind: bool = False


def _offsets(place: str) -> tuple[int, int] | None:
    if not place:
        return None
    start, end = place.split("-")
    return int(start), int(end)
