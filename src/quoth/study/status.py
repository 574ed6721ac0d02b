"""What a study has done, what failed, what is stale, what it took."""

from collections import Counter
from dataclasses import dataclass

from quoth.ledger import Asked, Holder, Run, StoredPaper
from quoth.readers.base import Reader
from quoth.readers.model import ModelReader
from quoth.study.study import Study
from quoth.vocabulary import Failure, Verdict


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """One reader's cells by what it said; `transient` and `final` are its failures.

    `seconds`, `tokens` and `cost_usd` are those of the current findings; `paid_tokens` and `paid_usd` those of every
    reply that ever came, and `watt_hours` what the hardware drew meanwhile, where the protocol says how many watts.
    """

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
    paid_tokens: int | None = None
    paid_usd: float | None = None
    watt_hours: float | None = None

    @property
    def failed(self) -> int:
        """Cells that failed, for whatever reason."""
        return self.transient + self.final


@dataclass(frozen=True, slots=True)
class Status:
    """A study at a glance."""

    title: str
    papers: int
    questions: int
    read: int
    unread: int
    unreadable: tuple[StoredPaper, ...]
    gone: tuple[str, ...]
    readers: tuple[ReaderStatus, ...]
    stale: int
    runs: tuple[Run, ...]
    holder: Holder | None


def status_of(study: Study) -> Status:
    """Look at a study; writes nothing."""
    stored = study.stored_papers()
    names = {entry.paper.name for entry in stored}
    present = study.present()
    tallies = study.ledger.tallies(present)
    asked = {one.reader: one for one in study.ledger.asked()}
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
                *_paid(reader, asked.get(reader.name)),
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
        study.ledger.stale(present),
        tuple(study.ledger.runs()),
        study.ledger.holder(),
    )


def _paid(reader: Reader, asked: Asked | None) -> tuple[int | None, float | None, float | None]:
    """Tokens, US dollars and watt hours of all replies to a reader."""
    if asked is None or not isinstance(reader, ModelReader):
        return None, None, None
    watts = reader.settings.watts
    return (
        asked.input_tokens + asked.output_tokens,
        reader.cost(asked.input_tokens, asked.output_tokens, asked.cached_tokens),
        None if watts is None else watts * asked.busy_seconds / 3600,
    )
