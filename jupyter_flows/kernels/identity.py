"""Tells whether the kernel that we hear is still the process that we greeted."""

import asyncio
from collections.abc import Callable

from jupyter_flows.kernels.kernel import Kernel
from jupyter_flows.kernels.outputs import Message

LOOK = 2.0
"""Seconds between two looks at a kernel that is not ours: one that is killed for a restart, or
taken away, may say nothing of it."""


class Identity:
    """Fed with each message of the iopub channel. A kernel that its user restarts keeps its id and
    its ports; all that the run had in it is gone: `on_gone` is called, with whether nothing takes
    its place. `on_revived` is called where its gateway has put another one in the place of a dead
    one.
    """

    def __init__(
        self, kernel: Kernel, on_gone: Callable[[bool], None], on_revived: Callable[[], None]
    ) -> None:
        self._kernel = kernel
        self._on_gone = on_gone
        self._on_revived = on_revived
        self._greeted = False
        self._session: str | None = None
        self._timer: asyncio.TimerHandle | None = None

    def greeted(self, *, names_itself: bool) -> None:
        """Who is heard now is who counts. `names_itself`: its messages carry a session of its own,
        as IPython's do; other kernels may send back that of the request.
        """
        self._greeted = True
        if not names_itself:
            self._session = None
        if not self._kernel.ours:
            self._look_later()

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK, self._look)

    def _look(self) -> None:
        if not self.check():
            self._look_later()

    def check(self) -> bool:
        """Whether it is gone, by what can be seen of it now."""
        if not self._kernel.replaced:
            return False
        self._on_gone(False)
        return True

    def hears_another(self, message: Message) -> bool:
        """Whether this message says that the greeted kernel is gone."""
        if not self._greeted:
            self._session = message["header"].get("session")
            return False
        if not self._says_another(message):
            return False
        if self._kernel.elsewhere and message["content"].get("execution_state") == "restarting":
            self._on_revived()
        else:
            self._on_gone(_is_the_end(message))
        return True

    def _says_another(self, message: Message) -> bool:
        kind, session = message["msg_type"], message["header"].get("session")
        if kind == "shutdown_reply":
            return True
        if self._kernel.elsewhere and kind == "stream":
            return False  # a gateway says in a cell's output that it has dropped some of it
        if self._session is not None:
            return bool(session) and session != self._session
        return kind == "status" and bool(message["content"].get("execution_state") == "starting")

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _is_the_end(message: Message) -> bool:
    return message["msg_type"] == "shutdown_reply" and not message["content"].get("restart")
