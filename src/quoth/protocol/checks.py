"""What must hold between the keys of a file, beyond the shape of each: checked on the file as it was written.

These checks work on raw tables, so that a file with a fault of shape in one place is still told all its other faults.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from quoth.protocol.credentials import ENVIRONMENT_NAME, REMEDY, looks_like_key
from quoth.protocol.positions import KeyPath
from quoth.protocol.source import Fault, Source, nearest


def check_questions(source: Source) -> list[Fault]:
    """Ids stand once; choices and units stand where they mean something."""
    faults = _twice(source, "question", "id")
    for path, entry in source.entries("question"):
        faults += check_question(entry, path, source.title(path))
        if entry.get("id") == "paper":
            words = "a question cannot be called 'paper': the matrix has a column of that name; choose another id"
            faults.append(Fault((*path, "id"), words))
    return faults


def check_question(entry: Mapping[str, object], path: KeyPath, title: str) -> list[Fault]:
    """Choices for the kind 'choice' and only there, a unit for 'number' only."""
    kind = entry.get("kind", "text")
    choices = entry.get("choices")
    faults = []
    if kind == "choice":
        if choices is None or choices == []:
            faults.append(Fault((*path, "kind"), f"{title} is of kind \"choice\" and lacks its 'choices'"))
        elif isinstance(choices, list):
            faults += _check_choices(choices, path, title)
    elif choices is not None and kind in ("text", "number", "link"):
        words = f"{title} has 'choices', and its kind is '{kind}'; write kind = \"choice\" or leave the choices out"
        faults.append(Fault((*path, "choices"), words))
    if "unit" in entry and kind in ("text", "choice", "link"):
        words = f"{title} has a 'unit', and its kind is '{kind}'; write kind = \"number\" or leave the unit out"
        faults.append(Fault((*path, "unit"), words))
    return faults


def check_readers(source: Source) -> list[Fault]:
    """Names stand once, and no key to an API stands in the file."""
    faults = _twice(source, "reader", "name")
    for path, entry in source.entries("reader"):
        title = source.title(path)
        variable = entry.get("api_key_env")
        if isinstance(variable, str) and (looks_like_key(variable) or not ENVIRONMENT_NAME.fullmatch(variable)):
            words = f"'api_key_env' in {title} must be the name of an environment variable, not a key: {REMEDY}"
            faults.append(Fault((*path, "api_key_env"), words))
        address = entry.get("base_url")
        if isinstance(address, str) and not _plain(address):
            words = f"'base_url' in {title} must be a web address such as \"http://127.0.0.1:8000/v1\""
            faults.append(Fault((*path, "base_url"), words))
    return faults


def check_variables(source: Source, questions: Iterable[str] | None) -> list[Fault]:
    """Names stand once, each has one of `any` and `all`, and they name known questions (None: not known here)."""
    faults = _twice(source, "variable", "name")
    known = None if questions is None else sorted(questions)
    for path, entry in source.entries("variable"):
        title = source.title(path)
        given = [key for key in ("any", "all") if key in entry]
        if len(given) != 1:
            fault = (
                "both 'any' and 'all'; keep one" if given else "neither 'any' nor 'all': name the questions it needs"
            )
            faults.append(Fault((*path, given[-1]) if given else path, f"{title} has {fault}"))
        for key in given:
            ids = entry[key]
            for number, identifier in enumerate(ids if isinstance(ids, list) else []):
                if isinstance(identifier, str) and known is not None and identifier not in known:
                    words = f"{title} names the question '{identifier}', which there is not{_guess(identifier, known)}"
                    faults.append(Fault((*path, key, number), words))
    return faults


def check_levels(source: Source, groups: Iterable[str] | None) -> list[Fault]:
    """Names stand once, and levels name groups that variables belong to (None: not known here)."""
    faults = _twice(source, "level", "name")
    known = None if groups is None else sorted(groups)
    for path, entry in source.entries("level"):
        named = entry.get("groups")
        for number, group in enumerate(named if isinstance(named, list) else []):
            if isinstance(group, str) and known is not None and group not in known:
                words = f"{source.title(path)} names the group '{group}', to which no variable belongs"
                faults.append(Fault((*path, "groups", number), words + _guess(group, known)))
    return faults


def written_groups(source: Source) -> list[str]:
    """The groups of the file's variables, whatever else is wrong with them."""
    groups = [entry.get("group") for _, entry in source.entries("variable")]
    return [group for group in groups if isinstance(group, str)]


def written_ids(source: Source) -> list[str]:
    """The ids of the file's questions, whatever else is wrong with them."""
    ids = [entry.get("id") for _, entry in source.entries("question")]
    return [identifier for identifier in ids if isinstance(identifier, str)]


def _check_choices(choices: list[object], path: KeyPath, title: str) -> list[Fault]:
    if len(choices) < 2:
        return [Fault((*path, "choices"), f"{title} needs at least two 'choices'")]
    faults = []
    for number, choice in enumerate(choices):
        if isinstance(choice, str) and choice in choices[:number]:
            faults.append(Fault((*path, "choices", number), f"{title} has the choice '{choice}' twice"))
    return faults


def _twice(source: Source, table: str, key: str) -> list[Fault]:
    """Names that an earlier table of the same array has already."""
    first: dict[str, int] = {}
    faults = []
    for path, entry in source.entries(table):
        name = entry.get(key)
        if not isinstance(name, str):
            continue
        if name in first:
            words = f"{source.title(path)} stands twice; the first is on line {first[name]}"
            faults.append(Fault((*path, key), words))
        first.setdefault(name, source.line((*path, key)))
    return faults


def _plain(address: str) -> bool:
    """Whether a web address has a host and nothing that may hold a password."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _guess(word: str, known: Iterable[str]) -> str:
    meant = nearest(word, known)
    return f"; did you mean '{meant}'?" if meant else ""
