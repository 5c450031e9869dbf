"""The doors of workflows as code: what the inner steps of a cell came to, and by what it asks."""

from http import HTTPStatus

from msgspec import Struct

from jupyter_flows.core.errors import BadInput, NotAllowed
from jupyter_flows.core.inner import checked_key
from jupyter_flows.core.model import Json, Run, StepId
from jupyter_flows.engine.inner import FAILED
from jupyter_flows.web.urls import link_urls
from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door


class Urls(Struct, rename="camel"):
    approval_page: str
    resume: str
    cancel: str


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
    async def own_step(self, job: str) -> tuple[Run, StepId]:
        """The step of the kernel that asks. Raises NotAllowed for anybody else's."""
        run, step = await self.job(job)
        if self.caller.run is None or self.caller.run.id != run.id:
            raise NotAllowed("This is for the run's own kernel.")
        if step is None:
            raise BadInput(f"{job[:200]!r} is a run; name one of its steps, as WM_JOB_ID does.")
        return run, step


class EndedDoor(_StepDoor):
    @windmill_door
    async def get(self, job: str) -> None:
        run, step = await self.own_step(job)
        self.answer(Ended(await self.engine.inner.ended(run, step)))


class KeepDoor(_StepDoor):
    @windmill_door
    async def post(self, job: str) -> None:
        run, step = await self.own_step(job)
        said = self.read_json(Outcome)
        await self.engine.inner.keep(run.id, step, said.key, said.result)
        failed = isinstance(said.result, dict) and said.result.get(FAILED) is True
        self.answer(Kept(said.result if failed else None))


class ApprovalUrlsDoor(WindmillDoor):
    @windmill_door
    async def get(self, job: str, key: str) -> None:
        run, step = await self.job(job)
        if self.caller.run is not None and self.caller.run.id != run.id:
            raise NotAllowed("This kernel's token is for its own run only.")
        if step is None:
            raise BadInput(f"{job[:200]!r} is a run; name one of its steps, as WM_JOB_ID does.")
        run, link = await self.engine.links.mint(
            run.id, step, self.query("approver"), checked_key(key)
        )
        urls = link_urls(self.engine, self.doors.public_url, run, link)
        self.answer(Urls(urls["approvalPage"], urls["resume"], urls["cancel"]), HTTPStatus.OK)
