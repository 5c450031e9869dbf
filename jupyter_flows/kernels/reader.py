"""Reads a socket of a kernel for as long as its run lasts, and sends on it."""

import asyncio
import hmac
import logging
from collections.abc import Callable, Sequence
from typing import Any

import zmq
from jupyter_client.adapter import adapt

from jupyter_flows.core.model import Json
from jupyter_flows.kernels.outputs import Message

BATCH = 64
"""Messages that are handled before others on the loop have their turn."""


async def read(channel: Any, deliver: Callable[[Message], None], log: logging.Logger) -> None:
    """Deliver messages until cancelled or the channel is closed. `deliver` may fail; we go on."""
    handled = 0
    while True:
        try:
            message = await _received(channel)
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


async def _received(channel: Any) -> Message:
    parts = await channel.socket.recv_multipart()
    _, rest = channel.session.feed_identities(parts)
    return unpacked(channel.session, rest)


def unpacked(session: Any, parts: Sequence[bytes]) -> Message:
    """As `Session.deserialize` has it, but dates stay text: to look for them everywhere costs more
    than all the rest. Raises ValueError for a message that the kernel has not signed, or twice.
    """
    signature, packed = parts[0], parts[1:5]
    if session.auth is not None:
        _check_signature(session, signature, packed)
    header, parent, metadata, content = map(session.unpack, packed)
    message: dict[str, Json] = {
        "header": header,
        "msg_id": header["msg_id"],
        "msg_type": header["msg_type"],
        "parent_header": parent,
        "metadata": metadata,
        "content": content,
        "buffers": [memoryview(part) for part in parts[5:]],
    }
    return adapt(message)  # from kernels of an older protocol


def _check_signature(session: Any, signature: bytes, packed: Sequence[bytes]) -> None:
    seen = session.digest_history
    if not signature or signature in seen:
        raise ValueError("it is not signed, or came before")
    if not hmac.compare_digest(signature, session.sign(packed)):
        raise ValueError("its signature is wrong")
    if len(seen) >= session.digest_history_size:
        seen.clear()
    seen.add(signature)


def send(channel: Any, message: dict[str, Json]) -> None:
    """Send on a channel that a reader waits on.

    The channel's own `send` goes past the asyncio socket, to the zmq socket below it. That may
    swallow the one sign that a reply has come, and the reader then waits for ever.
    """
    channel.socket.send_multipart(channel.session.serialize(message))
