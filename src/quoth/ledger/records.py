"""What the ledger gives and takes beside the vocabulary: rows as they are stored, what is present in a study."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from quoth.vocabulary import About, Failure, Finding, Hidden, Key, Paper, Verdict

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
    """A finding with its key and how it came into the ledger; `run` is None for what no run made."""

    id: int
    key: Key
    finding: Finding
    revision: int
    run: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """A paper as it stands now, and what came of reading it.

    Not read yet: neither `text_digest` nor `reason`. Unreadable: `reason`, and in `failure` whether to try again.
    `about` is what its file says of it, `hidden` the words that the file holds and nobody sees.
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
