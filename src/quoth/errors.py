"""Every error that quoth raises on purpose.

QuothError
├── ProtocolError       study.toml or a codebook says something that cannot be meant
├── StudyError          a folder is not a study, or cannot become one
│   └── LockedError     another run holds the study
├── LedgerError         the database cannot be opened, or is newer than this program
├── PaperError          a paper cannot be read; the run goes on without it
├── AuditError          an answer to audit is not there as expected; the audit goes on with the others
├── CodeError           what a person entered cannot be recorded as it is
│   └── ConflictError   the cell was coded meanwhile in another window
├── ModelError          a packaged model is missing or not the one that it should be
└── ReaderError         a reader cannot be used as the protocol describes it
    ├── ReplyError      a model's reply cannot be understood
    ├── BusyError       an endpoint does not answer now, and may later
    ├── RejectedError   an endpoint refuses one request for good
    ├── BudgetError     the study's budget has no room for another request
    └── UnusableError   an endpoint refuses whatever it is asked: key, address, model or credit
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


class AuditError(QuothError):
    """An answer to audit, or its question or context, that is not there as expected; `place` names file and line."""

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{place}: {reason}" if place else reason)
        self.reason = reason
        self.place = place


class CodeError(QuothError):
    """What a person entered cannot be recorded as it is; the message says what to change."""


class ConflictError(CodeError):
    """The person's code of a cell is another one by now than the one that was shown."""


class ModelError(QuothError):
    """A packaged model is missing or is not the one that its digest names."""


class ReaderError(QuothError):
    """A reader that cannot be used as the protocol describes it."""


class ReplyError(ReaderError):
    """A model's reply that cannot be understood; the message is fit to be sent back to the model."""


class BusyError(ReaderError):
    """An endpoint that does not answer now and may later; `wait` are the seconds that it asked for, if it did."""

    def __init__(self, reason: str, *, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class RejectedError(ReaderError):
    """A request that an endpoint refuses for good, while it may answer others."""


class BudgetError(ReaderError):
    """A request for which the study's budget has no room."""


class UnusableError(ReaderError):
    """An endpoint that refuses whatever it is asked, until somebody changes something."""
