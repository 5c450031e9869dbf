"""The tables of Procrastinate in the database: made once, by whoever comes first."""

import sqlalchemy as sa
from procrastinate.schema import SchemaManager

_LOCK = 0x6A66_6A6F_6273
"""Of PostgreSQL's advisory locks; any number that is ours."""


def ensure(connection: sa.Connection) -> None:
    """Within a transaction. Raises what the database does, where it may not be written."""
    if _is_there(connection):
        return
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if not _is_there(connection):
        driver = connection.connection.driver_connection
        driver.execute(SchemaManager.get_schema())  # type: ignore[union-attr]


def _is_there(connection: sa.Connection) -> bool:
    # Of the catalogue's rows: what `to_regclass` remembers may be older than the lock.
    found = sa.text(
        "select 1 from pg_catalog.pg_class where relname = 'procrastinate_jobs'"
        " and relnamespace = current_schema()::regnamespace"
    )
    return connection.execute(found).first() is not None
