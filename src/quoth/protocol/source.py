"""A TOML file with the line of every key, and faults that name file, line and place."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from quoth.errors import ProtocolError
from quoth.protocol.credentials import looks_like_key
from quoth.protocol.positions import KeyPath, Positions

_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_SYNTAX = {
    "Invalid value": "this is no value: a text needs quotation marks around it",
    "Unterminated string": "a text is not closed: a quotation mark is missing",
    "Cannot overwrite a value": "this key or table has been given before",
    "Invalid statement": "this is neither a [table] nor a key = value",
    "Expected '=' after a key in a key/value pair": "an '=' is expected after the key",
    "Expected newline or end of document after a statement": "the line goes on after its value",
    "Expected \"'''\"": "a text is not closed: a quotation mark is missing",
    "Unclosed array": "a list is not closed: a ']' or a comma is missing",
    "Illegal character '\\n'": "a text is not closed on its line: a quotation mark is missing",
    "Unescaped '\\' in a string": "write a backslash twice, or put the text in single quotation marks: 'C:\\papers'",
}
_NEAR = 0.7  # below this, words with little in common ('weather' and 'reader') count as near

_TWICE = re.compile(r"Cannot declare \((.*?),?\) twice")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and at which key or table."""

    path: KeyPath
    words: str


class Source:
    """The content of one file and the lines of its keys. `shown` is the file as the user would name it."""

    def __init__(self, shown: str, data: dict[str, object], positions: Positions) -> None:
        self.shown = shown
        self.data = data
        self._positions = positions

    @classmethod
    def of_toml(cls, text: str, shown: str) -> "Source":
        """A text in TOML; `ProtocolError` if it is none."""
        text = text.replace("\r\n", "\n")
        try:
            return cls(shown, tomllib.loads(text), Positions.of_toml(text))
        except RecursionError:
            raise ProtocolError([f"{shown}:1: not valid TOML: lists or tables are nested too deeply"]) from None
        except ValueError as error:
            raise ProtocolError([_syntax_fault(shown, text, str(error))]) from None

    @classmethod
    def read(cls, path: Path) -> "Source":
        """A file in TOML; `ProtocolError` if it cannot be read as such."""
        return cls.of_toml(read_text(path), shown_path(path))

    def line(self, path: KeyPath) -> int:
        """The line of a key or table, from 1."""
        return self._positions.line(path)

    def entries(self, table: str) -> list[tuple[KeyPath, dict[str, object]]]:
        """The tables of an array of tables, with their paths; what is no table is left out."""
        found = self.data.get(table)
        if not isinstance(found, list):
            return []
        return [((table, index), entry) for index, entry in enumerate(found) if isinstance(entry, dict)]

    def title(self, path: KeyPath) -> str:
        """A table as a person would name it: `[quorum]`, or `[[question]] 'cq24'`."""
        if not path:
            return "the file"
        name = str(path[0])
        if len(path) == 1:
            return f"[[{name}]]" if isinstance(self.data.get(name), list) else f"[{name}]"
        if not isinstance(path[1], int):
            return f"[{'.'.join(map(str, path))}]"
        title = f"[[{name}]] {self._called(name, path[1])}"
        return " ".join([*(f"'{part}' of" for part in reversed(path[2:])), title])

    def _called(self, table: str, index: int) -> str:
        for path, entry in self.entries(table):
            called = entry.get("id", entry.get("name"))
            if path[1] == index and isinstance(called, str) and called.strip() and not looks_like_key(called):
                return f"'{cut(called)}'"
        return f"number {index + 1}"

    def render(self, faults: Iterable[Fault]) -> list[str]:
        """The faults as lines `FILE:LINE: words`, in the order of the file; one for each key."""
        first: dict[tuple[int, KeyPath, str], Fault] = {}
        for fault in faults:
            key = (self.line(fault.path), fault.path, fault.words)
            first.setdefault(key, fault)
        ordered = sorted(first, key=lambda key: key[0])
        return [f"{self.shown}:{line}: {' '.join(words.split())}" for line, _, words in ordered]


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark; `ProtocolError` if there is none."""
    name = shown_path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ProtocolError([f"{name}: there is no such file"]) from None
    except OSError as error:
        raise ProtocolError([f"{name}: cannot be read ({error.strerror or type(error).__name__})"]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProtocolError([f"{name}:{line}: not UTF-8 text; save the file with the encoding UTF-8"]) from None


def shown_path(path: Path) -> str:
    """A path as the user would name it: below the working directory without what leads there."""
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        return str(path.relative_to(Path.cwd()))
    return str(path)


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option that was probably meant, whatever the case; None if none is near."""
    folded = {option.lower(): option for option in options}
    found = difflib.get_close_matches(word.lower().replace("-", "_"), folded, n=1, cutoff=_NEAR)
    found = found or difflib.get_close_matches(word.lower(), folded, n=1, cutoff=_NEAR)
    return folded[found[0]] if found else None


def listed(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, or `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def described(value: object) -> str:
    """A value in plain words, cut short, with nothing of what may be an API key."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {cut(str(value))}"
    if isinstance(value, str):
        return "a text that looks like an API key" if looks_like_key(value) else f"the text '{cut(value)}'"
    if isinstance(value, datetime | date | time):
        return "a date or time"
    return "a list" if isinstance(value, list) else "a table"


def cut(text: str) -> str:
    """A text on one line, of 40 characters at most."""
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"


def _syntax_fault(shown: str, text: str, message: str) -> str:
    """What tomllib found, with its place and in words that say what to do."""
    found = _WHERE.search(message)
    what = message[: found.start()] if found else message
    if twice := _TWICE.fullmatch(what):
        table = ".".join(part.strip(" '") for part in twice[1].split(","))
        what = f"the table [{table}] has been given before; one of several tables is written [[{table}]]"
    what = _SYNTAX.get(what, what[:1].lower() + what[1:])
    if found and found[1]:
        return f"{shown}:{found[1]}: not valid TOML at column {found[2]}: {what}"
    if found:
        return f"{shown}:{len(text.splitlines()) or 1}: not valid TOML at the end of the file: {what}"
    return f"{shown}:1: not valid TOML: a number in this file has too many digits"
