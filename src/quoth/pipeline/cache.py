"""What was read once, kept by content: documents by file and parser, vectors by document and encoder.

An entry's name holds everything that it depends on, so a new version never meets an old entry. Entries are written
whole or not at all; one that cannot be read is made again, and one that cannot be written is done without.
"""

import io
import json
import logging
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from quoth.vocabulary import (
    About,
    Block,
    BlockKind,
    Document,
    Encoded,
    Hidden,
    Link,
    Page,
    Section,
    SectionKind,
    Sentence,
    Source,
)

T = TypeVar("T")
_log = logging.getLogger(__name__)
_DAMAGED = (OSError, ValueError, KeyError, TypeError, EOFError, zlib.error, zipfile.BadZipFile)


class Cache:
    """A folder of entries; `None` keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def document(self, name: str, make: Callable[[], Document]) -> Document:
        """The document of this name, made where it is not there."""
        return self._entry(f"{name}.document", make, _pack, _unpack)

    def encoded(self, name: str, make: Callable[[], Encoded]) -> Encoded:
        """The vectors of this name, made where they are not there; the texts' are kept and given in half precision."""
        return self._entry(f"{name}.vectors", lambda: _halved(make()), _pack_encoded, _unpack_encoded)

    def _entry(self, name: str, make: Callable[[], T], pack: Callable[[T], bytes], unpack: Callable[[bytes], T]) -> T:
        if self._folder is None:
            return make()
        path = self._folder / name[:2] / name
        try:
            return unpack(path.read_bytes())
        except _DAMAGED:
            made = make()
        try:
            _write(path, pack(made))
        except OSError as error:
            _log.debug("not cached: %s", error)
        return made


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _halved(encoded: Encoded) -> Encoded:
    """As it comes back from the cache, so that a first and a second reading give the same."""
    return replace(encoded, vectors=encoded.vectors.astype(np.float16).astype(np.float32))


def _pack_encoded(encoded: Encoded) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        vectors=encoded.vectors.astype(np.float16),
        tokens=encoded.tokens,
        ids=encoded.ids,
        starts=encoded.starts,
    )
    return buffer.getvalue()


def _unpack_encoded(content: bytes) -> Encoded:
    with np.load(io.BytesIO(content), allow_pickle=False) as parts:
        vectors = parts["vectors"].astype(np.float32)
        return Encoded(vectors, parts["tokens"], parts["ids"], parts["starts"])


def _pack(document: Document) -> bytes:
    plain = {
        "digest": document.digest,
        "text": document.text,
        "about": asdict(document.about),
        "ocr": document.ocr,
        **{name: [asdict(item) for item in getattr(document, name)] for name in _PARTS},
    }
    # Glyphs mostly count up by one, so their differences compress to almost nothing.
    steps = np.diff(document.glyphs, prepend=np.int32(0)).astype("<i4").tobytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        archive.writestr("document.json", json.dumps(plain, ensure_ascii=True))
        archive.writestr("glyphs", steps)
        archive.writestr("boxes", document.boxes.astype("<f4").tobytes())
    return buffer.getvalue()


_PARTS = ("pages", "sections", "blocks", "sentences", "links", "hidden")


def _unpack(content: bytes) -> Document:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        plain = json.loads(archive.read("document.json"))
        steps = np.frombuffer(archive.read("glyphs"), "<i4")
        boxes = np.frombuffer(archive.read("boxes"), "<f4").astype(np.float32).reshape(-1, 4)
    return Document(
        digest=plain["digest"],
        text=plain["text"],
        pages=tuple(Page(**{**page, "source": Source(page["source"])}) for page in plain["pages"]),
        sections=tuple(Section(**{**section, "kind": SectionKind(section["kind"])}) for section in plain["sections"]),
        blocks=tuple(Block(**{**block, "kind": BlockKind(block["kind"])}) for block in plain["blocks"]),
        sentences=tuple(Sentence(**sentence) for sentence in plain["sentences"]),
        links=tuple(Link(**link) for link in plain["links"]),
        glyphs=np.cumsum(steps, dtype=np.int32),
        hidden=tuple(Hidden(**words) for words in plain["hidden"]),
        about=About(**plain["about"]),
        ocr=plain["ocr"],
        boxes=boxes,
    )
