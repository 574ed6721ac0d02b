"""Making a study: a folder with study.toml and papers/, from a codebook, a sheet of questions, or the demo."""

import csv
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from quoth.errors import StudyError
from quoth.protocol import (
    bundled_codebooks,
    codebook_toml,
    load_codebook,
    load_protocol,
    read_questions_csv,
    study_toml,
)

STUDY_FILE = "study.toml"


def create_study(folder: Path, *, codebook: str | None = None, questions: Path | None = None, title: str = "") -> None:
    """Make `folder` a study; PDFs that lie in its papers/ already are taken as they are.

    Args:
        folder: made where it is not there.
        codebook: the name of a bundled codebook or the path of a codebook's file; 'dl-methods' if neither this nor
            `questions` is given.
        questions: a CSV file of questions, which becomes the study's own codebook, or is added to `codebook`.
        title: what the study is called; the folder's name if empty.

    Raises:
        StudyError: there is a study already, the folder cannot be made, or a file of it would be written over.
        ProtocolError: the codebook or the questions cannot be used.
    """
    _check_folder(folder)
    if (folder / STUDY_FILE).exists():
        raise StudyError(f"{folder / STUDY_FILE} is there already: this folder is a study (quoth run {folder})")
    asked = read_questions_csv(questions) if questions else []
    if codebook is None and questions is None:
        codebook = "dl-methods"
    if codebook is not None:
        load_codebook(codebook, Path())
    with _made(folder):
        named = codebook
        if codebook is not None and codebook not in bundled_codebooks():
            named = Path(codebook).name
            if Path(codebook).resolve() != (folder / named).resolve():
                _write_new(folder / named, Path(codebook).read_bytes())
        elif codebook is None:
            named = "codebook.toml"
            text = codebook_toml("questions", title or folder.resolve().name, asked)
            _write_new(folder / named, text.encode())
            asked = []
        text = study_toml(title or folder.resolve().name, named, asked)
        (folder / STUDY_FILE).write_text(text, encoding="utf-8", newline="\n")
        load_protocol(folder / STUDY_FILE)


def _check_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"{folder} is a file: a study is a folder; name another one")


def _write_new(path: Path, content: bytes) -> None:
    """Write a file of the study's own, never over somebody else's."""
    if path.exists() and path.read_bytes() != content:
        raise StudyError(f"{path} is there already, with other content: move it away, or name another folder")
    path.write_bytes(content)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """A folder with papers/; nothing new stays behind where making the study fails."""
    new = not folder.exists()
    before = set() if new else {entry.name for entry in folder.iterdir()}
    try:
        (folder / "papers").mkdir(parents=True, exist_ok=True)
        yield
    except BaseException as error:
        if new:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            for entry in folder.iterdir() if folder.is_dir() else ():
                if entry.name not in before and entry.is_file():
                    entry.unlink()
        if isinstance(error, OSError):
            raise StudyError(f"{folder} cannot be made a study: {error.strerror}") from error
        raise


_DEMO_TITLE = "Demo: six fictional papers, written for quoth"


def create_demo(folder: Path, codebook: str = "dl-methods") -> None:
    """Write the demo study, six fictional papers, into `folder`; a demo that is there already is kept.

    Raises:
        StudyError: the folder holds something else, such as a study of your own, or cannot be written.
    """
    _check_folder(folder)
    if (folder / STUDY_FILE).exists():
        if load_protocol(folder / STUDY_FILE).title != _DEMO_TITLE:
            raise StudyError(f"{folder} holds another study: name another folder for the demo (quoth demo DIR)")
    elif folder.exists() and any(folder.iterdir()):
        raise StudyError(f"{folder} is not empty: name another folder for the demo (quoth demo DIR)")
    else:
        create_study(folder, codebook=codebook, title=_DEMO_TITLE)
    papers = files("quoth.demo") / "papers"
    try:
        (folder / "papers").mkdir(exist_ok=True)
        for paper in papers.iterdir():
            place = folder / "papers" / paper.name
            if paper.name.endswith(".pdf") and not place.exists():
                place.write_bytes(paper.read_bytes())
    except OSError as error:
        raise StudyError(f"the demo's papers cannot be written to {folder}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of a cell of the demo papers by construction."""

    reported: bool
    value: str | None
    quotes: tuple[tuple[str, int], ...]


def demo_truth(codebook: str) -> dict[tuple[str, str], Truth]:
    """By paper and question: whether it is reported, the value, and the proving quotes with their pages."""
    truth: dict[tuple[str, str], Truth] = {}
    with (files("quoth.demo") / "truth.csv").open("r", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["codebook"] != codebook:
                continue
            key = row["paper"], row["question"]
            quotes = truth[key].quotes if key in truth else ()
            if row["quote"]:
                quotes = (*quotes, (row["quote"], int(row["page"])))
            truth[key] = Truth(row["decision"] == "yes", row["value"] or None, quotes)
    return truth
