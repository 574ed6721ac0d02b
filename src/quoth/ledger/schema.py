"""The ledger's tables as SQLAlchemy Core sees them; `migrations/` is what creates them.

A row is written once and never changed (triggers refuse it); only `locks` is not history. What changes over time is a
new row: a paper whose files change is a new row of `papers`, a question whose text changes a new row of `questions`, a
finding that is made again a new revision in `findings`.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

VERSION = "0003"
"""The migration that this program writes: the newest in `migrations/versions`."""

_UNSTORABLE = {0: 0xFFFD, **dict.fromkeys(range(0xD800, 0xE000), 0xFFFD)}


def storable(text: str) -> str:
    """`text` with U+FFFD for what no database can hold: NUL and halves of surrogate pairs, as broken PDFs give them."""
    return text if text.isascii() and "\0" not in text else text.translate(_UNSTORABLE)


class Words(TypeDecorator[str]):
    """Text of any length and origin."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what no database can hold."""
        return None if value is None else storable(value)


class Name(Words):
    """Text that identifies: compared and sorted by code point in every database."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """PostgreSQL would sort by the locale of its machine."""
        return dialect.type_descriptor(Text(collation="C") if dialect.name == "postgresql" else Text())


class Moment(TypeDecorator[datetime]):
    """A point in time, in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone: it would mean something else on another machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be recorded")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """SQLite forgets the zone, which is always UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _number() -> TypeEngine[int]:
    # SQLite gives a rowid only to a column whose type is exactly INTEGER.
    return BigInteger().with_variant(Integer(), "sqlite")


def _id() -> Column[int]:
    return Column("id", _number(), primary_key=True)


metadata = MetaData()

papers = Table(
    "papers",
    metadata,
    _id(),
    Column("name", Name, nullable=False),
    Column("doi", Words),
    Column("title", Words),
    Column("year", Integer),
    Column("at", Moment, nullable=False),
    Index("papers_by_name", "name", "id"),
)
"""A paper as it stood at a time; the newest row of a name is current."""

files = Table(
    "files",
    metadata,
    Column("paper_id", _number(), ForeignKey("papers.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Name, nullable=False),
    Column("digest", Name, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("role", Words, nullable=False),
)
"""The files of one row of `papers`."""

documents = Table(
    "documents",
    metadata,
    _id(),
    Column("paper_id", _number(), ForeignKey("papers.id"), nullable=False),
    Column("text_digest", Name),
    Column("parser", Words),
    Column("pages", Integer),
    Column("characters", Integer),
    Column("reason", Words),
    Column("failure", Words),
    Column("at", Moment, nullable=False),
    Column("title", Words),
    Column("doi", Words),
    Column("year", Integer),
    Column("hidden", JSON),
    Column("pictures", JSON),
    Index("documents_by_paper", "paper_id", "id"),
)
"""What came of reading one row of `papers`: a text, or the reason why there is none; the newest row is current.

`title`, `doi` and `year` are what the file says of itself, `hidden` the words that nobody sees, with file and page,
`pictures` the pages that OCR read, or nobody.
"""

texts = Table(
    "texts",
    metadata,
    _id(),
    Column("paper", Name, nullable=False),
    Column("digest", Name, nullable=False),
    UniqueConstraint("paper", "digest", name="one_row_per_text"),
)
"""The texts that findings speak of."""

questions = Table(
    "questions",
    metadata,
    _id(),
    Column("question", Name, nullable=False),
    Column("digest", Name, nullable=False),
    Column("label", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("guidance", Words, nullable=False),
    Column("choices", JSON, nullable=False),
    Column("unit", Words),
    Column("at", Moment, nullable=False),
    UniqueConstraint("question", "digest", name="one_row_per_question_version"),
)
"""Every version of every question that was asked."""

readers = Table(
    "readers",
    metadata,
    _id(),
    Column("reader", Name, nullable=False),
    Column("digest", Name, nullable=False),
    Column("type", Words, nullable=False),
    Column("manifest", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("reader", "digest", name="one_row_per_reader_version"),
)
"""Every version of every reader that answered."""

runs = Table(
    "runs",
    metadata,
    _id(),
    Column("manifest", JSON, nullable=False),
    Column("at", Moment, nullable=False),
)
"""Every run that began."""

run_ends = Table(
    "run_ends",
    metadata,
    Column("run_id", _number(), ForeignKey("runs.id"), primary_key=True, autoincrement=False),
    Column("outcome", Words, nullable=False),
    Column("decisions_digest", Words),
    Column("counts", JSON, nullable=False),
    Column("at", Moment, nullable=False),
)
"""How a run ended; a run that was killed has no row here."""

replies = Table(
    "replies",
    metadata,
    _id(),
    Column("run_id", _number(), ForeignKey("runs.id")),
    Column("reader_id", _number(), ForeignKey("readers.id"), nullable=False),
    Column("request_digest", Name, nullable=False),
    Column("shown_digest", Name, nullable=False),
    Column("text", Words, nullable=False),
    Column("served_model", Words),
    Column("parameters", JSON, nullable=False),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("seconds", Double),
    Column("finish_reason", Words),
    Column("at", Moment, nullable=False),
    Index("replies_by_request", "request_digest", "id"),
)
"""Every reply of a reader, whole, as it came."""

findings = Table(
    "findings",
    metadata,
    _id(),
    Column("text_id", _number(), ForeignKey("texts.id"), nullable=False),
    Column("question_id", _number(), ForeignKey("questions.id"), nullable=False),
    Column("reader_id", _number(), ForeignKey("readers.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("run_id", _number(), ForeignKey("runs.id")),
    Column("verdict", Words, nullable=False),
    Column("value", Words),
    Column("unit", Words),
    Column("answer", Words, nullable=False),
    Column("score", Double),
    Column("seconds", Double),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("cost_usd", Double),
    Column("error", Words),
    Column("failure", Words),
    Column("at", Moment, nullable=False),
    UniqueConstraint("text_id", "question_id", "reader_id", "round", "revision", name="one_row_per_revision"),
)
"""Every finding; revisions of a key count from 1 without gaps."""

quotes = Table(
    "quotes",
    metadata,
    Column("finding_id", _number(), ForeignKey("findings.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("said", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("located", Words, nullable=False),
    Column("score", Double),
    Column("spans", JSON, nullable=False),
)
"""The quotes of a finding, in its order, positions from 1."""

audits = Table(
    "audits",
    metadata,
    _id(),
    Column("item", Name, nullable=False),
    Column("question", Words, nullable=False),
    Column("answered", Boolean, nullable=False),
    Column("verdict", Words, nullable=False),
    Column("faithful", Boolean, nullable=False),
    Column("sentences", JSON, nullable=False),
    Column("at", Moment, nullable=False),
)
"""Answers that were checked against the context that they were given."""

reviews = Table(
    "reviews",
    metadata,
    _id(),
    Column("finding_id", _number(), ForeignKey("findings.id"), nullable=False),
    Column("coder", Name, nullable=False),
    Column("blind", Boolean, nullable=False),
    Column("note", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Index("reviews_by_finding", "finding_id"),
)
"""How a person came to a finding: who, without seeing the readers' findings (blind) or not, and a note."""

locks = Table(
    "locks",
    metadata,
    Column("name", Name, primary_key=True),
    Column("token", Words, nullable=False),
    Column("since", Moment, nullable=False),
    Column("heartbeat", Moment, nullable=False),
)
"""The run that holds the study now; empty when none does."""
