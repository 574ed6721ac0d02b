"""What the ledger gives and takes beside the vocabulary: rows as they are stored, what is present in a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from quoth.vocabulary import About, Failure, Finding, Hidden, Key, Paper, Picture, Question, Review, Verdict

TAKEN_BACK = "taken back"
"""The error of the revision by which a person takes a code back: it stays in the history, and is no current finding."""

Versions = frozenset[tuple[str, str]]
"""Pairs of a name (or question id) and a digest."""


@dataclass(frozen=True, slots=True)
class Present:
    """The versions that a study has now; a finding of another version is stale.

    `papers` pairs names with text digests, `questions` ids with question digests, `readers` names with reader digests.
    A name may have several digests, as where people coded a paper before its text was parsed anew.
    """

    papers: Versions
    questions: Versions
    readers: Versions


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding with its key and how it came into the ledger; `run` is None for what no run made.

    `review` says how a person came to it; None for all other readers.
    """

    id: int
    key: Key
    finding: Finding
    revision: int
    run: int | None
    at: datetime
    review: Review | None = None


class NewFinding(NamedTuple):
    """A finding in short: `score` is the finding's; `blind`, made without seeing what other readers said."""

    paper: str
    question: str
    reader: str
    round: int
    verdict: Verdict
    score: float | None
    blind: bool


@dataclass(frozen=True, slots=True)
class StoredReader:
    """A version of a reader: `type` is embedded, chat, gguf, human or imported; `manifest` says what it is."""

    name: str
    digest: str
    type: str
    manifest: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Batch:
    """Findings that no run made, with all that they speak of: recorded together or not at all."""

    papers: Sequence[Paper]
    questions: Sequence[tuple[Question, str]]
    readers: Sequence[StoredReader]
    findings: Sequence[tuple[Key, Finding]]
    reviews: Sequence[Review | None]
    """One for each finding; None where no person made it."""


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """A paper as it stands now, and what came of reading it.

    Not read yet: neither `text_digest` nor `reason`. Unreadable: `reason`, and in `failure` whether to try again.
    `about` is what its file says of it, `hidden` the words that the file holds and nobody sees, `pictures` the pages
    whose words are not those of its text layer.
    """

    paper: Paper
    text_digest: str | None = None
    parser: str | None = None
    pages: int | None = None
    characters: int | None = None
    reason: str | None = None
    failure: Failure | None = None
    about: About = field(default_factory=About)
    hidden: tuple[Hidden, ...] = ()
    pictures: tuple[Picture, ...] = ()

    @property
    def title(self) -> str | None:
        """Its title, as far as it is known."""
        return self.about.title or self.paper.title

    @property
    def doi(self) -> str | None:
        """Its DOI, as far as it is known."""
        return self.about.doi or self.paper.doi

    @property
    def year(self) -> int | None:
        """The year that it came out, as far as it is known."""
        return self.about.year or self.paper.year


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reader replied to one request, whole, as it came.

    `request_digest` names everything that was sent, `shown_digest` the passages in it. `parameters` holds what was sent
    beside the text, and what the server refused.
    """

    reader: str
    reader_digest: str
    request_digest: str
    shown_digest: str
    text: str
    parameters: Mapping[str, object]
    served_model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    seconds: float | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution; a run that was killed, or is still on, has no `finished` and no `outcome`."""

    id: int
    manifest: Mapping[str, object]
    started: datetime
    finished: datetime | None
    outcome: str | None
    decisions_digest: str | None
    counts: Mapping[str, object]


class Made(NamedTuple):
    """What one run has put into the ledger: papers with findings, findings, and how many of these failed."""

    papers: int
    findings: int
    failed: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many findings of one reader say the same, and what they cost together (None where nothing was recorded)."""

    reader: str
    verdict: Verdict
    failure: Failure | None
    findings: int
    seconds: float | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What one reader's replies took together.

    `busy_seconds` is the time during which at least one of them was under way, `seconds` the sum over all. Tokens count
    as 0 where the server told none; `cached_tokens` are those of the input that it had in its cache.
    """

    reader: str
    replies: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    seconds: float
    busy_seconds: float


def audit_item(paper: str, question: str, reader: str, *, again: bool) -> str:
    """The item under which the audit of a finding's answer is kept; `again`: that of a second look."""
    return f"{paper}/{question}/{reader}" + ("/second look" if again else "")
