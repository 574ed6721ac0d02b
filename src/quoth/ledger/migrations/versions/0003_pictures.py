"""Pages of a paper whose words are not those of a text layer: read by OCR, or not read.

A migration is frozen: it imports nothing of quoth.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CURRENT_PAPERS = """
        SELECT papers.id, papers.name, COALESCE(papers.doi, documents.doi) AS doi,
               COALESCE(papers.title, documents.title) AS title, COALESCE(papers.year, documents.year) AS year,
               documents.text_digest, documents.parser, documents.pages, documents.characters, documents.reason,
               documents.failure, documents.hidden, documents.pictures
        FROM papers
        LEFT JOIN documents
          ON documents.id = (SELECT max(newest.id) FROM documents AS newest WHERE newest.paper_id = papers.id)
        WHERE papers.id = (SELECT max(newest.id) FROM papers AS newest WHERE newest.name = papers.name)"""
UNREADABLE_PAPERS = "SELECT name, reason, failure FROM current_papers WHERE reason IS NOT NULL"


def upgrade() -> None:
    """A new column, empty for what was read before; the views that show it are made anew."""
    op.add_column("documents", sa.Column("pictures", sa.JSON()))
    op.execute("DROP VIEW unreadable_papers")
    op.execute("DROP VIEW current_papers")
    op.execute(f"CREATE VIEW current_papers AS {CURRENT_PAPERS}")
    op.execute(f"CREATE VIEW unreadable_papers AS {UNREADABLE_PAPERS}")
