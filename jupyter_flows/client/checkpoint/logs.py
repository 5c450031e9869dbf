"""How loggers and their handlers are saved: by name, with what the notebook has set on them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import rebuilding
from jupyter_flows.client.checkpoint import rebuilding_library as again

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler


def plan(kind: type) -> Any:
    if issubclass(kind, logging.Logger) and kind.__reduce__ is logging.Logger.__reduce__:
        return reduce_logger
    usual = not hasattr(kind, "__setstate__")
    if issubclass(kind, logging.FileHandler) and usual:
        return reduce_file_handler
    return None


def reduce_logger(pickler: Pickler, logger: Any) -> Any:
    del pickler
    name = None if isinstance(logger, logging.RootLogger) else logger.name
    if logging.getLogger(name) is not logger:
        return NotImplemented
    state = (logger.level, logger.propagate, logger.disabled, logger.handlers, logger.filters)
    return again.logger, (name,), state, None, None, again.set_logger


def reduce_file_handler(pickler: Pickler, handler: Any) -> Any:
    """It goes on at the end of its file."""
    del pickler
    handler.flush()
    state = {**vars(handler), "stream": None, "mode": handler.mode.replace("w", "a")}
    made = (type(handler),)
    return again.bare, made, state, None, None, rebuilding.set_attributes
