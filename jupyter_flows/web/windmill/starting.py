"""Runs that are started in Windmill's words: by path, by hash, and functions of a cell."""

from http import HTTPStatus

import msgspec
from msgspec import Struct

from jupyter_flows.core import options, windmill
from jupyter_flows.core.errors import BadInput, NotAllowed, UnknownJob
from jupyter_flows.core.model import Json, Retry, Run
from jupyter_flows.engine.children import Asked
from jupyter_flows.web.doors import number
from jupyter_flows.web.windmill.door import WindmillDoor, windmill_door

MOST_DELAY = 10 * 365 * 86400
MOST_TIMEOUT = 365 * 86400
"""Seconds."""

FAMILY = "This kernel's token is for its own family of runs only."


class CallFunction(Struct):
    args: dict[str, Json] = {}


class _StartDoor(WindmillDoor):
    def args(self) -> dict[str, Json]:
        """The body: the run's parameters by name. Raises BadInput."""
        said = self.body_json()
        if said is not None and not isinstance(said, dict):
            raise BadInput("The body must be an object: the arguments by their names.")
        return said or {}

    async def asked(self, args: dict[str, Json]) -> Asked:
        """Raises BadInput, NotAllowed, UnknownJob."""
        parent, starter = await self._parent()
        delay, timeout = self._seconds("scheduled_in_secs"), self._seconds("timeout")
        return Asked(
            owner=self.caller.user,
            parameters=args,
            starter=starter,
            parent_job=parent,
            delay=delay,
            lifetime=timeout,
            retry=self._retry(),
            key=self.idempotency_key(f"jobs:{self.caller.user}:{self._family()}"),
        )

    def _family(self) -> str:
        return "" if self.caller.run is None else windmill.root_of(self.caller.run)

    async def _parent(self) -> tuple[str | None, Run | None]:
        """The job that is named as the parent, and the run that has the child: whatever a kernel
        asks for is its own run's, and of its family.
        """
        named, own = self.query("parent_job"), self.caller.run
        root = self.query("root_job")
        if own is not None:
            if named is not None and windmill.job_of(named).run != own.id:
                raise NotAllowed(FAMILY)
            if root is not None and root != windmill.root_of(own):
                raise NotAllowed(FAMILY)
            if named is not None:
                await self.job(named)
            return named, own
        if named is None:
            return None, None
        parent, _ = await self.job(named)
        if root is not None and root != windmill.root_of(parent):
            raise BadInput(f"root_job {root[:200]!r} is not that of the parent job.")
        return named, parent

    def _seconds(self, name: str) -> float | None:
        said = self.query(name)
        most = MOST_DELAY if name == "scheduled_in_secs" else MOST_TIMEOUT
        return None if said is None else float(number(name, said, 1, most))

    def _retry(self) -> Retry | None:
        said = self.query("retry")
        if said is None:
            return None
        try:
            policy = msgspec.json.decode(said)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BadInput(f"retry is not JSON: {error}") from None
        return _retry_of(policy)

    def begun(self, run: Run) -> None:
        self.text(run.id, HTTPStatus.CREATED)


def _retry_of(policy: Json) -> Retry | None:
    """Raises BadInput."""
    if isinstance(policy, dict) and "retry_if" in policy:
        raise BadInput("retry: `retry_if` is not known here; allowed: constant, exponential")
    for mistake in options.checked("cell", {"retry": policy}, "the address"):
        raise BadInput(str(mistake))
    try:
        return options.retry(policy)
    except ValueError as error:
        raise BadInput(f"retry: {error}") from None


class RunPathDoor(_StartDoor):
    """A flow by its name, with Windmill's folders or without."""

    @windmill_door
    async def post(self, path: str) -> None:
        asked = await self.asked(self.args())
        self.begun(await self.doors.children.by_path(path.strip("/"), asked))


class RunHashDoor(_StartDoor):
    @windmill_door
    async def post(self, hash_: str) -> None:
        asked = await self.asked(self.args())
        self.begun(await self.doors.children.by_hash(hash_, asked))


class RunFunctionDoor(_StartDoor):
    """A `@task` that a cell outside of a workflow calls."""

    @windmill_door
    async def post(self, job: str, function: str) -> None:
        args = self.read_json(CallFunction).args
        run, step = await self.own_job(job)
        if step is None:
            raise UnknownJob(f"The job {job!r} is no step: it has no cells of its own.")
        self.begun(await self.doors.adhoc.function(run, step, function, args, job))
