"""What a study has done, what failed, what is stale, what it took."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from quoth.ledger import Asked, Holder, Run, StoredPaper, Tally
from quoth.papers import other_files
from quoth.readers.base import Reader
from quoth.readers.model import ModelReader
from quoth.reports.notes import notes
from quoth.study.plan import first_versions
from quoth.study.second_look import Disputed, still_open
from quoth.study.study import Study
from quoth.vocabulary import Failure, Verdict

Paid = tuple[int | None, float | None, float | None]
"""Tokens, US dollars and watt hours."""


@dataclass(frozen=True, slots=True)
class ReaderStatus:
    """One reader's cells by what it said; `transient` and `final` are its failures.

    Readers whose findings were imported cannot be asked: `asked` is false. `seconds`, `tokens` and `cost_usd` are those
    of the current findings; `paid_tokens` and `paid_usd` those of every reply that ever came, and `watt_hours` what the
    hardware drew meanwhile, where the protocol says how many watts. `second_` fields are of second looks.
    """

    name: str
    asked: bool
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
    second_looks: int = 0
    second_failed: int = 0
    second_open: int = 0

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
    by_name: int
    """Papers that have no file here, known from people's codes or other programs' findings."""
    read: int
    unread: int
    unreadable: tuple[StoredPaper, ...]
    gone: tuple[str, ...]
    readers: tuple[ReaderStatus, ...]
    disputed: Disputed | None
    """None where the protocol has no second look."""
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
    tallies = study.ledger.tallies(replace(present, readers=first_versions(study.readers)))
    again = study.ledger.tallies(replace(present, readers=study.second_versions()))
    looks = study.second_looks()
    left = Counter[str]()
    for piece in still_open(looks, study.ledger).work:
        left.update({cells.reader.name: len(cells.questions) for cells in piece.cells})
    asked = {one.reader: one for one in study.ledger.asked()}
    there = [entry for entry in stored if entry.paper.files]
    cells = len(there) * len(study.protocol.questions)
    readers = [
        _with_second(_reader(one.name, tallies, cells, _paid(one, asked.get(one.name))), again, left)
        for one in study.readers
    ]
    everything = study.everything()
    coded = study.ledger.tallies(everything)
    # Nobody waits for people's codes: no cell of theirs is open.
    readers += [_reader(name, coded, None) for name in sorted({coder.name for coder in study.coders()})]
    unreadable = tuple(entry for entry in stored if entry.reason is not None)
    read = sum(entry.text_digest is not None for entry in stored)
    return Status(
        study.protocol.title,
        len(stored),
        len(study.protocol.questions),
        len(stored) - len(there),
        read,
        len(there) - read - len(unreadable),
        unreadable,
        tuple(sorted(entry.paper.name for entry in study.ledger.papers() if entry.paper.name not in names)),
        tuple(readers),
        looks.disputed if study.protocol.quorum.second_look != "none" else None,
        notes(stored, study.ledger.replaced()),
        tuple(other_files(study.protocol.papers)),
        study.ledger.stale(everything),
        tuple(study.ledger.runs()),
        study.ledger.holder(),
    )


def _reader(name: str, tallies: Sequence[Tally], cells: int | None, paid: Paid = (None, None, None)) -> ReaderStatus:
    mine = [tally for tally in tallies if tally.reader == name]
    count: Counter[tuple[Verdict, Failure | None]] = Counter()
    for tally in mine:
        count[tally.verdict, tally.failure] += tally.findings
    verdicts = Counter({verdict: sum(n for (v, _), n in count.items() if v is verdict) for verdict in Verdict})
    transient = count[Verdict.FAILED, Failure.TRANSIENT]
    seconds = [tally.seconds for tally in mine if tally.seconds is not None]
    tokens = [n for tally in mine for n in (tally.input_tokens, tally.output_tokens) if n is not None]
    costs = [tally.cost_usd for tally in mine if tally.cost_usd is not None]
    return ReaderStatus(
        name,
        cells is not None,
        verdicts[Verdict.REPORTED],
        verdicts[Verdict.NOT_REPORTED],
        verdicts[Verdict.UNCLEAR],
        transient,
        verdicts[Verdict.FAILED] - transient,
        0 if cells is None else cells - verdicts.total(),
        sum(seconds) if seconds else None,
        sum(tokens) if tokens else None,
        sum(costs) if costs else None,
        *paid,
    )


def _with_second(reader: ReaderStatus, again: Sequence[Tally], left: Mapping[str, int]) -> ReaderStatus:
    """The same with what came of its second looks, whose findings cost time and tokens as well."""
    mine = [tally for tally in again if tally.reader == reader.name]
    failed = sum(tally.findings for tally in mine if tally.verdict is Verdict.FAILED)
    seconds = [n for n in (reader.seconds, *(tally.seconds for tally in mine)) if n is not None]
    tokens = [n for tally in mine for n in (tally.input_tokens, tally.output_tokens) if n is not None]
    costs = [n for n in (reader.cost_usd, *(tally.cost_usd for tally in mine)) if n is not None]
    return replace(
        reader,
        seconds=sum(seconds) if seconds else None,
        tokens=(reader.tokens or 0) + sum(tokens) if tokens else reader.tokens,
        cost_usd=sum(costs) if costs else None,
        second_looks=sum(tally.findings for tally in mine),
        second_failed=failed,
        second_open=left.get(reader.name, 0),
    )


def _paid(reader: Reader, asked: Asked | None) -> Paid:
    """What all replies to a reader took."""
    if asked is None or not isinstance(reader, ModelReader):
        return None, None, None
    watts = reader.settings.watts
    return (
        asked.input_tokens + asked.output_tokens,
        reader.cost(asked.input_tokens, asked.output_tokens, asked.cached_tokens),
        None if watts is None else watts * asked.busy_seconds / 3600,
    )
