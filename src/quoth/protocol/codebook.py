"""Codebooks: those that ship with quoth, and people's own."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from quoth.errors import ProtocolError
from quoth.protocol.checks import check_levels, check_questions, check_variables, written_groups, written_ids
from quoth.protocol.faults import parsed
from quoth.protocol.models import CodebookFile, Level, Variable
from quoth.protocol.source import Source, nearest
from quoth.vocabulary import Question

_SUFFIX = ".toml"


@dataclass(frozen=True, slots=True)
class Codebook:
    """Questions that belong together, and the variables derived from them."""

    name: str
    title: str
    version: str
    description: str
    source: str
    questions: tuple[Question, ...]
    variables: tuple[Variable, ...]
    levels: tuple[Level, ...]


def bundled_codebooks() -> tuple[str, ...]:
    """The names of the codebooks that ship with quoth."""
    names = (entry.name for entry in files("quoth.codebooks").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))


def load_codebook(name_or_path: str, base: Path) -> Codebook:
    """A bundled codebook by its name, or one from a file relative to `base`.

    Raises `ProtocolError` with all faults of the file, or with the bundled names where there is no such codebook.
    """
    if missing := missing_codebook(name_or_path, base):
        raise ProtocolError([missing])
    if name_or_path in bundled_codebooks():
        name = f"{name_or_path}{_SUFFIX}"
        source = Source.of_toml(files("quoth.codebooks").joinpath(name).read_text("utf-8"), name)
    else:
        source = Source.read(base / name_or_path)
    file, faults = parsed(CodebookFile, source)
    faults += check_questions(source) + check_variables(source, written_ids(source))
    faults += check_levels(source, written_groups(source))
    if file is None or faults:
        raise ProtocolError(source.render(faults))
    return Codebook(
        name=file.codebook.name,
        title=file.codebook.title,
        version=file.codebook.version,
        description=file.codebook.description,
        source=file.codebook.source,
        questions=tuple(table.question() for table in file.question),
        variables=file.variable,
        levels=file.level,
    )


def missing_codebook(name_or_path: str, base: Path) -> str | None:
    """Why there is no such codebook, with the names of those that there are; None if there is one."""
    bundled = bundled_codebooks()
    if name_or_path in bundled or _is_file(base / name_or_path):
        return None
    meant = nearest(name_or_path, bundled)
    guess = f"; did you mean '{meant}'?" if meant else ""
    return (
        f"there is no codebook '{name_or_path}': neither a file of that name, "
        f"nor one of the bundled {', '.join(bundled)}{guess}"
    )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False
