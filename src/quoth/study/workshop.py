"""What the steps of a run share: the protocol, the ledger, the encoder, the cache, and how a paper fails."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from quoth.ledger import Ledger
from quoth.pipeline import ReadSettings
from quoth.protocol import Protocol
from quoth.study.plan import Cells
from quoth.vocabulary import Encoder, Failure, Finding, Verdict


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a run works with."""

    protocol: Protocol
    ledger: Ledger
    encoder: Encoder
    cache: Path

    @property
    def settings(self) -> ReadSettings:
        """How papers are read."""
        return ReadSettings.of(self.protocol.reading, self.cache)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `note` says what befell the last paper, where it could not be read."""

    papers_done: int
    papers: int
    findings_done: int
    findings: int
    paper: str = ""
    note: str = ""


Watcher = Callable[[Progress], None]


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def not_read(paper: str, cells: Cells, reason: str, failure: Failure) -> Iterator[Finding]:
    """The `failed` findings of a reader about a paper that cannot be read."""
    for question in cells.questions:
        yield Finding(
            paper, question.id, cells.reader.name, Verdict.FAILED, error=f"not read: {reason}", failure=failure
        )
