"""The study's database: papers, runs, questions, readers, replies, findings and their quotes; append-only."""

from quoth.ledger.ledger import Ledger
from quoth.ledger.lock import Holder
from quoth.ledger.records import (
    TAKEN_BACK,
    Asked,
    Batch,
    Made,
    NewFinding,
    Present,
    Reply,
    Run,
    StoredFinding,
    StoredPaper,
    StoredReader,
    Tally,
    Versions,
    audit_item,
)

__all__ = [
    "TAKEN_BACK",
    "Asked",
    "Batch",
    "Holder",
    "Ledger",
    "Made",
    "NewFinding",
    "Present",
    "Reply",
    "Run",
    "StoredFinding",
    "StoredPaper",
    "StoredReader",
    "Tally",
    "Versions",
    "audit_item",
]
