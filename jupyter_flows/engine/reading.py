"""Notebooks that are to run: prepared, and the flow in them read."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from jupyter_flows.core import commands as c
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.flow import Flow, read_flow
from jupyter_flows.core.model import NOTHING, Digest, Json, Run
from jupyter_flows.core.plain import plain_json
from jupyter_flows.ports import Documents, Parameter, Store

Read: TypeAlias = Callable[[str], Awaitable[Mapping[str, Json]]]
"""The notebook in this file. Raises BadInput."""


class Reading:
    """What is known of a notebook before any of its cells runs."""

    def __init__(self, documents: Documents, store: Store) -> None:
        self._documents = documents
        self._store = store

    def read(
        self,
        notebook: Mapping[str, Json],
        parameters: Mapping[str, Json] = NOTHING,
        kernel_name: str | None = None,
    ) -> tuple[dict[str, Json], str, Flow]:
        """The notebook as it would run, the name of its kernel, and the flow in it.

        Raises BadInput, FlowInvalid, ParametersInvalid.
        """
        try:
            prepared, kernel = self._documents.prepare(notebook, parameters, kernel_name)
            flow = read_flow(prepared)
        except RecursionError:
            raise BadInput("The notebook or a parameter is nested too deeply.") from None
        plain_json(dict(parameters), "value of a parameter")
        return prepared, kernel, flow

    def inspect(self, notebook: Mapping[str, Json]) -> tuple[Flow, Sequence[Parameter]]:
        """The flow in a notebook, and the parameters that it would take.

        Raises BadInput, FlowInvalid.
        """
        prepared, kernel, flow = self.read(notebook)
        return flow, self._documents.parameters(prepared, kernel)

    def script(self, text: str) -> dict[str, Json]:
        """A Python script as a notebook. Raises BadInput."""
        return self._documents.script(text)

    async def kept(self, prepared: Mapping[str, Json]) -> Digest:
        """Keep a prepared notebook as a run's snapshot."""
        return await self._store.put(plain_json(prepared, "notebook", depth=None))

    async def edited(self, run: Run, notebook: Mapping[str, Json]) -> c.Edited:
        prepared, _, flow = self.read(notebook, run.parameters, run.kernel_name)
        snapshot = await self.kept(prepared)
        return c.Edited(snapshot=snapshot, steps=flow.steps)
