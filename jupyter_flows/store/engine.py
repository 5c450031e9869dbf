"""Opening the database: its settings, and its schema brought up to date by migrations."""

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from jupyter_flows.core.errors import StoreUnavailable
from jupyter_flows.store.postgres import opening

HEAD = "0009"
"""The newest migration. A database that says so is not migrated (Alembic is slow to load)."""

_NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "9p", "fuse.sshfs", "lustre", "gpfs")


class NetworkFileSystemError(StoreUnavailable):
    """SQLite can't share its log over a network file system."""


def open_engine(url: str) -> sa.Engine:
    """An engine on an up-to-date database: of `sqlite:///FILE`, or of an address as `opening` takes
    it. Raises StoreUnavailable.
    """
    engine = _sqlite(url) if url.startswith("sqlite:") else opening.make_engine(url)
    try:
        if engine.dialect.name == "postgresql":
            opening.check(engine)
        _migrate(engine)
    except sa.exc.DBAPIError as error:
        shown = url if engine.dialect.name == "sqlite" else opening.shown(engine.url)
        said = " ".join(str(error.orig).split())
        raise StoreUnavailable(f"The store {shown} can't be opened: {said}") from error
    return engine


def _sqlite(url: str) -> sa.Engine:
    engine = sa.create_engine(url)
    _prepare_sqlite(engine)
    return engine


def libpq_url(url: str) -> str:
    """The address as libpq takes it: without SQLAlchemy's name of the driver."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


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


def version_of(connection: sa.Connection) -> str | None:
    """The newest migration that this database has had; None for one that has none of ours."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(sa.text("select version_num from alembic_version"))
    return version


def _migrate(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        found = version_of(connection)
    if found == HEAD:
        return
    if found is not None and not re.fullmatch(r"\d{4}", found):
        raise StoreUnavailable(
            "The store holds another program's tables. Name a database of its own."
        )
    if found is not None and found > HEAD:
        raise StoreUnavailable(
            "The store was written by a newer version of jupyter_flows: its tables are those of"
            f" {found}, and this version knows them up to {HEAD}."
        )
    from alembic import command  # noqa: PLC0415 (slow to load, and seldom needed)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "jupyter_flows.store:migrations")
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            opening.lock_for_migrating(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
