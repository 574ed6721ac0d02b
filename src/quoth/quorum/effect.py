"""What a second look changed, against a gold: before and after, beside the constant."""

from dataclasses import dataclass

from quoth.quorum.evaluation import FAILED, MISSING, YES, Gold, figures
from quoth.quorum.votes import Flags, Whole


@dataclass(frozen=True, slots=True)
class Standing:
    """How a reader or rule stands on all gold cells; undecided and failed cells are left out, as in `Figures`."""

    n: int
    correct: int
    accuracy: float | None
    kappa: float | None
    constant_accuracy: float | None
    constant_kappa: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """What second looks made of a reader, or of a rule's decisions.

    `asked` counts the gold cells that were looked at again (a rule's: by any reader), `failed` those of them where that
    failed, so that first answers stand. Of the cells asked, `right_before` and `right_after` are right; `changed` say
    something else than before, and of these `mended` became right and `spoilt` are right no more.
    """

    name: str
    asked: int
    failed: int
    changed: int
    mended: int
    spoilt: int
    right_before: int
    right_after: int
    before: Standing
    after: Standing


@dataclass(frozen=True, slots=True)
class Effect:
    """What second looks changed; `shown` says whose quotes were shown (machines, all)."""

    shown: str
    readers: tuple[Change, ...]
    rules: tuple[Change, ...]


def change(name: str, gold: Gold, before: Whole, after: Whole, looked: Whole) -> Change:
    """What a second look changed.

    Args:
        name: of the reader or rule.
        gold: the truth.
        before: what was made of each gold cell at first: YES, NO, UNDECIDED, FAILED or MISSING.
        after: what is made of it now.
        looked: what came of the second look at each cell; MISSING where there was none.
    """
    asked: Flags = looked != MISSING
    right = [(said >= 0) & ((said == YES) == gold.truth) & asked for said in (before, after)]
    changed = asked & (before != after)
    return Change(
        name,
        int(asked.sum()),
        int((looked == FAILED).sum()),
        int(changed.sum()),
        int((right[1] & ~right[0]).sum()),
        int((right[0] & ~right[1]).sum()),
        int(right[0].sum()),
        int(right[1].sum()),
        _standing(name, gold, before),
        _standing(name, gold, after),
    )


def _standing(name: str, gold: Gold, said: Whole) -> Standing:
    found = figures(name, gold, said, draws=0)
    constant = found.constant_accuracy, found.constant_kappa
    return Standing(found.n, found.correct, found.accuracy, found.kappa, *constant)
