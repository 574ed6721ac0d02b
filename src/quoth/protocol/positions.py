"""On which line of a TOML file each key and table stands: TOML's parsers give values and forget where they stood.

The scanner reads text that `tomllib` has already accepted, so it follows the grammar and judges nothing.
"""

import bisect
import re
import tomllib
from collections import Counter
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""The way to a value: keys, and indices into lists and arrays of tables, as in `("reader", 1, "model")`."""

_SPACE = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BLANKS = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_SCALAR = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # up to two quotation marks may stand right before the closing three
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|[^,\]}#\n]+",
    re.DOTALL,
)


class Positions:
    """The line, from 1, of each key and table."""

    def __init__(self, lines: Mapping[KeyPath, int]) -> None:
        self._lines = lines

    @classmethod
    def of_toml(cls, text: str) -> "Positions":
        """Those of a valid TOML text with `\\n` line ends."""
        scanner = _Scanner(text)
        scanner.document()
        return cls(scanner.lines)

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of the nearest table around it; 1 where there is none."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1


class _Scanner:
    """Walks a TOML text once and notes the line on which each path first stands."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._tables: Counter[KeyPath] = Counter()

    def document(self) -> None:
        """Note every header and every key of the text."""
        table: KeyPath = ()
        self._skip(_SPACE)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_SPACE)

    def _header(self) -> KeyPath:
        array = self._text.startswith("[[", self._at)
        line = self._line()
        self._at += 2 if array else 1
        path: KeyPath = ()
        parts = self._key()
        for number, part in enumerate(parts, start=1):
            path += (part,)
            self.lines.setdefault(path, line)
            if array and number == len(parts):
                self._tables[path] += 1
            if self._tables[path]:  # a header below an array of tables speaks of its newest table
                path += (self._tables[path] - 1,)
                self.lines.setdefault(path, line)
        self._at += 2 if array else 1
        return path

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = table
        for part in self._key():
            path += (part,)
            self.lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        self._skip(_BLANKS)
        opening = self._text[self._at : self._at + 1]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline(path)
        else:
            self._skip(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        index = 0
        while self._next_item("]"):
            self.lines.setdefault((*path, index), self._line())
            self._value((*path, index))
            index += 1

    def _inline(self, path: KeyPath) -> None:
        while self._next_item("}"):
            self._pair(path)

    def _next_item(self, closing: str) -> bool:
        """Step over the opening bracket or the comma; False, and behind the closing bracket, where no item follows."""
        self._skip(_SPACE)
        if self._text[self._at : self._at + 1] != closing:
            self._at += 1
            self._skip(_SPACE)
        if self._text[self._at : self._at + 1] not in (closing, ""):
            return True
        self._at += 1
        return False

    def _key(self) -> list[str]:
        """The parts of the dotted key at hand; ends before what follows it."""
        parts: list[str] = []
        while True:
            self._skip(_BLANKS)
            match = _KEY.match(self._text, self._at)
            if match is None:
                return parts
            parts.append(_unquoted(match.group()))
            self._at = match.end()
            self._skip(_BLANKS)
            if self._text[self._at : self._at + 1] != ".":
                return parts
            self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        if match is not None:
            self._at = match.end()

    def _line(self) -> int:
        return bisect.bisect_left(self._ends, self._at) + 1


def _unquoted(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    if key[0] == '"':
        return str(tomllib.loads(f"key = {key}")["key"])
    return key
