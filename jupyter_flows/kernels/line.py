"""The line to one kernel: two readers for as long as it is held, and all that it is asked."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import zmq
import zmq.asyncio
from jupyter_core.utils import ensure_async

from jupyter_flows.core.model import Json
from jupyter_flows.kernels.kernel import Kernel
from jupyter_flows.kernels.outputs import Message
from jupyter_flows.kernels.reader import read, send
from jupyter_flows.kernels.requests import silent

OWN_REQUESTS = 50
"""How many of our newest ones are remembered: what they do is done soon."""


class Line:
    """Nobody else may read its channels. `on_iopub` is told of what the kernel broadcasts,
    `on_reply` of the replies to what was sent, not asked.
    """

    def __init__(self, kernel: Kernel, context: zmq.asyncio.Context, log: logging.Logger) -> None:
        self._kernel = kernel
        self._log = log
        self._client = kernel.client(context)
        self._own: deque[str] = deque(maxlen=OWN_REQUESTS)
        self._asked: dict[str, asyncio.Future[Mapping[str, Json]]] = {}
        self._begun: set[asyncio.Future[Mapping[str, Json]]] = set()
        self._readers: list[asyncio.Task[None]] = []
        self.heard = asyncio.Event()
        self.on_iopub: Callable[[Message], None] = lambda _: None
        self.on_reply: Callable[[Message], None] = lambda _: None

    async def connect(self) -> None:
        await ensure_async(self._client.start_channels(stdin=False, hb=False, control=False))
        for name, deliver in {"iopub": self._on_iopub, "shell": self._on_shell}.items():
            channel = getattr(self._client, f"{name}_channel")
            task = asyncio.create_task(
                read(channel, deliver, self._log), name=f"{name} of kernel {self._kernel.id}"
            )
            self._readers.append(task)

    async def disconnect(self) -> None:
        """Whoever still waits for a reply is cancelled."""
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._readers = []
        for asked in self._asked.values():
            asked.cancel()
        await ensure_async(self._client.stop_channels())

    # ------------------------------------------------------------ hearing

    def _on_iopub(self, message: Message) -> None:
        self.heard.set()
        asked = self._asked.get(message["parent_header"].get("msg_id"))
        if asked is not None:
            self._begun.add(asked)
        self.on_iopub(message)

    def _on_shell(self, message: Message) -> None:
        asked = self._asked.pop(message["parent_header"].get("msg_id"), None)
        if asked is None:
            self.on_reply(message)
            return
        self._begun.discard(asked)
        if not asked.done():
            asked.set_result(message["content"])

    # ------------------------------------------------------------ saying

    def ask(self, kind: str, content: dict[str, Json]) -> asyncio.Future[Mapping[str, Json]]:
        message = self._client.session.msg(kind, content)
        asked: asyncio.Future[Mapping[str, Json]] = asyncio.get_running_loop().create_future()
        self._own.append(message["header"]["msg_id"])
        self._asked[message["header"]["msg_id"]] = asked
        self.send(message)
        return asked

    async def tell(
        self, code: str, expressions: Mapping[str, str] | None = None
    ) -> Mapping[str, Json]:
        """Have it execute this silently; the reply."""
        return await self.ask("execute_request", silent(code, expressions or {}))

    def cell(self, content: dict[str, Json], metadata: dict[str, Json]) -> dict[str, Json]:
        """The request to execute a cell, which `send` sends."""
        made: dict[str, Json] = self._client.session.msg(
            "execute_request", content, metadata=metadata
        )
        return made

    def send(self, message: dict[str, Json]) -> None:
        send(self._client.shell_channel, message)

    def send_comm(self, content: dict[str, Json], parent: Mapping[str, Json]) -> None:
        self.send(self._client.session.msg("comm_msg", content, parent=dict(parent)))

    def has_begun(self, asked: asyncio.Future[Mapping[str, Json]]) -> bool:
        """Whether the kernel was heard to be at it."""
        return asked.done() or asked in self._begun

    async def interrupt(self) -> None:
        await self._kernel.interrupt(self._client)

    def is_own(self, message_id: str) -> bool:
        """Whether it is a request of ours that is no cell."""
        return message_id in self._own


async def within(seconds: float, coroutine: Coroutine[Any, Any, object]) -> None:
    """Wait, but not for long, and not for an answer."""
    try:
        async with asyncio.timeout(seconds):
            await coroutine
    except (TimeoutError, zmq.ZMQError):
        return
