"""The words of quoth: frozen dataclasses and protocols that every room speaks in.

No logic, and no import of ours. Offsets count code points of `Document.text`; pages count from 1; boxes are
`(x0, y0, x1, y1)` in PDF points from the page's top left.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]


class Kind(StrEnum):
    """What kind of answer a question asks for."""

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    LINK = "link"


class Verdict(StrEnum):
    """What a reader says of one question of one paper; the last two are people's: the cell is not to be counted."""

    REPORTED = "reported"
    NOT_REPORTED = "not_reported"
    UNCLEAR = "unclear"
    FAILED = "failed"
    EXCLUDED = "excluded"
    NOT_APPLICABLE = "not_applicable"


class Outcome(StrEnum):
    """What the readers' findings become under a rule."""

    REPORTED = "reported"
    NOT_REPORTED = "not_reported"
    UNDECIDED = "undecided"
    EXCLUDED = "excluded"
    NOT_APPLICABLE = "not_applicable"


class Located(StrEnum):
    """How the words of a quote were found in the document."""

    EXACT = "exact"
    FOLDED = "folded"
    CLOSE = "close"
    MISSING = "missing"


class Failure(StrEnum):
    """Whether asking again may help: the next run repeats a transient failure, only `--retry` a final one."""

    TRANSIENT = "transient"
    FINAL = "final"


class Role(StrEnum):
    """What a file is to its paper."""

    MAIN = "main"
    SUPPLEMENT = "supplement"


class Source(StrEnum):
    """Where the words of a page come from."""

    TEXT = "text"
    """The file's own text layer."""
    OCR = "ocr"
    """A picture of the page."""
    PICTURE = "picture"
    """A picture of the page that was not read: nothing, or next to nothing, of what it says is in the document."""


class BlockKind(StrEnum):
    """What a block of a document is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    CAPTION = "caption"
    TABLE_ROW = "table_row"
    FRAGMENT = "fragment"
    """Labels in a figure, the publisher's margin: located, but no part of a passage."""


class SectionKind(StrEnum):
    """What a section is for, as far as retrieval cares."""

    FRONT = "front"
    ABSTRACT = "abstract"
    BODY = "body"
    AVAILABILITY = "availability"
    BACK = "back"
    REFERENCES = "references"
    APPENDIX = "appendix"


@dataclass(frozen=True, slots=True)
class Question:
    """One item of the codebook."""

    id: str
    label: str
    text: str
    kind: Kind = Kind.TEXT
    guidance: str = ""
    choices: tuple[str, ...] = ()
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """One PDF: `digest` is the SHA-256 of its bytes in hex, `name` its path below the papers folder, with '/'."""

    digest: str
    name: str
    size: int
    role: Role = Role.MAIN


@dataclass(frozen=True, slots=True)
class Paper:
    """What the study counts: a unique name (Unicode NFC) and none, one or more files."""

    name: str
    files: tuple[File, ...] = ()
    doi: str | None = None
    title: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What a paper's own file says about it: a hint that `papers.csv` overrules."""

    title: str | None = None
    doi: str | None = None
    year: int | None = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """Words on a page that nobody sees, and that no reader is shown; cut where they are many."""

    file: str
    page: int
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A page whose words are not those of the file's text layer: they were read by OCR, or not at all."""

    file: str
    page: int
    source: Source


@dataclass(frozen=True, slots=True)
class Page:
    """One page of one file: its number in that file, its size in points, and the range of its glyphs' numbers."""

    file: str
    number: int
    width: float
    height: float
    start: int
    end: int
    source: Source = Source.TEXT


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of text under one heading; `title` is empty before the first heading."""

    title: str
    kind: SectionKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, heading, caption or table row; `section` is an index into `Document.sections`.

    A table row's `lead` holds its table's caption and header row, as far as they were found.
    """

    kind: BlockKind
    start: int
    end: int
    section: int
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence; `block` is an index into `Document.blocks`."""

    start: int
    end: int
    block: int


@dataclass(frozen=True, slots=True)
class Link:
    """Words that carry a link annotation, and where it points (never followed)."""

    start: int
    end: int
    target: str


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A paper as text, in reading order, with the way back to the page.

    `glyphs` has one entry for each code point of `text`: the number of the character that draws it, counted through all
    pages in the order of the PDF, or -1 for one that stands on no page (a space between two lines). Boxes are looked up
    from there when somebody asks. `digest` is the SHA-256 of the text with the version of the parser that made it.
    `hidden` are words that the file holds and the text does not. `ocr` names what looked at the pages that are
    pictures, with its version, and is empty where nothing did; `boxes`, shape (characters, 4), are the boxes of the
    characters of these pages, in order, not a number for those that draw nothing.
    """

    digest: str
    text: str
    pages: tuple[Page, ...]
    sections: tuple[Section, ...]
    blocks: tuple[Block, ...]
    sentences: tuple[Sentence, ...]
    links: tuple[Link, ...]
    glyphs: NDArray[np.int32]
    hidden: tuple[Hidden, ...] = ()
    about: About = About()
    ocr: str = ""
    boxes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))


