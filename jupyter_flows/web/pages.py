"""The approval page's door: what is shown to whom, and what its buttons do.

Most readers come by a link and are in nobody's list of users. A gate that asks for more (G42 to
G44) is shown to who has logged in, with the link or without one.
"""

from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

from jupyter_flows.core import errors, policy
from jupyter_flows.core.commands import CastVote
from jupyter_flows.core.errors import (
    BadInput,
    FormInvalid,
    Gone,
    Mistake,
    NotAllowed,
    NotFound,
    ReasonRequired,
    TooLarge,
    UnknownLink,
)
from jupyter_flows.core.gating import configures_gate
from jupyter_flows.core.links import Claims
from jupyter_flows.core.model import Digest, Gate, Json, Purpose, Run, RunId, StepId
from jupyter_flows.ports import Outputs
from jupyter_flows.web.answer import Answer, answered
from jupyter_flows.web.links import COOKIE, HtmlErrors, check_link, counted_by, page_key
from jupyter_flows.web.page import Typed, gate_page, message_page
from jupyter_flows.web.posted import Posted, read_posted
from jupyter_flows.web.problems import problem, status_of
from jupyter_flows.web.readers import Reader, login_may_help, shut_out
from jupyter_flows.web.urls import gate_key


@web.stream_request_body
class PageDoor(HtmlErrors):
    """The page of a gate, for a reader who has entered by a link, or is logged in."""

    @allow_unauthenticated
    async def get(self, key: str) -> None:
        reader = await self._reader(key)
        if reader is None:
            await self._to_login(key)
            return
        await self._show(key, reader)

    @allow_unauthenticated
    async def head(self, key: str) -> None:
        await self.get(key)

    # ------------------------------------------------------------ who reads

    async def _reader(self, key: str) -> Reader | None:
        """None: neither a link's cookie for this page nor a login."""
        claims, token = self._entered(key)
        user = None
        if self.current_user and await self._is_authorized():
            user = self.user_by("page")
        if claims is None and user is None:
            return None
        return Reader(token or f"user {key} {user and user.name}", claims, user)

    async def _is_authorized(self) -> bool:
        action = "read" if self.request.method in ("GET", "HEAD") else "write"
        asked = self.authorizer.is_authorized(self, self.current_user, action, "flows")
        return bool(await ensure_async(asked))

    def _entered(self, key: str) -> tuple[Claims | None, str]:
        """What the cookie of a link that leads here says, and the token in it; else None."""
        purpose, _, token = self.get_cookie(COOKIE, "").partition(".")
        if purpose not in list(Purpose):
            return None, ""
        claims = self.engine.read_token(Purpose(purpose), token)
        if page_key(claims) != key:
            raise UnknownLink
        return claims, token

    async def _to_login(self, key: str) -> None:
        """Only for a gate at which a login is of use. Raises UnknownLink for all else."""
        _, gate = await self._gate_of(key)
        if not (policy.needs_login(gate.options) or policy.keeps_links(gate.options)):
            raise UnknownLink
        self.redirect(self._login_url())

    def _login_url(self) -> str:
        mark = "&" if "?" in self.get_login_url() else "?"
        return f"{self.get_login_url()}{mark}{urlencode({'next': self.request.path})}"

    async def _gate_of(self, key: str) -> tuple[Run, Gate]:
        """The gate that a page's address names. Raises UnknownLink."""
        try:
            run = await self.engine.run(RunId(key.partition(".")[0]))
        except NotFound:
            raise UnknownLink from None
        for gate in run.gates.values():
            if gate_key(run.id, gate.step, gate.generation) == key:
                return run, gate
        raise UnknownLink

    async def _looked_at(self, key: str, reader: Reader) -> tuple[Run, Gate | None]:
        """The run and the gate that this reader's page is about.

        Raises UnknownLink, LinkRevoked, LinkExpired.
        """
        if reader.claims is None:
            return await self._gate_of(key)
        run, gate = await check_link(self, reader.claims)
        return run, gate or _flow_level_gate(run, reader.claims)

    # ------------------------------------------------------------ what is shown

    async def _show(
        self, key: str, reader: Reader, typed: Typed | None = None, status: int = 200
    ) -> None:
        try:
            run, gate = await self._looked_at(key, reader)
        except Gone:
            run, gate = await self._after_the_end(reader)
        refusal = shut_out(run, gate, reader)
        if refusal is not None:
            self._refuse(refusal, reader)
            return
        page = gate_page(
            run,
            gate,
            purpose=reader.purpose,
            own_vote=reader.own_vote(run, gate),
            refusal=policy.refusal_of(run, gate, reader.voter(run, gate)) if gate else None,
            outputs=await self._evidence(run, gate),
            form_token=self.engine.sign_form(reader.secret),
            now=self.engine.clock(),
            typed=typed,
        )
        self.send_page(page, status)
        if gate is not None and self.request.method == "GET":
            self.engine.shown(run, gate, reader.voter(run, gate))

    def _refuse(self, refusal: NotAllowed, reader: Reader) -> None:
        """What the gate shows is not for this reader (G45)."""
        title = str(problem(refusal)["title"]).rstrip(".")
        text = str(refusal) if str(refusal).rstrip(".") != title else ""
        login = None
        if login_may_help(refusal, reader):
            text, login = f"{text} If you have an account here, log in to go on.", self._login_url()
        self.send_page(message_page(title, text.strip(), login), status_of(refusal))

    async def _after_the_end(self, reader: Reader) -> tuple[Run, Gate | None]:
        """Who has voted here may come back to see the outcome, though the deadline is over."""
        claims = reader.claims
        if claims is None:
            raise UnknownLink
        run = await self.engine.run(claims.run)
        gate = run.gates.get((claims.gate, claims.generation)) if claims.gate else None
        link = run.links[claims.link]
        if link.revoked_at is None and gate is not None and gate.closed_at is not None:
            return run, gate
        return await check_link(self, claims)

    async def _evidence(self, run: Run, gate: Gate | None) -> Outputs:
        """The outputs that the digest covers: the gate cell's and those of `evidence` cells. A last
        value that only configures the gate is not shown.
        """
        if gate is None or gate.opened_at is None:
            return []
        stored = await self.engine.outputs(run)
        index = run.steps[gate.step].spec.index
        shown = [
            step.id
            for step in run.steps.values()
            if step.id == gate.step or (step.spec.evidence and step.spec.index < index)
        ]
        if configures_gate(run.steps[gate.step].result):
            stored[gate.step] = [
                output
                for output in stored.get(gate.step, [])
                if output["output_type"] != "execute_result"
            ]
        return [output for step in shown for output in stored.get(step, [])]

    # ------------------------------------------------------------ what the buttons do

    @allow_unauthenticated
    async def post(self, key: str) -> None:
        reader = await self._reader(key)
        if reader is None:
            raise UnknownLink
        posted = read_posted(self.request.headers.get("Content-Type", ""), bytes(self._body))
        self._check_ours(reader.secret, posted.one("form"))
        run, gate = await self._looked_at(key, reader)
        answer = answered(gate.options if gate else None, posted)
        if answer.is_edit:
            await self._show(key, reader, answer.typed)
            return
        try:
            await self._do(run, gate, reader, posted, answer)
        except (FormInvalid, ReasonRequired, BadInput, TooLarge) as error:
            mistakes = getattr(error, "mistakes", (Mistake("", str(error)),))
            status = status_of(error)
            if status == HTTPStatus.BAD_REQUEST:
                status = HTTPStatus.UNPROCESSABLE_ENTITY
            await self._show(key, reader, answer.wrong(mistakes), status)
            return
        # The outcome is in this answer: a server that was started for one run may end with it,
        # before a redirected browser asks again. Sending the form anew repeats the vote: no harm.
        await self._show(key, reader)

    async def _do(
        self, run: Run, gate: Gate | None, reader: Reader, posted: Posted, answer: Answer
    ) -> None:
        decision = posted.one("decision")
        if decision == "withdraw" and gate is not None:
            voter = reader.voter(run, gate)
            await self.engine.votes.withdraw(run.id, gate.step, gate.generation, voter)
        elif decision == "approve":
            await self._vote(run, gate, reader, posted, payload=answer.payload())
        elif decision == "reject":
            await self._vote(run, gate, reader, posted, reason=posted.one("reason").strip() or None)
        else:
            raise BadInput("Press one of the buttons.")

    async def _vote(
        self,
        run: Run,
        gate: Gate | None,
        reader: Reader,
        posted: Posted,
        *,
        payload: Json = None,
        reason: str | None = None,
    ) -> None:
        approved = posted.one("decision") == "approve"
        digest = posted.one("digest") or None
        voter = reader.voter(run, gate)
        if reader.claims is not None:
            await self.engine.votes.by_link(
                reader.claims,
                approved=approved,
                payload=payload,
                reason=reason,
                digest=digest,
                user=reader.user if voter.verified else None,
            )
            return
        if gate is None:
            raise errors.NoGate
        await self.engine.vote(
            run.id,
            CastVote(
                gate=gate.step,
                generation=gate.generation,
                voter=voter,
                approved=approved,
                payload=payload,
                reason=reason,
                digest=Digest(digest) if digest else None,
            ),
        )

    def _check_ours(self, token: str, form: str) -> None:
        """Only our own page's form may use the reader's cookie. Raises NotAllowed.

        A browser that is told to send no Referer writes `Origin: null`, from our page too; then
        Sec-Fetch-Site and the form's own token decide.
        """
        fetched = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        origin = self.request.headers.get("Origin")
        allowed = {self.request.host.lower(), urlsplit(self.doors.public_url()).netloc.lower()}
        named = origin not in (None, "null")
        foreign = named and urlsplit(origin or "").netloc.lower() not in allowed
        signed = self.engine.is_our_form(token, form)
        if fetched != "same-origin" or foreign or not signed:
            raise NotAllowed("This vote did not come from our page. Open your link again.")


def _flow_level_gate(run: Run, claims: Claims) -> Gate | None:
    """What a flow-level link's holder looks at: the gate that counted it, else the open one that
    would.
    """
    if claims.gate is not None:
        return None
    step, generation = counted_by(run, claims)
    if step is not None:
        return run.gates[StepId(step), generation]
    gate = run.open_gate
    return gate if gate and gate.options.pre_approvals else None
