"""The doors for those who hold a link: entering, the page with its buttons, and votes by POST.

GET and HEAD never vote, on any address (G32). Entering by a link checks it, puts the token into a
cookie for one page only, and leads to that page's address, which has no token (G34).
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

from jupyter_flows.core import policy
from jupyter_flows.core.errors import (
    BadInput,
    FlowsError,
    FormInvalid,
    Gone,
    Mistake,
    NotAllowed,
    NotFound,
    ReasonRequired,
    TooMany,
    UnknownLink,
)
from jupyter_flows.core.gating import configures_gate
from jupyter_flows.core.links import Claims
from jupyter_flows.core.machine.gates import vote_by_link
from jupyter_flows.core.model import Gate, Json, Purpose, Run, StepId, Vote, Voter
from jupyter_flows.ports import Outputs
from jupyter_flows.web import views
from jupyter_flows.web.doors import LinkDoor
from jupyter_flows.web.page import Entries, gate_page, message_page
from jupyter_flows.web.problems import problem, status_of
from jupyter_flows.web.urls import gate_key

COOKIE = "jupyter_flows_link"


def page_key(claims: Claims) -> str:
    """The page that a link leads to: its gate's, or the run's for a flow-level link."""
    if claims.gate is None:
        return claims.run
    return gate_key(claims.run, claims.gate, claims.generation)


class HtmlErrors(LinkDoor):
    """Errors of pages as pages, for people."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        kwargs = self.counted(kwargs)
        error = kwargs.get("exc_info", (None, None))[1]
        if not isinstance(error, FlowsError):
            super().write_error(status_code, **kwargs)
            return
        if isinstance(error, TooMany):
            self.set_header("Retry-After", "60")
        title = str(problem(error)["title"])
        text = _ADVICE.get(type(error), "") or (str(error) if str(error) != title else "")
        self.send_page(message_page(title.rstrip("."), text), status_of(error))

    def send_page(self, page: str, status: int = HTTPStatus.OK) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(page)


_ADVICE: Mapping[type[FlowsError], str] = {
    UnknownLink: "It may be incomplete: copy the whole link from your message, and open it again.",
}


@web.stream_request_body
class EnterDoor(HtmlErrors):
    """`approve`, `resume` and `cancel`: GET leads to the page, POST (not on `approve`) votes."""

    def initialize(self, purpose: Purpose, **kwargs: Any) -> None:  # type: ignore[override]
        super().initialize(**kwargs)
        self.purpose = purpose

    @allow_unauthenticated
    async def get(self) -> None:
        token = self.token_of_query()
        claims = self.engine.read_token(self.purpose, token)
        await _check_link(self, claims)
        key = page_key(claims)
        self.set_cookie(
            COOKIE,
            f"{self.purpose}.{token}",
            path=f"{urlsplit(self.doors.public_url()).path.rstrip('/')}/page/{key}",
            httponly=True,
            samesite="Lax",
            secure=self._is_tls(),
        )
        self.set_status(HTTPStatus.SEE_OTHER)
        self.set_header("Location", f"page/{key}")
        self.finish()

    def _is_tls(self) -> bool:
        return self.request.protocol == "https" or self.doors.public_url().startswith("https:")

    @allow_unauthenticated
    async def head(self) -> None:
        await self.get()


async def _check_link(door: LinkDoor, claims: Claims) -> tuple[Run, Gate | None]:
    """The run and gate of genuine claims. Raises UnknownLink, LinkRevoked, LinkExpired."""
    try:
        run = await door.engine.run(claims.run)
    except NotFound:
        raise UnknownLink from None
    gate = run.gates.get((claims.gate, claims.generation)) if claims.gate else None
    if claims.gate and gate is None:
        raise UnknownLink
    policy.checked_link(run, claims.link, gate, door.engine.clock())
    return run, gate


@web.stream_request_body
class VoteDoor(EnterDoor):
    """POST on `resume` and `cancel` votes: JSON, a form, or nothing as its body (G32)."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        if self.request.method == "POST":
            LinkDoor.write_error(self, status_code, **kwargs)
        else:
            super().write_error(status_code, **kwargs)

    @allow_unauthenticated
    async def post(self) -> None:
        claims = self.engine.read_token(self.purpose, self.token_of_query())
        await _check_link(self, claims)
        approved = self.purpose is Purpose.RESUME
        payload = self._payload()
        reason = None
        if not approved and isinstance(payload, dict) and isinstance(payload.get("reason"), str):
            reason = payload["reason"]
        digest = self.get_query_argument("digest", None)
        run, new = await self.engine.votes.by_link(
            claims, approved=approved, payload=payload, reason=reason, digest=digest
        )
        step, generation = _counted_by(run, claims)
        status = HTTPStatus.CREATED if new else HTTPStatus.OK
        self.answer(views.voted(run, step, generation), status)

    def _payload(self) -> Json:
        body = bytes(self._body)
        if not body.strip():
            return None
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        try:
            if kind == "application/x-www-form-urlencoded":
                fields = parse_qs(body.decode(), keep_blank_values=True)
                return {k: v[0] if len(v) == 1 else v for k, v in fields.items()}
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"The body is neither JSON nor a form: {error}") from None


def _counted_by(run: Run, claims: Claims) -> tuple[str | None, int]:
    """The gate that a vote by this link belongs to; a flow-level one's is known once counted."""
    if claims.gate is not None:
        return claims.gate, claims.generation
    for gate in run.gates.values():
        if any(vote.voter.link == claims.link for vote in gate.votes):
            return gate.step, gate.generation
    return None, 0


