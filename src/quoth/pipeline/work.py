"""What a worker process does with one paper: read it, and let the embedded readers answer."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from quoth.errors import PaperError
from quoth.models.encoder import Encoder as OnnxEncoder
from quoth.models.threads import one_thread
from quoth.papers import parser_of
from quoth.pipeline.read import MoreTime, ReadSettings, read_paper, unhurried
from quoth.readers.base import PureReader
from quoth.readers.embedded import ReaderModel
from quoth.vocabulary import About, Encoder, Finding, Hidden, Paper, Picture, Question, Source


@dataclass(frozen=True, slots=True)
class PaperTask:
    """One paper to read, and what to ask; everything in it can be sent to another process."""

    paper: Paper
    places: Mapping[str, Path]
    settings: ReadSettings
    encoder: Encoder
    wanted: tuple[tuple[PureReader, tuple[Question, ...]], ...]


@dataclass(frozen=True, slots=True)
class PaperResult:
    """What came of a paper; `seconds` by stage."""

    paper: Paper
    text_digest: str
    parser: str
    pages: int
    characters: int
    about: About
    hidden: tuple[Hidden, ...]
    pictures: tuple[Picture, ...]
    findings: tuple[Finding, ...]
    seconds: Mapping[str, float]


def prepare_worker() -> None:
    """Load what is slow to load before the first paper's clock starts.

    Raises:
        ModelError: a packaged model is missing or altered: that is no paper's fault, and ends the run.
    """
    one_thread()  # each worker has one core
    OnnxEncoder().encode(["warm"])
    ReaderModel.packaged()
    with suppress(ImportError):
        # bm25s loops under tqdm, shown or not, whose lock between processes a killed worker would leave behind.
        import_module("tqdm").tqdm.set_lock(threading.RLock())


def work_on_paper(task: PaperTask, more_time: MoreTime = unhurried) -> PaperResult:
    """Read a paper and answer all that is wanted of it; `more_time` is told what pages that OCR reads may take.

    Raises:
        PaperError: it cannot be read.
    """
    began = time.perf_counter()
    try:
        with read_paper(task.paper, task.places, task.settings, task.encoder, more_time) as read:
            ready = time.perf_counter()
            findings = tuple(finding for reader, questions in task.wanted for finding in reader.answer(read, questions))
            document = read.document
    except OSError as error:
        # The reason goes into the ledger: without the path, which is one machine's business.
        reason = f"a file could not be read ({error.strerror or type(error).__name__})"
        raise PaperError(reason, transient=True) from error
    return PaperResult(
        task.paper,
        document.digest,
        parser_of(document),
        len(document.pages),
        len(document.text),
        document.about,
        document.hidden,
        tuple(
            Picture(page.file, page.number, page.source) for page in document.pages if page.source is not Source.TEXT
        ),
        findings,
        {"read": ready - began, "ask": time.perf_counter() - ready},
    )
