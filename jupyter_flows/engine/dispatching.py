"""Which dispatcher a process has: by what it drives, and by whether a queue is shared."""

import logging
from collections.abc import Awaitable, Callable

from jupyter_flows.core.model import RunId
from jupyter_flows.engine.dispatch import LocalDispatcher, PokingDispatcher, QueueDispatcher
from jupyter_flows.engine.drive import Driver
from jupyter_flows.engine.recovery import Recovery
from jupyter_flows.ports import Dispatcher, Jobs, Peers, Store


def dispatcher(
    *,
    server: str,
    store: Store,
    peers: Peers,
    driver: Driver,
    recovery: Recovery,
    failed: Callable[[RunId, Exception], Awaitable[None]],
    drives: bool,
    adopts: bool,
    jobs: Jobs | None,
    log: logging.Logger,
) -> Dispatcher:
    """`jobs` is the queue that several servers share; None for a store of this machine's."""
    if jobs is not None:
        local = LocalDispatcher(recovery.drive, failed, log) if drives else None
        return QueueDispatcher(jobs, local, server=server, lasts=adopts, holds=driver.holds)
    if not drives:
        return PokingDispatcher(store, peers, server)
    return LocalDispatcher(
        driver.drive, failed, log, server=server, reconcile=recovery.enqueue_ready
    )
