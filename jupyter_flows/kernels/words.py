"""What code in a kernel says to us of itself, over the comm `jupyter_flows`: claims, all of it."""

import json
import logging
from collections.abc import Callable, Mapping

from jupyter_flows.core.model import Json
from jupyter_flows.kernels.outputs import Message

COMM = "jupyter_flows"
MAX_BYTES = 2**20

Said = Callable[[Mapping[str, Json], str], None]
"""Told the data, and the session of the request that led to them."""


class Words:
    """`on_word` is told of each word that is an object, and not too large."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
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
            self._log.warning("A kernel said something that is no object; it is passed over.")
        elif len(json.dumps(data)) > MAX_BYTES:
            self._log.warning("A kernel said more than %d bytes; it is passed over.", MAX_BYTES)
        else:
            self.on_word(data, str(message["parent_header"].get("session", "")))
