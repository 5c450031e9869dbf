"""What is still to be sent to one browser: bounded, so that a slow one costs what others do."""

import asyncio
from collections.abc import Sequence

from jupyter_flows.engine.board import size_of
from jupyter_flows.engine.told import DocumentEvent, Moved
from jupyter_flows.ports import OutputOp

MAX_BATCHES = 500
MAX_SIZE = 2**22
"""So much waits for one browser at the most: so many batches, and characters."""


class Outbox:
    """For a reader of the notebook at `path`: where it is by the last event, told or not. Filled by
    those who tell, without waiting; emptied by the one who sends. More than fits is forgotten, and
    `overflowed` says so: then all is to be shown anew.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._filled = asyncio.Event()
        self.batches: list[tuple[int, Sequence[OutputOp]]] = []
        self.events: list[DocumentEvent] = []
        self.run_changed = False
        self.other_run = False
        self.overflowed = False
        self._size = 0

    async def filled(self, seconds: float) -> None:
        """Wait until something is there, or for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._filled.wait()
        except TimeoutError:
            pass
        self._filled.clear()

    def put_ops(self, seq: int, ops: Sequence[OutputOp]) -> None:
        if self.overflowed:
            return
        self.batches.append((seq, ops))
        self._size += size_of(ops)
        if len(self.batches) > MAX_BATCHES or self._size > MAX_SIZE:
            self.take_ops()
            self.overflowed = True
        self._filled.set()

    def take_ops(self) -> list[tuple[int, Sequence[OutputOp]]]:
        taken, self.batches, self._size, self.overflowed = self.batches, [], 0, False
        return taken

    def put_event(self, event: DocumentEvent) -> None:
        """Those of other notebooks are passed over."""
        if not _concerns(event, self.path):
            return
        if isinstance(event, Moved):
            self.path = event.to + self.path[len(event.path) :]
        self.events.append(event)
        self._filled.set()

    def take_events(self) -> list[DocumentEvent]:
        taken, self.events = self.events, []
        return taken

    def change_run(self) -> None:
        """The run is in another state."""
        self.run_changed = True
        self._filled.set()

    def look_for_run(self) -> None:
        """The notebook may show another run now."""
        self.other_run = True
        self._filled.set()


def _concerns(event: DocumentEvent, path: str) -> bool:
    """A folder that is moved takes its notebooks along."""
    is_within = isinstance(event, Moved) and path.startswith(f"{event.path}/")
    return event.path == path or is_within
