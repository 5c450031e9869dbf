"""Keeping what a run has produced: outputs as blobs, and the executed notebook as a file."""

import logging
from collections.abc import Mapping

import msgspec

from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.model import Digest, Json, LinkId, Run, RunId, Step, StepId
from jupyter_flows.ports import Chance, Clock, Documents, Outputs, Store

DOCUMENT_SECONDS = 1.0
"""The file of a running run is written at most this often; at waits and ends always."""

LOST_OUTPUT: Mapping[str, Json] = {
    "output_type": "stream",
    "name": "stderr",
    "text": "[The stored output of this cell is lost.]\n",
}


class Keeper:
    def __init__(
        self,
        store: Store,
        documents: Documents,
        clock: Clock,
        chance: Chance,
        log: logging.Logger,
    ) -> None:
        self._store = store
        self._documents = documents
        self._clock = clock
        self._chance = chance
        self._log = log
        self._written: dict[RunId, float] = {}

    def new_link(self) -> LinkId:
        return LinkId(self._chance())

    def new_chance(self) -> float:
        """From 0 to below 1."""
        return int(self._chance()[:8], 16) / 16**8

    async def put_outputs(self, outputs: Outputs) -> Digest | None:
        """None for no outputs."""
        return await self._store.put(msgspec.json.encode(outputs)) if outputs else None

    async def put_widgets(self, widgets: Mapping[str, Json] | None) -> Digest | None:
        return await self._store.put(msgspec.json.encode(widgets)) if widgets else None

    async def outputs(self, run: Run) -> dict[StepId, Outputs]:
        """The stored outputs of every step; what is lost is said in its place."""
        found: dict[StepId, Outputs] = {}
        for step in run.steps.values():
            if step.outputs is not None:
                found[step.id] = await self._outputs(step.outputs)
        return found

    async def outputs_of(self, step: Step) -> Outputs:
        """The stored outputs of one step; what is lost is said in its place."""
        return [] if step.outputs is None else await self._outputs(step.outputs)

    async def _outputs(self, digest: Digest) -> Outputs:
        try:
            outputs: Outputs = msgspec.json.decode(await self._store.get(digest))
        except KeyError:
            return [LOST_OUTPUT]
        return outputs

    async def executed(self, run: Run, snapshot: Mapping[str, Json]) -> dict[str, Json]:
        """The notebook with all that the run has produced so far."""
        widgets = None
        if run.widgets is not None:
            try:
                widgets = msgspec.json.decode(await self._store.get(run.widgets))
            except KeyError:
                widgets = None
        return self._documents.executed(snapshot, run, await self.outputs(run), widgets)

    async def write_document(
        self, run: Run, snapshot: Mapping[str, Json], *, final: bool = False
    ) -> None:
        """Bring the run's output file up to date, if it has one."""
        if run.output is None:
            return
        now = self._clock()
        if not final and now - self._written.get(run.id, 0.0) < DOCUMENT_SECONDS:
            return
        self._written[run.id] = now
        try:
            await self._documents.write(run.output, await self.executed(run, snapshot))
        except (OSError, FlowsError) as error:
            self._log.warning("run %s: %s can't be written: %s", run.id, run.output, error)
        if run.finished:
            self._written.pop(run.id, None)
