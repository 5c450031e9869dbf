"""Inner steps of runs: what calls in a cell's code came to, kept for when the code runs again."""

from collections.abc import Mapping

import msgspec

from jupyter_flows.core import commands as c
from jupyter_flows.core.bindings import answer_of
from jupyter_flows.core.errors import FlowsError, TooLarge
from jupyter_flows.core.model import Digest, Inner, Json, Run, RunId, StepId
from jupyter_flows.core.sentences import sentence
from jupyter_flows.engine.tell import Teller
from jupyter_flows.ports import Clock, Store

MOST_BYTES = 1 << 20
"""Of what one call came to, as JSON."""

FAILED = "__wmill_error"
"""Windmill's mark of an outcome that is an error."""

_WAITS = object()


class InnerSteps:
    def __init__(self, store: Store, teller: Teller, clock: Clock) -> None:
        self._store = store
        self._teller = teller
        self._clock = clock

    async def ended(self, run: Run, step: StepId) -> dict[str, Json]:
        """What the step's calls came to, by their keys; those that still wait are left out."""
        found: dict[str, Json] = {}
        for key, inner in run.inner.get(step, {}).items():
            outcome = await self._outcome(run, step, inner)
            if outcome is not _WAITS:
                found[key] = outcome
        return found

    async def _outcome(self, run: Run, step: StepId, inner: Inner) -> Json:
        if inner.result is not None:
            return await self._read(run, inner.result)
        if inner.generation is not None:
            answer = answer_of(run.gates[step, inner.generation])
            return _WAITS if answer is None else answer
        return None if inner.until is None or inner.until <= self._clock() else _WAITS

    async def _read(self, run: Run, result: Digest) -> Json:
        try:
            return msgspec.json.decode(await self._store.get(result))
        except KeyError:
            raise FlowsError(f"What an inner step of run {run.id} came to is lost.") from None

    async def keep(self, run: RunId, step: StepId, key: str, outcome: Json) -> None:
        """What is kept already stays. Raises BadInput, TooLarge, and Refused for a step that does
        not run.
        """
        data = msgspec.json.encode(outcome)
        if len(data) > MOST_BYTES:
            raise TooLarge(sentence("At most {most} bytes.", most=MOST_BYTES))
        failed = isinstance(outcome, Mapping) and outcome.get(FAILED) is True
        digest = await self._store.put(data)
        await self._teller.tell(run, c.KeepInner(step=step, key=key, result=digest, failed=failed))
