"""The fixture `run_flow`: the real engine, store and kernels, for a plain test function."""

import asyncio
import getpass
import logging
import os
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from jupyter_client.multikernelmanager import AsyncMultiKernelManager

from jupyter_flows.client.flows import NOWHERE
from jupyter_flows.composition import House, compose
from jupyter_flows.core.answers import read_answers
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import Json
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.iri import put_off
from jupyter_flows.kernels.notebook import read_notebook
from jupyter_flows.settings import FlowsSettings
from jupyter_flows.testing.clock import MovedClock
from jupyter_flows.testing.recorded import answers_file, recorded_of, text_of
from jupyter_flows.testing.run import FlowRun

LOG = logging.getLogger("jupyter_flows.testing")
T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own, so that a plain function can wait for it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="flows", daemon=True)
        self._thread.start()

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class RunFlow:
    """Call it to run a notebook. Everything starts with the first call, and ends with `close`."""

    def __init__(self, folder: Path, clock: MovedClock) -> None:
        self._folder = folder
        self._clock = clock
        self._loop: Loop | None = None
        self._house: House | None = None
        self._manager: Any = None

    def __call__(
        self,
        notebook: str | os.PathLike[str] | Mapping[str, Json],
        parameters: Mapping[str, Json] | None = None,
        answers: Mapping[str, Json] | None = None,
    ) -> FlowRun:
        """Run it to its end, or to a gate that has no answer. `notebook` is a file, or a parsed
        notebook. `answers` are written as in an answers file, and are all that there are; without
        them, those recorded with the notebook are given.

        Raises BadInput, FlowInvalid, ParametersInvalid; AnswersInvalid.
        """
        __tracebackhide__ = True
        try:
            return self._run(notebook, parameters or {}, answers)
        except FlowsError as error:
            raise error.with_traceback(None) from None  # its words say where

    def _run(
        self,
        notebook: str | os.PathLike[str] | Mapping[str, Json],
        parameters: Mapping[str, Json],
        answers: Mapping[str, Json] | None,
    ) -> FlowRun:
        put_off()
        path = self._folder / "notebook.ipynb"
        if not isinstance(notebook, Mapping):
            path = Path(notebook).absolute()
            notebook = read_notebook(path)
        file = answers_file(path)
        recorded = recorded_of(notebook, file, text_of(file) if answers is None else None)
        given = recorded.answers
        if answers is not None:
            given = read_answers(answers, recorded.flow, "answers")
        new = NewRun(
            notebook=notebook,
            path=str(path),
            folder=str(path.parent),
            owner=getpass.getuser(),
            parameters=parameters,
        )
        house, loop = self._opened()
        run = loop.wait(house.engine.create(new))
        flow = FlowRun(house.engine, loop.wait, self._clock, run.id, str(file))
        loop.wait(flow.go_on(given))
        return flow

    def _opened(self) -> tuple[House, Loop]:
        if self._loop is None:
            self._loop = Loop()
        if self._house is None:
            self._manager = AsyncMultiKernelManager()
            self._house = self._loop.wait(_house(self._folder, self._clock, self._manager))
            self._clock.on_move(self._moved)
        return self._house, self._loop

    def _moved(self) -> None:
        if self._loop is not None and self._house is not None:
            self._loop.wait(self._house.engine.see_to_due())

    def close(self) -> None:
        """End what still runs, and all kernels."""
        if self._loop is None:
            return
        if self._house is not None:
            self._loop.wait(_stop(self._house, self._manager))
        self._loop.close()


async def _house(folder: Path, clock: MovedClock, manager: AsyncMultiKernelManager) -> House:
    house = compose(
        FlowsSettings(data_dir=str(folder / "data"), checkpoint="never"),
        manager=manager,
        address=lambda: NOWHERE,
        adopts=False,
        log=LOG,
        clock=clock,
    )
    await house.start(NOWHERE, NOWHERE, lasting=False)
    return house


async def _stop(house: House, manager: AsyncMultiKernelManager) -> None:
    """The manager's sockets are closed here: left to the garbage collector, one of a kernel whose
    start was cut short can hold up the end of the process for ever.
    """
    await house.stop()
    manager.context.destroy(linger=0)
