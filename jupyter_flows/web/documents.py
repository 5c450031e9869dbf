"""The doors of notebooks that show their run: once, and over a socket while one is open."""

import asyncio
from typing import Any

import msgspec
from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import ensure_async
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from jupyter_flows.core import policy
from jupyter_flows.core.errors import BadInput, FlowsError
from jupyter_flows.core.model import Run, RunId, Voter
from jupyter_flows.web.document_views import (
    DocumentOutputs,
    DocumentRun,
    DocumentView,
    Hello,
    document_run,
    shown_cells,
)
from jupyter_flows.web.doors import Answering, ApiDoor, number
from jupyter_flows.web.mirroring import Asked, Mirroring, Told

MAX_CLIENT_CHARS = 200
TRY_AGAIN = 1013
"""The socket's code for a server that can't go on just now."""


class DocumentsDoor(ApiDoor):
    @web.authenticated
    @authorized
    async def get(self) -> None:
        path = self.get_query_argument("path").strip("/")
        shown = await self.engine.boards.shown_at(path)
        if shown is None:
            self.answer(DocumentView(None, None))
            return
        board = await self.engine.boards.board(shown)
        view = document_run(self.engine, self.doors.public_url, board.state, self.voter)
        outputs = None
        if policy.may_read_run(board.state, self.voter):
            shared = self.engine.documents_told.is_shared(path)
            outputs = DocumentOutputs(shown, board.seq, shared, shown_cells(board.cells()))
        self.answer(DocumentView(view, outputs))


class DocumentSocket(WebSocketMixin, WebSocketHandler, Answering):
    """For logged-in users; what it tells and hears stands in the extension's `wire.ts`."""

    auth_resource = "flows"
    _mirroring: asyncio.Task[None] | None = None
    _client: tuple[str, Voter] | None = None
    _asked: Asked

    @ws_authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        allowed = self.authorizer.is_authorized(self, self.current_user, "read", "flows")
        if not await ensure_async(allowed):
            raise web.HTTPError(403)
        self._asked = self._read_asked()
        if self._asked.run is not None and not self._asked.path:
            await self.engine.run(self._asked.run)
        await WebSocketHandler.get(self, *args, **kwargs)

    def _read_asked(self) -> Asked:
        path = self.get_query_argument("path", "").strip("/")
        run = self.get_query_argument("run", "")
        since = self.get_query_argument("since", "")
        if not path and not run:
            raise BadInput("Give the `path` of a notebook, or a `run`.")
        at = number("since", since, 0, MAX_BOARD_SEQ) if since else None
        return Asked(path, RunId(run) if run else None, at)

    def open(self, *args: Any, **kwargs: Any) -> None:
        super().open(*args, **kwargs)
        self._mirroring = asyncio.create_task(self._mirror(), name="jupyter-flows notebook socket")

    async def _mirror(self) -> None:
        reader: Voter = self.user_by("rest")

        def view(run: Run) -> DocumentRun:
            return document_run(self.engine, self.doors.public_url, run, reader)

        mirroring = Mirroring(
            self._asked, engine=self.engine, reader=reader, view=view, send=self._send
        )
        try:
            await mirroring.forever()
        except WebSocketClosedError:
            return
        except FlowsError as error:
            self.log.warning("The socket of %r is closed: %s", self._asked.path, error)
            self.close(TRY_AGAIN)
        except Exception:
            self.log.exception("The socket of %r failed", self._asked.path)
            self.close(TRY_AGAIN)

    async def _send(self, told: Told) -> None:
        await self.write_message(msgspec.json.encode(told).decode())

    def on_message(self, message: str | bytes) -> None:
        """What is no hello is passed over."""
        try:
            said = msgspec.json.decode(message, type=Hello).kernel_client
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        self._leave()
        if said and len(said) <= MAX_CLIENT_CHARS:
            self._client = said, self.user_by("rest")
            self.doors.clients.enter(*self._client)

    def _leave(self) -> None:
        if self._client is not None:
            self.doors.clients.leave(*self._client)
            self._client = None

    def on_close(self) -> None:
        self._leave()
        if self._mirroring is not None:
            self._mirroring.cancel()
        super().on_close()


MAX_BOARD_SEQ = 2**53
"""A board's numbers begin at its first millisecond, so that none is given out twice."""
