"""The files of databases, each open once in this process while somebody uses it."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_flows.core.errors import NotOffered, Unavailable
from jupyter_flows.core.sql import LAKE, Database, Kind


def duckdb() -> Any:
    """The package. Raises NotOffered where it is not installed."""
    try:
        import duckdb as found  # noqa: PLC0415 (optional)
    except ImportError:
        raise NotOffered(
            "SQL needs DuckDB beside the server: pip install 'jupyter-flows[duckdb]'"
        ) from None
    return found


class Files:
    """A file is let go with its last user, so that another process can have it."""

    def __init__(self, folder: Path, memory_bytes: int) -> None:
        self._folder = folder
        self._memory = memory_bytes
        self._lock = threading.Lock()
        self._open: dict[Database, Any] = {}
        self._users: Counter[Database] = Counter()

    @contextmanager
    def connected(self, database: Database) -> Iterator[Any]:
        """A connection of its own. It blocks. Raises NotOffered, Unavailable."""
        connection = self._connect(database)
        try:
            yield connection
        finally:
            self._leave(database, connection)

    def _connect(self, database: Database) -> Any:
        with self._lock:
            if database not in self._open:
                self._open[database] = self._opened(database)
            self._users[database] += 1
            connection = self._open[database].cursor()
        place = LAKE if database.kind is Kind.DUCKLAKE else f"{LAKE}.public"
        connection.execute(f"USE {place}")
        return connection

    def _leave(self, database: Database, connection: Any) -> None:
        connection.close()
        with self._lock:
            self._users[database] -= 1
            if self._users[database] <= 0:
                del self._users[database]
                self._open.pop(database).close()

    def _opened(self, database: Database) -> Any:
        """With nothing but its own file in reach, for good: neither other files nor extensions, nor
        the variables of this process.
        """
        found = duckdb()
        folder = self._folder / f"{database.kind}s"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        root = found.connect(":memory:")
        try:
            root.execute(f"ATTACH '{_quoted(folder / f'{database.name}.duckdb')}' AS {LAKE}")
        except found.IOException as error:
            root.close()
            raise Unavailable(
                f"The {database.kind} {database.name!r} can't be opened now; does another process"
                f" have it? {error}"[:500]
            ) from None
        if database.kind is Kind.DATATABLE:
            root.execute(f"CREATE SCHEMA IF NOT EXISTS {LAKE}.public")
        for setting in self._settings():
            root.execute(f"SET {setting}")
        return root

    def _settings(self) -> tuple[str, ...]:
        return (
            f"memory_limit = '{self._memory}B'",
            f"temp_directory = '{_quoted(self._folder / 'tmp')}'",
            f"max_temp_directory_size = '{self._memory}B'",
            "python_enable_replacements = false",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            "allow_community_extensions = false",
            "enable_external_access = false",
            "lock_configuration = true",
        )


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
