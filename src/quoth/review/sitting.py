"""What the server knows of the people before it: what they have seen, and what they may undo.

Both outlive the server. What may be undone is in the ledger, which has every code that somebody gave, and is read from
there when they come back; what they have seen is kept on the desk.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from quoth.ledger import TAKEN_BACK, StoredFinding
from quoth.review.desk import Cell, Desk
from quoth.vocabulary import Located

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

    @classmethod
    def of(cls, stored: StoredFinding, before: int) -> "Act":
        """A code as it was recorded."""
        lost = any(quote.located is Located.MISSING for quote in stored.finding.quotes)
        cell = Cell(stored.key.paper, stored.key.question)
        return cls(cell, bool(stored.key.round), stored.revision, before, stored.finding.verdict.value, lost)


@dataclass(slots=True)
class _Done:
    """An act that is not undone, and the row that it left."""

    act: Act
    stored: StoredFinding


def acts_of(codes: Iterable[StoredFinding]) -> list[Act]:
    """What one person did and has not undone, oldest first, told from their codes.

    An undo adds a row like any other: it takes the code back, or says again, word for word, what was said before the
    last one. Who says so by hand has undone the last one as well.

    Args:
        codes: every revision of every code of one person, oldest first.
    """
    done: list[_Done] = []
    for stored in codes:
        own = [one for one in done if one.stored.key == stored.key]
        if stored.finding.error == TAKEN_BACK:
            done = [one for one in done if one not in own[-1:]]
        elif len(own) > 1 and _same(own[-2].stored, stored):
            done.remove(own[-1])
            own[-2].act = own[-2].act._replace(revision=stored.revision)
        else:
            done.append(_Done(Act.of(stored, own[-1].act.revision if own else 0), stored))
    return [one.act for one in done]


def _same(one: StoredFinding, other: StoredFinding) -> bool:
    return one.finding == other.finding and one.review == other.review


class Sittings:
    """One for all people; may be used from several threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._acts: dict[str, list[Act]] = {}
        self._seen: dict[str, set[Cell]] = defaultdict(set)
        for coder, cell in desk.sights():
            self._seen[coder].add(cell)

    def did(self, coder: str, act: Act) -> None:
        """Somebody gave a code."""
        with self._lock:
            acts = self._of(coder)
            self._acts[coder] = [*(one for one in acts if one[:3] != act[:3]), act][-_UNDONE_AT_MOST:]

    def last(self, coder: str) -> Act | None:
        """The last code that somebody gave and has not undone."""
        with self._lock:
            acts = self._of(coder)
            return acts[-1] if acts else None

    def undid(self, coder: str, cell: Cell, settles: bool, revision: int, now: int | None) -> None:
        """A code was undone, or cannot be any more; what stood before it is revision `now`."""
        undone = (cell, settles, revision)
        with self._lock:
            acts = [act for act in self._of(coder) if act[:3] != undone]
            for place in range(len(acts) - 1, -1, -1):
                if now is not None and acts[place][:2] == undone[:2]:
                    acts[place] = acts[place]._replace(revision=now)
                    break
            self._acts[coder] = acts

    def saw(self, coder: str, cell: Cell) -> None:
        """Somebody was shown what other readers said of a cell."""
        with self._lock:
            if cell not in self._seen[coder]:
                self._seen[coder].add(cell)
                self._desk.saw(coder, cell)

    def has_seen(self, coder: str, cell: Cell) -> bool:
        """Whether they were."""
        with self._lock:
            return cell in self._seen[coder]

    def _of(self, coder: str) -> list[Act]:
        if coder not in self._acts:
            self._acts[coder] = acts_of(self._desk.codes(coder))[-_UNDONE_AT_MOST:]
        return self._acts[coder]
