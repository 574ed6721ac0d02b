"""Which papers a folder holds: `NAME.pdf` and the PDFs in `NAME/` are one paper."""

import hashlib
import os
import unicodedata
from collections import defaultdict
from pathlib import Path

from quoth.errors import PaperError, StudyError
from quoth.vocabulary import File, Paper, Role


def find_papers(folder: Path) -> dict[Paper, dict[str, Path]]:
    """The papers below `folder`, by name, each with the path of every file by its digest.

    A paper's first file is its main text: `NAME.pdf`, or in `NAME/` the one of that name or of the name 'main', or
    else the first by name. Hidden files and folders are passed over.

    Raises:
        StudyError: the folder is not there.
    """
    if not folder.is_dir():
        raise StudyError(f"no folder of papers at {folder.name}/: make it and put the PDFs there")
    found: dict[str, list[Path]] = defaultdict(list)
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            found[_name(entry.name)] += sorted(path for path in entry.rglob("*") if _is_pdf(path))
        elif _is_pdf(entry):
            found[_name(entry.stem)].append(entry)
    return dict(
        _paper(name, sorted(paths, key=lambda p: _precedence(p, folder, name)), folder)
        for name, paths in sorted(found.items())
        if paths
    )


def other_files(folder: Path) -> list[str]:
    """The names of what lies in `folder` and is no part of a paper, hidden files apart: no PDF, or without one."""
    return sorted(
        _name(entry.name) + ("/" if entry.is_dir() else "")
        for entry in folder.iterdir()
        if not entry.name.startswith(".")
        and not (any(map(_is_pdf, entry.rglob("*"))) if entry.is_dir() else _is_pdf(entry))
    )


def check_names(paper: Paper) -> None:
    """See that a paper has one main file: `café.pdf` may be two, of letters composed and decomposed.

    Raises:
        PaperError: two files of different content have the paper's name.
    """
    main = [file.name for file in paper.files if "/" not in file.name]
    if len(main) > 1:
        raise PaperError(f"{len(main)} files with the same name, {main[0]}: rename one, or remove it")


def _name(text: str) -> str:
    # A name is bytes to the system: read as UTF-8 whatever the locale, what is none is written out (bad\\xff), and so
    # are control characters, which a terminal would obey.
    name = unicodedata.normalize("NFC", os.fsencode(text).decode("utf-8", errors="backslashreplace"))
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name)


def _is_pdf(path: Path) -> bool:
    if path.suffix.lower() != ".pdf" or path.name.startswith("."):
        return False
    # A link to nowhere (a library that is not mounted, say) is a paper that cannot be read, rather than none.
    return path.is_file() or (path.is_symlink() and not path.exists())


def _precedence(path: Path, folder: Path, name: str) -> tuple[bool, bool, str]:
    stem = _name(path.stem)
    return path.parent != folder, stem not in (name, "main"), path.as_posix()


def _paper(name: str, paths: list[Path], folder: Path) -> tuple[Paper, dict[str, Path]]:
    files: dict[str, File] = {}
    places: dict[str, Path] = {}
    for path in paths:
        digest, size = _digest(path)
        if digest not in files:
            role = Role.SUPPLEMENT if files else Role.MAIN
            files[digest] = File(digest, _name(path.relative_to(folder).as_posix()), size, role)
            places[digest] = path
    return Paper(name, tuple(files.values())), places


def _digest(path: Path) -> tuple[str, int]:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
    except OSError:
        # Reading the paper will fail too and say why; until then it needs a name of its own.
        return hashlib.sha256(os.fsencode(path.name)).hexdigest(), 0
