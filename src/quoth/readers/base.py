"""What every reader meets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from quoth.retrieval import PaperIndex
from quoth.vocabulary import Document, Finding, Geometry, Question


@dataclass(frozen=True, slots=True, eq=False)
class ReadPaper:
    """A paper as a reader meets it: its text, its passages ready to be searched, and the way back to its pages."""

    name: str
    document: Document
    index: PaperIndex
    geometry: Geometry


class Reader(Protocol):
    """Answers questions about papers.

    The same `digest` must give the same findings: it covers the model, the prompt and every parameter that matters.
    """

    name: str
    digest: str

    def manifest(self) -> Mapping[str, object]:
        """What it is, for the record: model, versions, parameters; never a key."""
        ...

    def answer(self, paper: ReadPaper, questions: Sequence[Question]) -> list[Finding]:
        """One finding for each question, in order; what goes wrong with one is its `failed` finding."""
        ...
