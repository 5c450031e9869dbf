"""Where Alembic enters: it runs on the connection that it is handed, in one transaction."""

from alembic import context

from jupyter_flows.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
