"""Scripts and functions that a cell has run, as runs of notebooks made for them."""

import asyncio
from collections.abc import Mapping
from pathlib import PurePath

from jupyter_flows.core import functions
from jupyter_flows.core.errors import BadInput, UnknownJob
from jupyter_flows.core.model import Json, Run, StepId
from jupyter_flows.engine.children import Asked, Children
from jupyter_flows.engine.ends import Ends
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.inline import Piece

WAIT_SECONDS = 900.0
"""How long a script may take whose result is waited for; the client `wmill` gives up then."""


class AdHoc:
    def __init__(self, engine: Engine, children: Children, ends: Ends) -> None:
        self._engine = engine
        self._children = children
        self._ends = ends

    async def python(
        self, caller_run: Run | None, owner: str, content: str, args: Mapping[str, Json]
    ) -> Json:
        """The result of the script's `main(**args)`, in a kernel of its own. `caller_run` is the
        run whose kernel asks; None for a user from outside. One that is not waited for any more is
        cancelled.

        Raises BadInput for a script that can't be run or fails, with the error's text.
        """
        notebook = functions.script_notebook(content)
        asked = Asked(owner=owner, parameters=args, starter=caller_run, lifetime=WAIT_SECONDS)
        run = await self._begun(notebook, "inline.py", asked)
        try:
            ended = await self._ends.waited(run.id, WAIT_SECONDS, lambda now: now.finished)
        except asyncio.CancelledError:
            await self._engine.cancel(run.id, owner, "Nobody waits for its result any more.")
            raise
        if not ended.finished:
            await self._engine.cancel(run.id, owner, "It took too long.")
            raise BadInput(f"The script took longer than {WAIT_SECONDS:g} s.")
        if ended.error is not None:
            raise BadInput(f"{ended.error.name}: {ended.error.message}")
        return ended.result

    async def piece(self, piece: Piece) -> Json:
        """As `python`; for `Inline`."""
        return await self.python(piece.run, piece.user, piece.content, piece.args)

    async def function(
        self, caller: Run, step: StepId, name: str, args: Mapping[str, Json], parent_job: str
    ) -> Run:
        """A run of the function of this name, as the cells up to this step have defined it.

        Raises BadInput, UnknownJob for a step that the run has not.
        """
        if step not in caller.steps:
            raise UnknownJob(f"Run {caller.id} has no step {step!r}.")
        cells = (await self._engine.snapshot(caller))["cells"]
        sources = []
        for each in caller.steps.values():
            sources.append(str(cells[each.spec.index]["source"]))
            if each.id == step:
                break
        notebook = functions.function_notebook(sources, name)
        asked = Asked(owner=caller.owner, parameters=args, starter=caller, parent_job=parent_job)
        return await self._begun(notebook, f"{name}.py", asked)

    async def _begun(self, notebook: Mapping[str, Json], name: str, asked: Asked) -> Run:
        """Beside its caller's notebook, in whose folder and kernel it runs."""
        caller = asked.starter
        path = name if caller is None else str(PurePath(caller.path) / name)
        return await self._children.begin(
            notebook,
            path,
            asked,
            folder=None if caller is None else caller.folder,
            kernel_name=None if caller is None else await self._python_of(caller),
        )

    async def _python_of(self, caller: Run) -> str | None:
        """The caller's kernel, if it speaks Python."""
        metadata = (await self._engine.snapshot(caller)).get("metadata", {})
        spec = metadata.get("kernelspec", {})
        return caller.kernel_name if spec.get("language", "python") == "python" else None
