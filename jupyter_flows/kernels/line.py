"""The line to one kernel, for as long as it is held: all that it is asked, and what it replies."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import zmq
import zmq.asyncio

from jupyter_flows.core.model import Json
from jupyter_flows.kernels.kernel import Kernel
from jupyter_flows.kernels.outputs import Message
from jupyter_flows.kernels.requests import silent

UNHEARD = "The connection to the kernel's gateway was lost, and with it what the kernel replied."

OWN_REQUESTS = 50
"""How many of our newest ones are remembered: what they do is done soon."""


class Line:
    """`on_iopub` is told of what the kernel broadcasts, `on_reply` of the replies to what was sent,
    not asked; `on_unheard` of the cell, by its request's id, whose reply was missed; `on_gone` that
    there is no such kernel any more.
    """

    def __init__(self, kernel: Kernel, context: zmq.asyncio.Context, log: logging.Logger) -> None:
        self._kernel = kernel
        self._log = log
        self._wire = kernel.wire(context, log)
        self._wire.hear = self._hear
        self._wire.on_gap = self._on_gap
        self._wire.on_gone = self._end
        self._own: deque[str] = deque(maxlen=OWN_REQUESTS)
        self._asked: dict[str, asyncio.Future[Mapping[str, Json]]] = {}
        self._begun: set[asyncio.Future[Mapping[str, Json]]] = set()
        self._cell = ""
        self._gap: asyncio.Task[None] | None = None
        self.heard = asyncio.Event()
        self.on_iopub: Callable[[Message], None] = lambda _: None
        self.on_reply: Callable[[Message], None] = lambda _: None
        self.on_unheard: Callable[[str], None] = lambda _: None
        self.on_gone: Callable[[], None] = lambda: None

    async def connect(self) -> None:
        await self._wire.connect()

    async def disconnect(self) -> None:
        """Whoever still waits for a reply is cancelled."""
        if self._gap is not None:
            self._gap.cancel()
        for asked in self._asked.values():
            asked.cancel()
        await self._wire.disconnect()

    # ------------------------------------------------------------ hearing

    def _hear(self, channel: str, message: Message) -> None:
        if channel == "iopub":
            self._on_iopub(message)
        elif channel == "shell":
            self._on_shell(message)

    def _on_gap(self) -> None:
        if self._gap is not None:
            self._gap.cancel()
        self._gap = asyncio.create_task(self._find_unheard(), name="what was missed")

    async def _find_unheard(self) -> None:
        """The kernel replies in turn: what was asked before this and has no reply then has none
        any more.
        """
        before, cell = list(self._asked.items()), self._cell
        await self.ask("kernel_info_request", {})
        for message_id, asked in before:
            if self._asked.pop(message_id, None) is not None and not asked.done():
                asked.set_result({"status": "error", "ename": "Unheard", "evalue": UNHEARD})
        self.on_unheard(cell)

    def _end(self) -> None:
        self.on_gone()

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
        message = self._wire.session.msg(kind, content)
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
        made: dict[str, Json] = self._wire.session.msg(
            "execute_request", content, metadata=metadata
        )
        self._cell = made["header"]["msg_id"]
        return made

    def send(self, message: dict[str, Json]) -> None:
        self._wire.send(message)

    def send_comm(self, content: dict[str, Json], parent: Mapping[str, Json]) -> None:
        self.send(self._wire.session.msg("comm_msg", content, parent=dict(parent)))

    def has_begun(self, asked: asyncio.Future[Mapping[str, Json]]) -> bool:
        """Whether the kernel was heard to be at it."""
        return asked.done() or asked in self._begun

    async def interrupt(self) -> None:
        await self._kernel.interrupt(self._wire)

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
