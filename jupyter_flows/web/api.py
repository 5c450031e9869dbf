"""The REST of runs, gates and links, for logged-in users (and, where it says so, kernels)."""

import contextlib
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.utils import ensure_async
from msgspec import Meta, Struct
from tornado import web
from tornado.iostream import StreamClosedError

from jupyter_flows.core import commands as c
from jupyter_flows.core import policy
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.errors import BadInput, FlowsError, NotAllowed, UnknownGate, UnknownLink
from jupyter_flows.core.model import (
    Digest,
    Gate,
    Json,
    LinkId,
    Run,
    RunId,
    RunStatus,
    StepId,
)
from jupyter_flows.core.records import gate_name
from jupyter_flows.core.schedules import RUN_KEYS
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.ports import Expression, RunFilter
from jupyter_flows.web import views
from jupyter_flows.web.answer import Answer
from jupyter_flows.web.awaiting import awaiting, open_gates, readable_by
from jupyter_flows.web.contents import notebook_model
from jupyter_flows.web.doors import ApiDoor, PeerDoor, number
from jupyter_flows.web.prompt import answered_by
from jupyter_flows.web.times import time
from jupyter_flows.web.urls import keyed_gate, link_urls

MAX_SEQ = 2**31 - 1


class StartRun(Struct, forbid_unknown_fields=True):
    """A run of the notebook at `path`, or of the one that is sent along; with both, of the one at
    `path` as it is on somebody's screen. `in_place`: the run shows in the notebook while it goes
    on; by default the one at `path` does so.
    """

    path: str | None = None
    notebook: dict[str, Json] | None = None
    parameters: dict[str, Json] = {}
    kernel_id: str | None = None
    kernel_name: str | None = None
    idempotency_key: Annotated[str, Meta(max_length=200)] | None = None
    in_place: bool | None = None


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


class SentVote(Struct, forbid_unknown_fields=True):
    """`digest` is the gate's, as it was shown to the voter (G70). `entries`, in the place of a
    payload, are what was typed into the gate's form, by the names of its fields; `inline` says that
    it was the form in the notebook, which then also shows what is wrong.
    """

    approved: bool
    payload: Json = None
    reason: str | None = None
    digest: str | None = None
    entries: dict[str, list[str]] | None = None
    inline: bool = False


class MintLink(Struct, forbid_unknown_fields=True):
    """`gate` is a step's id; with `flow_level` the link is for the whole run (G36)."""

    run: str
    gate: str | None = None
    approver: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    flow_level: bool = False


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
        notebook, path = await self._notebook(asked)
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
                in_place=asked.path is not None if asked.in_place is None else asked.in_place,
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
        return asked.notebook or model["content"], model["path"].strip("/")

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
        self.answer(views.run_view(self.engine, self.doors.public_url, state, self.voter))


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


class VotesDoor(ApiDoor):
    """`gate` is a step's id (its newest generation), or a gate's own id."""

    @web.authenticated
    @authorized
    async def post(self, run: str, gate: str) -> None:
        sent = self.read_json(SentVote)
        if sent.entries is not None and sent.payload is not None:
            raise BadInput("Give either `payload` or `entries`.")
        before = await self.engine.run(RunId(run))
        step, generation = _gate_of(before, gate)
        asked = before.gates[step, generation]
        if sent.inline or sent.entries is not None:
            self._check_may_read_form(before, asked)
        if sent.inline:
            state, new = await self._vote_inline(before.id, sent, asked, gate_name(before, asked))
        else:
            state, new = await self.engine.vote(
                before.id, self._vote(sent, asked, _typed(sent, asked))
            )
        status = HTTPStatus.CREATED if new else HTTPStatus.OK
        self.answer(views.voted(state, step, generation), status)

    def _check_may_read_form(self, run: Run, gate: Gate) -> None:
        """G45: what is wrong with entries tells of the form's fields. And what the form is made to
        say is for its owner, whoever may not vote has no say in it.
        """
        refusal = policy.why_never(run.owner, gate.options, self.voter)
        if refusal is not None and not policy.may_read(run.owner, gate, self.voter):
            raise refusal

    async def _vote_inline(
        self, run: RunId, sent: SentVote, gate: Gate, name: str
    ) -> tuple[Run, bool]:
        """What comes of it is shown in the form too."""
        answer = answered_by(gate, sent.entries or {}, sent.reason)
        try:
            voted = await self.engine.vote(run, self._vote(sent, gate, answer))
        except FlowsError as error:
            self.doors.prompts.refused(run, name, answer, error)
            raise
        self.doors.prompts.counted(run, name)
        return voted

    def _vote(self, sent: SentVote, gate: Gate, answer: Answer | None) -> c.CastVote:
        """Raises FormInvalid."""
        typed = sent.approved and sent.entries is not None
        return c.CastVote(
            gate=gate.step,
            generation=gate.generation,
            voter=self.user_by("notebook") if sent.inline else self.voter,
            approved=sent.approved,
            payload=answer.payload() if answer and typed else sent.payload,
            reason=sent.reason,
            digest=Digest(sent.digest) if sent.digest else None,
        )

    @web.authenticated
    @authorized
    async def delete(self, run: str, gate: str) -> None:
        step, generation = _gate_of(await self.engine.run(RunId(run)), gate)
        state = await self.engine.votes.withdraw(RunId(run), step, generation, self.voter)
        self.answer(views.voted(state, step, generation))


