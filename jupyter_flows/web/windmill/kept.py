"""What is kept with runs: user states, and how far a job says it is."""

from typing import Annotated

from msgspec import Meta, Struct

from jupyter_flows.core.things import MOST_MESSAGE
from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door


class SetProgress(Struct):
    """`message` is this server's own."""

    percent: Annotated[int, Meta(ge=0, le=100)]
    flow_job_id: str | None = None
    message: Annotated[str, Meta(max_length=MOST_MESSAGE)] | None = None


class UserStateDoor(WindmillDoor):
    """Kept with the whole family of the named run; any of its jobs names it."""

    @windmill_door
    async def get(self, job: str, key: str) -> None:
        run, _ = await self.job(job)
        self.answer(await self.doors.things.state(run, key))

    @windmill_door
    async def post(self, job: str, key: str) -> None:
        run, _ = await self.job(job)
        await self.doors.things.set_state(run, key, self.body_json())
        self.text("ok")

    @windmill_door
    async def delete(self, job: str, key: str) -> None:
        run, _ = await self.job(job)
        await self.doors.things.drop_state(run, key)
        self.text("ok")


class UserStatesDoor(WindmillDoor):
    @windmill_door
    async def get(self, job: str) -> None:
        run, _ = await self.job(job)
        self.answer(await self.doors.things.states(run))


class SetProgressDoor(WindmillDoor):
    @windmill_door
    async def post(self, job: str) -> None:
        run, step = await self.job(job)
        asked = self.read_json(SetProgress)
        await self.doors.progress.set(run, step, asked.percent, asked.message)
        self.text("ok")


class ProgressDoor(WindmillDoor):
    @windmill_door
    async def get(self, job: str) -> None:
        run, step = await self.job(job)
        told = await self.doors.progress.of(run, step)
        self.answer(None if told is None else told.percent)
