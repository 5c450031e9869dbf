"""The doors of workflows as code: what the inner steps of a cell came to, and by what it asks."""

from msgspec import Struct

from jupyter_flows.core.errors import NotAllowed
from jupyter_flows.core.inner import checked_key
from jupyter_flows.core.model import Json, Run, StepId
from jupyter_flows.engine.inner import FAILED
from jupyter_flows.web.urls import link_urls
from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door


class Outcome(Struct):
    """What the call of this key came to; an error has the mark `__wmill_error`."""

    key: str
    result: Json = None
    started_at: str | None = None
    duration_ms: int | None = None


class Kept(Struct):
    """`failure` is the error as it is kept; null for what is none."""

    failure: dict[str, Json] | None


class Ended(Struct):
    """By their keys."""

    completed_steps: dict[str, Json]


class _StepDoor(WindmillDoor):
    async def kernels_step(self, job: str) -> tuple[Run, StepId]:
        """The step of the kernel that asks. Raises NotAllowed for anybody else's."""
        if self.caller.run is None:
            raise NotAllowed("This is for the run's own kernel.")
        return await self.own_step(job)


class EndedDoor(_StepDoor):
    @windmill_door
    async def get(self, job: str) -> None:
        run, step = await self.kernels_step(job)
        self.answer(Ended(await self.engine.inner.ended(run, step)))


class KeepDoor(_StepDoor):
    @windmill_door
    async def post(self, job: str) -> None:
        run, step = await self.kernels_step(job)
        said = self.read_json(Outcome)
        await self.engine.inner.keep(run.id, step, said.key, said.result)
        failed = isinstance(said.result, dict) and said.result.get(FAILED) is True
        self.answer(Kept(said.result if failed else None))


class ApprovalUrlsDoor(WindmillDoor):
    @windmill_door
    async def get(self, job: str, key: str) -> None:
        run, step = await self.own_step(job)
        run, link = await self.engine.links.mint(
            run.id, step, self.query("approver"), checked_key(key)
        )
        self.answer(link_urls(self.engine, self.doors.public_url, run, link))
