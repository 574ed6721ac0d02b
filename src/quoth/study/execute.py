"""A run: open cells go to the workers, findings come back paper by paper and are in the ledger before the next."""

import importlib.metadata
import os
import platform
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from quoth.engine.local import Done, Lost, run_supervised
from quoth.ledger import Ledger
from quoth.papers import PARSER_VERSION
from quoth.pipeline import PaperResult, PaperTask, ReadSettings, prepare_worker, work_on_paper
from quoth.protocol import Protocol, question_digest
from quoth.readers.base import Reader
from quoth.study.plan import Selection, Work, key_of, unread_digest
from quoth.vocabulary import Encoder, Failure, Finding, Verdict


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `note` says what befell the last paper, where it could not be read."""

    papers_done: int
    papers: int
    findings_done: int
    findings: int
    paper: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did: findings by verdict, and the papers that could not be read, with the reason."""

    run: int | None
    papers: int
    findings: int
    failed: int
    unreadable: Mapping[str, str]
    interrupted: bool = False


Watcher = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a run works with."""

    protocol: Protocol
    ledger: Ledger
    encoder: Encoder
    cache: Path


def execute(shop: Workshop, work: Sequence[Work], manifest: Mapping[str, object], watch: Watcher) -> Outcome:
    """Do the work; every paper's findings are committed as they come.

    An interruption (Ctrl-C) ends the workers, keeps what came back and is told in the outcome. The caller holds the
    lock.
    """
    shop.ledger.put_papers([piece.paper for piece in work])
    run = shop.ledger.start_run(manifest)
    pieces = {piece.paper.name: piece for piece in work}
    total = sum(piece.size for piece in work)
    papers = findings = failed = 0
    unreadable: dict[str, str] = {}
    interrupted = False
    watch(Progress(0, len(work), 0, total))
    try:
        with closing(_outcomes(shop, work)) as outcomes:
            for outcome in outcomes:
                piece = pieces[outcome.task.paper.name]
                made = _record(shop, run, piece, outcome)
                papers, findings = papers + 1, findings + piece.size
                failed += sum(finding.verdict is Verdict.FAILED for finding in made)
                note = outcome.error.reason if isinstance(outcome, Lost) else ""
                if note:
                    unreadable[piece.paper.name] = note
                watch(Progress(papers, len(work), findings, total, piece.paper.name, note))
    except KeyboardInterrupt:
        interrupted = True
    return Outcome(run, papers, findings, failed, unreadable, interrupted)


def _outcomes(
    shop: Workshop, work: Sequence[Work]
) -> Generator[Done[PaperTask, PaperResult] | Lost[PaperTask], None, None]:
    reading = shop.protocol.reading
    settings = ReadSettings(reading.max_pages, shop.cache)
    tasks = (
        PaperTask(
            piece.paper,
            piece.places,
            settings,
            shop.encoder,
            tuple((cells.reader, cells.questions) for cells in piece.cells),
        )
        for piece in work
    )
    yield from run_supervised(
        tasks,
        work_on_paper,
        workers=worker_count(shop.protocol, len(work)),
        seconds=reading.seconds_per_paper,
        memory_mb=reading.memory_mb,
        init=prepare_worker,
    )


def worker_count(protocol: Protocol, papers: int) -> int:
    """How many worker processes a run over so many papers has."""
    return max(1, min(protocol.reading.workers or cores(), papers))


def cores() -> int:
    """How many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _record(
    shop: Workshop, run: int, piece: Work, outcome: Done[PaperTask, PaperResult] | Lost[PaperTask]
) -> Sequence[Finding]:
    """Write what became of a paper, and give its findings."""
    ledger = shop.ledger
    if isinstance(outcome, Done):
        result = outcome.result
        ledger.put_document(
            piece.paper,
            text_digest=result.text_digest,
            parser=result.parser,
            pages=result.pages,
            characters=result.characters,
            about=result.about,
            hidden=result.hidden,
        )
        text, findings = result.text_digest, result.findings
    else:
        failure = Failure.TRANSIENT if outcome.error.transient else Failure.FINAL
        ledger.put_unreadable(piece.paper, outcome.error.reason, failure=failure)
        text = unread_digest(piece.paper, shop.protocol)
        findings = tuple(_lost(piece, outcome.error.reason, failure))
    asked = {(cells.reader.name, q.id): (cells.reader, q) for cells in piece.cells for q in cells.questions}
    rows = []
    for finding in findings:
        reader, question = asked[finding.reader, finding.question]
        rows.append((key_of(piece.paper.name, text, question, reader), finding))
    ledger.put_findings(run, rows, datetime.now(UTC))
    return findings


def _lost(piece: Work, reason: str, failure: Failure) -> Iterator[Finding]:
    for cells in piece.cells:
        for question in cells.questions:
            yield Finding(
                piece.paper.name,
                question.id,
                cells.reader.name,
                Verdict.FAILED,
                error=f"not read: {reason}",
                failure=failure,
            )


def manifest_of(
    protocol: Protocol, readers: Sequence[Reader], selection: Selection, *, retry: bool
) -> dict[str, object]:
    """What a run is made with: enough to repeat it, and nothing of one machine."""
    return {
        "protocol": protocol.digest,
        "codebook": protocol.codebook.name if protocol.codebook else None,
        "questions": {question.id: question_digest(question) for question in protocol.questions},
        "readers": {reader.name: {"digest": reader.digest, **reader.manifest()} for reader in readers},
        "parser": PARSER_VERSION,
        "selection": {
            "papers": list(selection.papers),
            "questions": list(selection.questions),
            "readers": list(selection.readers),
            "limit": selection.limit,
            "retry": retry,
        },
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        "machine": platform.machine(),
    }


_PACKAGES = ("quoth", "pypdfium2", "onnxruntime", "tokenizers", "bm25s", "numpy", "PyStemmer")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
