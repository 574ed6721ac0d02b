"""What `quoth audit` shows on a terminal: a row for each answer, and what they come to."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from quoth.grounding.audit import Audit
from quoth.vocabulary import Verdict

_LONGEST_ID = 60


class AuditTable:
    """Takes audits one by one and keeps of each only its row."""

    def __init__(self) -> None:
        self._table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("id", "answered", "verdict", "faithful"):
            self._table.add_column(heading, overflow="fold")
        self._table.add_column("unsupported", justify="right")
        self._answered = self._reported = self._unfaithful = self._sentences = self._unsupported = 0

    def add(self, audit: Audit) -> None:
        """Add a row."""
        reported = audit.verdict is Verdict.REPORTED
        self._answered += audit.answered
        self._reported += reported
        self._unfaithful += not audit.faithful
        self._sentences += len(audit.sentences)
        self._unsupported += audit.unsupported
        self._table.add_row(
            Text(_shown(audit.item.id)),
            "yes" if audit.answered else "no",
            audit.verdict.value.replace("_", " "),
            "[green]yes[/]" if audit.faithful else "[bold red]no[/]",
            f"{audit.unsupported} of {len(audit.sentences)}",
        )

    def print(self) -> None:
        """Print the rows and the sums."""
        console = Console(highlight=False)
        console.print(self._table)
        total = self._table.row_count
        answers = f"{total:,} answer{'' if total == 1 else 's'}"
        lines = (
            f"{answers}: {self._answered:,} answered, {total - self._answered:,} not; "
            f"{self._reported:,} reported, {total - self._reported:,} not reported.",
            f"{total - self._unfaithful:,} faithful, {self._unfaithful:,} not: the context does not support "
            f"{self._unsupported:,} of {self._sentences:,} sentences.",
        )
        console.print("", *lines, sep="\n", soft_wrap=True)


def _shown(name: str) -> str:
    """An id on one line of a terminal, whatever it holds."""
    name = "".join(character if character.isprintable() else "\ufffd" for character in name)
    return name if len(name) <= _LONGEST_ID else f"{name[: _LONGEST_ID - 1]}…"
