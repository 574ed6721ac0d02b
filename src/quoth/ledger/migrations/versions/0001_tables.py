"""The first tables, the triggers that keep them append-only, and the views for whoever opens the file.

A migration is frozen: it imports nothing of quoth.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = (
    "papers",
    "files",
    "documents",
    "texts",
    "questions",
    "readers",
    "runs",
    "run_ends",
    "replies",
    "findings",
    "quotes",
    "audits",
    "reviews",
)

FINDINGS = """
    SELECT findings.id, texts.paper, questions.question, readers.reader, findings.round, findings.revision,
           findings.verdict, findings.value, findings.unit, findings.answer, findings.score, findings.seconds,
           findings.input_tokens, findings.output_tokens, findings.cost_usd, findings.error, findings.failure,
           findings.run_id AS run, findings.at, texts.digest AS text_digest,
           questions.digest AS question_digest, readers.digest AS reader_digest
    FROM findings
    JOIN texts ON texts.id = findings.text_id
    JOIN questions ON questions.id = findings.question_id
    JOIN readers ON readers.id = findings.reader_id"""

# Revisions count without gaps, so the newest is the one that has no successor.
NEWEST = """
    WHERE NOT EXISTS (
        SELECT 1 FROM findings AS later
        WHERE later.text_id = findings.text_id AND later.question_id = findings.question_id
          AND later.reader_id = findings.reader_id AND later.round = findings.round
          AND later.revision = findings.revision + 1)"""

VIEWS = {
    "all_findings": FINDINGS,
    "current_findings": FINDINGS + NEWEST,
    "current_quotes": """
        SELECT current_findings.paper, current_findings.question, current_findings.reader, current_findings.round,
               current_findings.verdict, quotes.position, quotes.said, quotes.text, quotes.located, quotes.score,
               quotes.spans, quotes.finding_id
        FROM current_findings JOIN quotes ON quotes.finding_id = current_findings.id""",
    "current_papers": """
        SELECT papers.id, papers.name, papers.doi, papers.title, papers.year, documents.text_digest,
               documents.parser, documents.pages, documents.characters, documents.reason, documents.failure
        FROM papers
        LEFT JOIN documents
          ON documents.id = (SELECT max(newest.id) FROM documents AS newest WHERE newest.paper_id = papers.id)
        WHERE papers.id = (SELECT max(newest.id) FROM papers AS newest WHERE newest.name = papers.name)""",
    "unreadable_papers": "SELECT name, reason, failure FROM current_papers WHERE reason IS NOT NULL",
    "run_log": """
        SELECT runs.id, runs.at AS started, run_ends.at AS finished, run_ends.outcome, run_ends.decisions_digest,
               run_ends.counts, runs.manifest
        FROM runs LEFT JOIN run_ends ON run_ends.run_id = runs.id""",
}


def _number() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _name() -> sa.types.TypeEngine[str]:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _id() -> sa.Column[int]:
    return sa.Column("id", _number(), primary_key=True)


def _at() -> sa.Column[object]:
    return sa.Column("at", sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    """Create everything in an empty database."""
    _create_papers()
    _create_protocol()
    _create_runs()
    _create_findings()
    _create_checks()
    for name, query in VIEWS.items():
        op.execute(f"CREATE VIEW {name} AS {query}")
    _refuse_changes()


def _create_papers() -> None:
    op.create_table(
        "papers",
        _id(),
        sa.Column("name", _name(), nullable=False),
        sa.Column("doi", sa.Text()),
        sa.Column("title", sa.Text()),
        sa.Column("year", sa.Integer()),
        _at(),
    )
    op.create_index("papers_by_name", "papers", ["name", "id"])
    op.create_table(
        "files",
        sa.Column("paper_id", _number(), sa.ForeignKey("papers.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("name", _name(), nullable=False),
        sa.Column("digest", _name(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
    )
    op.create_table(
        "documents",
        _id(),
        sa.Column("paper_id", _number(), sa.ForeignKey("papers.id"), nullable=False),
        sa.Column("text_digest", _name()),
        sa.Column("parser", sa.Text()),
        sa.Column("pages", sa.Integer()),
        sa.Column("characters", sa.Integer()),
        sa.Column("reason", sa.Text()),
        sa.Column("failure", sa.Text()),
        _at(),
    )
    op.create_index("documents_by_paper", "documents", ["paper_id", "id"])
    op.create_table(
        "texts",
        _id(),
        sa.Column("paper", _name(), nullable=False),
        sa.Column("digest", _name(), nullable=False),
        sa.UniqueConstraint("paper", "digest", name="one_row_per_text"),
    )


def _create_protocol() -> None:
    op.create_table(
        "questions",
        _id(),
        sa.Column("question", _name(), nullable=False),
        sa.Column("digest", _name(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("guidance", sa.Text(), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("unit", sa.Text()),
        _at(),
        sa.UniqueConstraint("question", "digest", name="one_row_per_question_version"),
    )
    op.create_table(
        "readers",
        _id(),
        sa.Column("reader", _name(), nullable=False),
        sa.Column("digest", _name(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        _at(),
        sa.UniqueConstraint("reader", "digest", name="one_row_per_reader_version"),
    )


def _create_runs() -> None:
    op.create_table("runs", _id(), sa.Column("manifest", sa.JSON(), nullable=False), _at())
    op.create_table(
        "run_ends",
        sa.Column("run_id", _number(), sa.ForeignKey("runs.id"), primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("decisions_digest", sa.Text()),
        sa.Column("counts", sa.JSON(), nullable=False),
        _at(),
    )
    op.create_table(
        "replies",
        _id(),
        sa.Column("run_id", _number(), sa.ForeignKey("runs.id")),
        sa.Column("reader_id", _number(), sa.ForeignKey("readers.id"), nullable=False),
        sa.Column("request_digest", _name(), nullable=False),
        sa.Column("shown_digest", _name(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("served_model", sa.Text()),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("input_tokens", sa.Integer()),
        sa.Column("output_tokens", sa.Integer()),
        sa.Column("seconds", sa.Double()),
        sa.Column("finish_reason", sa.Text()),
        _at(),
    )
    op.create_index("replies_by_request", "replies", ["request_digest", "id"])
    op.create_table(
        "locks",
        sa.Column("name", _name(), primary_key=True),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat", sa.DateTime(timezone=True), nullable=False),
    )


def _create_findings() -> None:
    op.create_table(
        "findings",
        _id(),
        sa.Column("text_id", _number(), sa.ForeignKey("texts.id"), nullable=False),
        sa.Column("question_id", _number(), sa.ForeignKey("questions.id"), nullable=False),
        sa.Column("reader_id", _number(), sa.ForeignKey("readers.id"), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("run_id", _number(), sa.ForeignKey("runs.id")),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("value", sa.Text()),
        sa.Column("unit", sa.Text()),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("score", sa.Double()),
        sa.Column("seconds", sa.Double()),
        sa.Column("input_tokens", sa.Integer()),
        sa.Column("output_tokens", sa.Integer()),
        sa.Column("cost_usd", sa.Double()),
        sa.Column("error", sa.Text()),
        sa.Column("failure", sa.Text()),
        _at(),
        sa.UniqueConstraint("text_id", "question_id", "reader_id", "round", "revision", name="one_row_per_revision"),
    )
    op.create_table(
        "quotes",
        sa.Column("finding_id", _number(), sa.ForeignKey("findings.id"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("located", sa.Text(), nullable=False),
        sa.Column("score", sa.Double()),
        sa.Column("spans", sa.JSON(), nullable=False),
    )


def _create_checks() -> None:
    op.create_table(
        "audits",
        _id(),
        sa.Column("item", _name(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("faithful", sa.Boolean(), nullable=False),
        sa.Column("sentences", sa.JSON(), nullable=False),
        _at(),
    )
    op.create_table(
        "reviews",
        _id(),
        sa.Column("finding_id", _number(), sa.ForeignKey("findings.id"), nullable=False),
        sa.Column("coder", _name(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        _at(),
    )
    op.create_index("reviews_by_finding", "reviews", ["finding_id"])


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
        for table in APPEND_ONLY:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
    else:
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_refuse_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
