"""A run: open cells go to the workers and to the models, and what comes back is in the ledger before the next."""

import gc
import importlib.metadata
import platform
import sys
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from quoth.engine.asking import Purse
from quoth.engine.local import Done, Lost, run_supervised
from quoth.engine.worker import more_time
from quoth.errors import ReaderError
from quoth.ledger import Ledger, Made
from quoth.models.threads import one_thread
from quoth.papers import PARSER_VERSION
from quoth.papers.ocr import check, reads_here
from quoth.pipeline import PaperResult, PaperTask, prepare_worker, work_on_paper
from quoth.protocol import Protocol, question_digest
from quoth.readers.base import PureReader, Reader
from quoth.readers.embedded import EmbeddedReader
from quoth.readers.model import ModelReader
from quoth.study.plan import Cells, Selection, Work, key_of, unread_digest
from quoth.study.spending import spent
from quoth.study.stage import AskStage
from quoth.study.workshop import Progress, Watcher, Workshop, cores, not_read
from quoth.vocabulary import Failure, Finding, Question, Verdict

_TURN_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did: papers that are done, findings, and the papers that could not be read, with the reason.

    Of an `interrupted` run `papers` are those with findings, as the ledger has them. `stopped` are the readers that
    could not go on, and why; `served` the names that a server gave its model, where they were several. `second_looks`
    of the findings are answers to a second look.
    """

    run: int | None
    papers: int
    findings: int
    failed: int
    unreadable: Mapping[str, str]
    interrupted: bool = False
    stopped: Mapping[str, str] = field(default_factory=dict)
    served: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    second_looks: int = 0


Later = Callable[[Collection[str]], Sequence[Work]]
"""What is to be looked at once more when all else is done, by readers other than those named: they have stopped."""


def execute(
    shop: Workshop, work: Sequence[Work], manifest: Mapping[str, object], watch: Watcher, later: Later
) -> Outcome:
    """Do the work, then what is to be looked at once more; findings are committed as they come.

    An interruption (Ctrl-C) ends workers and requests, keeps what came back and is told in the outcome. The caller
    holds the lock.

    Raises:
        ReaderError: a reader cannot be reached as the protocol describes it.
    """
    shop.ledger.put_papers([piece.paper for piece in work])
    run = shop.ledger.start_run(manifest)
    tally = _Tally(watch)
    try:
        if work:
            _ask_first(shop, run, work, tally)
        tally.first_findings = tally.findings
        if again := later(tally.stopped):
            _ask_again(shop, run, again, tally)
    except KeyboardInterrupt:
        # It may have come after a commit and before that was counted: the ledger alone knows what was kept.
        return tally.outcome(run, shop.ledger.made(run), interrupted=True)
    return tally.outcome(run, Made(len(tally.done), tally.findings, tally.failed), interrupted=False)


def _ask_first(shop: Workshop, run: int, work: Sequence[Work], tally: "_Tally") -> None:
    """Papers go to the workers, and from there to the models."""
    tally.expect(work)
    with _asking(shop, run, work, tally) as stage, closing(_outcomes(shop, work)) as outcomes:
        for outcome in outcomes:
            _take(shop, run, outcome, stage, tally)
        if stage:
            stage.finish()
            tally.take(stage, wait=True)


def _ask_again(shop: Workshop, run: int, work: Sequence[Work], tally: "_Tally") -> None:
    """All papers were read: they go to the models at once."""
    tally.expect(work)
    with _asking(shop, run, work, tally) as stage:
        if stage:
            for piece in work:
                stage.submit(piece, piece.text_digest or "")
            stage.finish()
            tally.take(stage, wait=True)


def check_models(readers: Sequence[Reader], protocol: Protocol) -> None:
    """Look at what would stop a run of days in its first minute.

    Raises:
        ModelError: OCR is asked for and not installed.
        ReaderError: a key is not set, a package is missing, or a budget in dollars meets a model without a price.
    """
    check(protocol.reading.ocr)
    for reader in readers:
        if not isinstance(reader, ModelReader):
            continue
        reader.connect()
        if protocol.budget.max_cost_usd is not None and reader.cost(1, 1) is None:
            raise ReaderError(
                f"reader '{reader.name}': [budget] has max_cost_usd, and nobody knows what this model costs; add "
                "price_per_million = { input = ..., output = ... } to it (0 for your own hardware)"
            )


@contextmanager
def _asking(shop: Workshop, run: int, work: Sequence[Work], tally: "_Tally") -> Iterator[AskStage | None]:
    """The stage that asks the models, where there are any; it ends with the block, and what came back is counted."""
    found = {cells.reader.name: cells.reader for piece in work for cells in piece.cells}
    models = [reader for reader in found.values() if isinstance(reader, ModelReader)]
    if not models:
        yield None
        return
    budget = shop.protocol.budget
    tokens, cost = spent(shop.ledger, models)
    with one_thread(), _quick_turns(), _short_collections():
        stage = AskStage(shop, run, models, Purse(budget.max_cost_usd, budget.max_tokens, cost, tokens))
        try:
            yield stage
        finally:
            stage.stop()
            tally.take(stage, wait=False)
            tally.stopped |= stage.stopped
            tally.served |= stage.served


@contextmanager
def _quick_turns() -> Iterator[None]:
    """Let threads of this process take turns ten times as often as they do by default.

    Every turn of the asking loop would wait up to 5 ms for the thread that computes, and a reply takes four of them.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _short_collections() -> Iterator[None]:
    """Have the garbage collector look at what is made while models are asked, and not at what was there before.

    To walk over all of it stops every thread of this process, a tenth of a second at a time. Where somebody else has
    set objects aside, nothing is done: all would come back together.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class _Tally:
    """How far the run is; a paper is done when its workers and all of its models are."""

    def __init__(self, watch: Watcher) -> None:
        self.pieces: dict[str, Work] = {}
        self.done: set[str] = set()
        self.findings = self.failed = 0
        self.first_findings: int | None = None
        """How many findings there were when all was asked for the first time."""
        self.unreadable: dict[str, str] = {}
        self.stopped: dict[str, str] = {}
        self.served: dict[str, tuple[str, ...]] = {}
        self._watch = watch
        self._total = 0

    def expect(self, work: Sequence[Work]) -> None:
        """More is to be done."""
        self.pieces |= {piece.paper.name: piece for piece in work}
        self._total += sum(piece.size for piece in work)
        self._tell("", "")

    def count(self, paper: str, findings: Sequence[Finding], *, ends: bool, note: str = "") -> None:
        """Count what is in the ledger now."""
        self.findings += len(findings)
        self.failed += sum(finding.verdict is Verdict.FAILED for finding in findings)
        self.done |= {paper} if ends else set()
        if note:
            self.unreadable[paper] = note
        if findings or ends:
            self._tell(paper, note)

    def outcome(self, run: int, made: Made, *, interrupted: bool) -> Outcome:
        """What the run did."""
        looks = 0 if self.first_findings is None else made.findings - self.first_findings
        return Outcome(
            run, *made, self.unreadable, interrupted, stopped=self.stopped, served=self.served, second_looks=looks
        )

    def take(self, stage: AskStage, *, wait: bool) -> None:
        """Count what the models answered."""
        for answered in stage.answered(wait=wait):
            self.count(answered.paper, answered.findings, ends=answered.ends)

    def _tell(self, paper: str, note: str) -> None:
        self._watch(Progress(len(self.done), len(self.pieces), self.findings, self._total, paper, note))


def _take(
    shop: Workshop,
    run: int,
    outcome: Done[PaperTask, PaperResult] | Lost[PaperTask],
    stage: AskStage | None,
    tally: _Tally,
) -> None:
    """Write what a worker made of a paper, and hand the paper on to the models."""
    piece = tally.pieces[outcome.task.paper.name]
    made = _record(shop, run, piece, outcome)
    note = outcome.error.reason if isinstance(outcome, Lost) else ""
    to_models = isinstance(outcome, Done) and any(isinstance(cells.reader, ModelReader) for cells in piece.cells)
    tally.count(piece.paper.name, made, ends=not to_models, note=note)
    if stage:
        if to_models and isinstance(outcome, Done):
            stage.submit(piece, outcome.result.text_digest)
        tally.take(stage, wait=False)


def _outcomes(
    shop: Workshop, work: Sequence[Work]
) -> Generator[Done[PaperTask, PaperResult] | Lost[PaperTask], None, None]:
    reading = shop.protocol.reading
    tasks = (
        PaperTask(piece.paper, piece.places, shop.settings, shop.encoder, tuple(_pure(piece.cells))) for piece in work
    )
    yield from run_supervised(
        tasks,
        partial(work_on_paper, more_time=more_time),
        workers=worker_count(shop.protocol, len(work)),
        seconds=reading.seconds_per_paper,
        memory_mb=reading.memory_mb,
        init=prepare_worker,
    )


def _pure(cells: Sequence[Cells]) -> Iterator[tuple[PureReader, tuple[Question, ...]]]:
    """What workers can answer with the paper alone."""
    for part in cells:
        if isinstance(part.reader, EmbeddedReader):
            yield part.reader, part.questions


def worker_count(protocol: Protocol, papers: int) -> int:
    """How many worker processes a run over so many papers has."""
    return max(1, min(protocol.reading.workers or cores(), papers))


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
            pictures=result.pictures,
        )
        text, findings = result.text_digest, result.findings
    else:
        failure = Failure.TRANSIENT if outcome.error.transient else Failure.FINAL
        ledger.put_unreadable(piece.paper, outcome.error.reason, failure=failure)
        text = unread_digest(piece.paper, shop.protocol)
        reason, name = outcome.error.reason, piece.paper.name
        findings = tuple(one for cells in piece.cells for one in not_read(name, cells, reason, failure))
    asked = {(cells.reader.name, q.id): (cells.reader, q) for cells in piece.cells for q in cells.questions}
    rows = []
    for finding in findings:
        reader, question = asked[finding.reader, finding.question]
        rows.append((key_of(piece.paper.name, text, question, reader), finding))
    ledger.put_findings(run, rows, datetime.now(UTC))
    return findings


def put_versions(ledger: Ledger, protocol: Protocol, readers: Sequence[Reader]) -> None:
    """Record the questions and readers as they are now, also models at a second look: findings name them."""
    ledger.put_questions((question, question_digest(question)) for question in protocol.questions)
    shown = protocol.quorum.second_look
    for reader, settings in zip(readers, protocol.readers, strict=True):
        ledger.put_reader(reader.name, settings.type, reader.digest, reader.manifest())
        if shown != "none" and isinstance(reader, ModelReader):
            manifest, digest = reader.second_look_manifest(shown), reader.second_look_digest(shown)
            ledger.put_reader(reader.name, settings.type, digest, manifest)


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
        **({"second_look": protocol.quorum.second_look} if protocol.quorum.second_look != "none" else {}),
        "ocr": reads_here(protocol.reading.ocr) or None,
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


_PACKAGES = ("quoth", "pypdfium2", "onnxruntime", "tokenizers", "bm25s", "numpy", "PyStemmer", "openai", "xllamacpp")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
