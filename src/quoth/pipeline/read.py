"""The first stage: a paper's files to text, passages and vectors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quoth.errors import PaperError
from quoth.papers import PARSER_VERSION, PageGeometry, check_names, join, parse
from quoth.pipeline.cache import Cache
from quoth.readers.base import ReadPaper
from quoth.retrieval import PASSAGES_VERSION, PaperIndex, passages
from quoth.vocabulary import Document, Encoder, File, Paper


@dataclass(frozen=True, slots=True)
class ReadSettings:
    """How papers are read; `cache` is None where nothing is kept."""

    max_pages: int
    cache: Path | None


@contextmanager
def read_paper(
    paper: Paper, places: Mapping[str, Path], settings: ReadSettings, encoder: Encoder
) -> Iterator[ReadPaper]:
    """A paper, ready to be asked; its files stay open for boxes until the block ends.

    Args:
        paper: what to read.
        places: the path of each of its files by digest.
        settings: how.
        encoder: what makes the passages' vectors.

    Raises:
        PaperError: one of its files cannot be read; the message says which, where there are several.
    """
    cache = Cache(settings.cache)
    document = read_document(paper, places, settings)
    found = passages(document)
    name = f"{document.digest}-{PASSAGES_VERSION}-{encoder.digest[:16]}"
    encoded = cache.encoded(name, lambda: encoder.encode_tokens([passage.text for passage in found]))
    with PageGeometry(document, dict(places)) as geometry:
        yield ReadPaper(paper.name, document, PaperIndex(found, encoded), geometry)


def read_document(paper: Paper, places: Mapping[str, Path], settings: ReadSettings) -> Document:
    """A paper as text alone; see `read_paper`."""
    if not paper.files:
        raise PaperError("no file: nothing to read")
    check_names(paper)
    cache = Cache(settings.cache)
    return join([_document(paper, file, places[file.digest], settings, cache) for file in paper.files])


def _document(paper: Paper, file: File, path: Path, settings: ReadSettings, cache: Cache) -> Document:
    name = f"{file.digest}-{PARSER_VERSION}-{settings.max_pages}"
    try:
        return cache.document(name, lambda: parse(path, file.digest, max_pages=settings.max_pages))
    except PaperError as error:
        # A paper of several files is not read by half: what the missing one says would be 'not reported'.
        reason = f"{file.name}: {error.reason}" if len(paper.files) > 1 else error.reason
        raise PaperError(reason, file=file.name, transient=error.transient) from error
