"""Opening the database: its settings, and its schema brought up to date by migrations."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from jupyter_flows.core.errors import StoreUnavailable

HEAD = "0007"
"""The newest migration. A database that says so is not migrated (Alembic is slow to load)."""

_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "fuse.sshfs", "lustre", "gpfs")


class NetworkFileSystemError(StoreUnavailable):
    """SQLite can't share its log over a network file system."""


def open_engine(url: str) -> sa.Engine:
    """An engine on an up-to-date database. Raises StoreUnavailable."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    try:
        _migrate(engine)
    except sa.exc.DatabaseError as error:
        raise StoreUnavailable(f"The store {url} can't be opened: {error.orig}") from error
    return engine


def _prepare_sqlite(engine: sa.Engine) -> None:
    if engine.url.database and engine.url.database != ":memory:":
        check_file_system(Path(engine.url.database).parent)

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, below
        for pragma in ("journal_mode=WAL", "busy_timeout=10000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def check_file_system(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> None:
    """Raises NetworkFileSystemError when the folder lies on a network file system."""
    try:
        rows = [line.split() for line in mounts.read_text().splitlines()]
    except OSError:
        return
    place = folder.resolve()
    holding = [r for r in rows if place == Path(r[1]) or Path(r[1]) in place.parents]
    kind = max(holding, key=lambda r: len(r[1]))[2] if holding else ""
    if kind in _NETWORK:
        raise NetworkFileSystemError(
            f"The data folder {place} is on a network file system ({kind}), where SQLite loses"
            " data. Set FlowsApp.data_dir to a folder on a local disk."
        )


def _migrate(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        if sa.inspect(connection).has_table("alembic_version"):
            query = sa.text("select version_num from alembic_version")
            if connection.execute(query).scalar() == HEAD:
                return
    from alembic import command  # noqa: PLC0415 (slow to load, and seldom needed)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "jupyter_flows.store:migrations")
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