@dataclass(frozen=True, slots=True)
class Passage:
    """A short run of whole sentences of a document, the unit of retrieval.

    `page` is its first page; `section` the title of its section; `lead` the caption and header of a table row, `before`
    and `after` the sentences around it: what a reader may use to understand the passage, and may not quote from it.
    `sentences` are the offsets of its own; where none are given it is one itself (see `places`).
    """

    start: int
    end: int
    text: str
    file: str
    page: int
    section: str
    section_kind: SectionKind
    lead: str = ""
    before: str = ""
    after: str = ""
    links: tuple[str, ...] = ()
    sentences: tuple[tuple[int, int], ...] = ()

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """The offsets of its sentences; at least one."""
        return self.sentences or ((self.start, self.end),)

    @property
    def said(self) -> list[str]:
        """Its sentences' texts."""
        return [self.text[start - self.start : end - self.start] for start, end in self.places]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a document on one page, with one box for each line; `ocr` says that OCR read the page."""

    file: str
    page: int
    start: int
    end: int
    boxes: tuple[Box, ...]
    ocr: bool = False


@dataclass(frozen=True, slots=True)
class Quote:
    """The paper's own words (`text`) for what the reader said (`said`), and where they stand.

    `score` says how well these words answer their question, from 0 to 1; None where it was not judged.
    """

    said: str
    text: str
    located: Located
    score: float | None = None
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one reader says of one question of one paper, and what it cost.

    `score` is calibrated: the share of such verdicts that are right; None where no coded cells support it.
    """

    paper: str
    question: str
    reader: str
    verdict: Verdict
    value: str | None = None
    unit: str | None = None
    answer: str = ""
    score: float | None = None
    quotes: tuple[Quote, ...] = ()
    seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    error: str | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What a finding is a finding of: rows are revisions of a key, and the newest is current."""

    paper: str
    text_digest: str
    question: str
    question_digest: str
    reader: str
    reader_digest: str
    round: int = 0


class Vote(NamedTuple):
    """What the quorum needs of one reader's standing finding of a cell.

    `evidence` is the score of its best located quote, None without one. A person's vote of a later round than 0 settles
    the cell. `blind`: given without seeing what other readers said.
    """

    paper: str
    question: str
    reader: str
    round: int
    verdict: str
    evidence: float | None = None
    value: str | None = None
    unit: str | None = None
    blind: bool = True


class VoteColumns(NamedTuple):
    """Many votes, a sequence for each field of `Vote`: how millions of them travel."""

    paper: Sequence[str]
    question: Sequence[str]
    reader: Sequence[str]
    round: Sequence[int]
    verdict: Sequence[str]
    evidence: Sequence[float | None]
    value: Sequence[str | None]
    unit: Sequence[str | None]
    blind: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Review:
    """How a person came to a finding: without seeing what other readers said (blind) or not, and a note."""

    blind: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule makes of the current findings of one cell: computed, never stored as truth."""

    paper: str
    question: str
    decision: Outcome
    value: str | None
    score: float | None
    votes_reported: int
    votes_not_reported: int
    votes_failed: int
    basis: str
    answer: str = ""
    quotes: tuple[Quote, ...] = field(default=())


class Geometry(Protocol):
    """Where on its pages a stretch of a document stands."""

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        """One span for each page that the stretch touches, in order, with a box for each line."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Some texts as vectors: one for each text, and one for each of their tokens.

    `vectors`, shape (texts, dimensions), are unit vectors; `tokens`, shape (tokens, token dimensions), are unit vectors
    times 127; `ids`, shape (tokens,), are the tokenizer's numbers; `starts`, shape (texts + 1,), says where each text's
    tokens begin, and ends with the number of tokens.
    """

    vectors: NDArray[np.float32]
    tokens: NDArray[np.int8]
    ids: NDArray[np.int32]
    starts: NDArray[np.int64]


class Encoder(Protocol):
    """A model that turns texts into vectors."""

    digest: str
    """SHA-256 of the model and its settings."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (texts, dimensions)."""
        ...

    def encode_tokens(self, texts: Sequence[str]) -> Encoded:
        """What `encode` gives, and the vectors of the texts' tokens."""
        ...
