"""The wire to one kernel: what is said on its shell channel, and all that is heard."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from jupyter_core.utils import ensure_async

from jupyter_flows.core.model import Json
from jupyter_flows.kernels.outputs import Message
from jupyter_flows.kernels.reader import read, send

Hear = Callable[[str, Message], None]
"""Told the channel, `shell` or `iopub`, and a message that came on it."""


class Wire(Protocol):
    """Nobody else reads its channels. Three things are told: `hear` of each message, `on_gap` when
    some may have been missed, `on_gone` when nothing will come any more, since there is no such
    kernel.
    """

    session: Any
    hear: Hear
    on_gap: Callable[[], None]
    on_gone: Callable[[], None]

    async def connect(self) -> None:
        """Raises KernelUnavailable."""

    async def disconnect(self) -> None: ...

    def send(self, message: dict[str, Json]) -> None: ...

    def ask_to_stop(self) -> None:
        """Interrupt by a message, for kernels that can't be sent a signal."""


class Sockets:
    """The channels of a kernel of this machine: no message on them is missed."""

    def __init__(self, client: Any, name: str, log: logging.Logger) -> None:
        """`client` is jupyter_client's, not yet started."""
        self._client = client
        self._name = name
        self._log = log
        self._readers: list[asyncio.Task[None]] = []
        self.session = client.session
        self.hear: Hear = lambda _, __: None
        self.on_gap: Callable[[], None] = lambda: None
        self.on_gone: Callable[[], None] = lambda: None

    async def connect(self) -> None:
        await ensure_async(self._client.start_channels(stdin=False, hb=False, control=False))
        for channel in ("iopub", "shell"):
            reading = self._read(channel)
            task = asyncio.create_task(reading, name=f"{channel} of kernel {self._name}")
            self._readers.append(task)

    async def _read(self, channel: str) -> None:
        def deliver(message: Message) -> None:
            self.hear(channel, message)

        await read(getattr(self._client, f"{channel}_channel"), deliver, self._log)

    async def disconnect(self) -> None:
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._readers = []
        await ensure_async(self._client.stop_channels())

    def send(self, message: dict[str, Json]) -> None:
        send(self._client.shell_channel, message)

    def ask_to_stop(self) -> None:
        self._client.control_channel.send(self.session.msg("interrupt_request", {}))
