"""The stored replies once more: parsed and grounded anew, without a network, and compared with what was found."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from quoth.errors import PaperError
from quoth.ledger import Ledger, StoredFinding
from quoth.pipeline import read_paper
from quoth.readers.base import Conclusion, Dialogue, ReadPaper, Sitting
from quoth.readers.model import ModelReader
from quoth.study.bill import Bill, cost_of
from quoth.study.desk import grouped, stored_reply
from quoth.study.plan import key_of
from quoth.study.workshop import Workshop
from quoth.vocabulary import Finding, Key, Paper, Question


@dataclass(frozen=True, slots=True)
class Change:
    """A finding that its stored replies do not give as it stands; `before` is None where none stood."""

    before: Finding | None
    after: Finding


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay found; `run` is None where nothing changed and nothing was written."""

    run: int | None
    findings: int
    changes: tuple[Change, ...]
    without_reply: int
    unreadable: Mapping[str, str]


def replay(
    shop: Workshop,
    manifest: Mapping[str, object],
    papers: Mapping[Paper, Mapping[str, Path]],
    questions: Sequence[Question],
    models: Sequence[ModelReader],
    stored: Iterable[StoredFinding],
) -> Replayed:
    """Make the models' findings anew from the stored replies; those that changed become the next revisions.

    Args:
        shop: what a run works with.
        manifest: of the run that is recorded if anything changed.
        papers: those that were read, with the places of their files.
        questions: those to look at.
        models: the readers to look at; they and the questions must be recorded.
        stored: the current findings.
    """
    before = {one.key: one.finding for one in stored}
    run, findings = None, 0
    changes: list[Change] = []
    unreadable: dict[str, str] = {}
    for paper, places in papers.items():
        try:
            with read_paper(paper, places, shop.settings, shop.encoder) as read:
                made = list(_all_again(shop, read, questions, models))
        except PaperError as error:
            unreadable[paper.name] = error.reason
            continue
        findings += len(made)
        changed = [(key, finding) for key, finding in made if not _same(before.get(key), finding)]
        changes += [Change(before.get(key), finding) for key, finding in changed]
        if changed:
            run = run or shop.ledger.start_run(manifest)
            shop.ledger.put_findings(run, changed, datetime.now(UTC))
    cells = (len(papers) - len(unreadable)) * len(questions) * len(models)
    return Replayed(run, findings, tuple(changes), cells - findings, unreadable)


def _all_again(
    shop: Workshop, read: ReadPaper, questions: Sequence[Question], models: Sequence[ModelReader]
) -> Iterator[tuple[Key, Finding]]:
    for reader in models:
        for question, finding in _again(shop, reader, reader.sit(read), questions):
            yield key_of(read.name, read.document.digest, question, reader), finding


class _MissingError(Exception):
    """A request that was never answered."""


def _again(
    shop: Workshop, reader: ModelReader, sitting: Sitting, questions: Sequence[Question]
) -> Iterator[tuple[Question, Finding]]:
    for group in grouped(questions, shop.protocol.questions, reader):
        made = _findings(shop.ledger, reader, sitting, group)
        for question in group:
            if question.id not in made and len(group) > 1:
                made |= _findings(shop.ledger, reader, sitting, [question])
            if question.id in made:
                yield question, made[question.id]


def _findings(
    ledger: Ledger, reader: ModelReader, sitting: Sitting, questions: Sequence[Question]
) -> dict[str, Finding]:
    """What the stored replies to these questions give; nothing where one of them is missing."""
    bill = Bill()
    try:
        made = _driven(sitting.dialogue(questions), ledger, reader, bill)
    except _MissingError:
        return {}
    return {finding.question: finding for finding in bill.shared(made)}


def _driven(dialogue: Dialogue, ledger: Ledger, reader: ModelReader, bill: Bill) -> dict[str, Conclusion]:
    """What a dialogue ends with when every reply comes from the ledger."""
    try:
        request = next(dialogue)
        while True:
            reply = stored_reply(ledger, request, reader)
            if reply is None:
                raise _MissingError
            bill.add(reply, cost_of(reader, reply))
            request = dialogue.send(reply)
    except StopIteration as stop:
        conclusions: dict[str, Conclusion] = stop.value
        return conclusions


def _same(before: Finding | None, after: Finding) -> bool:
    """Whether two findings say the same; what they cost is not what they say."""
    return before is not None and _said(before) == _said(after)


def _said(finding: Finding) -> tuple[object, ...]:
    return finding.verdict, finding.value, finding.unit, finding.answer, finding.quotes, finding.error
