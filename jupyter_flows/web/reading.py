"""What the doors of a gate's page share: who reads, and which run and gate they are shown.

Most readers come by a link and are in nobody's list of users. A gate that asks for more (G42 to
G44) is shown to who has logged in, with the link or without one.
"""

from jupyter_core.utils import ensure_async

from jupyter_flows.core import policy
from jupyter_flows.core.errors import FlowsError, Gone, LinkRevoked, NotFound, UnknownLink
from jupyter_flows.core.links import Claims
from jupyter_flows.core.model import Digest, Gate, Purpose, Run, RunId, StepId
from jupyter_flows.web.links import (
    COOKIE,
    HtmlErrors,
    check_link,
    cookie_path,
    counted_by,
    page_key,
)
from jupyter_flows.web.live import Live, live_of
from jupyter_flows.web.readers import Reader
from jupyter_flows.web.urls import keyed_gate


class ReadingDoor(HtmlErrors):
    """For a reader who has entered by a link, or is logged in."""

    def send_refusal(self, error: FlowsError, login: str | None = None) -> None:
        """A link that opens nothing any more must not stand in the way of who may come without."""
        if self.current_user and isinstance(error, LinkRevoked | UnknownLink):
            self.clear_cookie(COOKIE, path=cookie_path(self, self.path_args[0]))
        super().send_refusal(error, login)

    async def reader(self, key: str) -> Reader | None:
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
        claims = self.engine.tokens.read(Purpose(purpose), token)
        if page_key(claims) != key:
            raise UnknownLink
        return claims, token

    async def to_login(self, key: str) -> None:
        """Only for a gate at which a login is of use. Raises UnknownLink for all else."""
        _, gate = await self._gate_of(key)
        if not (policy.needs_login(gate.options) or policy.keeps_links(gate.options)):
            raise UnknownLink
        self.redirect(self.login_url())

    async def _gate_of(self, key: str) -> tuple[Run, Gate]:
        """The gate that a page's address names. Raises UnknownLink."""
        try:
            run = await self.engine.run(RunId(key.partition(".")[0]))
        except NotFound:
            raise UnknownLink from None
        gate = keyed_gate(run, key)
        if gate is None:
            raise UnknownLink
        return run, gate

    async def looked_at(self, key: str, reader: Reader) -> tuple[Run, Gate | None]:
        """The run and the gate that this reader's page is about.

        Raises UnknownLink, LinkRevoked, LinkExpired.
        """
        if reader.claims is None:
            return await self._gate_of(key)
        run, gate = await check_link(self, reader.claims)
        return run, gate or _flow_level_gate(run, reader.claims)

    async def seen(self, key: str, reader: Reader) -> tuple[Run, Gate | None]:
        """As `looked_at`, but who has come in time sees the outcome after the link's end too."""
        try:
            return await self.looked_at(key, reader)
        except Gone:
            return await self._after_the_end(reader)

    async def live(
        self,
        run: Run,
        gate: Gate | None,
        reader: Reader,
        address: str,
        seen: Digest | None = None,
    ) -> Live:
        """How the gate stands for this reader; as `live_of`."""
        return live_of(
            run,
            gate,
            own_vote=reader.own_vote(run, gate),
            refusal=policy.refusal_of(run, gate, reader.voter(run, gate)) if gate else None,
            served=run.finished or await self.engine.is_served(run.id),
            now=self.engine.clock(),
            address=address,
            seen=seen,
            is_owner=reader.is_owner(run),
        )

    async def _after_the_end(self, reader: Reader) -> tuple[Run, Gate | None]:
        claims = reader.claims
        if claims is None:
            raise UnknownLink
        run = await self.engine.run(claims.run)
        gate = run.gates.get((claims.gate, claims.generation)) if claims.gate else None
        link = run.links[claims.link]
        if link.revoked_at is None and gate is not None and gate.closed_at is not None:
            return run, gate
        return await check_link(self, claims)


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
