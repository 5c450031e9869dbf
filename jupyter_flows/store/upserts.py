"""Rows that are written over those with the same key, in one statement: of two writers at one time
none fails, and the last one counts.
"""

import importlib
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa


def insert(dialect: sa.Dialect, table: sa.Table) -> Any:
    """An insert that can say what to do on a conflict: SQLAlchemy has one for each database,
    and the other one's is not loaded.
    """
    return importlib.import_module(f"sqlalchemy.dialects.{dialect.name}").insert(table)


def put(connection: sa.Connection, table: sa.Table, row: Mapping[str, object]) -> None:
    """Insert the row, or update the one with the same primary key."""
    new = insert(connection.dialect, table).values(row)
    rest = {name: new.excluded[name] for name in row if not table.c[name].primary_key}
    connection.execute(new.on_conflict_do_update(index_elements=table.primary_key, set_=rest))


def add(connection: sa.Connection, table: sa.Table, row: Mapping[str, object]) -> bool:
    """Insert the row; False if there is one with the same key, which stays as it is."""
    new = insert(connection.dialect, table).values(row).on_conflict_do_nothing()
    counted = connection.execute(new.execution_options(preserve_rowcount=True))
    return int(counted.rowcount) > 0
