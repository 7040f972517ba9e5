"""Alembic's environment, one for all services: `libs.common.db.migrate` hands it a connection and a schema."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    version_table_schema=attributes["service"],
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
