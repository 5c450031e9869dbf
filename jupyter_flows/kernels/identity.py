"""Tells whether the kernel that we hear is still the process that we greeted."""

from jupyter_flows.kernels.outputs import Message


class Identity:
    """Fed with each message of the iopub channel. A kernel that its user restarts keeps its id and
    its ports; all that the run had in it is gone.
    """

    def __init__(self) -> None:
        self._greeted = False
        self._session: str | None = None

    def greeted(self, *, names_itself: bool) -> None:
        """Who is heard now is who counts. `names_itself`: its messages carry a session of its own,
        as IPython's do; other kernels may send back that of the request.
        """
        self._greeted = True
        if not names_itself:
            self._session = None

    def is_another(self, message: Message) -> bool:
        """Whether this message says that the greeted kernel is gone."""
        session = message["header"].get("session")
        if not self._greeted:
            self._session = session
            return False
        if message["msg_type"] == "shutdown_reply":
            return True
        if self._session is not None:
            return bool(session) and session != self._session
        content = message["content"]
        return bool(
            message["msg_type"] == "status" and content.get("execution_state") == "starting"
        )
