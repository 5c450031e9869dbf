"""Schedules at work: one task that wakes at the next due time of all, and starts the runs (G84).

A due time is seen to in two steps: the run is created under a key of its own, which the store takes
once; then the schedule is moved on, if nobody else has. A server that dies in between leaves the
due time as it was, and whoever sees to it next is given the run that is there.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection
from dataclasses import fields

from msgspec.structs import replace

from jupyter_flows.core import schedules as core
from jupyter_flows.core.errors import Conflict, FlowsError, Unavailable
from jupyter_flows.core.model import RunId
from jupyter_flows.core.schedules import Schedule, ScheduleId
from jupyter_flows.engine.asked import NewRun, NewSchedule
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.reading import Read
from jupyter_flows.engine.tell import TRIES
from jupyter_flows.engine.waiting import Waiting
from jupyter_flows.ports import Chance, ScheduleStore


class Schedules:
    """One a process. With `start`, in the running loop, it starts runs until `stop`, which comes
    before the engine's; asking and telling need neither. `owners` says whose it starts: empty,
    everybody's.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        store: ScheduleStore,
        read: Read,
        chance: Chance,
        owners: Collection[str] = (),
        log: logging.Logger,
    ) -> None:
        self._owners = owners
        self._engine = engine
        self._store = store
        self._read = read
        self._chance = chance
        self._log = log
        self.waiting = Waiting("schedules", store=self, tick=self.tick, clock=engine.clock, log=log)
        self._work: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ asking and telling

    async def add(self, new: NewSchedule) -> Schedule:
        """Raises ScheduleInvalid, FlowInvalid, ParametersInvalid with all mistakes; BadInput where
        the notebook can't be read.
        """
        now = self._engine.clock()
        id_ = ScheduleId(f"sch_{self._chance()[-16:]}")
        said = {field.name: getattr(new, field.name) for field in fields(new)}
        schedule = core.checked(Schedule(id=id_, created_at=now, **said), now)
        self._engine.reading.read(await self._read(new.path), new.parameters, new.kernel_name)
        await self._store.add(schedule)
        self.look()
        return schedule

    async def schedule(self, schedule: ScheduleId) -> Schedule:
        """Raises UnknownSchedule."""
        return await self._store.schedule(schedule)

    async def schedules(self) -> list[Schedule]:
        """All, oldest first."""
        return await self._store.schedules()

    def next_times(self, schedule: Schedule, count: int) -> tuple[float, ...]:
        """The next due times from now on, as if it were not paused. Raises BadInput where its time
        zone is not known any more.
        """
        return core.next_times(schedule, self._engine.clock(), count)

    async def pause(self, schedule: ScheduleId) -> Schedule:
        """Raises UnknownSchedule."""
        return await self._change(schedule, core.pause)

    async def unpause(self, schedule: ScheduleId) -> Schedule:
        """What was due during the pause is not made up for. Raises UnknownSchedule."""
        now = self._engine.clock()
        changed = await self._change(schedule, lambda each: core.unpause(each, now))
        self.look()
        return changed

    async def _change(
        self, schedule: ScheduleId, change: Callable[[Schedule], Schedule]
    ) -> Schedule:
        for _ in range(TRIES):
            before = await self._store.schedule(schedule)
            after = change(before)
            if after.paused == before.paused and before.due_at is not None:
                return before  # a due time that has just come stays due
            if await self._store.change(before, after):
                return after
        raise Conflict(f"The schedule {schedule} changes too fast; try again.")

    async def remove(self, schedule: ScheduleId) -> None:
        """The runs that it started stay. Raises UnknownSchedule."""
        await self._store.remove(schedule)

    # ------------------------------------------------------------ at work

    def start(self) -> None:
        self._work = asyncio.create_task(self.waiting.forever(), name="jupyter-flows schedules")

    async def stop(self) -> None:
        if self._work is not None:
            self._work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._work

    def look(self) -> None:
        """Look at the store now: a schedule may be due before all others."""
        self.waiting.look()

    async def next_due(self) -> float | None:
        """The earliest due time of those that are started here."""
        return await self._store.next_due(self._owners)

    async def tick(self) -> bool:
        """See to all schedules that are due; whether all could be."""
        due = await self._store.due(self._engine.clock(), self._owners)
        return all(await asyncio.gather(*map(self._see_to, due)))

    async def _see_to(self, schedule: Schedule) -> bool:
        try:
            await self._store.change(schedule, await self._after_turn(schedule))
        except Unavailable as error:
            self._log.warning("schedule %s: its due time is tried again: %s", schedule.id, error)
            return False
        return True

    async def _after_turn(self, schedule: Schedule) -> Schedule:
        """The schedule as it is when what is due has been started, or can't be. Raises Unavailable
        when that has to be tried again.
        """
        try:
            turn = core.turn(schedule, self._engine.clock())
        except FlowsError as error:
            return replace(schedule, due_at=None, last_error=str(error))
        moved = replace(schedule, due_at=turn.due_at)
        if turn.start is None:
            self._log.info("schedule %s: a missed due time is skipped", schedule.id)
            return moved
        moved = replace(moved, last_due=turn.start, last_error=None)
        try:
            return replace(moved, last_run=await self._start(schedule, turn.start))
        except Unavailable:
            raise
        except FlowsError as error:
            self._log.warning("schedule %s: no run could be started: %s", schedule.id, error)
            return replace(moved, last_error=str(error))
        except Exception as error:  # noqa: BLE001 (one schedule's defect must not stop the others)
            self._log.exception("schedule %s: no run could be started", schedule.id)
            return replace(moved, last_error=f"{type(error).__name__}: {error}")

    async def _start(self, schedule: Schedule, due: float) -> RunId:
        new = NewRun(
            notebook=await self._read(schedule.path),
            path=schedule.path,
            owner=schedule.owner,
            parameters=schedule.parameters,
            kernel_name=schedule.kernel_name,
            folder=schedule.folder,
            output=core.output_of(schedule, due),
            idempotency_key=core.key_of(schedule.id, due),
        )
        return (await self._engine.create(new)).id
