"""Whether readers give the same value, and which value most of them give."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from quoth.vocabulary import Kind

TOLERANCE = 1e-6
"""The relative difference up to which two numbers are one."""

_SCHEME = re.compile(r"^(?:https?://)?(?:www\.)?", re.IGNORECASE)
_SPACE = re.compile(r"\s+")

Valued = tuple[str, str | None]
"""A value and its unit."""


def mode(
    given: Sequence[Valued], kind: Kind | None = None, unit: str | None = None, tolerance: float = TOLERANCE
) -> str | None:
    """The value that most give, in its most frequent spelling; None where there is none, or the foremost tie.

    Args:
        given: values with their units.
        kind: of the question; None takes for numbers what looks like numbers.
        unit: the question's, for values that come without one.
        tolerance: the relative difference up to which two numbers are one.
    """
    groups = same(given, kind, unit, tolerance)
    ranked = Counter(groups).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    spellings = Counter(value for (value, _), group in zip(given, groups, strict=True) if group == ranked[0][0])
    return min(spellings, key=lambda value: (-spellings[value], value))


def same(given: Sequence[Valued], kind: Kind | None, unit: str | None, tolerance: float = TOLERANCE) -> list[int]:
    """For each value the number of its group: equal numbers share one, and so do texts, links and choices."""
    keys: list[tuple[float | str, str]] = []
    groups = []
    for value, own in given:
        figure = number(value) if kind in (Kind.NUMBER, None) else None
        key = (_folded(value, kind) if figure is None else figure, _folded(own or unit or "", None))
        group = next((i for i, other in enumerate(keys) if _equal(key, other, tolerance)), len(keys))
        if group == len(keys):
            keys.append(key)
        groups.append(group)
    return groups


def number(value: str) -> float | None:
    """The number that a value is, thousands' commas allowed; None where it is none."""
    plain = re.sub(r"(?<=\d),(?=\d{3}(?:\D|$))", "", value.strip()).replace("−", "-")
    try:
        figure = float(plain)
    except ValueError:
        return None
    return figure if math.isfinite(figure) else None


def _equal(one: tuple[float | str, str], other: tuple[float | str, str], tolerance: float) -> bool:
    a, b = one[0], other[0]
    if isinstance(a, float) and isinstance(b, float):
        return one[1] == other[1] and math.isclose(a, b, rel_tol=tolerance)
    return one == other


def _folded(value: str, kind: Kind | None) -> str:
    text = _SPACE.sub(" ", value.strip()).casefold()
    return _SCHEME.sub("", text).rstrip("/") if kind is Kind.LINK else text
