"""The door that a gate's page looks through while it is open: the parts of it that change."""

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado.web import RequestHandler

from jupyter_flows.core.errors import UnknownLink
from jupyter_flows.core.model import Digest
from jupyter_flows.web.page import live_page
from jupyter_flows.web.readers import shut_out
from jupyter_flows.web.reading import ReadingDoor


class LiveDoor(ReadingDoor):
    """Asked by the page's script; with an ETag, so that what has not changed is not sent again. It
    says nothing that the page itself would not, and to nobody else.
    """

    def compute_etag(self) -> str | None:
        return RequestHandler.compute_etag(self)

    @allow_unauthenticated
    async def get(self, key: str) -> None:
        reader = await self.reader(key)
        if reader is None:
            raise UnknownLink
        run, gate = await self.seen(key, reader)
        refusal = shut_out(run, gate, reader)
        if refusal is not None:
            raise refusal
        said = self.get_query_argument("digest", None)
        seen = None if said is None else Digest(said)
        self.send_page(live_page(await self.live(run, gate, reader, "", seen), self.language))
