"""A server to be killed: opens a run's kernel, executes what it is told, and says so."""

import asyncio
import json
import logging
import sys
from pathlib import Path

from jupyter_client.multikernelmanager import AsyncMultiKernelManager

from jupyter_flows.core.model import RunId, StepId
from jupyter_flows.kernels.session import Limits
from jupyter_flows.kernels.sessions import KernelSessions
from jupyter_flows.ports import Cell, KernelRequest


async def serve(folder, cells):
    kernels = KernelSessions(
        AsyncMultiKernelManager(connection_dir=folder),
        limits=Limits(),
        detached=Path(folder, "kernels"),
        log=logging.getLogger("server"),
    )
    run = RunId("run")
    await kernels.open(
        KernelRequest(
            run=run, kernel_name="python3", kernel_id=None, path="flow.ipynb", folder=folder
        )
    )
    for number, (source, bindings) in enumerate(cells):
        cell = Cell(step=StepId(f"step{number}"), attempt=1, source=source, bindings=bindings)
        outcome = await kernels.execute(run, cell)
        assert outcome.error is None, outcome.error
        sys.stdout.write(json.dumps(outcome.result) + "\n")
        sys.stdout.flush()
    if sys.stdin.readline() == "stop\n":
        await kernels.stop()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], json.loads(sys.argv[2])))