@web.stream_request_body
class PageDoor(HtmlErrors):
    """The page of a gate, for a reader who has entered by a link."""

    def _entered(self, key: str) -> tuple[str, Claims]:
        """The token in the reader's cookie, and its claims. Raises UnknownLink."""
        purpose, _, token = self.get_cookie(COOKIE, "").partition(".")
        if purpose not in list(Purpose):
            raise UnknownLink
        claims = self.engine.read_token(Purpose(purpose), token)
        if page_key(claims) != key:
            raise UnknownLink
        return token, claims

    @allow_unauthenticated
    async def get(self, key: str) -> None:
        token, claims = self._entered(key)
        await self._show(token, claims)

    @allow_unauthenticated
    async def head(self, key: str) -> None:
        await self.get(key)

    async def _show(
        self, token: str, claims: Claims, entries: Entries | None = None, status: int = 200
    ) -> None:
        try:
            run, gate = await _check_link(self, claims)
        except Gone:
            run, gate = await self._after_the_end(claims)
        shown = gate or _flow_level_gate(run, claims)
        page = gate_page(
            run,
            shown,
            purpose=claims.purpose,
            own_vote=_own_vote(run, gate, claims),
            outputs=await self._evidence(run, gate),
            form_token=self.engine.sign_form(token),
            now=self.engine.clock(),
            entries=entries,
        )
        self.send_page(page, status)
        if shown is not None and self.request.method == "GET":
            self.engine.shown(run, shown, _reader(claims))

    async def _after_the_end(self, claims: Claims) -> tuple[Run, Gate | None]:
        """Who has voted here may come back to see the outcome, though the deadline is over."""
        run = await self.engine.run(claims.run)
        gate = run.gates.get((claims.gate, claims.generation)) if claims.gate else None
        link = run.links[claims.link]
        if link.revoked_at is None and gate is not None and gate.closed_at is not None:
            return run, gate
        return await _check_link(self, claims)

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

    @allow_unauthenticated
    async def post(self, key: str) -> None:
        token, claims = self._entered(key)
        form = self._form()
        self._check_ours(token, form)
        run, gate = await _check_link(self, claims)
        gate = gate or _flow_level_gate(run, claims)
        entries = Entries(form.get("payload") or form.get("message", ""), form.get("reason", ""))
        try:
            approved = _decision(form)
            await self.engine.votes.by_link(
                claims,
                approved=approved,
                payload=_page_payload(gate, form) if approved else None,
                reason=form.get("reason", "").strip() or None if not approved else None,
                digest=form.get("digest") or None,
            )
        except (FormInvalid, ReasonRequired, BadInput) as error:
            mistakes = getattr(error, "mistakes", (Mistake("", str(error)),))
            entries = Entries(entries.text, entries.reason, mistakes)
            await self._show(token, claims, entries, HTTPStatus.UNPROCESSABLE_ENTITY)
            return
        # The outcome is in this answer: a server that was started for one run may end with it,
        # before a redirected browser asks again. Sending the form anew repeats the vote: no harm.
        await self._show(token, claims)

    def _form(self) -> dict[str, str]:
        try:
            fields = parse_qs(bytes(self._body).decode(), keep_blank_values=True)
        except ValueError:
            raise BadInput("The body is not a form.") from None
        return {name: values[-1] for name, values in fields.items()}

    def _check_ours(self, token: str, form: dict[str, str]) -> None:
        """Only our own page's form may use the reader's cookie. Raises NotAllowed.

        A browser that is told to send no Referer writes `Origin: null`, from our page too; then
        Sec-Fetch-Site and the form's own token decide.
        """
        fetched = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        origin = self.request.headers.get("Origin")
        allowed = {self.request.host.lower(), urlsplit(self.doors.public_url()).netloc.lower()}
        named = origin not in (None, "null")
        foreign = named and urlsplit(origin or "").netloc.lower() not in allowed
        signed = self.engine.is_our_form(token, form.get("form", ""))
        if fetched != "same-origin" or foreign or not signed:
            raise NotAllowed("This vote did not come from our page. Open your link again.")


def _decision(form: dict[str, str]) -> bool:
    decision = form.get("decision")
    if decision not in ("approve", "reject"):
        raise BadInput("Press one of the two buttons.")
    return decision == "approve"


def _page_payload(gate: Gate | None, form: dict[str, str]) -> Json:
    """G21: the text box's text as `message`; with a form, the JSON that was typed."""
    if gate is None or gate.options.form is None:
        return {"message": form.get("message", "")}
    try:
        return json.loads(form.get("payload") or "{}")
    except (ValueError, RecursionError) as error:
        raise FormInvalid([Mistake("your answer", f"is not JSON: {error}")]) from None


def _flow_level_gate(run: Run, claims: Claims) -> Gate | None:
    """What a flow-level link's holder looks at: the gate that counted it, else the open one that
    would.
    """
    if claims.gate is not None:
        return None
    step, generation = _counted_by(run, claims)
    if step is not None:
        return run.gates[StepId(step), generation]
    gate = run.open_gate
    return gate if gate and gate.options.pre_approvals else None


def _own_vote(run: Run, gate: Gate | None, claims: Claims) -> Vote | None:
    if gate is None:
        found = vote_by_link(run, claims.link)
        return found and found[0]
    return gate.vote_of(_reader(claims))


def _reader(claims: Claims) -> Voter:
    """Who holds the link, as it claims (G41)."""
    return Voter(claims.approver, verified=False, route="link", link=claims.link)
