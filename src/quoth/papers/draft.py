"""What blocks are made from: rows that belong together, and what they look like on the page."""

from dataclasses import dataclass
from enum import Enum, auto

from quoth.papers.layout import Row


class Shape(Enum):
    """What a draft looks like on the page."""

    PROSE = auto()
    HEADING = auto()
    CAPTION = auto()
    ROW = auto()
    LABELS = auto()


@dataclass(slots=True)
class Draft:
    """Rows that belong together; `aside` says that the text flows on around it."""

    shape: Shape
    rows: list[Row]
    aside: bool = False

    @property
    def text(self) -> str:
        """Its words as the page gives them."""
        return " ".join(row.text for row in self.rows)

    @property
    def first(self) -> Row:
        """Its first row."""
        return self.rows[0]

    @property
    def last(self) -> Row:
        """Its last row."""
        return self.rows[-1]
