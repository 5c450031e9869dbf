"""Ways to execute a notebook's cells, each giving the seconds from one cell's start to the next."""

import asyncio
import copy
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import nbformat
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from papermill.engines import papermill_engines

from benchmarks.notebooks import Notebook
from jupyter_flows.composition import House
from jupyter_flows.core import events as e
from jupyter_flows.core.model import Run, RunStatus
from jupyter_flows.engine.asked import NewRun

NO_HISTORY = ["--HistoryManager.hist_file=:memory:"]
"""As nbclient starts its kernels, and so do we."""

Contender = Callable[[Notebook], Awaitable[list[float]]]


def gaps(stamps: Sequence[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(stamps)]


class Ours:
    """Through the engine: every event on disk before the next cell starts."""

    def __init__(self, house: House) -> None:
        self._engine = house.engine

    async def __call__(self, notebook: Notebook) -> list[float]:
        stamps: list[float] = []

        def committed(_: Run, events: Sequence[e.Recorded]) -> None:
            if any(isinstance(row.event, e.StepSucceeded) for row in events):
                stamps.append(time.perf_counter())

        unlisten = self._engine.listen(committed)
        new = NewRun(notebook=notebook, path="", owner="benchmark", parameters={})
        run = await self._engine.create(new)
        ended = await self._engine.settled(run.id)
        unlisten()
        if ended.status is not RunStatus.SUCCEEDED:
            raise RuntimeError(f"the run is {ended.status}: {ended.error}")
        return gaps(stamps)


async def by_nbclient(notebook: Notebook) -> list[float]:
    stamps: list[float] = []
    node = nbformat.from_dict(copy.deepcopy(notebook))
    client = NotebookClient(
        node, on_cell_executed=lambda **_: stamps.append(time.perf_counter()), timeout=600
    )
    await client.async_execute()
    return gaps(stamps)


async def by_papermill(notebook: Notebook) -> list[float]:
    """Its engine, without a file to write and without a progress bar."""
    return await asyncio.to_thread(_papermill, notebook)


def _papermill(notebook: Notebook) -> list[float]:
    stamps: list[float] = []
    node = nbformat.from_dict(copy.deepcopy(notebook))
    node.metadata["papermill"] = {}
    for cell in node.cells:
        cell.metadata["papermill"] = {}
    papermill_engines.execute_notebook_with_engine(
        "nbclient",
        node,
        kernel_name="python3",
        progress_bar=False,
        on_cell_executed=lambda **_: stamps.append(time.perf_counter()),
    )
    return gaps(stamps)


class Bare:
    """A kernel and nothing else: send, await the reply, await idle."""

    def __init__(self) -> None:
        self._manager = AsyncKernelManager()
        self._client: AsyncKernelClient = None  # type: ignore[assignment]

    async def start(self) -> None:
        await self._manager.start_kernel(extra_arguments=NO_HISTORY)
        self._client = self._manager.client()
        self._client.start_channels(stdin=False, hb=False)
        await self._client.wait_for_ready()

    async def stop(self) -> None:
        self._client.stop_channels()
        await self._manager.shutdown_kernel(now=True)

    async def __call__(self, notebook: Notebook) -> list[float]:
        stamps = [time.perf_counter()]
        for cell in notebook["cells"]:
            await self.trip(cell["source"])
            stamps.append(time.perf_counter())
        return gaps(stamps)

    async def trip(self, source: str) -> None:
        asked = self._client.execute(source)
        while _parent(await self._client.get_shell_msg(timeout=60)) != asked:
            pass
        while True:
            message = await self._client.get_iopub_msg(timeout=60)
            content = message["content"]
            if _parent(message) == asked and content.get("execution_state") == "idle":
                return


def _parent(message: Any) -> str | None:
    return message["parent_header"].get("msg_id")
