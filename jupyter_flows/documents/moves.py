"""Hearing that a notebook, or a folder, got another name."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from jupyter_flows.ports import NotebookMoved

CONTENTS_EVENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"

CameBack: TypeAlias = Callable[[str, str], Awaitable[bool]]


class Moves:
    """Listens to the events of the contents service. Any client may send such an event, so each is
    taken as a hint only, and the files are asked. `came_back` removes a file that is at its old
    path again by our own writing.
    """

    def __init__(self, contents: Any, events: Any, came_back: CameBack) -> None:
        self._contents = contents
        self._came_back = came_back
        self._listeners: list[NotebookMoved] = []
        events.add_listener(schema_id=CONTENTS_EVENTS, listener=self._heard)

    def listen(self, listener: NotebookMoved) -> None:
        self._listeners.append(listener)

    async def _heard(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002 (called by name)
        if data.get("action") != "rename" or not data.get("source_path"):
            return
        old, new = data["source_path"].strip("/"), data["path"].strip("/")
        if old == new or not await self._is_true(old, new):
            return
        is_folder = await self._asked("dir_exists", new)
        for listener in self._listeners:
            listener(old, new, is_folder)

    async def _is_true(self, old: str, new: str) -> bool:
        try:
            hidden = not self._contents.allow_hidden and await self._asked("is_hidden", new)
            if hidden or not await self._exists(new):
                return False
            return not await self._exists(old) or await self._came_back(old, new)
        except HTTPError:
            return False

    async def _exists(self, path: str) -> bool:
        return await self._asked("file_exists", path) or await self._asked("dir_exists", path)

    async def _asked(self, question: str, path: str) -> bool:
        return bool(await ensure_async(getattr(self._contents, question)(path)))
