"""What the server remembers of the people before it, beside the ledger: what they have seen, and what to undo.

Lost when the server ends; nothing that counts is.
"""

import threading
from collections import defaultdict
from typing import NamedTuple

from quoth.review.desk import Cell

_UNDONE_AT_MOST = 200


class Act(NamedTuple):
    """One code that somebody gave: the revision that it is, and the one that stood before (0 for none)."""

    cell: Cell
    settles: bool
    revision: int
    before: int
    verdict: str
    lost: bool
    """Whether a quote of it was not found in the paper."""


class Sittings:
    """One for all people; may be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._acts: dict[str, list[Act]] = defaultdict(list)
        self._seen: set[tuple[str, Cell]] = set()

    def did(self, coder: str, act: Act) -> None:
        """Somebody gave a code."""
        with self._lock:
            self._acts[coder] = [*self._acts[coder], act][-_UNDONE_AT_MOST:]

    def last(self, coder: str) -> Act | None:
        """The last code that somebody gave and has not undone."""
        with self._lock:
            return self._acts[coder][-1] if self._acts[coder] else None

    def undid(self, coder: str, cell: Cell, settles: bool, revision: int, now: int | None) -> None:
        """A code was undone, or cannot be any more; what stood before it is revision `now`."""
        undone = (cell, settles, revision)
        with self._lock:
            acts = [act for act in self._acts[coder] if act[:3] != undone]
            for place in range(len(acts) - 1, -1, -1):
                if now is not None and acts[place][:2] == undone[:2]:
                    acts[place] = acts[place]._replace(revision=now)
                    break
            self._acts[coder] = acts

    def saw(self, coder: str, cell: Cell) -> None:
        """Somebody was shown what other readers said of a cell."""
        with self._lock:
            self._seen.add((coder, cell))

    def has_seen(self, coder: str, cell: Cell) -> bool:
        """Whether they were."""
        with self._lock:
            return (coder, cell) in self._seen
