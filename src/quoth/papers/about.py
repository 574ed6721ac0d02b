"""Title, DOI and year of a paper, as far as its first page and the file's own information tell: a hint, no authority.

A file's information is often that of a template or of a converter, so its title counts only if the first page shows
it. The DOI is the one that stands at the edges of the first page, or comes first on it and is no data repository's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from quoth.papers.pdf import OUTER, Line, RawPage
from quoth.vocabulary import About

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>{}|#?]+?(?=/full\b|[\s\"<>{}|#?]|$)")
_ARXIV = re.compile(r"\barXiv:\s?(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})")
_DEPOSITS = ("10.5281/", "10.5061/", "10.6084/", "10.17632/", "10.7910/", "10.17605/", "10.15468/", "10.5063/")
_YEAR = r"((?:19|20)\d\d)\b"
_YEARS = [
    re.compile(pattern + _YEAR)
    for pattern in (
        r"(?i:\b(?:first )?(?:published|posted)\b)[^\n]{0,40}?\b",
        r"(?:©|(?i:\bcopyright\b|\(c\)))[^\n]{0,40}?\b",
        r"(?i:\baccepted\b)[^\n]{0,30}?\b",
        r"(?i:\breceived\b)[^\n]{0,30}?\b",
    )
]
_ANY_YEAR = re.compile(r"\b" + _YEAR)
_ARXIV_DATE = re.compile(r"\d{1,2} [A-Z][a-z]{2} " + _YEAR)
_MADE = re.compile(r"D:((?:19|20)\d\d)")
_LETTERS = re.compile(r"[^\W_]+")
_TITLE_PART = 0.6  # of the first page's height: the title stands above
_LONGEST = 400


def about(information: Mapping[str, str], first: RawPage, text: str) -> About:
    """What a file says about its paper.

    Args:
        information: the file's own (`Title`, `Subject`, `CreationDate`).
        first: its first page.
        text: the first page as it is read, without running heads.
    """
    edges = "\n".join(line.text for line in first.lines if _at_edge(line, first))
    return About(
        title=_title(information.get("Title", ""), first),
        doi=_doi(information.get("Subject", ""), edges, text),
        year=_year(information.get("CreationDate", ""), edges, text),
    )


def _at_edge(line: Line, page: RawPage) -> bool:
    return not line.upright or line.bottom < OUTER * page.height or line.top > (1 - OUTER) * page.height


def _title(given: str, first: RawPage) -> str | None:
    given = " ".join(given.split())
    if len(_LETTERS.findall(given)) > 2 and _letters(given) in _letters(first.text):
        return given[:_LONGEST]
    return next(_large_words(first), None)


def _letters(text: str) -> str:
    return "".join(_LETTERS.findall(text)).casefold()


def _large_words(page: RawPage) -> Iterator[str]:
    """The runs of lines in the largest letters on the upper part of a page, largest first."""
    lines = [line for line in page.lines if line.upright and line.top < _TITLE_PART * page.height]
    for height in sorted({round(line.height, 1) for line in lines}, reverse=True):
        large = sorted(
            (line for line in lines if 0.95 * height <= line.height <= height + 0.1), key=lambda line: line.top
        )
        run = large[:1]
        for before, line in pairwise(large):
            if line.top - before.bottom > 1.2 * height:
                break
            run.append(line)
        words = " ".join(" ".join(line.text for line in run).replace("\ufffe ", "").split())
        if len(_LETTERS.findall(words)) > 2 and len(words) <= _LONGEST:
            yield words


def _doi(subject: str, edges: str, text: str) -> str | None:
    joined = re.sub(r"(doi\.org/|doi:)\s+(?=10\.)", r"\1", f"{subject}\n{edges}\n\n{text}", flags=re.IGNORECASE)
    found = [match.group().rstrip(".,;:)]'’”") for match in _DOI.finditer(joined)]
    own = [doi for doi in found if not doi.lower().startswith(_DEPOSITS)]
    if own:
        # A line may break it: the longer one is whole.
        return max((doi for doi in own if doi.lower().startswith(own[0].lower())), key=len)
    stamp = _ARXIV.search(edges)
    return f"10.48550/arXiv.{stamp[1]}" if stamp else None


def _year(made: str, edges: str, text: str) -> int | None:
    shown = f"{edges}\n{text}"
    sources: Sequence[tuple[re.Pattern[str], str]] = [
        (_YEARS[0], shown),
        (_ARXIV_DATE, edges if _ARXIV.search(edges) else ""),
        (_YEARS[1], shown),
        (_ANY_YEAR, edges),
        (_YEARS[2], shown),
        (_YEARS[3], shown),
        (_MADE, made),
    ]
    found = (match for pattern, where in sources if (match := pattern.search(where)))
    return next((int(match[1]) for match in found), None)
