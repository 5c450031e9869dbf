"""Kernels behind a gateway: another server has them, and one websocket leads to each."""

import asyncio
import json
import logging
import math
import struct
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from jupyter_client.adapter import adapt
from jupyter_client.jsonutil import json_default
from jupyter_client.session import Session
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.web import HTTPError
from tornado.websocket import (
    WebSocketClientConnection,
    WebSocketClosedError,
    websocket_connect,
)

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import Json
from jupyter_flows.kernels.outputs import Message
from jupyter_flows.kernels.reader import BATCH
from jupyter_flows.kernels.wire import Hear

LIFE_CHECK = 5.0
"""Seconds between two looks at a kernel of which something is waited for: each is a request to the
gateway."""

LARGEST = 256 << 20
"""Bytes of a message from a kernel; one that is larger closes the connection."""

AGAIN = 0.5
AGAIN_AT_MOST = 30.0
"""Seconds before a lost connection is tried again; each time twice as long."""

ENDING = (0.5, 1.0, 2.0, 4.0)
"""Seconds between tries to end a kernel."""

_NOT_FOUND = 404
_FAILED = 500


def is_gateways(thing: Any) -> bool:
    """Whether this manager, of one kernel or of many, is jupyter_server's for a gateway."""
    return hasattr(thing, "kernels_url")


async def is_there(kernel: Any) -> bool:
    """Whether the gateway still has the kernel. Where that can't be asked now, nothing is known of
    its death: it is taken to live.
    """
    try:
        model = await kernel.refresh_model()
    except (HTTPError, OSError):
        return True
    return model is not None and model.get("execution_state") != "dead"


async def connections(kernel: Any) -> float:
    """How many are connected to the kernel, by any way. Where that can't be asked now, or is not
    told, there may be any number.
    """
    try:
        model = await kernel.refresh_model()
        return 0 if model is None else float(model["connections"])
    except (HTTPError, OSError, LookupError, TypeError, ValueError):
        return math.inf


async def end(kernels: Any, kernel_id: str) -> None:
    """End a kernel. A gateway that is just restarting it fails in that, and is asked again. Raises
    HTTPError.
    """
    for pause in ENDING:
        try:
            await kernels.shutdown_kernel(kernel_id)
        except HTTPError as error:
            if error.status_code != _FAILED:
                raise
            await asyncio.sleep(pause)
        else:
            return
    await kernels.shutdown_kernel(kernel_id)


