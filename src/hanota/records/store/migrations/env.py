"""How Alembic runs our migrations: on the connection that the store gives it."""

from alembic import context

from hanota.records.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
