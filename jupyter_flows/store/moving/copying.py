"""A store copied to another place, of the same kind or not: all of it or nothing."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from jupyter_flows.core.canonical import chained
from jupyter_flows.core.errors import StoreUnavailable
from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.store import tables
from jupyter_flows.store.blobs import SMALL
from jupyter_flows.store.bodies import whole
from jupyter_flows.store.moving import places
from jupyter_flows.store.moving.places import COPIED, Place
from jupyter_flows.store.raw import raw_rows, text
from jupyter_flows.store.upserts import put

_BATCH = 500
"""Rows that are read and written at a time."""

_APART = frozenset({"blobs", "partials"})
"""Tables of what lies in files on SQLite."""

_WRITTEN = 16 * 1024 * 1024
"""Bytes of large blobs that are in memory at the most, and one more."""

Told = Callable[[str, int, int], None]
"""Hears of a table how many rows of how many are copied."""


class CarryKeys(Protocol):
    """Brings the keys along, which sign links and receipts and encrypt variables."""

    def __call__(
        self, source: Place, target: Place, old: sa.Connection, new: sa.Connection, /
    ) -> None:
        """In the transactions of both, behind all else."""


@dataclass(slots=True)
class Moved:
    """What was copied. `lost` are blobs that were damaged or gone at the source, `broken` runs
    whose logs did not stand there as they were written.
    """

    counts: dict[str, int] = field(default_factory=dict)
    lost: list[Digest] = field(default_factory=list)
    broken: list[RunId] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _End:
    place: Place
    connection: sa.Connection


def move(source: Place, target: Place, told: Told, *, carry_keys: CarryKeys | None = None) -> Moved:
    """Copy all, then compare all, then commit. Without `carry_keys` the target has no keys. Raises
    BadInput where the places don't allow it, and StoreUnavailable; then the target is as it was.
    """
    with ExitStack() as opened:
        here = opened.enter_context(_disposed(places.open_source(source)))
        with here.connect() as connection:
            places.check_unused(source, connection)
        there = opened.enter_context(_disposed(places.open_target(target)))
        places.check_apart((source, here), (target, there))
        try:
            old = _End(source, opened.enter_context(_alone(here)))
            new = _End(target, opened.enter_context(_alone(there)))
            for end in (old, new):
                places.check_unused(end.place, end.connection)
            places.check_empty(target, new.connection)
            moved = _moved(old, new, told, carry_keys)
            opened.close()
        except sa.exc.DBAPIError as error:
            said = " ".join(str(error.orig).split())
            raise StoreUnavailable(f"Nothing was copied: {said}") from error
    return moved


@contextmanager
def _disposed(engine: sa.Engine) -> Iterator[sa.Engine]:
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """In one transaction, with the database for itself alone; it is committed at the end."""
    with engine.connect() as found:
        connection = found.execution_options(writes=True)
        with connection.begin():
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
                connection.exec_driver_sql("lock table runs, servers in exclusive mode")
            yield connection


def _moved(here: _End, there: _End, told: Told, carry_keys: CarryKeys | None) -> Moved:
    moved, files = Moved(), _Files(there.place)
    try:
        for table in COPIED:
            if table.name not in _APART:
                moved.counts[table.name] = _copy(here, there, table, told)
        there.connection.execute(sa.update(tables.runs).values(server=None))
        moved.counts["blobs"], moved.lost = _copy_blobs(here, there, files, told)
        moved.counts["partials"] = _copy_partials(here, there, files, told)
        _compare_counts(there, moved)
        moved.broken = _compare_logs(here, there, told)
        if carry_keys is not None:
            carry_keys(here.place, there.place, here.connection, there.connection)
        files.sync()
    except BaseException:
        files.remove()
        raise
    return moved


def _count(end: _End, table: sa.Table) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    return int(end.connection.execute(query).scalar_one())


def _copy(here: _End, there: _End, table: sa.Table, told: Told) -> int:
    total, done = _count(here, table), 0
    told(table.name, done, total)
    found = here.connection.execution_options(yield_per=_BATCH).execute(sa.select(table))
    for batch in found.mappings().partitions():
        there.connection.execute(sa.insert(table), [dict(row) for row in batch])
        done += len(batch)
        told(table.name, done, total)
    return done


# ------------------------------------------------------------ what may lie in files


class _Files:
    """What was written as files at the target: brought to the disk, or removed again."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._blobs = place.blobs()
        self._parts = place.parts()
        self._digests: list[Digest] = []
        self._runs: list[RunId] = []

    def keep(self, data: bytes) -> bool:
        """Whether it became a file, and is to be no row."""
        if self._blobs is None or len(data) <= SMALL:
            return False
        self._digests.append(self._blobs.keep(data))
        if self._blobs.kept_bytes > _WRITTEN:
            self._blobs.write()
        return True

    def save(self, run: RunId, data: bytes) -> bool:
        if self._parts is None:
            return False
        self._runs.append(run)
        self._parts.save(run, data)
        return True

    def written(self) -> None:
        if self._blobs is not None:
            self._blobs.write()

    def sync(self) -> None:
        if self._blobs is not None:
            self._blobs.sync()

    def remove(self) -> None:
        for digest in self._digests:
            if self._blobs is not None:
                self._blobs.path(digest).unlink(missing_ok=True)
        for run in self._runs:
            if self._parts is not None:
                self._parts.save(run, None)


