"""Who was shown what other readers say of which cell, so that a code given later is not called blind.

A code's own row says whether it was given blind. But a cell may be looked at with open eyes and not be coded, and then
no row of the ledger tells: these sights are lines of a file beside the study's caches.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from quoth.review.desk import Cell

SIGHTS = "seen.jsonl"


def read_sights(path: Path) -> Iterator[tuple[str, Cell]]:
    """Coders and cells, oldest first; what was cut off in the middle of a line is passed over."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        with suppress(ValueError, TypeError):
            coder, paper, question = json.loads(line)
            yield str(coder), Cell(str(paper), str(question))


def add_sight(path: Path, coder: str, cell: Cell) -> None:
    """Keep in mind that somebody was shown a cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        # The line's end comes first: a line that a crash cut off spoils no other.
        file.write("\n" + json.dumps([coder, *cell]))
