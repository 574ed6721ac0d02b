"""What a study has done, what failed, what is stale, what it took."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quoth.ledger import Holder, Run, StoredPaper
from quoth.papers import other_files
from quoth.reports.notes import notes
from quoth.study.study import Study
from quoth.vocabulary import Failure, Verdict


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """One reader's cells by what it said; `transient` and `final` are its failures."""

    name: str
    reported: int
    not_reported: int
    unclear: int
    transient: int
    final: int
    open: int
    seconds: float | None
    tokens: int | None
    cost_usd: float | None

    @property
    def failed(self) -> int:
        """Cells that failed, for whatever reason."""
        return self.transient + self.final


@dataclass(frozen=True, slots=True)
class Status:
    """A study at a glance; `notes` by paper, `passed_over` the files in its folder that are no papers."""

    title: str
    papers: int
    questions: int
    read: int
    unread: int
    unreadable: tuple[StoredPaper, ...]
    gone: tuple[str, ...]
    readers: tuple[ReaderStatus, ...]
    notes: Mapping[str, Sequence[str]]
    passed_over: tuple[str, ...]
    stale: int
    runs: tuple[Run, ...]
    holder: Holder | None


def status_of(study: Study) -> Status:
    """Look at a study; writes nothing."""
    stored = study.stored_papers()
    names = {entry.paper.name for entry in stored}
    present = study.present()
    tallies = study.ledger.tallies(present)
    cells = len(stored) * len(study.protocol.questions)
    readers = []
    for reader in study.readers:
        mine = [tally for tally in tallies if tally.reader == reader.name]
        count: Counter[tuple[Verdict, Failure | None]] = Counter()
        for tally in mine:
            count[tally.verdict, tally.failure] += tally.findings
        verdicts = Counter({verdict: sum(n for (v, _), n in count.items() if v is verdict) for verdict in Verdict})
        transient = count[Verdict.FAILED, Failure.TRANSIENT]
        seconds = [tally.seconds for tally in mine if tally.seconds is not None]
        tokens = [n for tally in mine for n in (tally.input_tokens, tally.output_tokens) if n is not None]
        costs = [tally.cost_usd for tally in mine if tally.cost_usd is not None]
        readers.append(
            ReaderStatus(
                reader.name,
                verdicts[Verdict.REPORTED],
                verdicts[Verdict.NOT_REPORTED],
                verdicts[Verdict.UNCLEAR],
                transient,
                verdicts[Verdict.FAILED] - transient,
                cells - verdicts.total(),
                sum(seconds) if seconds else None,
                sum(tokens) if tokens else None,
                sum(costs) if costs else None,
            )
        )
    unreadable = tuple(entry for entry in stored if entry.reason is not None)
    read = sum(entry.text_digest is not None for entry in stored)
    return Status(
        study.protocol.title,
        len(stored),
        len(study.protocol.questions),
        read,
        len(stored) - read - len(unreadable),
        unreadable,
        tuple(sorted(entry.paper.name for entry in study.ledger.papers() if entry.paper.name not in names)),
        tuple(readers),
        notes(stored),
        tuple(other_files(study.protocol.papers)),
        study.ledger.stale(present),
        tuple(study.ledger.runs()),
        study.ledger.holder(),
    )
