"""Has a kernel save its variables, or load them: by silent requests, in turn with its cells."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

from jupyter_flows.core.errors import (
    CheckpointRefused,
    CheckpointUnusable,
    KernelUnavailable,
    StorageUnavailable,
)
from jupyter_flows.core.model import Json
from jupyter_flows.kernels import checkpoint_source, prelude
from jupyter_flows.kernels.outcome import KEY, is_true, told
from jupyter_flows.kernels.requests import Requests, silent
from jupyter_flows.kernels.turns import Turns
from jupyter_flows.ports import Cell, CellOutcome, SaveRequest, Where

LOADING_SECONDS = 60.0
"""How long a kernel may take to take the checkpointer in, and to say what it is."""

FLOW = "flow"
"""The key of what the flow itself knows, in what a kernel says of its saved variables."""

BEHIND = "jupyter_flows_behind"

_CANNOT_REACH = "CannotReach"
"""What a kernel calls that it has no way to the storage."""

_CANNOT_CHECK = "CannotCheck"
"""What a kernel calls that its Python lacks the hash."""

Execute = Callable[[Cell], Awaitable[CellOutcome]]


class _Lacking(CheckpointUnusable):
    """What was saved may be whole, and another kernel may load it."""


class Checkpointing:
    """Of one kernel. The checkpointer is sent at most once."""

    def __init__(self, turns: Turns, requests: Requests, seconds: float) -> None:
        self._turns = turns
        self._requests = requests
        self._seconds = seconds
        self._sent = False

    async def save(self, asked: SaveRequest) -> Mapping[str, Json]:
        """Raises KernelUnavailable, CheckpointRefused."""
        if not self._requests.speaks_flows:
            raise CheckpointRefused(
                "Saving variables needs a Python kernel; this one runs something else."
            )
        text = {
            "folder": _told_of(asked.folder),
            "limit_bytes": asked.limit_bytes,
            "budget_seconds": asked.budget,
            "exclude": list(asked.exclude),
            "drop_unsaved": True,
        }
        async with self._turns.turn(asked.timeout):
            found = await self._call(
                "save", text, asked.timeout, behind=self._requests.remembering()
            )
        if found is None:
            raise CheckpointRefused(f"Saving took longer than {asked.timeout:g} s.")
        saved, flow = found
        if "error" in saved:
            raise CheckpointRefused(saved["error"]["message"])
        return {**saved, FLOW: flow}

    async def bring(self) -> None:
        """Have the checkpointer there for a cell tagged `replay`: it marks what that binds. Whoever
        calls this has the turn.
        """
        if self._sent or not self._requests.speaks_flows:
            return
        with contextlib.suppress(KernelUnavailable):
            asked = silent(checkpoint_source.opening(), {})
            reply = await self._turns.ask(asked, LOADING_SECONDS, kills=False)
            self._sent = reply is not None and reply.get("status") == "ok"

    async def environment(
        self, distributions: Sequence[str], files: Sequence[str], sys_path: Sequence[Json] = ()
    ) -> Mapping[str, Json]:
        """Raises KernelUnavailable."""
        text = {
            "distributions": list(distributions),
            "files": list(files),
            "sys_path": list(sys_path),
        }
        async with self._turns.turn(LOADING_SECONDS):
            found = await self._call("environment", text, LOADING_SECONDS)
        if found is None or "error" in found[0]:
            raise KernelUnavailable("The kernel does not say what it is.")
        return found[0]

    async def restore(
        self, folder: Where, saved: Mapping[str, Json], replays: Sequence[Cell], execute: Execute
    ) -> None:
        """Raises KernelUnavailable, also for a kernel that lacks what checks the content, and
        CheckpointUnusable.
        """
        try:
            await self._restore(folder, saved, replays, execute)
        except (_Lacking, StorageUnavailable) as error:
            raise KernelUnavailable(str(error)) from None

    async def _restore(
        self, folder: Where, saved: Mapping[str, Json], replays: Sequence[Cell], execute: Execute
    ) -> None:
        kernel = {name: value for name, value in saved.items() if name != FLOW}
        await self._step("prepare", {"kernel": kernel})
        load = {"folder": _told_of(folder), "kernel": kernel, "dry": False}
        flow = saved[FLOW]
        if replays:
            recall = prelude.recalling(flow, aside=True)
            await self._step("load", {**load, "phase": "first"}, recall)
            for cell in replays:
                await self._replay(cell, execute)
        phase = "second" if replays else "all"
        await self._step("load", {**load, "phase": phase}, prelude.recalling(flow))
        self._requests.knows(flow["digests"])

    async def rehearse(self, folder: Where, saved: Mapping[str, Json]) -> None:
        """Raises KernelUnavailable, CheckpointUnusable, and StorageUnavailable: the kernel does not
        come to what is saved.
        """
        kernel = {name: value for name, value in saved.items() if name != FLOW}
        await self._step("prepare", {"kernel": kernel})
        load = {"folder": _told_of(folder), "kernel": kernel, "phase": "all", "dry": True}
        await self._step("load", load)

    async def _replay(self, cell: Cell, execute: Execute) -> None:
        outcome = await execute(cell)
        if outcome.lost:
            raise KernelUnavailable("The kernel of this run is gone.")
        if outcome.error is not None and not cell.failed_before:
            why = f"{outcome.error.name}: {outcome.error.message}"
            raise CheckpointUnusable(
                f"Step {cell.step!r}, whose cell runs again for the variables, failed: {why}"
            )

    async def _step(self, function: str, text: Mapping[str, Json], behind: str = "") -> None:
        """Raises KernelUnavailable, CheckpointUnusable."""
        async with self._turns.turn(self._seconds):
            found = await self._call(function, text, self._seconds, behind=behind)
        if found is None:
            raise CheckpointUnusable(f"Loading took longer than {self._seconds:g} s.")
        error = found[0].get("error")
        if error and error.get("name") == _CANNOT_REACH:
            raise StorageUnavailable(error["message"])
        if error:
            kind = _Lacking if error.get("name") == _CANNOT_CHECK else CheckpointUnusable
            raise kind(error["message"], error.get("variable"))

    async def _call(
        self, function: str, text: Mapping[str, Json], seconds: float, *, behind: str = ""
    ) -> tuple[Mapping[str, Json], Mapping[str, Json]] | None:
        """What the checkpointer's function says, and what the expression behind it does. None where
        it took too long; the kernel stays. Raises KernelUnavailable.
        """
        asked = {KEY: checkpoint_source.asking(function, text)}
        if behind:
            asked[BEHIND] = behind
        code = "" if await self._has_it(seconds) else checkpoint_source.opening()
        reply = await self._turns.ask(silent(code, asked), seconds, kills=False)
        if reply is None:
            self._turns.require()
            return None
        self._sent = self._sent or reply.get("status") == "ok"
        return _answer(reply), told(reply, BEHIND)

    async def _has_it(self, seconds: float) -> bool:
        """Whether the kernel has the checkpointer: of its own, or sent before."""
        if not self._sent:
            asked = {KEY: checkpoint_source.installed()}
            reply = await self._turns.ask(silent("", asked), seconds, kills=False)
            self._sent = reply is not None and is_true(reply)
        return self._sent


def _told_of(place: Where) -> Json:
    """What the checkpointer is told of where blobs lie."""
    if isinstance(place, str):
        return place
    return {"url": place.url, "options": dict(place.options), "ticket": place.ticket}


def _answer(reply: Mapping[str, Json]) -> Mapping[str, Json]:
    """What has gone wrong in the kernel where the checkpointer could not say so itself."""
    found = told(reply)
    if found:
        return found
    failed = reply.get("user_expressions", {}).get(KEY, reply)
    name = str(failed.get("ename") or "NoAnswer")
    said = str(failed.get("evalue") or "the kernel did not answer")
    return {"error": {"name": name, "message": f"{name}: {said}"}}
