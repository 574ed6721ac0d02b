"""What this machine can run: each check with its remedy."""

import importlib.metadata
import importlib.util
import os
import platform
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from quoth.errors import QuothError
from quoth.papers.ocr import REMEDY, installed, version
from quoth.study.workshop import cores


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `needed` says whether quoth cannot do without it."""

    name: str
    good: bool
    says: str
    needed: bool = True


def checks() -> Iterator[Check]:
    """Look at everything that a run needs, and at what the extras add."""
    yield Check("Python", True, platform.python_version())
    yield Check("Processor", True, f"{platform.machine()}, {cores()} cores" + _memory())
    for name, look in (
        ("PDF reading", _pdfium),
        ("Encoder", _encoder),
        ("Embedded reader", _reader),
        ("Ledger", _ledger),
    ):
        yield _tried(name, look)
    what = "pages that are pictures"
    says = f"installed, {version()} ({what})" if installed() else f"not installed: {REMEDY} for {what}"
    yield Check("Extra ocr", installed(), says, needed=False)
    for extra, module, what in (
        ("gguf", "xllamacpp", "language models from GGUF files"),
        ("postgres", "psycopg", "a ledger on PostgreSQL"),
    ):
        there = importlib.util.find_spec(module) is not None
        says = f"installed ({what})" if there else f"not installed: pip install 'quoth[{extra}]' for {what}"
        yield Check(f"Extra {extra}", there, says, needed=False)


def _tried(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except (QuothError, ImportError, OSError) as error:
        return Check(name, False, str(error))


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return ""
    return f", {size / 2**30:.0f} GB of memory"


def _pdfium() -> str:
    import pypdfium2

    return f"pdfium {pypdfium2.PDFIUM_INFO.build} (pypdfium2 {importlib.metadata.version('pypdfium2')})"


def _encoder() -> str:
    from quoth.models.encoder import Encoder

    encoder = Encoder()
    encoder.encode(["warm"])
    began = time.perf_counter()
    encoder.encode(
        [f"The network was trained for {n} epochs on one graphics card with a batch size of 32." for n in range(20)]
    )
    return f"ready, {20 / (time.perf_counter() - began):.0f} sentences per second on one core"


def _reader() -> str:
    from quoth.models import EMBEDDED_READER
    from quoth.readers.embedded import ReaderModel

    ReaderModel.packaged()
    return f"ready (model {EMBEDDED_READER.digest[:12]})"


def _ledger() -> str:
    return f"SQLite {sqlite3.sqlite_version}"
