"""`papers.csv` in a study's folder: titles, DOIs and years that a person knows better than the files do."""

import csv
import io
import unicodedata
from dataclasses import replace
from pathlib import Path

from quoth.errors import StudyError
from quoth.ledger import StoredPaper
from quoth.vocabulary import About

PAPERS_FILE = "papers.csv"
_EARLIEST, _LATEST = 1500, 2200


def read_corrections(path: Path) -> dict[str, About]:
    """What the file says of each paper that it names; an empty cell corrects nothing. No file, no corrections.

    Raises:
        StudyError: it cannot be read, has no column `paper`, or a year that is none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StudyError(f"{path.name} cannot be opened: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise StudyError(f"{path.name} is not UTF-8 (byte {error.start}): save it as 'CSV UTF-8'") from None
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    if "paper" not in (rows.fieldnames or ()):
        raise StudyError(f"{path.name}:1: no column paper; it needs paper, and any of title, doi, year")
    found = {}
    for row in rows:
        name = unicodedata.normalize("NFC", _cell(row, "paper"))
        year = _cell(row, "year")
        if year and not (year.isdecimal() and _EARLIEST <= int(year) <= _LATEST):
            raise StudyError(f"{path.name}:{rows.line_num}: the year '{year}' is none")
        found[name] = About(_cell(row, "title") or None, _cell(row, "doi") or None, int(year) if year else None)
    return found


def corrected(stored: StoredPaper, known: About | None) -> StoredPaper:
    """A paper with what a person knows of it, then what the ledger holds, then what its file says of itself."""
    paper, said, known = stored.paper, stored.about, known or About()
    title = known.title or paper.title or said.title
    return replace(
        stored, about=About(title, known.doi or paper.doi or said.doi, known.year or paper.year or said.year)
    )


def _cell(row: dict[str, str | None], column: str) -> str:
    return (row.get(column) or "").strip()
