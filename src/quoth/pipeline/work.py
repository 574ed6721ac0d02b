"""What a worker process does with one paper: read it, and let the embedded readers answer."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from quoth.papers import PARSER_VERSION
from quoth.pipeline.read import ReadSettings, read_paper
from quoth.readers.base import Reader
from quoth.vocabulary import Encoder, Finding, Paper, Question


@dataclass(frozen=True, slots=True)
class PaperTask:
    """One paper to read, and what to ask; everything in it can be sent to another process."""

    paper: Paper
    places: Mapping[str, Path]
    settings: ReadSettings
    encoder: Encoder
    wanted: tuple[tuple[Reader, tuple[Question, ...]], ...]


@dataclass(frozen=True, slots=True)
class PaperResult:
    """What came of a paper; `seconds` by stage."""

    paper: Paper
    text_digest: str
    parser: str
    pages: int
    characters: int
    findings: tuple[Finding, ...]
    seconds: Mapping[str, float]


def prepare_worker() -> None:
    """Import what is slow to import before the first paper's clock starts."""
    import onnxruntime  # noqa: F401
    import pypdfium2  # noqa: F401


def work_on_paper(task: PaperTask) -> PaperResult:
    """Read a paper and answer all that is wanted of it.

    Raises:
        PaperError: it cannot be read.
    """
    began = time.perf_counter()
    with read_paper(task.paper, task.places, task.settings, task.encoder) as read:
        ready = time.perf_counter()
        findings = tuple(finding for reader, questions in task.wanted for finding in reader.answer(read, questions))
        document = read.document
    return PaperResult(
        task.paper,
        document.digest,
        PARSER_VERSION,
        len(document.pages),
        len(document.text),
        findings,
        {"read": ready - began, "ask": time.perf_counter() - ready},
    )
