"""Data tables and ducklakes, each a file of DuckDB in the data folder.

Values are bound, never put into the text. Scripts that only read run at once; those that write wait
for each other, database by database.
"""

import asyncio
import contextlib
import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json
from jupyter_flows.core.sql import Database, Script
from jupyter_flows.sql.files import Files, duckdb
from jupyter_flows.sql.plain import plain

MOST_ROWS = 100_000
"""Of one statement; more are for a program with its own connection."""

AT_ONCE = 8
_PATIENCE = 0.2
"""Seconds between two tries to stop a script."""

_READING = {"SELECT", "SET"}
_OUT_OF_REACH = {"ATTACH", "DETACH", "COPY", "COPY_DATABASE", "EXPORT", "LOAD"}
"""Statements that lead out of the database, or take it away from others."""

_PARTITIONED = re.compile(
    r"\s*ALTER\s+TABLE\s.*\sSET\s+PARTITIONED\s+BY\s.*", re.IGNORECASE | re.DOTALL
)
"""A hint that only a real DuckLake takes; the rows are the same without it."""

_COUNTED = {"INSERT", "UPDATE", "DELETE", "MERGE_INTO"}


class DuckDatabases:
    """Implements `ports.sql.Databases`. A script has so many seconds, and so many bytes."""

    def __init__(self, folder: Path, *, seconds: float, memory_bytes: int) -> None:
        self._files = Files(folder, memory_bytes)
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(AT_ONCE, "jupyter-flows-sql")
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._writing: dict[Database, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self, script: Script) -> Json:
        statements = await asyncio.to_thread(_statements, script.text)
        if all(each.type.name in _READING for each in statements):
            return await self._in_time(script, statements)
        async with self._writing[script.database]:
            return await self._in_time(script, statements)

    async def _in_time(self, script: Script, statements: Sequence[Any]) -> Json:
        async with self._turn:
            work = _Work(self._files, script, statements)
            loop = asyncio.get_running_loop()
            task = loop.run_in_executor(self._threads, work.run)
            try:
                await asyncio.wait({task}, timeout=self._seconds)
            finally:
                while not task.done():
                    work.stop()
                    await asyncio.wait({task}, timeout=_PATIENCE)
            if work.stopped and task.exception() is not None:
                raise BadInput(
                    f"The script took longer than {self._seconds:g} seconds and was stopped; the"
                    " setting is FlowsApp.sql_timeout."
                )
            return task.result()


def _statements(text: str) -> Sequence[Any]:
    """Raises BadInput, NotOffered."""
    package = duckdb()
    with package.connect(":memory:") as parser, _refused():
        found = parser.extract_statements(text)
        kinds = [each.type.name for each in found]
    if not found:
        raise BadInput("There is no statement in this script.")
    for kind in kinds:
        if kind in _OUT_OF_REACH:
            name = kind.replace("_", " ")
            raise BadInput(f"{name} leads out of the database, and is not allowed here.")
    return [each for each in found if not _PARTITIONED.fullmatch(each.query)]


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    """With what DuckDB, or its package, says against a script as BadInput."""
    try:
        yield
    except (duckdb().Error, ValueError, TypeError, OverflowError) as error:
        raise BadInput(str(error)) from None


class _Work:
    """One script's way through its statements, in a thread."""

    def __init__(self, files: Files, script: Script, statements: Sequence[Any]) -> None:
        self._files = files
        self._script = script
        self._statements = statements
        self._connection: Any = None
        self._stop = threading.Event()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        """From another thread; what was not committed is rolled back."""
        self._stop.set()
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(duckdb().Error):  # it has just been closed
                connection.interrupt()

    def run(self) -> Json:
        """Raises BadInput with what DuckDB says."""
        with self._files.connected(self._script.database) as connection:
            self._connection = connection
            try:
                with _refused():
                    return self._collected(connection)
            finally:
                self._connection = None

    def _collected(self, connection: Any) -> Json:
        wanted = self._script.collection
        found = []
        for number, statement in enumerate(self._statements, 1):
            if self._stop.is_set():
                raise BadInput("The script was stopped.")
            connection.execute(statement, self._bound(connection, statement))
            if wanted.of_each or number == len(self._statements):
                found.append(wanted.of_rows(_rows(connection, statement)))
        if wanted.of_each:
            return found
        return found[-1] if found else wanted.of_rows([])

    def _bound(self, connection: Any, statement: Any) -> dict[str, Any]:
        return {name: self._value(connection, name) for name in statement.named_parameters}

    def _value(self, connection: Any, name: str) -> Any:
        if name not in self._script.values:
            raise BadInput(f"No value is given for ${name}.")
        value = self._script.values[name]
        if isinstance(value, dict | list):
            value = json.dumps(value)
        declared = self._script.declared.get(name)
        if declared is None or value is None:
            return value
        return duckdb().Value(value, connection.sqltype(declared.type))


def _rows(connection: Any, statement: Any) -> list[Mapping[str, Json]]:
    """Of a statement that changes rows, those that it returns; never their number."""
    columns = [(name, str(kind)) for name, kind, *_ in connection.description or ()]
    if statement.type.name in _COUNTED and columns == [("Count", "BIGINT")]:
        return []
    rows = connection.fetchmany(MOST_ROWS + 1) if columns else []
    if len(rows) > MOST_ROWS:
        raise BadInput(f"A statement may return {MOST_ROWS} rows at most: add a LIMIT.")
    return [
        {name: plain(value, kind) for (name, kind), value in zip(columns, row, strict=True)}
        for row in rows
    ]
