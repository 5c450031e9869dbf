"""How a PostgreSQL database is reached, and in which words it is said that it can't be."""

from typing import Any

import sqlalchemy as sa

from jupyter_flows.core.errors import StoreUnavailable

OLDEST = 13
"""The oldest version of PostgreSQL that is taken."""

# A network that is lost without a word is known as lost within about 10 s, whatever was under way.
REACH: dict[str, int] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""As libpq names them, whose own default is hours; what the address itself says goes before."""

_SESSION = (
    "lock_timeout=10s",
    "idle_in_transaction_session_timeout=30s",  # a server that is lost keeps no row locked
    "default_transaction_isolation=read\\ committed",
)

_MIGRATING = 0x6A66_6C6F_7773  # the advisory lock of those who make the tables: "jflows"


def make_engine(said: str) -> sa.Engine:
    """An engine for an address as users write it (`postgresql://…`), not connected yet. Raises
    StoreUnavailable for one that is no address.
    """
    url = _url(said)
    reaching = {name: value for name, value in REACH.items() if name not in url.query}
    asked = url.query.get("options", "")
    session = " ".join(f"-c {setting}" for setting in _SESSION)
    try:
        return sa.create_engine(
            url.difference_update_query(["options"]),
            connect_args={
                **reaching,
                "client_encoding": "utf8",
                "options": f"{session} {asked}".strip(),
            },
            pool_pre_ping=True,
            pool_size=3,
            pool_timeout=10,
            hide_parameters=True,
        )
    except ModuleNotFoundError:
        raise StoreUnavailable(
            "FlowsApp.database_url needs the package's extra for PostgreSQL:"
            " pip install 'jupyter-flows[postgres]'"
        ) from None


def _url(said: str) -> sa.URL:
    try:
        url = sa.make_url(said)
    except (sa.exc.ArgumentError, ValueError):
        url = None
    if url is None or "@" in (url.host or ""):
        raise StoreUnavailable(
            "FlowsApp.database_url can't be read. It is written postgresql://user@host:5432/name;"
            " of a password in it, each of @ : / ? # % is written by its number, as %40 for @."
        )
    return url.set(drivername="postgresql+psycopg")


def shown(url: sa.URL) -> str:
    """The address as anybody may read it: without a password, and without options."""
    host = url.host or url.query.get("host") or "localhost"
    user = f"{url.username}@" if url.username else ""
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{user}{host}{port}/{url.database or ''}"


def check(engine: sa.Engine) -> None:
    """Raises StoreUnavailable for a database that is too old, of other texts or only to be read,
    and DBAPIError for one that can't be reached.
    """
    query = sa.text(
        "select current_setting('server_version_num')::int as number,"
        " current_setting('server_version') as version,"
        " current_setting('server_encoding') as encoding,"
        " current_setting('transaction_read_only') as read_only"
    )
    with engine.connect() as connection:
        found = connection.execute(query).one()
    if found.number < OLDEST * 10_000:
        why = f"it is of PostgreSQL {found.version}, and {OLDEST} or newer is needed"
    elif found.encoding != "UTF8":
        why = f"its texts are encoded as {found.encoding}, and must be as UTF8"
    elif found.read_only == "on":
        why = "it can only be read, as a standby"
    else:
        return
    raise StoreUnavailable(f"The database {shown(engine.url)} can't be used: {why}.")


def lock_for_migrating(connection: sa.Connection) -> None:
    """Until the transaction's end no other server makes tables here; who is late waits."""
    settings: dict[str, Any] = {"lock_timeout": "5min", "idle_in_transaction_session_timeout": "0"}
    for name, value in settings.items():
        connection.exec_driver_sql(f"set local {name} = '{value}'")
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
