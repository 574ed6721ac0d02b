"""Every error that quoth raises on purpose.

QuothError
├── ProtocolError       study.toml or a codebook says something that cannot be meant
├── StudyError          a folder is not a study, or cannot become one
│   └── LockedError     another run holds the study
├── LedgerError         the database cannot be opened, or is newer than this program
├── PaperError          a paper cannot be read; the run goes on without it
├── CodeError           what a person entered cannot be recorded as it is
│   └── ConflictError   the cell was coded meanwhile in another window
├── ModelError          a packaged model is missing or not the one that it should be
└── ReaderError         a reader cannot be used as the protocol describes it
"""

from pathlib import Path


class QuothError(Exception):
    """Base of all errors of quoth: the message says what is wrong, where, and what to do."""


class ProtocolError(QuothError):
    """A study file or codebook that cannot be meant; every fault is a line `FILE:LINE: what, and the remedy`."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults

    def __reduce__(self) -> tuple[type["ProtocolError"], tuple[list[str]]]:
        """An error must survive the way from a worker process."""
        return type(self), (self.faults,)


class StudyError(QuothError):
    """A folder that is not a study, or cannot become one."""


class LockedError(StudyError):
    """Another run holds the study."""


class LedgerError(QuothError):
    """The ledger cannot be opened, or was written by a newer version."""


class PaperError(QuothError):
    """A paper that cannot be read.

    `transient` says whether another try may succeed (a time limit, a killed worker): the file itself is not at fault.
    """

    def __init__(self, reason: str, *, file: Path | str | None = None, transient: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.file = file
        self.transient = transient


class CodeError(QuothError):
    """What a person entered cannot be recorded as it is; the message says what to change."""


class ConflictError(CodeError):
    """The person's code of a cell is another one by now than the one that was shown."""


class ModelError(QuothError):
    """A packaged model is missing or is not the one that its digest names."""


class ReaderError(QuothError):
    """A reader that cannot be used as the protocol describes it."""
