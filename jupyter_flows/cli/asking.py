"""A house that drives nothing: for commands that only ask, and tell what a server then does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from jupyter_flows.cli.settings import load_settings
from jupyter_flows.composition import House, compose
from jupyter_flows.settings import FlowsSettings

T = TypeVar("T")

log = logging.getLogger("jupyter_flows.cli")


def open_house(settings: FlowsSettings) -> House:
    """Raises StoreUnavailable, WeakKeyError."""
    return compose(settings, manager=None, address=lambda: "", adopts=False, log=log)


def ask(data_dir: str | None, work: Callable[[House], Awaitable[T]]) -> T:
    """Do `work` with a house, and close it."""
    house = open_house(load_settings(data_dir))

    async def asking() -> T:
        try:
            return await work(house)
        finally:
            await house.engine.stop()

    return asyncio.run(asking())
