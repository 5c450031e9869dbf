"""Telling a run a command: load, decide, append; on a conflict ask the machine again."""

import asyncio
from collections.abc import Sequence
from typing import TypeAlias
from weakref import WeakValueDictionary

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core import machine
from jupyter_flows.core.errors import Conflict, FlowsError
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.core.sentences import sentence
from jupyter_flows.engine.feed import Feed
from jupyter_flows.ports import Clock, Store

TRIES = 5

Told: TypeAlias = tuple[Run, Sequence[e.Recorded]]

CHEAP = (
    e.RunStarted,
    e.StepStarted,
    e.StepSkipped,
    e.StepSucceeded,
    e.StepFailed,
    e.StepRetried,
    e.StepPaused,
    e.InnerGateExpected,
    e.SectionEntered,
    e.RunSlept,
    e.RunWoken,
    e.RunStopped,
    e.OutputsAmended,
    e.WidgetsSaved,
    e.GateShown,
    e.KernelRebuilt,
    e.NotebookMoved,
)
"""Events that answer nobody: their commit survives the process's death, and doesn't wait for the
disk. All others do: a person was told, or will be, that they happened."""


class Teller:
    """The one way in which events come about. States of runs that are driven here are kept."""

    def __init__(self, store: Store, feed: Feed, clock: Clock) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._states: dict[RunId, Run] = {}
        self._locks: WeakValueDictionary[RunId, asyncio.Lock] = WeakValueDictionary()

    async def state(self, run: RunId) -> Run:
        """The run as it is, but for what others have written just now to one that is kept. Raises
        UnknownRun.
        """
        return self._states.get(run) or await self._store.load(run)

    async def recent(self, run: RunId) -> Run:
        """The run as this process last saw it: what others have written since is missing. Raises
        UnknownRun.
        """
        return self._states.get(run) or await self._store.recent(run)

    async def fresh(self, run: RunId) -> Run:
        """The run with all that is committed, by whomever. Raises UnknownRun."""
        await self.refresh(run)
        return await self.state(run)

    async def keep(self, run: RunId) -> Run:
        """Load the run anew and keep its state until `forget`: the driver's fast path."""
        state = await self._store.load(run)
        self.keep_as(state)
        return state

    def keep_as(self, run: Run) -> None:
        """As `keep`, with a state that may be older than what others have written."""
        self._states[run.id] = run

    async def refresh(self, run: RunId) -> None:
        """Load a kept state anew, for another process has written; one that isn't kept stays so."""
        if run in self._states:
            state = await self._store.load(run)
            kept = self._states.get(run)
            if kept is not None and kept.seq < state.seq:
                self._states[run] = state

    def forget(self, run: RunId) -> None:
        self._states.pop(run, None)

    async def tell(self, run: RunId, *commands: c.Command, epoch: int | None = None) -> Run:
        """The run after the commands; as `told`."""
        state, _ = await self.told(run, *commands, epoch=epoch)
        return state

    async def told(self, run: RunId, *commands: c.Command, epoch: int | None = None) -> Told:
        """The run after the commands, each decided on the state that the one before led to, and
        the events that they led to (none: there was nothing to do).

        They become one transaction: all or none. Raises what `decide` raises, UnknownRun, Fenced
        (`epoch` is not the run's any more), Conflict (five tries were not enough).
        """
        lock = self._locks.get(run)
        if lock is None:
            self._locks[run] = lock = asyncio.Lock()
        async with lock:
            left = TRIES
            if epoch is None:
                left -= 1
                if (told := await self._guessed(run, commands)) is not None:
                    return told
            for _ in range(left):
                try:
                    return await self._once(run, commands, epoch)
                except Conflict:
                    if run in self._states:
                        await self.keep(run)
        raise Conflict(sentence("The run {run} changes too fast; try again.", run=run))

    async def _guessed(self, run: RunId, commands: Sequence[c.Command]) -> Told | None:
        """By the state that this process knows, which saves a trip to the store. What is appended
        then was decided by the newest one: the store sees to it. None if it is too old, or if
        there would be a refusal or nothing to tell: not by a state that is older than what somebody
        was answered.
        """
        before = await self.recent(run)
        try:
            state, recorded = self._decided(before, commands)
        except FlowsError:
            return None
        if not recorded:
            return None
        try:
            return await self._kept(state, recorded, epoch=None)
        except Conflict:
            return None

    async def _once(self, run: RunId, commands: Sequence[c.Command], epoch: int | None) -> Told:
        """Who drives is told of a conflict, and needs no newer state than it has."""
        before = await (self.fresh(run) if epoch is None else self.state(run))
        state, recorded = self._decided(before, commands)
        return await self._kept(state, recorded, epoch=epoch) if recorded else (before, ())

    def _decided(self, before: Run, commands: Sequence[c.Command]) -> Told:
        """The state after the commands, and the events that are to be written."""
        state, now, events = before, self._clock(), list[e.Event]()
        for command in commands:
            led_to = machine.decide(state, command, now)
            state = machine.after(state, led_to, now)
            events += led_to
        return state, [
            e.Recorded(seq, now, event) for seq, event in enumerate(events, before.seq + 1)
        ]

    async def _kept(self, run: Run, recorded: Sequence[e.Recorded], *, epoch: int | None) -> Told:
        durable = any(not isinstance(row.event, CHEAP) for row in recorded)
        await self._store.append(run, recorded, epoch=epoch, durable=durable)
        if run.id in self._states:
            self._states[run.id] = run
        self._feed.committed(run, recorded)
        return run, recorded
