"""What Alembic runs to migrate: the connection, with its transaction, is given by `quoth.ledger.database`."""

from alembic import context

from quoth.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
