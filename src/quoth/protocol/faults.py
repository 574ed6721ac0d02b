"""What pydantic finds wrong with a file, in plain words and at the right key."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from quoth.protocol.credentials import REMEDY, looks_like_key, names_a_key
from quoth.protocol.models import PATTERNS, READERS, TABLES, Price
from quoth.protocol.positions import KeyPath
from quoth.protocol.source import Fault, Source, cut, described, listed, nearest

File = TypeVar("File", bound=BaseModel)

_EXPECTED = {
    "string_type": "a text in quotation marks",
    "int_type": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "float_type": "a number",
    "finite_number": "an ordinary number",
    "tuple_type": "a list in square brackets",
}
_ARRAYS = ("question", "reader", "variable", "level")
_BOUNDS = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}


def parsed(model: type[File], source: Source) -> tuple[File | None, list[Fault]]:
    """The file as `model`, or None and all that is wrong with its shape."""
    try:
        return model.model_validate(source.data), []
    except ValidationError as error:
        return None, _Translator(model, source).faults(error.errors(include_url=False))


class _Translator:
    """Turns the errors of one file into faults."""

    def __init__(self, model: type[BaseModel], source: Source) -> None:
        self._model = model
        self._source = source

    def faults(self, errors: Sequence[ErrorDetails]) -> list[Fault]:
        faults = []
        explained: set[KeyPath] = set()
        for error in errors:
            if error["type"] == "extra_forbidden":
                path = self._path(error)
                faults.append(Fault(path, self._unknown(path)))
                if meant := self._meant(path):
                    explained.add((*path[:-1], meant))
        for error in errors:
            path = self._path(error)
            # A key that is missing because it was misspelt is one fault, not two.
            if error["type"] == "extra_forbidden" or (error["type"] == "missing" and path in explained):
                continue
            if error["type"] == "too_short" and self._value(path):  # its items have faults, each told by itself
                continue
            faults.append(Fault(path, self._words(error, path)))
        return faults

    def _path(self, error: ErrorDetails) -> KeyPath:
        """pydantic's place of an error, without the reader's type that it puts after the index."""
        place = error["loc"]
        if len(place) > 2 and place[0] == "reader":
            place = place[:2] + place[3:]
        return (*place, "type") if error["type"].startswith("union_tag") else place

    def _keys(self, table: KeyPath) -> list[str]:
        """The keys that the table at `table` may have."""
        model: type[BaseModel] = self._model
        if table:
            model = TABLES.get(str(table[0]), BaseModel)
            if table[0] == "reader":
                model = READERS[str(self._value((*table[:2], "type")))]
            if len(table) > 2:
                model = Price  # the one table that stands within another
        return list(model.model_fields)

    def _value(self, path: KeyPath) -> object:
        value: object = self._source.data
        for part in path:
            if isinstance(value, dict):
                value = value.get(str(part))
            elif isinstance(value, list) and isinstance(part, int):
                value = value[part]
        return value

    def _meant(self, path: KeyPath) -> str | None:
        table = self._value(path[:-1])
        given = table if isinstance(table, Mapping) else {}
        return nearest(str(path[-1]), [key for key in self._keys(path[:-1]) if key not in given])

    def _unknown(self, path: KeyPath) -> str:
        """A key or table that does not exist, and the nearest that does."""
        key = str(path[-1])
        if len(path) == 1 and isinstance(self._value(path), dict | list):
            return self._unknown_table(key)
        title = self._source.title(path[:-1])
        if names_a_key(key):
            return f"{title}: an API key does not belong in a file; {REMEDY}"
        shown = "such as this" if looks_like_key(key) else f"'{cut(key)}'"
        here = f"{title} has no key {shown}" if len(path) > 1 else f"the key {shown} stands in no table"
        if meant := self._meant(path):
            return f"{here}; did you mean '{meant}'?"
        if homes := self._homes(key, path):
            return f"{here}; it belongs in {listed(homes, 'or')}"
        if len(path) == 1:
            return f"{here}; the tables are {self._tables()}"
        return f"{here}; its keys are {listed(self._keys(path[:-1]))}"

    def _homes(self, key: str, path: KeyPath) -> list[str]:
        """The tables, or types of reader, that do have the key."""
        if path[0] == "reader":
            types = READERS.items() if len(path) == 3 else ()
            return [f"a reader of type '{name}'" for name, model in types if key in model.model_fields]
        tables = TABLES.items()
        return [
            _bracketed(name) for name, model in tables if key in model.model_fields and name in self._model.model_fields
        ]

    def _unknown_table(self, name: str) -> str:
        here = f"there is no table {_bracketed(name, self._source)}"
        meant = nearest(name, self._model.model_fields)
        return f"{here}; did you mean {_bracketed(meant)}?" if meant else f"{here}; the tables are {self._tables()}"

    def _tables(self) -> str:
        return listed([_bracketed(name) for name in self._model.model_fields])

    def _words(self, error: ErrorDetails, path: KeyPath) -> str:
        kind, context = error["type"], error.get("ctx", {})
        value = error["input"]
        title = self._source.title(path[:-1])
        if kind in ("missing", "union_tag_not_found"):
            return self._missing(path, title)
        if kind in ("model_type", "model_attributes_type", "dict_type"):
            return self._not_a_table(path, value)
        name = _named(path, title)
        if kind in ("literal_error", "union_tag_invalid"):
            options = re.findall(r"'([^']*)'", str(context.get("expected", context.get("expected_tags"))))
            given = self._value(path)
            meant = nearest(given, options) if isinstance(given, str) else None
            guess = f"; did you mean '{meant}'?" if meant else ""
            return f"{name} must be {listed([repr(option) for option in options], 'or')}, not {described(given)}{guess}"
        if kind in _BOUNDS:
            key, words = _BOUNDS[kind]
            return f"{name} must be {words} {context[key]:.15g}, not {described(value).removeprefix('the number ')}"
        if kind == "string_pattern_mismatch":
            return f"{name} {PATTERNS[str(context['pattern'])]}"
        if kind == "too_short":
            return f"there must be at least one {self._source.title(path)}"
        if kind == "tuple_type" and path[0] in _ARRAYS and len(path) == 1:
            return f"each {path[0]} has a table of its own: write [[{path[0]}]] with double brackets"
        return f"{name} must be {_EXPECTED.get(kind, 'something else')}, not {described(value)}{_remedy(kind, value)}"

    def _missing(self, path: KeyPath, title: str) -> str:
        if len(path) == 1:
            return f"the table {_bracketed(str(path[0]))} is missing"
        key = path[-1]
        options = f": {listed([repr(option) for option in READERS], 'or')}" if key == "type" else ""
        return f"{title} lacks the key '{key}'{options}"

    def _not_a_table(self, path: KeyPath, value: object) -> str:
        name = str(path[0])
        if len(path) == 1 and isinstance(value, list):
            return f"there is only one [{name}]: write it with single brackets"
        if len(path) <= 2:
            return f"'{name}' must be a table, not {described(value)}: write {_bracketed(name)} on a line of its own"
        title = self._source.title(path[:-1])
        return f"{_named(path, title)} must be a table such as {{ input = 0.5, output = 1.5 }}, not {described(value)}"


def _named(path: KeyPath, title: str) -> str:
    """A key with its table, and for an item of a list its number."""
    if isinstance(path[-1], int) and len(path) > 2:
        return f"item {path[-1] + 1} of {title}"
    return f"'{path[-1]}' in {title}" if len(path) > 1 else f"'{path[0]}'"


def _bracketed(name: str, source: Source | None = None) -> str:
    array = name in _ARRAYS or (source is not None and isinstance(source.data.get(name), list))
    name = cut(name)
    return f"[[{name}]]" if array else f"[{name}]"


def _remedy(kind: str, value: object) -> str:
    if kind in ("int_type", "float_type") and isinstance(value, str) and re.fullmatch(r"\s*\d[\d.]*\s*", value):
        return ": write it without quotation marks"
    return ""
