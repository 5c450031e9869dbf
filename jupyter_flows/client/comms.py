"""Counts what other clients tell the kernel's comms: a widget's callback changes variables, too."""

from __future__ import annotations

from typing import Any

from jupyter_flows.client.state import flow

_KINDS = ("comm_open", "comm_msg")
_WORDS = "jupyter_flows"
"""The comm by which a form's buttons speak to the server."""
_LOOKS = ("request_state", "request_states")
"""What a front end asks that draws the widgets which are there."""
_CONTROL = "jupyter.widget.control"
_CAUGHT = {"outputs", "msg_id"}
"""What a front end tells an Output widget of the outputs that it has caught."""


class Comms:
    """Stands before the kernel's own handlers of such messages."""

    def __init__(self, ip: Any) -> None:
        self._kernel = getattr(ip, "kernel", None)
        self._handlers: dict[str, Any] = getattr(self._kernel, "shell_handlers", {})
        self._set: dict[str, tuple[Any, Any]] = {}

    def install(self) -> None:
        for kind in _KINDS:
            if kind in self._handlers:
                inner = self._handlers[kind]
                self._set[kind] = inner, self._before(inner)
                self._handlers[kind] = self._set[kind][1]

    def remove(self) -> None:
        for kind, (inner, ours) in self._set.items():
            if self._handlers.get(kind) is ours:
                self._handlers[kind] = inner
        self._set = {}

    def _before(self, inner: Any) -> Any:
        def heard(stream: Any, ident: Any, message: Any) -> Any:
            if _counts(message):
                flow.foreign += 1
            return inner(stream, ident, message)

        return heard

    def there(self) -> set[str]:
        """The ids of all comms that are open."""
        return set(getattr(getattr(self._kernel, "comm_manager", None), "comms", ()))


def _counts(message: dict[str, Any]) -> bool:
    """Whether variables may change by it: it is neither of our own session, nor for a form's own
    widgets, nor what a front end says by itself.
    """
    content = message["content"]
    comm, data = content.get("comm_id"), content.get("data")
    if message["header"].get("session") == flow.session or comm == _WORDS or comm in flow.own_comms:
        return False
    if message["header"]["msg_type"] == "comm_open":
        return bool(content.get("target_name") != _CONTROL)
    told = data if isinstance(data, dict) else {}
    if told.get("method") == "update" and set(told.get("state") or ()) <= _CAUGHT:
        return False
    return told.get("method") not in _LOOKS
