"""A run's kernel, offered as the session of its notebook: whoever opens that finds the kernel."""

from typing import Any

from jupyter_server.utils import ensure_async


class NotebookSessions:
    """With jupyter_server's session manager."""

    def __init__(self, sessions: Any) -> None:
        self._sessions = sessions

    async def offer(self, path: str, kernel_id: str, kernel_name: str) -> None:
        """Nothing happens if the notebook has a session, or if the kernel is gone by now."""
        if await ensure_async(self._sessions.session_exists(path=path)):
            return
        if kernel_id not in self._sessions.kernel_manager:
            return
        await ensure_async(
            self._sessions.create_session(
                path=path,
                name=path.rpartition("/")[2],
                type="notebook",
                kernel_name=kernel_name,
                kernel_id=kernel_id,
            )
        )
