"""Where a store lies, as somebody names it who wants it copied; and what speaks against copying."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.errors import BadInput, StoreUnavailable
from jupyter_flows.core.model import Digest, RunId
from jupyter_flows.store import tables
from jupyter_flows.store.blobs import Blobs, FileParts
from jupyter_flows.store.engine import open_engine, version_of
from jupyter_flows.store.peers import PeerFolder
from jupyter_flows.store.postgres import opening

FILE = "flows.db"

NOT_COPIED = frozenset({"servers", "questions", "keys"})
"""Of the servers that were; and the keys, which are encrypted in a way of the place's own."""

COPIED = tuple(t for t in tables.metadata.sorted_tables if t.name not in NOT_COPIED)


@dataclass(frozen=True, slots=True)
class Place:
    """`said` is it in its user's words, without a password; `folder` is None on PostgreSQL."""

    said: str
    url: str
    folder: Path | None

    def blobs(self) -> Blobs | None:
        return None if self.folder is None else Blobs(self.folder / "blobs")

    def parts(self) -> FileParts | None:
        return None if self.folder is None else FileParts(self.folder / "partial")

    def blob_files(self) -> Iterator[Digest]:
        """Of what lies in files here."""
        names = () if self.folder is None else (self.folder / "blobs").glob("*/*")
        for path in sorted(names):
            if re.fullmatch("[0-9a-f]{64}", path.name):
                yield Digest(f"sha256:{path.name}")

    def part_files(self) -> list[RunId]:
        found = () if self.folder is None else (self.folder / "partial").glob("*.json")
        return [RunId(path.stem) for path in sorted(found)]

    def blob(self, connection: sa.Connection, digest: Digest) -> bytes:
        """Raises KeyError for one that is not there, or not what its name says."""
        c = tables.blobs.c
        found = connection.execute(sa.select(c.data).where(c.digest == digest)).scalar()
        files = self.blobs()
        if found is None and files is None:
            raise KeyError(digest)
        data = files.read(digest) if found is None and files else bytes(found or b"")
        if sha256(data) != digest:
            raise KeyError(digest)
        return data


def place_of(said: str) -> Place:
    """Of a `postgresql://` address, a data folder, or the file in one. Raises BadInput."""
    if "://" in said:
        if not re.match(r"postgresql(\+psycopg)?://", said):
            kind = said.partition("://")[0]
            raise BadInput(f"An address must begin with postgresql://, not with {kind}://.")
        engine = opening.make_engine(said)
        return Place(opening.shown(engine.url), said, None)
    path = Path(said).expanduser()
    if path.is_file() and path.name != FILE:
        raise BadInput(f"{path} is no data folder, and not the {FILE} of one.")
    folder = (path.parent if path.name == FILE else path).absolute()
    return Place(str(folder), f"sqlite:///{folder / FILE}", folder)


def open_source(place: Place) -> sa.Engine:
    """The store there, its tables brought up to date, as every server does. Raises BadInput for
    none, and StoreUnavailable.
    """
    if place.folder is not None and not (place.folder / FILE).is_file():
        raise BadInput(f"There is no store in {place.said}: it has no {FILE}.")
    if _version(place) is None:
        raise BadInput(f"{place.said} holds no store of jupyter_flows.")
    return open_engine(place.url)


def open_target(place: Place) -> sa.Engine:
    """The store there, made if there is none. Raises StoreUnavailable."""
    if place.folder is not None:
        try:
            place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreUnavailable(
                f"The data folder {place.said} can't be made: {error.strerror}"
            ) from None
    return open_engine(place.url)


def _version(place: Place) -> str | None:
    engine = opening.make_engine(place.url) if place.folder is None else sa.create_engine(place.url)
    try:
        with engine.connect() as connection:
            return version_of(connection)
    except sa.exc.DBAPIError as error:
        said = " ".join(str(error.orig).split())
        raise StoreUnavailable(f"The store {place.said} can't be opened: {said}") from None
    finally:
        engine.dispose()


def check_apart(source: tuple[Place, sa.Engine], target: tuple[Place, sa.Engine]) -> None:
    """Raises BadInput for one place in two ways of writing."""
    if _identity(*source) == _identity(*target):
        raise BadInput(f"FROM and TO are one store: {source[0].said}.")


def _identity(place: Place, engine: sa.Engine) -> object:
    if place.folder is not None:
        return (place.folder / FILE).resolve()
    with engine.connect() as connection:
        named = "select current_database(), pg_postmaster_start_time()"
        return tuple(connection.exec_driver_sql(named).one())


def check_unused(place: Place, connection: sa.Connection) -> None:
    """Raises BadInput while servers are alive there."""
    if place.folder is not None:
        alive = PeerFolder(place.folder / "servers").living()
    else:
        now = "extract(epoch from clock_timestamp())"
        living = f"select id from servers where lease_until > {now} order by id"  # noqa: S608
        alive = list(connection.exec_driver_sql(living).scalars())
    if alive:
        raise BadInput(
            f"{place.said} is in use by {', '.join(alive)}. Stop all servers and runs first"
            " (a server that was killed counts as alive for 15 s on PostgreSQL)."
        )


def check_empty(place: Place, connection: sa.Connection) -> None:
    """Raises BadInput."""
    held = []
    for table in (*COPIED, tables.keys):
        count = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        held += [f"{count} in {table.name}"] if count else []
    held += ["files of blobs"] if next(place.blob_files(), None) else []
    if held:
        raise BadInput(f"TO must be empty, and {place.said} holds rows: {', '.join(held)}.")
