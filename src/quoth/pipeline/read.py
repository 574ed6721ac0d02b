"""The first stage: a paper's files to text, passages and vectors."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quoth.errors import PaperError
from quoth.papers import PARSER_VERSION, PageGeometry, check_names, join, parse
from quoth.papers.ocr import reads_here
from quoth.pipeline.cache import Cache
from quoth.protocol.models import Reading
from quoth.readers.base import ReadPaper
from quoth.retrieval import PASSAGES_VERSION, PaperIndex, passages, texts_of
from quoth.vocabulary import Document, Encoder, File, Paper

MoreTime = Callable[[float], None]
"""Told that so many seconds more are needed."""


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How papers are read; `cache` is None where nothing is kept."""

    max_pages: int
    cache: Path | None
    ocr: str = ""
    """What reads pages that are pictures; empty for nothing."""
    seconds_per_ocr_page: float = 0.0

    @classmethod
    def of(cls, reading: Reading, cache: Path | None) -> "ReadSettings":
        """How a study's papers are read on this machine."""
        return cls(reading.max_pages, cache, reads_here(reading.ocr), reading.seconds_per_ocr_page)


def unhurried(seconds: float) -> None:
    """Where nobody counts the time."""


@contextmanager
def read_paper(
    paper: Paper,
    places: Mapping[str, Path],
    settings: ReadSettings,
    encoder: Encoder,
    more_time: MoreTime = unhurried,
) -> Iterator[ReadPaper]:
    """A paper, ready to be asked; its files stay open for boxes until the block ends.

    Args:
        paper: what to read.
        places: the path of each of its files by digest.
        settings: how.
        encoder: what makes the vectors of passages and sentences.
        more_time: told, before each page that OCR reads, how many seconds it may take.

    Raises:
        PaperError: one of its files cannot be read; the message says which, where there are several.
    """
    cache = Cache(settings.cache)
    document = read_document(paper, places, settings, more_time)
    found = passages(document)
    name = f"{document.digest}-{PASSAGES_VERSION}-{encoder.digest[:16]}"
    encoded = cache.encoded(name, lambda: encoder.encode_tokens(texts_of(found)))
    with PageGeometry(document, dict(places)) as geometry:
        yield ReadPaper(paper.name, document, PaperIndex(found, encoded), geometry)


def read_document(
    paper: Paper, places: Mapping[str, Path], settings: ReadSettings, more_time: MoreTime = unhurried
) -> Document:
    """A paper as text alone; see `read_paper`."""
    if not paper.files:
        raise PaperError("no file: nothing to read")
    check_names(paper)
    cache = Cache(settings.cache)
    documents = []
    for file in paper.files:
        with _named(paper, file):
            documents.append(_document(file, places[file.digest], settings, cache, more_time))
    return join(documents)


def _document(file: File, path: Path, settings: ReadSettings, cache: Cache, more_time: MoreTime) -> Document:
    name = f"{file.digest}-{PARSER_VERSION}-{settings.max_pages}" + (f"-{settings.ocr}" if settings.ocr else "")
    return cache.document(
        name.replace(" ", "-"),
        lambda: parse(
            path,
            file.digest,
            max_pages=settings.max_pages,
            ocr=settings.ocr,
            begin_page=lambda: more_time(settings.seconds_per_ocr_page),
        ),
    )


@contextmanager
def _named(paper: Paper, file: File) -> Iterator[None]:
    """Say which of several files cannot be read."""
    try:
        yield
    except PaperError as error:
        # A paper of several files is not read by half: what the missing one says would be 'not reported'.
        reason = f"{file.name}: {error.reason}" if len(paper.files) > 1 else error.reason
        raise PaperError(reason, file=file.name, transient=error.transient) from error