class Websocket:
    """Implements `wire.Wire`, by tornado: jupyter_server's own client for gateways needs a thread,
    blocks while it connects, has to be asked all the time, and sends no token.

    A lost connection is made anew, for as long as the gateway has the kernel. What it has to say
    meanwhile the gateway keeps for us, as a rule; not if somebody else is connected too.
    """

    def __init__(self, kernel: Any, log: logging.Logger) -> None:
        """`kernel` is jupyter_server's GatewayKernelManager."""
        self._kernel = kernel
        self._log = log
        self._socket: WebSocketClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: deque[str] = deque()
        self.session = Session()
        self.hear: Hear = lambda _, __: None
        self.on_gap: Callable[[], None] = lambda: None
        self.on_gone: Callable[[], None] = lambda: None

    async def connect(self) -> None:
        try:
            self._socket = await self._connected()
        except (HTTPClientError, OSError) as error:
            raise KernelUnavailable(f"The kernel's gateway can't be reached: {error}") from error
        name = f"websocket of kernel {self._kernel.kernel_id}"
        self._reading = asyncio.create_task(self._read(), name=name)

    async def _connected(self) -> WebSocketClientConnection:
        from jupyter_server.gateway.gateway_client import GatewayClient  # noqa: PLC0415 (slow)

        gateway = GatewayClient.instance()
        kernel, session = quote(self._kernel.kernel_id), quote(self.session.session)
        url = f"{(gateway.ws_url or '').rstrip('/')}/{gateway.kernels_endpoint.strip('/')}"
        around = gateway.load_connection_args()  # type: ignore[no-untyped-call]
        request = HTTPRequest(f"{url}/{kernel}/channels?session_id={session}", **around)
        return await websocket_connect(request, max_message_size=LARGEST, ping_interval=30)

    async def disconnect(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
            self._reading = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # ------------------------------------------------------------ saying

    def send(self, message: dict[str, Json]) -> None:
        said = {**message, "channel": "shell", "buffers": []}
        self._waiting.append(json.dumps(said, default=json_default))
        self._send_waiting()

    def _send_waiting(self) -> None:
        """What can't be sent now is when there is a connection again."""
        while self._waiting and self._socket is not None:
            try:
                writing = self._socket.write_message(self._waiting[0])
            except WebSocketClosedError:
                return
            writing.add_done_callback(_nobody_asks)
            self._waiting.popleft()

    def ask_to_stop(self) -> None:
        """Nothing: a gateway interrupts by a request of its own."""

    # ------------------------------------------------------------ hearing

    async def _read(self) -> None:
        handled = 0
        while True:
            text = await self._socket.read_message() if self._socket is not None else None
            if text is None:
                if not await self._back():
                    self.on_gone()
                    return
                self._send_waiting()
                self.on_gap()
                continue
            self._deliver(text)
            handled += 1
            if handled % BATCH == 0:
                await asyncio.sleep(0)

    def _deliver(self, text: str | bytes) -> None:
        try:
            channel, message = unpacked(text)
        except (ValueError, TypeError, KeyError, struct.error) as error:
            self._log.warning("A message that can't be read came from a gateway: %s", error)
            return
        try:
            self.hear(channel, message)
        except Exception:  # noqa: BLE001 (whatever it is, the next message is heard)
            self._log.exception("A kernel's message could not be handled")

    async def _back(self) -> bool:
        """Whether there is a connection again; not if the gateway has no such kernel any more."""
        pause = AGAIN
        self._socket = None
        self._log.warning("The connection to kernel %s was lost.", self._kernel.kernel_id)
        while True:
            try:
                self._socket = await self._connected()
            except HTTPClientError as error:
                if error.code == _NOT_FOUND:
                    return False
            except OSError:
                pass
            else:
                return True
            await asyncio.sleep(pause)
            pause = min(AGAIN_AT_MOST, 2 * pause)


def _nobody_asks(writing: "asyncio.Future[None]") -> None:
    """A connection that ends while it is written to is heard of by its reader."""
    if not writing.cancelled():
        writing.exception()


def unpacked(text: str | bytes) -> tuple[str, Message]:
    """A message as a Jupyter server's websocket has it, with the channel it came on: JSON, or with
    buffers a binary frame, which begins with the number of its parts and where each starts.

    Raises ValueError, TypeError, KeyError and struct.error for anything else.
    """
    parts = _parts(text) if isinstance(text, bytes) else [text.encode()]
    said: dict[str, Json] = json.loads(parts[0])
    channel = str(said.pop("channel"))
    said["buffers"] = [memoryview(part) for part in parts[1:]]
    said.setdefault("msg_id", said["header"]["msg_id"])
    said.setdefault("msg_type", said["header"]["msg_type"])
    return channel, adapt(said)


def _parts(frame: bytes) -> list[bytes]:
    (count,) = struct.unpack("!i", frame[:4])
    starts = struct.unpack(f"!{count}I", frame[4 : 4 * (count + 1)])
    if not starts:
        raise ValueError("it has no parts")
    return [frame[start:end] for start, end in zip(starts, (*starts[1:], len(frame)), strict=True)]


# ---------------------------------------------------------------- kernelspecs


def spec_of(found: Mapping[str, Any]) -> tuple[list[str], str]:
    """The command and the language of a kernelspec as a gateway tells it."""
    spec = found.get("spec", {})
    return list(spec.get("argv", ())), str(spec.get("language", ""))
