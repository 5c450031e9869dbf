"""Links of runs: minted, listed and revoked, and the tokens of their kernels."""

from collections.abc import Callable

from jupyter_flows.core import commands as c
from jupyter_flows.core.errors import UnknownLink
from jupyter_flows.core.links import Keyring, kernel_token, read_kernel_token
from jupyter_flows.core.model import Link, LinkId, Run, RunId, StepId
from jupyter_flows.engine.asked import Limits
from jupyter_flows.engine.tell import Teller
from jupyter_flows.ports import Chance, Clock, Dispatcher, LinkRow, Store


class Links:
    """What the doors and the command line ask of links."""

    def __init__(
        self,
        *,
        store: Store,
        teller: Teller,
        dispatcher: Dispatcher,
        keyring: Callable[[], Keyring],
        clock: Clock,
        chance: Chance,
        limits: Limits,
    ) -> None:
        self._store = store
        self._teller = teller
        self._dispatcher = dispatcher
        self._keyring = keyring
        self._clock = clock
        self._chance = chance
        self._limits = limits

    async def mint(
        self, run: RunId, gate: StepId | None, approver: str | None, key: str | None = None
    ) -> tuple[Run, Link]:
        """A new link for a gate that is expected or open, or (gate None) for the whole run (G30);
        with `key`, for that call in the step's code.

        A flow-level link expires after the default timeout. A cell that runs again for a fresh
        kernel is given the link of its first time. Raises NoGate, RunFinished.
        """
        state = await self._teller.state(run)
        earlier = _minted_before(state, gate, approver) if state.rebuild else None
        if earlier is not None:
            return state, earlier
        link = LinkId(self._chance())
        expires = None if gate else self._clock() + self._limits.timeout
        state = await self._teller.tell(
            run,
            c.MintLink(link=link, gate=gate, approver=approver, expires_at=expires, key=key),
        )
        return state, state.links[link]

    async def revoke(self, link: LinkId, by: str) -> None:
        """G33. Raises UnknownLink."""
        row = await self._store.link(link)
        await self._teller.tell(row.run, c.RevokeLink(link=link, by=by))
        await self._dispatcher.committed(row.run)

    async def link(self, link: LinkId) -> LinkRow:
        """Raises UnknownLink."""
        return await self._store.link(link)

    async def listed(self, run: RunId | None, limit: int) -> list[LinkRow]:
        return await self._store.links(run, limit)

    async def run_of(self, token: str) -> Run:
        """The unfinished run whose kernel holds this token (G46). Raises UnknownLink."""
        shown = read_kernel_token(self._keyring(), token)
        if shown.expires_at is not None and shown.expires_at <= self._clock():
            raise UnknownLink
        run = await self._teller.state(shown.run)
        if run.finished:
            raise UnknownLink
        return run

    def shorter(self, token: str, expires_at: float | None) -> str:
        """Another token of the kernel that holds this one, which expires then, but never later than
        this one. Raises UnknownLink.
        """
        shown = read_kernel_token(self._keyring(), token)
        ends = [each for each in (shown.expires_at, expires_at) if each is not None]
        return kernel_token(self._keyring(), shown.run, min(ends, default=None))


def _minted_before(run: Run, gate: StepId | None, approver: str | None) -> Link | None:
    """The first link of the gate's newest opening for this approver."""
    found = [x for x in run.links.values() if (x.gate, x.approver) == (gate, approver)]
    return max(found, key=lambda link: link.generation, default=None)
