"""The answer to an address under ours that is no door: a problem, as from every other address."""

from jupyter_server.auth.decorator import allow_unauthenticated

from jupyter_flows.core.errors import NotFound
from jupyter_flows.web.doors import Answering


class NowhereDoor(Answering):
    def check_xsrf_cookie(self) -> None:
        """Nothing is done here that a foreign page could ask for."""

    @allow_unauthenticated
    async def prepare(self) -> None:  # type: ignore[override]
        raise NotFound("There is no such address; `openapi.json` lists those that there are.")
