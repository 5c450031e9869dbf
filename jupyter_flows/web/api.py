"""The REST of runs, for logged-in users."""

import contextlib
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from jupyter_server.auth.decorator import authorized
from msgspec import Meta, Struct
from tornado import web
from tornado.iostream import StreamClosedError

from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.completions import MOST_URL, EventType, completion
from jupyter_flows.core.errors import BadInput, NotOffered
from jupyter_flows.core.model import (
    Json,
    Run,
    RunId,
    RunStatus,
)
from jupyter_flows.core.schedules import RUN_KEYS
from jupyter_flows.core.scripts import NOT_WRITTEN, is_script
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.ports import RunFilter
from jupyter_flows.web import views
from jupyter_flows.web.contents import notebook_model
from jupyter_flows.web.doors import DRIVES_NOTHING, ApiDoor, number
from jupyter_flows.web.times import time

MAX_SEQ = 2**31 - 1


class StartRun(Struct, forbid_unknown_fields=True):
    """A run of the notebook at `path`, or of the one that is sent along; with both, of the one at
    `path` as it is on somebody's screen. `in_place`: the run shows in the notebook while it goes
    on; by default the one at `path` does so, if it is no script. `completion_url` is sent a signed
    webhook when the run ends or is interrupted, or of those `completion_events`.
    """

    path: str | None = None
    notebook: dict[str, Json] | None = None
    parameters: dict[str, Json] = {}
    kernel_id: str | None = None
    kernel_name: str | None = None
    idempotency_key: Annotated[str, Meta(max_length=200)] | None = None
    in_place: bool | None = None
    completion_url: Annotated[str, Meta(max_length=MOST_URL)] | None = None
    completion_events: Annotated[list[EventType], Meta(min_length=1)] | None = None


class CancelRun(Struct, forbid_unknown_fields=True):
    reason: str | None = None


class ResumeRun(Struct, forbid_unknown_fields=True):
    """Goes on with the cells as they were; with `edited`, with the notebook as its file is now;
    with a `notebook`, with that one. What has run already must stand in it as it was. On the kernel
    `kernel_id`, else on the run's own if it is still there, else on a new one.

    `choice` is one of the run's `choices`: with the variables that were saved (`checkpoint`), with
    those although packages have changed since (`changed`), with the kernel as it is now (`kernel`),
    or with the earlier cells run again (`rerun`). Without it: as saved, else run again; where a
    person has to choose, that is refused.
    """

    edited: bool = False
    notebook: dict[str, Json] | None = None
    kernel_id: str | None = None
    choice: Annotated[str, Meta(extra_json_schema={"enum": list(Choice)})] | None = None


class RunsDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        wanted = RunFilter(
            status=frozenset(map(_status, self.get_query_arguments("status"))),
            path=self.get_query_argument("path", None),
            owner=self.get_query_argument("owner", None),
        )
        page = await self.engine.runs(wanted, self.get_query_argument("cursor", None), self.limit())
        self.answer(views.RunPage([views.run_summary(row) for row in page.rows], page.cursor))

    @web.authenticated
    @authorized
    async def post(self) -> None:
        asked = self.read_json(StartRun)
        if (asked.idempotency_key or "").startswith(RUN_KEYS):
            raise BadInput(f"idempotency_key must not begin with {RUN_KEYS!r}")
        script = is_script(asked.path or "")
        if script and asked.in_place:
            raise BadInput(f"{asked.path!r} can't show its run (`in_place`): {NOT_WRITTEN}")
        notebook, path = await self._notebook(asked)
        shows = asked.path is not None and not script
        run = await self.engine.create(
            NewRun(
                notebook=notebook,
                path=path,
                owner=self.user,
                parameters=asked.parameters,
                kernel_name=asked.kernel_name,
                kernel_id=asked.kernel_id,
                folder=self._folder(path),
                idempotency_key=asked.idempotency_key,
                in_place=shows if asked.in_place is None else asked.in_place,
                completion=completion(asked.completion_url, asked.completion_events),
            )
        )
        self.set_header("Location", f"runs/{run.id}")
        self.answer(
            views.run_view(self.engine, self.doors.public_url, run, self.voter), HTTPStatus.CREATED
        )

    async def _notebook(self, asked: StartRun) -> tuple[dict[str, Json], str]:
        if asked.path is None and asked.in_place:
            raise BadInput("Only the notebook at a `path` can show its run: `in_place` needs one.")
        if asked.path is None and asked.notebook is None:
            raise BadInput("Give `path`, `notebook`, or both.")
        if asked.path is None:
            return asked.notebook or {}, ""
        content = asked.notebook is None
        model = await notebook_model(self.contents_manager, asked.path, content=content)
        found = asked.notebook or model["content"]
        if isinstance(found, str):
            found = self.engine.reading.script(found)
        return found, model["path"].strip("/")

    def _folder(self, path: str) -> str | None:
        folder = getattr(self.kernel_manager, "cwd_for_path", None)
        return None if folder is None else str(folder(path))


