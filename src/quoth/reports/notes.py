"""What whoever counts papers should know of them: unseen words, pictures, replaced files, papers that may be one."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from itertools import pairwise

from quoth.ledger import StoredPaper
from quoth.vocabulary import Hidden, Picture, Source

_SHOWN = 80  # characters of hidden words in a note
_TITLE = 4  # words from which on a title names a paper

REPLACED = "its file was replaced: what people and imports say of it may be of the one before"


def notes(papers: Sequence[StoredPaper], replaced: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    """The notes on each paper that has any, by name; they speak of these papers only.

    Args:
        papers: the study's.
        replaced: the names of those a file of which was replaced.
    """
    others = other_notes(papers, replaced)
    found = {
        stored.paper.name: (*([_hidden(stored.hidden)] if stored.hidden else ()), *others.get(stored.paper.name, ()))
        for stored in papers
    }
    return {name: told for name, told in found.items() if told}


def other_notes(papers: Sequence[StoredPaper], replaced: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    """The same but for hidden words: replaced files, pages that are pictures, and papers that may be one."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in replaced:
        found[name].append(REPLACED)
    for stored in papers:
        found[stored.paper.name] += _pictures(stored.pictures)
    for what, name_of in _SAME.items():
        for name, others in _twins(papers, name_of).items():
            if not any(note.endswith(others) for note in found[name]):
                found[name].append(f"{what} {others}")
    return {stored.paper.name: tuple(found[stored.paper.name]) for stored in papers if found[stored.paper.name]}


def _hidden(hidden: Sequence[Hidden]) -> str:
    words = max((part.words for part in hidden), key=len)
    words = words if len(words) <= _SHOWN else words[:_SHOWN].rsplit(" ", 1)[0] + " …"
    pages = _pages(sorted({part.page for part in hidden}))
    return f"words that nobody sees, left out ({pages}): “{words}”"


def _pictures(pictures: Sequence[Picture]) -> Iterator[str]:
    by_source = {source: sorted({one.page for one in pictures if one.source is source}) for source in Source}
    if pages := by_source[Source.OCR]:
        yield f"read by OCR, which errs in places ({_pages(pages)})"
    if pages := by_source[Source.PICTURE]:
        yield f"a picture without text, not read ({_pages(pages)})"


def _pages(pages: Sequence[int]) -> str:
    """Pages in words, such as 'pages 2, 5 to 7'."""
    starts = [page for before, page in pairwise([-1, *pages]) if page != before + 1]
    ends = [page for page, after in pairwise([*pages, -1]) if after != page + 1]
    runs = [f"{start}" if start == end else f"{start} to {end}" for start, end in zip(starts, ends, strict=True)]
    return ("page " if len(pages) == 1 else "pages ") + ", ".join(runs)


def _twins(papers: Sequence[StoredPaper], names: Callable[[StoredPaper], Iterator[Hashable]]) -> Mapping[str, str]:
    """Papers that have something in common, each with the names of the others."""
    held: dict[Hashable, list[str]] = defaultdict(list)
    for stored in papers:
        for name in names(stored):
            held[name].append(stored.paper.name)
    return {
        paper: ", ".join(other for other in together if other != paper)
        for together in held.values()
        if len(together) > 1
        for paper in together
    }


def _digests(stored: StoredPaper) -> Iterator[Hashable]:
    yield from {file.digest for file in stored.paper.files if file.size}


def _doi(stored: StoredPaper) -> Iterator[Hashable]:
    if stored.about.doi:
        yield stored.about.doi.casefold()


def _title(stored: StoredPaper) -> Iterator[Hashable]:
    words = "".join(letter if letter.isalnum() else " " for letter in (stored.about.title or "").casefold()).split()
    if len(words) >= _TITLE:
        yield tuple(words)


_SAME = {"the same file as": _digests, "the same DOI as": _doi, "the same title as": _title}
