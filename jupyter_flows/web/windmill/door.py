"""What the doors of Windmill's API have in common: who may come in, and how they are answered.

They are for the client package `wmill`, unmodified. It asks from a kernel, with its run's token,
for the run's owner and within the run's family; or from outside, for a logged-in user.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.utils import ensure_async
from tornado import web

from jupyter_flows.core import windmill
from jupyter_flows.core.errors import BadInput, NotAllowed, UnknownJob, UnknownLink, UnknownRun
from jupyter_flows.core.model import Json, Run, RunId, StepId
from jupyter_flows.core.windmill import Job
from jupyter_flows.web.doors import ApiDoor, number

D = TypeVar("D", bound="WindmillDoor")
T = TypeVar("T")

PAGE = 1000
"""How many stand on one page of a list: by default, and at most."""
MOST_PAGES = 1_000_000

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_READS = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: `user` for whom, and `run` whose kernel it is; None for a user from outside."""

    user: str
    run: Run | None = None

    def is_family(self, run: Run) -> bool:
        """Whether a kernel may have to do with this run: its own, and those that began with it or
        that it began with (G46).
        """
        return self.run is None or windmill.root_of(self.run) == windmill.root_of(run)

    def is_related(self, run: Run) -> bool:
        """Whether it is of the family, or another run of the same flow (`cancel_running`).
        Notebooks that lie nowhere and have no name are no flow.
        """
        if self.run is None or self.is_family(run):
            return True
        return bool(run.flow) and run.flow == self.run.flow


def windmill_door(method: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """A method of a `WindmillDoor`, behind the check of who comes in. Its first argument in the
    address, the workspace, is checked and left out.
    """

    @allow_unauthenticated
    @wraps(method)
    async def entered(door: "WindmillDoor", *args: str) -> None:
        door.caller = await door.enter()
        if door.of_workspace:
            check_workspace(args[0])
            args = args[1:]
        await method(door, *args)

    return entered


def check_workspace(name: str) -> None:
    """Raises BadInput for any other workspace than the one that there is."""
    if name != windmill.WORKSPACE:
        raise BadInput(
            f"This server has one workspace, {windmill.WORKSPACE!r}; set WM_WORKSPACE to it"
            f" (it is {name[:100]!r})."
        )


class WindmillDoor(ApiDoor):
    """Each method is marked `@windmill_door`, and finds who asks in `caller`."""

    of_workspace = True
    """Whether the address begins with `w/WORKSPACE/`."""

    caller: Caller

    def check_xsrf_cookie(self) -> None:
        """A bearer token is no cookie: nobody else's page can make the browser send it."""
        if not self.bearer():
            super().check_xsrf_cookie()

    async def enter(self) -> Caller:
        """Raises NotAllowed, and HTTPError 403 for who shows nothing."""
        if self.current_user:
            action = "read" if self.request.method in _READS else "write"
            may = self.authorizer.is_authorized(self, self.current_user, action, "flows")
            if not await ensure_async(may):
                raise NotAllowed
            return Caller(self.user)
        if not self.bearer():
            raise web.HTTPError(HTTPStatus.FORBIDDEN, "Log in, or show a kernel's token.")
        try:
            run = await self.engine.links.run_of(self.bearer())
        except UnknownLink:
            raise NotAllowed("This token is not one of a running flow's kernel.") from None
        return Caller(run.owner, run)

    # ------------------------------------------------------------ jobs

    async def job(self, text: str) -> tuple[Run, StepId | None]:
        """The run of this job, and its step. A kernel is told of no run but its family's, and a
        user of none that is another's. Raises UnknownJob.
        """
        job = windmill.job_of(text)
        run = await self.run_of(job)
        if not self.caller.is_family(run) or run.owner != self.caller.user:
            raise UnknownJob(f"There is no job {text[:200]!r}.")
        return run, job.step

    async def run_of(self, job: Job) -> Run:
        """Whoever asks. Raises UnknownJob."""
        try:
            run = await self.engine.run(RunId(job.run))
        except UnknownRun:
            raise UnknownJob(f"There is no job {job.run!r}.") from None
        if job.step is not None and job.step not in run.steps:
            raise UnknownJob(f"Run {run.id} has no step {job.step!r}.")
        return run

    async def own_job(self, text: str) -> tuple[Run, StepId | None]:
        """As `job`; a kernel has only its own run's. Raises UnknownJob, NotAllowed."""
        run, step = await self.job(text)
        if self.caller.run is not None and self.caller.run.id != run.id:
            raise NotAllowed("This kernel's token is for its own run only.")
        return run, step

    async def own_step(self, text: str) -> tuple[Run, StepId]:
        """As `own_job`, of a step. Raises BadInput for a run's job."""
        run, step = await self.own_job(text)
        if step is None:
            raise BadInput(f"{text[:200]!r} is a run; name one of its steps, as WM_JOB_ID does.")
        return run, step

    # ------------------------------------------------------------ what is sent and answered

    def body_json(self) -> Json:
        """The body as any JSON value. Raises BadInput."""
        try:
            return msgspec.json.decode(self.request.body or b"null")
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise BadInput(f"The body is not JSON: {error}") from None

    def text(self, said: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        """Answer in plain text, as Windmill does where it answers with an id."""
        self.set_status(status)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(said)

    def flag(self, name: str) -> bool:
        """Whether the address says `true`. Raises BadInput."""
        return self.flag_or_none(name) or False

    def flag_or_none(self, name: str) -> bool | None:
        """What the address says, if it does. Raises BadInput."""
        said = self.query(name)
        if said is None:
            return None
        if said.lower() not in _FLAGS:
            raise BadInput(f"{name} must be true or false; it is {said[:40]!r}")
        return _FLAGS[said.lower()]

    def page(self, found: Sequence[T]) -> Sequence[T]:
        """Those of the `page` that is asked for, counted from 1, of `per_page`. Raises BadInput."""
        size = number("per_page", self.query("per_page") or str(PAGE), 1, PAGE)
        first = (number("page", self.query("page") or "1", 1, MOST_PAGES) - 1) * size
        return found[first : first + size]

    def query(self, name: str) -> str | None:
        """A value of the address; None where it is missing or empty."""
        found: Any = self.get_query_argument(name, None)
        return found or None
