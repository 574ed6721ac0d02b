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
        StudyError: there is a study already, or the folder cannot be made.
        ProtocolError: the codebook or the questions cannot be used.
    """
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
            source = Path(codebook)
            named = source.name
            if source.resolve() != (folder / named).resolve():
                shutil.copyfile(source, folder / named)
        elif codebook is None:
            named = "codebook.toml"
            text = codebook_toml("questions", title or folder.resolve().name, asked)
            (folder / named).write_text(text, encoding="utf-8", newline="\n")
            asked = []
        text = study_toml(title or folder.resolve().name, named, asked)
        (folder / STUDY_FILE).write_text(text, encoding="utf-8", newline="\n")
        load_protocol(folder / STUDY_FILE)


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


DEMO = "quoth-demo"


def create_demo(folder: Path, codebook: str = "dl-methods") -> None:
    """Write the demo study, six fictional papers, into `folder`; a demo that is there already is kept.

    Raises:
        StudyError: the folder holds something else.
    """
    papers = files("quoth.demo") / "papers"
    if not (folder / STUDY_FILE).exists():
        if folder.exists() and any(folder.iterdir()):
            raise StudyError(f"{folder} is not empty: name another folder (quoth demo DIR)")
        create_study(folder, codebook=codebook, title="Demo: six fictional papers, written for quoth")
    (folder / "papers").mkdir(exist_ok=True)
    for paper in sorted(papers.iterdir(), key=lambda entry: entry.name):
        place = folder / "papers" / paper.name
        if paper.name.endswith(".pdf") and not place.exists():
            place.write_bytes(paper.read_bytes())


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
