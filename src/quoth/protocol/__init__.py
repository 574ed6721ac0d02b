"""The protocol: what is asked and how it is decided, read from study.toml and codebooks."""

from quoth.protocol.codebook import Codebook, bundled_codebooks, load_codebook
from quoth.protocol.models import (
    Budget,
    ChatReader,
    EmbeddedReader,
    GgufReader,
    Level,
    ModelReader,
    Price,
    Quorum,
    ReaderSettings,
    Reading,
    Retrieval,
    Variable,
)
from quoth.protocol.study import Protocol, load_protocol, question_digest
from quoth.protocol.table import read_questions_csv
from quoth.protocol.write import codebook_toml, study_toml

__all__ = [
    "Budget",
    "ChatReader",
    "Codebook",
    "EmbeddedReader",
    "GgufReader",
    "Level",
    "ModelReader",
    "Price",
    "Protocol",
    "Quorum",
    "ReaderSettings",
    "Reading",
    "Retrieval",
    "Variable",
    "bundled_codebooks",
    "codebook_toml",
    "load_codebook",
    "load_protocol",
    "question_digest",
    "read_questions_csv",
    "study_toml",
]
