"""Readers whose findings come from outside: people, and other programs.

They speak of a paper by its name, not of a text that some version of a parser made: their findings stay current when a
file or the parser changes, and grow stale with their question alone. A person's finding of round 0 is a code; one of
round 1 settles the cell.
"""

import hashlib
from collections.abc import Mapping

from quoth.errors import StudyError
from quoth.ledger import StoredReader
from quoth.protocol import question_digest
from quoth.vocabulary import Key, Question

HUMAN, IMPORTED = "human", "imported"
PEOPLE_AND_IMPORTS = (HUMAN, IMPORTED)

BY_NAME = "by-name"
"""What stands for the text of a paper that was known by its name."""

CODE, ADJUDICATION = 0, 1
"""Rounds."""


def type_named(name: str) -> str:
    """The type of reader that somebody asks for.

    Raises:
        StudyError: it is neither human nor imported.
    """
    if name not in PEOPLE_AND_IMPORTS:
        raise StudyError(f"findings come in as {' or '.join(PEOPLE_AND_IMPORTS)}, not as '{name}'")
    return name


def name_fault(name: str, type_: str, types: Mapping[str, str]) -> str | None:
    """Why somebody cannot be called so; None where it will do.

    Args:
        name: what they are to be called, in Unicode NFC.
        type_: human or imported.
        types: of the study's readers by name.
    """
    if not name:
        return "no reader is named"
    if len(name) > 100 or not name.isprintable():
        return "the reader's name is longer than 100 characters, or holds characters that nobody can see"
    if (other := types.get(name, type_)) != type_:
        return f"'{name}' is a reader of type '{other}' already: take another name"
    return None


def coder(name: str, type_: str) -> StoredReader:
    """A person, or another program, as a reader."""
    return StoredReader(name, hashlib.sha256(f"{type_}\n{name}".encode()).hexdigest(), type_, {"type": type_})


def coded_key(paper: str, question: Question, reader: StoredReader, round_: int = CODE) -> Key:
    """What a finding of such a reader is a finding of."""
    return Key(paper, BY_NAME, question.id, question_digest(question), reader.name, reader.digest, round_)
