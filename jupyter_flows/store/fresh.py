"""Whether a remembered run is still what its log says: asked of SQLite at once, for the trip to the
store's thread and back takes longer than the answer.
"""

import sqlite3
from pathlib import Path

import sqlalchemy as sa

from jupyter_flows.core.model import RunId

_NEWER = "select 1 from events where run_id = ? and seq > ? limit 1"


class Fresh:
    """For the loop's thread only. Knows nothing of a database that is no file of SQLite's."""

    def __init__(self, engine: sa.Engine) -> None:
        url = engine.url
        name = url.database if engine.dialect.name == "sqlite" else None
        is_file = name not in (None, "", ":memory:")
        # Only what is there is opened: a file that was moved away is not begun anew.
        self._uri = f"{Path(name or '').absolute().as_uri()}?mode=rw" if is_file else None
        self._reader: sqlite3.Connection | None = None

    def holds(self, run: RunId, seq: int) -> bool:
        """Whether nothing was committed behind `seq`. False where that can't be said at once."""
        if self._uri is None:
            return False
        try:
            if self._reader is None:
                self._reader = sqlite3.connect(
                    self._uri,
                    timeout=0.0,
                    isolation_level=None,
                    uri=True,
                    check_same_thread=False,  # closed by whoever ends the store
                )
            return self._reader.execute(_NEWER, (run, seq)).fetchone() is None
        except sqlite3.Error:
            return False  # the thread waits, and says what is wrong

    def close(self) -> None:
        """It knows nothing from then on."""
        self._uri = None
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