def _copy_blobs(here: _End, there: _End, files: _Files, told: Told) -> tuple[int, list[Digest]]:
    """How many were copied, and which could not be. Large ones are not in memory together."""
    c = tables.blobs.c
    rows = here.connection.execute(sa.select(c.digest).order_by(c.digest)).scalars().all()
    digests = dict.fromkeys([Digest(row) for row in rows] + list(here.place.blob_files()))
    lost, done = list[Digest](), 0
    told("blobs", 0, len(digests))
    for number, digest in enumerate(digests, 1):
        try:
            data = here.place.blob(here.connection, digest)
        except KeyError:
            lost.append(digest)
        else:
            if not files.keep(data):
                put(there.connection, tables.blobs, {"digest": digest, "data": data})
            done += 1
        if number % _BATCH == 0 or number == len(digests):
            told("blobs", number, len(digests))
    files.written()
    return done, lost


def _copy_partials(here: _End, there: _End, files: _Files, told: Told) -> int:
    c = tables.partials.c
    found = here.connection.execute(sa.select(c.run_id, c.data)).all()
    parts = {RunId(row.run_id): bytes(row.data) for row in found}
    kept = here.place.parts()
    for run in here.place.part_files():
        parts[run] = (kept.read(run) if kept else None) or b""
    for run, data in parts.items():
        if not files.save(run, data):
            put(there.connection, tables.partials, {"run_id": run, "data": data})
    told("partials", len(parts), len(parts))
    return len(parts)


# ------------------------------------------------------------ whether it is the same


def _compare_counts(there: _End, moved: Moved) -> None:
    for table in COPIED:
        count = moved.counts[table.name]
        found = _count(there, table)
        if table.name == "blobs":
            found += sum(1 for _ in there.place.blob_files())
        if table.name == "partials":
            found += len(there.place.part_files())
        if found != count:
            raise StoreUnavailable(
                f"Nothing was copied: of {count} rows of {table.name} {found} arrived."
            )


def _compare_logs(here: _End, there: _End, told: Told) -> list[RunId]:
    """Which runs' logs are broken, here as there."""
    c = tables.events.c
    runs = here.connection.execute(sa.select(c.run_id).distinct().order_by(c.run_id)).scalars()
    broken = list[RunId]()
    ids = [RunId(run) for run in runs]
    told("logs compared", 0, len(ids))
    for number, run in enumerate(ids, 1):
        log = _log(here, run)
        if log != _log(there, run):
            raise StoreUnavailable(f"Nothing was copied: the log of run {run} arrived otherwise.")
        if not _is_chained(log):
            broken.append(run)
        if number % _BATCH == 0 or number == len(ids):
            told("logs compared", number, len(ids))
    return broken


def _log(end: _End, run: RunId) -> list[tuple[Any, ...]]:
    is_sqlite = end.connection.dialect.name == "sqlite"
    rows = end.connection.execute(raw_rows(run, is_sqlite=is_sqlite)).all()
    return [(r.seq, r.at, text(r.kind), _body(end, text(r.body)), text(r.hash)) for r in rows]


def _body(end: _End, stored: str) -> str:
    """As it stands there, where what it names is lost."""
    try:
        return whole(stored, lambda digest: end.place.blob(end.connection, digest))
    except (KeyError, UnicodeDecodeError, AttributeError):
        return stored


def _is_chained(log: list[tuple[Any, ...]]) -> bool:
    before = ""
    for expected, (seq, at, kind, body, found) in enumerate(log, 1):
        if seq != expected or chained(before, seq, at, kind, body) != found:
            return False
        before = found
    return True
