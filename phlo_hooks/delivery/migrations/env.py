"""What Alembic runs: the migrations, on the connection and in the transaction that `upgrade` opened."""

from __future__ import annotations

from alembic import context

from phlo_hooks.delivery.schema import VERSION_TABLE, metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    # SQLite cannot alter a column in place: Alembic then copies the table.
    render_as_batch=connection.dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
