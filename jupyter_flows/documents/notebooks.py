"""The server's notebooks: files, shared documents, sessions and renames, as the engine asks."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from jupyter_server.services.contents.fileio import FileManagerMixin

from jupyter_flows.core.model import StepId
from jupyter_flows.documents.files import NotebookFiles
from jupyter_flows.documents.moves import Moves
from jupyter_flows.documents.sessions import NotebookSessions
from jupyter_flows.documents.shared import SharedNotebooks
from jupyter_flows.ports import FileState, NotebookMoved, SharedNotebook, Shown, Snapshot


class ServerNotebooks:
    """Implements `ports.Notebooks` with the parts of a Jupyter server: its contents manager, its
    session manager, its event logger, and the settings of its web application.
    """

    def __init__(
        self, *, contents: Any, sessions: Any, events: Any, settings: Mapping[str, Any]
    ) -> None:
        self._root = _root_of(contents)
        self._files = NotebookFiles(contents)
        self._shared = SharedNotebooks(settings)
        self._sessions = NotebookSessions(sessions)
        self._moves = Moves(contents, events, self._files.came_back)

    @property
    def root(self) -> str | None:
        return self._root

    def on_moved(self, listener: NotebookMoved) -> None:
        self._moves.listen(listener)

    async def shared(self, path: str) -> SharedNotebook | None:
        return await self._shared.document(path)

    async def write(
        self,
        path: str,
        cells: Mapping[StepId, Shown],
        gently: Collection[StepId] = (),
        snapshot: Snapshot | None = None,
    ) -> FileState | None:
        return await self._files.write(path, cells, gently, snapshot)

    async def saved_at(self, path: str) -> float | None:
        return await self._files.saved_at(path)

    async def offer_kernel(self, path: str, kernel_id: str, kernel_name: str) -> None:
        await self._sessions.offer(path, kernel_id, kernel_name)


def _root_of(contents: Any) -> str | None:
    """Of managers that have no files of their own, the root's name says nothing."""
    root = getattr(contents, "root_dir", "")
    return str(Path(root).resolve()) if root and isinstance(contents, FileManagerMixin) else None
