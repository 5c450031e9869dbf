"""Reads a kernel's channel for as long as its run lasts, and hands each message on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from queue import Empty
from typing import Any

import zmq

from jupyter_flows.kernels.outputs import Message

BATCH = 64
"""Messages that are handled before others on the loop have their turn."""
PAUSE = 0.02
"""Between looks at a channel that can't wake us (a gateway's)."""


async def read(channel: Any, deliver: Callable[[Message], None], log: logging.Logger) -> None:
    """Deliver messages until cancelled or the channel is closed. `deliver` may fail; we go on."""
    receive = _from_socket if hasattr(channel, "socket") else _from_queue
    handled = 0
    while True:
        try:
            message = await receive(channel)
        except (zmq.ZMQError, RuntimeError):
            return  # closed
        except (ValueError, TypeError, KeyError) as error:
            log.warning("A message that can't be read came from a kernel: %s", error)
            continue
        try:
            deliver(message)
        except Exception:
            log.exception("A kernel's message could not be handled")
        handled += 1
        if handled % BATCH == 0:
            await asyncio.sleep(0)


async def _from_socket(channel: Any) -> Message:
    parts = await channel.socket.recv_multipart()
    _, rest = channel.session.feed_identities(parts)
    message: Message = channel.session.deserialize(rest)
    return message


async def _from_queue(channel: Any) -> Message:
    while True:
        try:
            found: Awaitable[Message] = channel.get_msg(timeout=0)
            return await found
        except Empty:
            await asyncio.sleep(PAUSE)
