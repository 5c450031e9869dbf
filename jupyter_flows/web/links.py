"""The doors for those who hold a link: entering, and votes by POST.

GET and HEAD never vote, on any address (G32). Entering by a link checks it, puts the token into a
cookie for one page only, and leads to that page's address, which has no token (G34).
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

from jupyter_flows.core import policy
from jupyter_flows.core.errors import (
    BadInput,
    FlowsError,
    LinkExpired,
    LinkRevoked,
    NotAllowed,
    NotFound,
    TooMany,
    UnknownLink,
)
from jupyter_flows.core.links import Claims
from jupyter_flows.core.model import Gate, Json, Purpose, Run
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web import views
from jupyter_flows.web.answer import plain_payload
from jupyter_flows.web.doors import LinkDoor
from jupyter_flows.web.page import message_page
from jupyter_flows.web.posted import is_form, read_posted
from jupyter_flows.web.problems import status_of
from jupyter_flows.web.sources import own_sources
from jupyter_flows.web.urls import gate_key

COOKIE = "jupyter_flows_link"


def page_key(claims: Claims) -> str:
    """The page that a link leads to: its gate's, or the run's for a flow-level link."""
    if claims.gate is None:
        return claims.run
    return gate_key(claims.run, claims.gate, claims.generation)


def cookie_path(door: LinkDoor, key: str) -> str:
    """Of the cookie of a link that leads to this page: no wider than the page (G34)."""
    return f"{urlsplit(door.doors.public_url()).path.rstrip('/')}/page/{key}"


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
        self.send_refusal(error)

    def send_refusal(self, error: FlowsError, login: str | None = None) -> None:
        """A page that says what the refusal is. `login` is where the reader can log in."""
        title = self.language.say(error.theme()).rstrip(".")
        more = "" if error.message == error.theme() else error.message
        text = _ADVICE.get(type(error), "") or more
        self.send_page(message_page(self.language, title, text, login), status_of(error))

    def login_url(self) -> str:
        """The server's login, which leads back to here."""
        mark = "&" if "?" in self.get_login_url() else "?"
        return f"{self.get_login_url()}{mark}{urlencode({'next': self.request.path})}"

    def allow_frames(self, under: str) -> None:
        """The page may hold frames from there and nowhere else: one that leads itself elsewhere
        gets nowhere.
        """
        frames = own_sources(self.request, self.doors.public_url(), under)
        policy = f"{self.content_security_policy}; frame-src {frames}"
        self.set_header("Content-Security-Policy", policy)

    def send_page(self, page: str, status: int = HTTPStatus.OK) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Language", self.language.code)
        self.set_header("Vary", "Accept-Language")
        self.finish(page)


_ADVICE: Mapping[type[FlowsError], str] = {
    UnknownLink: sentence(
        "It may be incomplete: copy the whole link from your message, and open it again."
    ),
    LinkExpired: sentence(
        "Nothing can be answered by it any more. Ask whoever sent it for a new one."
    ),
    LinkRevoked: sentence("It was taken back. Ask whoever sent it for a new one."),
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
        claims = self.engine.tokens.read(self.purpose, token)
        await check_link(self, claims)
        key = page_key(claims)
        self.set_cookie(
            COOKIE,
            f"{self.purpose}.{token}",
            path=cookie_path(self, key),
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


async def check_link(door: LinkDoor, claims: Claims) -> tuple[Run, Gate | None]:
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

    def _check_pressed(self) -> None:
        """A page that submits itself is no click (G32): what a browser sends from elsewhere must
        come of a press on a button. Programs say nothing of where they send from. Raises
        NotAllowed.
        """
        fetched = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        pressed = self.request.headers.get("Sec-Fetch-User") == "?1"
        if fetched != "same-origin" and not pressed:
            raise NotAllowed(
                sentence("No button was pressed. Open the link, and press its button.")
            )

    @allow_unauthenticated
    async def post(self) -> None:
        self._check_pressed()
        claims = self.engine.tokens.read(self.purpose, self.token_of_query())
        _, gate = await check_link(self, claims)
        self.doors.answers.count(f"link {claims.link}")
        approved = self.purpose is Purpose.RESUME
        payload = self._payload(gate if approved else None)
        reason = None
        if not approved and isinstance(payload, dict) and isinstance(payload.get("reason"), str):
            reason = payload["reason"]
        digest = self.get_query_argument("digest", "") or None
        run, new = await self.engine.votes.by_link(
            claims, approved=approved, payload=payload, reason=reason, digest=digest
        )
        step, generation = counted_by(run, claims)
        status = HTTPStatus.CREATED if new else HTTPStatus.OK
        self.answer(views.voted(run, step, generation), status)

    def _payload(self, gate: Gate | None) -> Json:
        body = bytes(self._body)
        if not body.strip():
            return None
        kind = self.request.headers.get("Content-Type", "")
        if is_form(kind) and not _is_json(body):
            return plain_payload(gate.options if gate else None, read_posted(kind, body))
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"The body is neither JSON nor a form: {error}") from None


def _is_json(body: bytes) -> bool:
    """Whether a body is JSON whatever its type says: curl's `-d` calls everything a form, and a
    form with such a name for its one field is nobody's.
    """
    if not body.lstrip().startswith((b"{", b"[")):
        return False
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def counted_by(run: Run, claims: Claims) -> tuple[str | None, int]:
    """The gate that a vote by this link belongs to; a flow-level one's is known once counted."""
    if claims.gate is not None:
        return claims.gate, claims.generation
    for gate in run.gates.values():
        if any(vote.voter.link == claims.link for vote in gate.votes):
            return gate.step, gate.generation
    return None, 0
