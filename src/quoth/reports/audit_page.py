"""The page of an audit: one file, nothing fetched, each answer's sentences beside the words of its context.

Everything that a transcript says is text here: Jinja2 escapes it, and the page's own policy runs no script but its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from quoth.grounding.audit import Audit
from quoth.grounding.support import Label
from quoth.reports.files import replacing
from quoth.reports.one_file import render
from quoth.vocabulary import Verdict


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of context that is evidence for the same sentences (numbers from 1), and those that begin with it."""

    text: str
    sentences: tuple[int, ...]
    begins: tuple[int, ...]


def write_audit_page(audits: Sequence[Audit], out: Path) -> None:
    """Write the page; the same audits give the same bytes.

    Raises:
        StudyError: it cannot be written.
    """
    with replacing(out) as file:
        file.write(_page(audits).encode())


def pieces(audit: Audit) -> Iterator[Piece]:
    """The context of an audit in order, cut wherever evidence begins or ends."""
    context = audit.item.context
    spans = [
        (max(0, one.evidence.start), min(len(context), one.evidence.end), number)
        for number, one in enumerate(audit.sentences, start=1)
        if one.evidence
    ]
    cuts = sorted({0, len(context), *(start for start, _, _ in spans), *(end for _, end, _ in spans)})
    for start, end in pairwise(cuts):
        holding = tuple(number for first, last, number in spans if first <= start and end <= last)
        yield Piece(context[start:end], holding, tuple(number for first, _, number in spans if first == start < end))


def _page(audits: Sequence[Audit]) -> str:
    counts = {label.value: sum(one.label is label for audit in audits for one in audit.sentences) for label in Label}
    return render(
        "audit",
        audits=audits,
        pieces=pieces,
        counts=counts,
        sentences=sum(counts.values()),
        faithful=sum(audit.faithful for audit in audits),
        answered=sum(audit.answered for audit in audits),
        reported=sum(audit.verdict is Verdict.REPORTED for audit in audits),
    )
