"""A step's commit in one statement, and so in one trip to the database and back."""

import functools
from collections.abc import Mapping, Sequence

import psycopg
from psycopg.errors import UniqueViolation

from jupyter_flows.core import errors
from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.store.postgres.writer import PostgresWriter

MOST = 8
"""Of so many events, or blobs, at the most; each number is a statement that PostgreSQL keeps."""

_COLUMNS = ("seq", "at", "kind", "body", "hash")

# The lock on the run's row is what a claim waits for, and what waits for a claim. Which one came
# second sees the other: this statement finds no row then, and writes nothing.
_STATEMENT = """
with mine as materialized (select id from runs where id = %s and epoch = %s for update),
told as (insert into events (run_id, seq, at, kind, body, hash)
  select mine.id, new.* from mine, (values {events}) as new)
{kept}
select pg_notify('jupyter_flows', 'e:' || id || ':' || %s::text),
  case when %s then '' else set_config('synchronous_commit', 'off', true) end
from mine
"""
_KEPT = """, kept as (insert into blobs (digest, data)
  select new.* from mine, (values {blobs}) as new on conflict do nothing)"""
_EVENT = "(%s::int, %s::float8, %s::text, %s::text, %s::text)"
_BLOB = "(%s::text, %s::bytea)"


@functools.cache
def _statement(events: int, blobs: int) -> str:
    kept = _KEPT.format(blobs=", ".join([_BLOB] * blobs)) if blobs else ""
    return _STATEMENT.format(events=", ".join([_EVENT] * events), kept=kept)


def commit(
    writer: PostgresWriter,
    run: RunId,
    epoch: int,
    rows: Sequence[Mapping[str, object]],
    blobs: Sequence[tuple[Digest, bytes]],
    *,
    durable: bool,
) -> bool:
    """One transaction. False where it is not known to be done, as when the connection is lost.
    Raises Fenced and Conflict; then nothing is done.
    """
    if len(rows) > MOST or len(blobs) > MOST:
        return False
    values = [run, epoch, *(row[name] for row in rows for name in _COLUMNS)]
    values += [part for blob in blobs for part in blob]
    values += [str(rows[-1]["seq"]), durable]
    try:
        statement = _statement(len(rows), len(blobs))
        found = writer.driver().execute(statement, values, prepare=True).fetchone()
    except UniqueViolation as error:
        raise errors.Conflict from error
    except psycopg.Error:
        return False
    if found is None:
        raise errors.Fenced
    return True
