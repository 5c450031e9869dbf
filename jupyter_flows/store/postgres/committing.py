"""Events and all that they change, committed by one statement, and so in one trip to the database
and back.
"""

import functools
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import psycopg
import sqlalchemy as sa
from psycopg.errors import LockNotAvailable, UniqueViolation
from sqlalchemy.dialects import postgresql

from jupyter_flows.core import errors
from jupyter_flows.store import tables
from jupyter_flows.store.postgres.writer import PostgresWriter
from jupyter_flows.store.sides import Append, Rows

_log = logging.getLogger(__name__)

MOST = 8
"""Of so many rows of a kind, at the most; each number is a statement that PostgreSQL keeps."""

Shape: TypeAlias = tuple[tuple[str, ...], int]
"""The columns of rows of one table, and how many they are."""

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]

# The lock on the run's row is what a claim waits for, and what waits for a claim. Which one came
# second sees the other: this statement finds no row of that epoch then, and writes nothing.
_STATEMENT = """
with mine as materialized (select id, server from runs where id = %s{epoch} for update){parts}
select pg_notify('jupyter_flows', 'e:' || id || ':' || %s::text),
  case when %s then '' else set_config('synchronous_commit', 'off', true) end{also}
from mine
"""


def takes(append: Append) -> bool:
    """Whether it is one statement."""
    changes = append.changes
    return max(map(len, (append.rows, append.blobs, changes.gates, changes.links))) <= MOST


def commit(writer: PostgresWriter, append: Append) -> bool:
    """As `Side.commit`."""
    statement, values = _statement_of(append)
    try:
        found = writer.driver().execute(statement, values, prepare=True).fetchone()
    except UniqueViolation as error:
        raise errors.Conflict from error
    except LockNotAvailable as error:
        raise sa.exc.OperationalError(statement, None, error) from error
    except psycopg.Error as error:
        _log.debug(
            "run %s: an append goes the long way: %s", append.run, error.diag.message_primary
        )
        return False
    if found is None:
        raise errors.Conflict if append.epoch is None else errors.Fenced
    return True


def _statement_of(append: Append) -> tuple[str, list[object]]:
    """With its values."""
    changes, (also, given) = append.changes, append.also or ("", ())
    statement = _statement(
        _shape(append.rows),
        len(append.blobs),
        tuple(changes.run),
        _shape(changes.gates),
        _shape(changes.links),
        also=also,
        is_driver=append.epoch is not None,
    )
    values: list[object] = [append.run] if append.epoch is None else [append.run, append.epoch]
    values += _values(tables.events, append.rows)
    values += [part for blob in append.blobs for part in blob]
    values += _values(tables.runs, [changes.run])
    values += _values(tables.gates, changes.gates)
    values += _values(tables.links, changes.links)
    values += [str(append.rows[-1]["seq"]), append.durable, *given]
    return statement, values


def _shape(rows: Rows) -> Shape:
    return (tuple(rows[0]), len(rows)) if rows else ((), 0)


# In these are names of tables and columns, and no value.
@functools.cache
def _statement(
    events: Shape,
    blobs: int,
    run: tuple[str, ...],
    gates: Shape,
    links: Shape,
    *,
    also: str,
    is_driver: bool,
) -> str:
    parts = [_inserted(tables.events, events)]
    if blobs:
        kept = _inserted(tables.blobs, (("digest", "data"), blobs), " on conflict do nothing")
        parts.append(kept)
    if run:
        new = ", ".join(f"{name} = {_place(tables.runs, name)}" for name in run)
        parts.append(f"runs_ as (update runs set {new} from mine where runs.id = mine.id)")  # noqa: S608
    for table, shape in ((tables.gates, gates), (tables.links, links)):
        if shape[1]:
            parts.append(_inserted(table, shape, _over(table, shape[0])))
    return _STATEMENT.format(
        epoch=" and epoch = %s" if is_driver else "",
        parts="".join(f",\n{each}" for each in parts),
        also=f",\n  {also}" if also else "",
    )


def _inserted(table: sa.Table, shape: Shape, on_conflict: str = "") -> str:
    names, count = shape
    row = f"({', '.join(_place(table, name) for name in names)})"
    return (
        f"{table.name}_ as (insert into {table.name} ({', '.join(names)})"  # noqa: S608
        f" select new.* from mine, (values {', '.join([row] * count)}) as new{on_conflict})"
    )


def _place(table: sa.Table, column: str) -> str:
    """Without a text's length: a cast to that would cut the text, where the column refuses it."""
    kind = table.c[column].type.compile(_DIALECT).partition("(")[0]
    return f"%s::{kind}"


def _over(table: sa.Table, names: Iterable[str]) -> str:
    """Over the row with the same key."""
    key = ", ".join(column.name for column in table.primary_key)
    rest = [name for name in names if not table.c[name].primary_key]
    new = ", ".join(f"{name} = excluded.{name}" for name in rest)
    return f" on conflict ({key}) do update set {new}"


def _values(table: sa.Table, rows: Sequence[Mapping[str, object]]) -> list[object]:
    """As the columns' types write them."""
    return [
        value if write is None else write(value)
        for row in rows
        for value, write in ((value, _write(table, name)) for name, value in row.items())
    ]


@functools.cache
def _write(table: sa.Table, column: str) -> Any:
    return table.c[column].type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