def _status(said: str) -> RunStatus:
    try:
        return RunStatus(said)
    except ValueError:
        allowed = ", ".join(RunStatus)
        raise BadInput(f"status {said!r} is unknown; allowed: {allowed}") from None


class RunDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        state = await self.engine.run(RunId(run))
        progress = await self.doors.progress.shown(state)
        self.answer(views.run_view(self.engine, self.doors.public_url, state, self.voter, progress))


class EventsDoor(ApiDoor):
    """Server-Sent Events, from any place in the log on, until the run ends."""

    KEEP_ALIVE_EVERY = 15

    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        after = self._after()
        await self.check_reader(run)
        state = await self.engine.run(RunId(run))
        if state.finished and after >= state.seq:
            self.set_status(HTTPStatus.NO_CONTENT)  # the browser's EventSource stops asking
            self.finish()
            return
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")
        with contextlib.suppress(StreamClosedError):
            await self._send(RunId(run), after)

    async def _send(self, run: RunId, after: int) -> None:
        quiet = 0
        async for rows in self.engine.follow(run, after):
            for row in rows:
                self.write(_event(row))
                after = row.seq
            quiet = 0 if rows else quiet + 1
            if quiet % self.KEEP_ALIVE_EVERY == self.KEEP_ALIVE_EVERY - 1:
                self.write(": waiting\n\n")
            await self.flush()
            state = await self.engine.run(run)
            if state.finished and after >= state.seq:
                return

    def _after(self) -> int:
        said = self.request.headers.get("Last-Event-ID") or self.get_query_argument("after", "0")
        return number("after (or Last-Event-ID)", said, 0, MAX_SEQ)


def _event(row: Any) -> str:
    kind = type(row.event).__name__
    data = {"seq": row.seq, "at": time(row.at), "kind": kind, "body": row.event}
    return f"id: {row.seq}\nevent: {kind}\ndata: {msgspec.json.encode(data).decode()}\n\n"


class NotebookDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self, run: str) -> None:
        await self.check_reader(run)
        self.answer(await self.engine.notebook(RunId(run)))


class CancelDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def post(self, run: str) -> None:
        self.check_owner(await self.engine.run(RunId(run)))
        asked = self.read_json(CancelRun)
        state = await self.engine.cancel(RunId(run), self.user, asked.reason)
        self.answer(views.run_view(self.engine, self.doors.public_url, state, self.voter))


class ResumeDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def post(self, run: str) -> None:
        before = await self.engine.run(RunId(run))
        self.check_owner(before)
        asked = self.read_json(ResumeRun)
        notebook = asked.notebook
        if asked.edited and notebook is None:
            notebook = await self._file_of(before)
        state = await self.engine.resume(
            RunId(run), self.user, notebook, asked.kernel_id, _choice(asked.choice)
        )
        self.answer(views.run_view(self.engine, self.doors.public_url, state, self.voter))

    async def _file_of(self, run: Run) -> dict[str, Json]:
        """Paths of runs that the command line started are none of this server's."""
        if not self.doors.drives:
            raise NotOffered(DRIVES_NOTHING)
        if not run.path or run.path.startswith("/"):
            raise BadInput("This run's notebook is no file of this server; send it along.")
        model = await notebook_model(self.contents_manager, run.path, content=True)
        found: dict[str, Json] = model["content"]
        return found


def _choice(said: str | None) -> Choice | None:
    try:
        return None if said is None else Choice(said)
    except ValueError:
        allowed = ", ".join(Choice)
        raise BadInput(f"choice {said!r} is unknown; allowed: {allowed}") from None
