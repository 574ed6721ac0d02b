"""Cutting a block into sentences."""

import re
from collections.abc import Iterator

# After the full stop may stand a citation: in brackets, or raised, and then a letter stands before the full stop,
# so that '4.7 MB' and '0.88 (SD' are not cut.
_BOUNDARY = re.compile(
    r"(?:[.!?…][\"'”’)\]]*(?:\s?\[\d{1,3}(?:[,;–-]\s?\d{1,3})*\])?"
    r"|(?<=[^\W\d])[.!?][\"'”’)\]]*\d{1,3}(?:[,–-]\d{1,3})*)"
    r"\s+(?=[A-Z0-9(\[“‘\"'•À-ÝΑ-Ωα-ω])"
)
_TOKEN = re.compile(r"(\S+)$")
_ABBREVIATIONS = frozenset(
    """
    e.g i.e cf vs etc al ca approx resp est fig figs eq eqs eqn eqns ref refs sec sect tab tabs ch chap vol
    vols no nos pp ed eds dr prof mr mrs ms st jr sr inc ltd co corp dept univ sp spp subsp var gen nov aff
    sensu ssp cv min max avg std dev s.d s.e u.s u.k e.u a.m p.m ph.d jan feb mar apr jun jul aug sep sept oct
    nov dec appx suppl supp app art nr viz w.r.t i.i.d a.k.a temp conc freq
    """.split()
)
_INITIAL = re.compile(r"^(?:[A-Z]|[A-Z]\.-?[A-Z])$")
_NEVER_FINAL = frozenset(
    "e.g i.e cf vs v fig figs eq eqs eqn eqns ref refs dr prof mr mrs ms sp no nos ca approx".split()
)


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of a block's text, without the space between them."""
    start = 0
    for match in _BOUNDARY.finditer(text):
        if _is_abbreviation(text, start, match.start(), text[match.end()]):
            continue
        end = start + len(text[start : match.end()].rstrip())
        if end > start:
            yield start, end
        start = match.end()
    if text[start:].strip():
        yield start, start + len(text[start:].rstrip())


def _is_abbreviation(text: str, start: int, dot: int, following: str) -> bool:
    if text[dot] != ".":
        return False
    token = _TOKEN.search(text[max(start, dot - 20) : dot])
    if token is None:
        return True
    word = token.group().lstrip("([“\"'")
    if _INITIAL.match(word):
        return True
    lowered = word.lower().rstrip(".")
    if lowered in _NEVER_FINAL:
        return True
    if lowered in _ABBREVIATIONS:
        # 'et al. (2019)' goes on; 'et al. We' does not.
        return not following.isupper()
    # '3. Results' and 'S1. Table': a number alone opens a list item, not a sentence end, at the block's start.
    return word.isdigit() and dot - len(word) <= start + 1