def _typed(sent: SentVote, gate: Gate) -> Answer | None:
    """To read entries takes the form; a payload is judged with the vote."""
    return None if sent.entries is None else answered_by(gate, sent.entries, sent.reason)


def _gate_of(run: Run, said: str) -> tuple[StepId, int]:
    keyed = keyed_gate(run, said)
    if keyed is not None:
        return keyed.step, keyed.generation
    newest = run.gate(StepId(said))
    if newest is None or newest.opened_at is None:
        raise UnknownGate(f"The run has no gate {said!r}.")
    return newest.step, newest.generation


class GatesDoor(ApiDoor):
    """The inbox: open gates, and with `awaiting=me` those that I have not voted on."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        mine = self.get_query_argument("awaiting", None)
        if mine not in (None, "me"):
            raise BadInput(f"awaiting must be `me`; it is {mine!r}")
        page = await open_gates(
            self.engine,
            awaiting(self.voter) if mine else readable_by(self.voter),
            limit=self.limit(),
            cursor=self.get_query_argument("cursor", None),
            log=self.log,
        )
        self.answer(views.GatePage([views.gate_summary(gate) for gate in page.gates], page.cursor))


class LinksDoor(ApiDoor):
    """Listing is for users; minting is for the run's owner and for the run's own kernel (G46)."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        run = self.get_query_argument("run", None)
        if run is not None:
            self.check_owner(await self.engine.run(RunId(run)))
        owned: dict[RunId, bool] = {}
        rows = []
        for row in await self.engine.links(RunId(run) if run else None, self.limit()):
            if row.run not in owned:
                owned[row.run] = (await self.engine.row(row.run)).owner == self.user
            if owned[row.run]:
                rows.append(row)
        self.answer(views.LinkPage([views.link_row_view(row) for row in rows]))

    def check_xsrf_cookie(self) -> None:
        """A bearer token is no cookie: nobody else's page can make the browser send it."""
        if not self.bearer():
            super().check_xsrf_cookie()

    @allow_unauthenticated
    async def post(self) -> None:
        kernels = await self._kernels_run()
        asked = self.read_json(MintLink)
        await self._check_may_mint(asked, kernels)
        if asked.gate is None and not asked.flow_level:
            raise BadInput("Give `gate`, or `flow_level: true`.")
        gate = None if asked.flow_level or asked.gate is None else StepId(asked.gate)
        run, link = await self.engine.mint(RunId(asked.run), gate, asked.approver)
        urls = link_urls(self.engine, self.doors.public_url, run, link)
        self.answer({"id": link.id, **urls}, HTTPStatus.CREATED)

    async def _kernels_run(self) -> Run | None:
        """The run whose kernel asks, None where a user does. Nobody else's body is read."""
        if self.current_user:
            return None
        if not self.bearer():
            raise web.HTTPError(HTTPStatus.FORBIDDEN, "Log in, or show a kernel's token.")
        try:
            return await self.engine.kernel_run(self.bearer())
        except UnknownLink:
            raise NotAllowed("This token is not one of a running flow's kernel.") from None

    async def _check_may_mint(self, asked: MintLink, kernels: Run | None) -> None:
        if kernels is not None:
            if kernels.id != asked.run:
                raise NotAllowed("This kernel's token is for its own run only.")
            return
        allowed = self.authorizer.is_authorized(self, self.current_user, "write", "flows")
        if not await ensure_async(allowed):
            raise NotAllowed
        self.check_owner(await self.engine.run(RunId(asked.run)))


class LinkIdDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def delete(self, link: str) -> None:
        row = await self.engine.link(LinkId(link))
        self.check_owner(await self.engine.run(row.run))
        await self.engine.revoke(LinkId(link), self.user)
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()


class PeerRun(Struct, forbid_unknown_fields=True):
    """A run that another process of this user hands over."""

    notebook: dict[str, Json]
    path: str
    owner: str
    parameters: dict[str, Json] = {}
    kernel_name: str | None = None
    folder: str | None = None
    output: str | None = None


class PeerRunsDoor(PeerDoor):
    @allow_unauthenticated
    async def post(self) -> None:
        self.check_peer()
        run = await self.engine.create(NewRun(**msgspec.structs.asdict(self.read_json(PeerRun))))
        self.answer(views.RunState(run.id, run.status), HTTPStatus.CREATED)


class PeerExpression(Struct, forbid_unknown_fields=True):
    """A gate's check of an answer, which needs the kernel that this process has (G62)."""

    expr: str
    names: dict[str, Json] = {}
    timeout: float = 60.0


class PeerEvaluateDoor(PeerDoor):
    @allow_unauthenticated
    async def post(self, run: str) -> None:
        self.check_peer()
        asked = self.read_json(PeerExpression)
        found = await self.engine.evaluate(
            RunId(run), Expression(expr=asked.expr, names=asked.names, timeout=asked.timeout)
        )
        self.answer(found)


class PeerDriveDoor(PeerDoor):
    """Another process has changed the run: look at it, and drive it."""

    @allow_unauthenticated
    async def post(self, run: str) -> None:
        self.check_peer()
        await self.engine.poked(RunId(run))
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()
