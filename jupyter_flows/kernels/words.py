"""What code in a kernel says to us of itself, over the comm `jupyter_flows`: claims, all of it."""

import json
import logging
import time
from collections.abc import Callable, Mapping

from jupyter_flows.core.model import Json
from jupyter_flows.kernels.outputs import Message
from jupyter_flows.ports import Clock

COMM = "jupyter_flows"
MAX_BYTES = 2**20

QUIET_SECONDS = 60.0
"""A kernel can say as much as it likes; what is passed over is logged once in so long."""

Said = Callable[[Mapping[str, Json], str], None]
"""Told the data, and the session of the request that led to them."""


class Words:
    """`on_word` is told of each word that is an object, and not too large."""

    def __init__(self, log: logging.Logger, clock: Clock = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._quiet_until = 0.0
        self.on_word: Said = lambda _, __: None

    def takes(self, message: Message) -> bool:
        """Whether the message is a word to us, which is then no concern of the widgets."""
        if message["content"].get("comm_id") != COMM:
            return False
        if message["msg_type"] == "comm_msg":
            self._hear(message)
        return True

    def _hear(self, message: Message) -> None:
        data = message["content"].get("data")
        if not isinstance(data, dict):
            self._grumble("something that is no object")
        elif len(json.dumps(data)) > MAX_BYTES:
            self._grumble(f"more than {MAX_BYTES} bytes")
        else:
            self.on_word(data, str(message["parent_header"].get("session", "")))

    def _grumble(self, said: str) -> None:
        if self._clock() >= self._quiet_until:
            self._quiet_until = self._clock() + QUIET_SECONDS
            self._log.warning("A kernel said %s; it is passed over.", said)
