"""What is audited: a question, the context that some model was given with it, and what it answered.

Items come one at a time from files: raw transcripts (`transcripts`), JSON lines, or a JSON file of one object or a
list. Which of them a file is, its suffix says, and where that leaves it open, its first characters do. What cannot be
used is an `AuditError` in its place among the items, and reading goes on behind it.
"""

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TypeGuard

from quoth.errors import AuditError
from quoth.grounding.transcripts import take_apart

SUFFIXES = (".txt", ".md", ".json", ".jsonl", ".ndjson")
"""Of the files in a folder, those that are read."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_UNDECODED = re.compile("[\udc80-\udcff]")
_NOT_UTF8 = "is not UTF-8: save the file as UTF-8"
_SHOWN_KEYS = 8


@dataclass(frozen=True, slots=True)
class Item:
    """One answer to audit; `sentences` is empty where the answer is still to be cut."""

    id: str
    question: str
    context: str
    answer: str
    sentences: tuple[str, ...] = ()


def files_of(sources: Iterable[Path]) -> list[Path]:
    """The files named, and those of the folders named, by name, hidden ones left out.

    Raises:
        AuditError: a file is not there, or a folder holds none.
    """
    found: list[Path] = []
    for source in sources:
        if not source.is_dir():
            if not source.exists():
                raise AuditError("there is no such file", str(source))
            found.append(source)
            continue
        within = [path for path in sorted(source.rglob("*")) if path.suffix.lower() in SUFFIXES and path.is_file()]
        within = [path for path in within if not any(part.startswith(".") for part in path.relative_to(source).parts)]
        if not within:
            raise AuditError(f"this folder holds no file to audit ({', '.join(SUFFIXES)})", str(source))
        found += within
    return found


def items_of(path: Path) -> Iterator[Item | AuditError]:
    """The items of one file, in order."""
    try:
        with path.open("rb") as stream:
            yield from items_in(stream, str(path), path.stem, path.suffix.lower())
    except OSError as error:
        yield AuditError(f"cannot be read: {error.strerror}", str(path))


def items_in(stream: BinaryIO, place: str, stem: str, suffix: str = "") -> Iterator[Item | AuditError]:
    """The items of an open stream; `place` is its name in messages, `stem` what ids are made of."""
    lines = enumerate(_decoded(stream), start=1)
    if suffix in (".jsonl", ".ndjson"):
        yield from _of_lines(lines, place, stem)
        return
    first = next((line for line in lines if line[1].strip()), (1, ""))
    opening = first[1].lstrip()[:1]
    if opening == "{" and suffix != ".json" and _is_object(first[1]):
        yield from _of_lines(chain([first], lines), place, stem)
        return
    text = first[1] + "".join(line for _, line in lines)
    if not opening:
        yield AuditError("is empty", place)
    elif suffix == ".json" or opening == "{" or (opening == "[" and _is_json(text)):
        yield from _of_json(text, place, stem)
    else:
        yield from _of_transcript(text, place, stem)


def item_of(value: object, place: str, default_id: str) -> Item:
    """The item that a JSON object describes.

    Its keys: `id` (else `default_id`), `question`, `context` (a text, or a list whose texts are joined by blank lines)
    and `answer`, or its `sentences` cut already.

    Raises:
        AuditError: a part is missing or is no text.
    """
    if not isinstance(value, Mapping):
        raise AuditError("is no JSON object with question, context and answer", place)
    parts = {str(key): one for key, one in value.items() if one is not None}
    question, context, sentences = _text(parts, "question", place), _context(parts, place), _sentences(parts, place)
    answer = " ".join(sentences) if sentences and "answer" not in parts else _text(parts, "answer", place)
    name = parts.get("id", default_id)
    if isinstance(name, bool) or not isinstance(name, str | int | float) or not str(name).strip():
        raise AuditError("'id' must be a text or a number", place)
    return Item(_mended(str(name)), question, context, answer, sentences)


def _of_lines(lines: Iterable[tuple[int, str]], place: str, stem: str) -> Iterator[Item | AuditError]:
    empty = True
    for number, line in lines:
        if not line.strip():
            continue
        empty = False
        where = f"{place}:{number}"
        try:
            if _UNDECODED.search(line):
                raise AuditError(_NOT_UTF8, where)
            yield item_of(json.loads(line), where, f"{stem}-{number}")
        except AuditError as error:
            yield error
        except (ValueError, RecursionError) as error:
            yield AuditError(f"is no JSON ({_words(error)})", where)
    if empty:
        yield AuditError("is empty", place)


def _of_json(text: str, place: str, stem: str) -> Iterator[Item | AuditError]:
    if _UNDECODED.search(text):
        yield AuditError(_NOT_UTF8, place)
        return
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        lines = text.split("\n")
        if any(_is_object(line) for line in lines):
            yield from _of_lines(enumerate(lines, start=1), place, stem)
        else:
            yield AuditError(f"is no JSON ({_words(error)})", place)
        return
    if value == []:
        yield AuditError("holds an empty list", place)
    objects = (
        [(one, f"{place}, item {number}", f"{stem}-{number}") for number, one in enumerate(value, start=1)]
        if isinstance(value, list)
        else [(value, place, stem)]
    )
    for one, where, default_id in objects:
        try:
            yield item_of(one, where, default_id)
        except AuditError as error:
            yield error


def _of_transcript(text: str, place: str, stem: str) -> Iterator[Item | AuditError]:
    if "\0" in text:
        yield AuditError("is not a text file", place)
        return
    if _UNDECODED.search(text):
        text = text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    try:
        found = take_apart(_mended(text))
    except AuditError as error:
        yield AuditError(error.reason, place)
        return
    for number, one in enumerate(found, start=1):
        yield Item(stem if len(found) == 1 else f"{stem}-{number}", one.question, one.context, one.answer)


def _decoded(stream: BinaryIO) -> Iterator[str]:
    """Lines of UTF-8, or of UTF-16 where a byte order mark says so; what cannot be decoded is kept as surrogates."""
    line = stream.readline()
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield from io.StringIO((line + stream.read()).decode("utf-16", "replace"), newline="\n")
        return
    line = line.removeprefix(codecs.BOM_UTF8)
    while line:
        yield line.decode("utf-8", "surrogateescape")
        line = stream.readline()


def _text(parts: Mapping[str, object], name: str, place: str) -> str:
    found = parts.get(name)
    if found is None:
        keys = ", ".join(f"'{key}'" if key.isprintable() else ascii(key) for key in list(parts)[:_SHOWN_KEYS])
        raise AuditError(f"has no '{name}' (its keys: {keys or 'none'})", place)
    if not isinstance(found, str):
        raise AuditError(f"'{name}' must be a text", place)
    if not found.strip():
        raise AuditError(f"'{name}' is empty", place)
    return _mended(found)


def _sentences(parts: Mapping[str, object], place: str) -> tuple[str, ...]:
    found = parts.get("sentences", ())
    if not _is_texts(found) or found == []:
        raise AuditError("'sentences' must be a list of texts, at least one", place)
    return tuple(_mended(one) for one in found)


def _context(parts: Mapping[str, object], place: str) -> str:
    found = parts.get("context")
    if isinstance(found, str):
        return _mended(found)  # it may be empty: nothing was retrieved
    if _is_texts(found):
        return _mended("\n\n".join(found))
    if found is not None:
        raise AuditError("'context' must be a text or a list of texts", place)
    return _text(parts, "context", place)


def _is_texts(value: object) -> TypeGuard[Sequence[str]]:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _mended(text: str) -> str:
    """Text that can be written down again: half a surrogate pair, which JSON can hold, is one mark of replacement."""
    return _LONE_SURROGATE.sub("\ufffd", text)


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _words(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}" if error.lineno == 1 else f"{error.msg} in line {error.lineno}"
    return "nested too deep" if isinstance(error, RecursionError) else str(error).partition(";")[0]
