"""What a run has to do: the cells of the study that have no finding of the present versions yet."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from quoth.errors import StudyError
from quoth.ledger import Ledger, Present, StoredPaper, Versions
from quoth.papers import PARSER_VERSION, is_current
from quoth.papers.ocr import reads_here
from quoth.protocol import Protocol, question_digest
from quoth.readers.base import Reader
from quoth.readers.model import ModelReader
from quoth.vocabulary import Failure, Key, Paper, Question, Quote

SECOND_LOOK = 1
"""The round of a second look; first answers are of round 0."""

_ALIKE = 0.6
_FEW = 8


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a study a run is to do; empty means all. `limit` counts papers."""

    papers: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class SecondLook:
    """What a reader looks at once more: the other readers' quotes by question; `digest` is its version there."""

    digest: str
    beside: Mapping[str, tuple[Quote, ...]]


@dataclass(frozen=True, slots=True)
class Cells:
    """The questions that one reader is to answer about one paper; `second` where it has answered them once.

    `anew` are the ids of those that failed for good and are asked once more all the same.
    """

    reader: Reader
    questions: tuple[Question, ...]
    anew: frozenset[str] = frozenset()

    second: SecondLook | None = None

    def key(self, paper: str, text: str, question: Question) -> Key:
        """What the finding of a question is a finding of."""
        if self.second is None:
            return key_of(paper, text, question, self.reader)
        return Key(
            paper, text, question.id, question_digest(question), self.reader.name, self.second.digest, SECOND_LOOK
        )

    def beside(self, question: Question) -> tuple[Quote, ...]:
        """The other readers' quotes that are shown with a question."""
        return self.second.beside[question.id] if self.second else ()


@dataclass(frozen=True, slots=True)
class Work:
    """One paper with what is to be asked of it; `text_digest` is that of its text, where that is known already."""

    paper: Paper
    places: Mapping[str, Path]
    cells: tuple[Cells, ...]
    text_digest: str | None = None

    @property
    def size(self) -> int:
        """How many findings it will give."""
        return sum(len(cells.questions) for cells in self.cells)


def unread_digest(paper: Paper, protocol: Protocol) -> str:
    """What stands for the text of a paper that cannot be read: its files, and what they were read with."""
    ocr = reads_here(protocol.reading.ocr)
    parts = (
        PARSER_VERSION,
        str(protocol.reading.max_pages),
        *(file.digest for file in paper.files),
        *filter(None, [ocr]),
    )
    return "unread-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()


def known_texts(papers: Collection[Paper], stored: Sequence[StoredPaper], protocol: Protocol) -> dict[str, str]:
    """The text digest of each paper whose present files have been read, or tried, with the present parser."""
    found: dict[str, str] = {}
    kept = {entry.paper.name: entry for entry in stored}
    for paper in papers:
        entry = kept.get(paper.name)
        if entry is None or _contents(entry.paper) != _contents(paper):
            continue
        if entry.reason is not None:
            found[paper.name] = unread_digest(paper, protocol)
        elif entry.text_digest and is_current(entry.parser or "", protocol.reading.ocr):
            found[paper.name] = entry.text_digest
    return found


def _contents(paper: Paper) -> list[str]:
    return [file.digest for file in paper.files]


def present(texts: Mapping[str, str], questions: Collection[Question], readers: Versions) -> Present:
    """The versions that the study has now."""
    return Present(
        papers=frozenset(texts.items()),
        questions=frozenset((question.id, question_digest(question)) for question in questions),
        readers=readers,
    )


def first_versions(readers: Collection[Reader]) -> Versions:
    """The readers as they answer first."""
    return frozenset((reader.name, reader.digest) for reader in readers)


def second_versions(readers: Collection[Reader], shown: str) -> Versions:
    """The models as they look again; none where the protocol has no second look (`shown` is 'none')."""
    models = (reader for reader in readers if isinstance(reader, ModelReader) and shown != "none")
    return frozenset((reader.name, reader.second_look_digest(shown)) for reader in models)


def key_of(paper: str, text: str, question: Question, reader: Reader) -> Key:
    """What a finding of this reader is a finding of."""
    return Key(paper, text, question.id, question_digest(question), reader.name, reader.digest)


def plan(
    papers: Mapping[Paper, Mapping[str, Path]],
    questions: Sequence[Question],
    readers: Sequence[Reader],
    *,
    texts: Mapping[str, str],
    ledger: Ledger,
    retry: bool = False,
    limit: int | None = None,
) -> list[Work]:
    """The papers that are not done, in order, each with its open cells."""
    there = present(texts, questions, first_versions(readers))
    settled = ledger.done_keys(there)
    done = ledger.done_keys(there, again=tuple(Failure)) if retry else settled
    work = []
    for paper, places in papers.items():
        text = texts.get(paper.name)
        open_cells = []
        for reader in readers:
            keys = {q: key_of(paper.name, text, q, reader) for q in questions} if text is not None else {}
            left = tuple(q for q in questions if keys.get(q) not in done)
            if left:
                open_cells.append(Cells(reader, left, frozenset(q.id for q in left if keys.get(q) in settled)))
        if open_cells:
            work.append(Work(paper, places, tuple(open_cells)))
        if limit is not None and len(work) >= limit:
            break
    return work


def pick(what: str, wanted: Sequence[str], there: Sequence[str]) -> list[str]:
    """The names that are wanted, in the study's order; all of them where none is named.

    Raises:
        StudyError: a name is not there; the message gives the nearest.
    """
    for name in wanted:
        if name not in there:
            raise StudyError(f"the study has no {what} '{name}'{_hint(name, there)}")
    return [name for name in there if not wanted or name in wanted]


def _hint(name: str, there: Sequence[str]) -> str:
    """The nearest name, the first of equals; or all, where they are few."""
    likeness = {other: SequenceMatcher(None, name.lower(), other.lower()).ratio() for other in there}
    nearest = max(there, key=lambda other: (name.lower() in other.lower(), likeness[other]), default=None)
    if nearest is not None and (name.lower() in nearest.lower() or likeness[nearest] >= _ALIKE):
        return f"; did you mean '{nearest}'?"
    return f"; it has {', '.join(there)}" if 0 < len(there) <= _FEW else ""
