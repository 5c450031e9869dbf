"""The REST of links: for logged-in users and, where it says so, for kernels."""

from http import HTTPStatus
from typing import Annotated

from jupyter_server.auth.decorator import allow_unauthenticated, authorized
from jupyter_server.utils import ensure_async
from msgspec import Meta, Struct
from tornado import web

from jupyter_flows.core.errors import BadInput, NotAllowed, UnknownLink
from jupyter_flows.core.model import (
    LinkId,
    Run,
    RunId,
    StepId,
)
from jupyter_flows.web import views
from jupyter_flows.web.doors import ApiDoor
from jupyter_flows.web.urls import link_urls


class MintLink(Struct, forbid_unknown_fields=True):
    """`gate` is a step's id; with `flow_level` the link is for the whole run (G36). `key` is that
    of a call by which the step's code asks.
    """

    run: str
    gate: str | None = None
    approver: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    flow_level: bool = False
    key: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


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
        for row in await self.engine.links.listed(RunId(run) if run else None, self.limit()):
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
        run, link = await self.engine.links.mint(RunId(asked.run), gate, asked.approver, asked.key)
        urls = link_urls(self.engine, self.doors.public_url, run, link)
        self.answer({"id": link.id, **urls}, HTTPStatus.CREATED)

    async def _kernels_run(self) -> Run | None:
        """The run whose kernel asks, None where a user does. Nobody else's body is read."""
        if self.current_user:
            return None
        if not self.bearer():
            raise web.HTTPError(HTTPStatus.FORBIDDEN, "Log in, or show a kernel's token.")
        try:
            return await self.engine.links.run_of(self.bearer())
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
        row = await self.engine.links.link(LinkId(link))
        self.check_owner(await self.engine.run(row.run))
        await self.engine.links.revoke(LinkId(link), self.user)
        self.set_status(HTTPStatus.NO_CONTENT)
        self.finish()
