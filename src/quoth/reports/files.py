"""Files that appear whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from quoth.errors import StudyError


@contextmanager
def replacing(out: Path) -> Iterator[IO[bytes]]:
    """A file beside `out` that takes its place when the block ends well."""
    new = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with new.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.replace(out)
    except OSError as error:
        raise StudyError(f"{out}: cannot be written: {error.strerror}; is it open in another program?") from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
