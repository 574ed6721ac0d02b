"""What a study hands over: the names of its tables, and a passage as it is shown."""

from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    """The tables of a study."""

    PAPERS = "papers"
    FINDINGS = "findings"
    QUOTES = "quotes"
    DECISIONS = "decisions"
    MATRIX = "matrix"
    VARIABLES = "variables"


@dataclass(frozen=True, slots=True)
class Shown:
    """A passage as a reader would be shown it; `rank` counts from 1, `score` is its share of the paper's belief."""

    paper: str
    question: str
    rank: int
    text: str
    page: int
    score: float
