"""What a study hands over: the names of its tables, and a passage as it is shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from quoth.readers.base import ReadPaper
from quoth.readers.embedded import encode_query
from quoth.vocabulary import Encoder, Question


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


def shown_of(read: ReadPaper, question: Question, encoder: Encoder, characters: int) -> Iterator[Shown]:
    """What of a paper a reader would be shown for a question, best first."""
    ranking = read.index.rank(question, encode_query(encoder, question))
    for rank, number in enumerate(read.index.shown(ranking, characters), start=1):
        passage, score = read.index.passages[number], float(f"{ranking.share[number]:.6g}")
        yield Shown(read.name, question.id, rank, passage.text, passage.page, score)
