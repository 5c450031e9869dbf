"""What a front end would keep of a kernel's widgets: their states, and Output widgets' contents.

An Output widget catches what its parent message puts out, and tells the kernel of it.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jupyter_flows.core.model import Json
from jupyter_flows.kernels.outputs import CellOutputs, Message

STATE = "application/vnd.jupyter.widget-state+json"

Send = Callable[[dict[str, Json], Mapping[str, Json]], None]
"""Send a comm_msg's content to the kernel, as an answer to the given parent header."""


@dataclass(slots=True, eq=False)
class _OutputWidget:
    comm: str
    outputs: CellOutputs
    parent: Mapping[str, Json]
    caught: str = ""


@dataclass(slots=True, eq=False)
class _Model:
    state: dict[str, Json] = field(default_factory=dict)
    buffers: dict[tuple[str | int, ...], bytes] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Widgets:
    """All widgets of one run's kernel, fed with every message of its iopub channel.

    `own` tells the parents by which we have had widgets made ourselves: those are no part of the
    notebook, and what is typed into them is kept nowhere.
    """

    send: Send
    limit: int
    changed: bool = False
    own: Callable[[str], bool] = lambda _parent: False
    _owned: set[str] = field(default_factory=set)
    _models: dict[str, _Model] = field(default_factory=dict)
    _outputs: dict[str, _OutputWidget] = field(default_factory=dict)
    _catching: dict[str, list[_OutputWidget]] = field(default_factory=dict)

    def catcher(self, parent: str) -> CellOutputs | None:
        """Where the outputs of this parent message go instead of its cell."""
        if not self._catching:
            return None
        stack = self._catching.get(parent)
        return stack[-1].outputs if stack else None

    def feed(self, message: Message) -> None:
        """Take in one message; those that are not about comms are passed over."""
        content = message["content"]
        if self._is_own(message):
            return
        match message["msg_type"]:
            case "comm_open":
                self._keep(message)
                self._open(content, message["parent_header"])
            case "comm_msg":
                self._keep(message)
                self._update(content, message["parent_header"])
            case "comm_close":
                self._close(content["comm_id"])

    def _is_own(self, message: Message) -> bool:
        comm = message["content"]["comm_id"]
        if message["msg_type"] == "comm_open" and self.own(
            message["parent_header"].get("msg_id", "")
        ):
            self._owned.add(comm)
            return True
        if comm in self._owned and message["msg_type"] == "comm_close":
            self._owned.discard(comm)
            return True
        return comm in self._owned

    def flush(self) -> None:
        """Tell the kernel what its Output widgets show by now."""
        for widget in self._outputs.values():
            if widget.outputs.changed:
                self._push(widget)

    def state(self) -> dict[str, Json] | None:
        """The notebook's `widgets` metadata; None if nothing changed since it was last asked."""
        if not self.changed:
            return None
        self.changed = False
        models = {k: _shown(m) for k, m in self._models.items() if "_model_name" in m.state}
        return {STATE: {"state": models, "version_major": 2, "version_minor": 0}}

    def _keep(self, message: Message) -> None:
        data = message["content"].get("data") or {}
        state = data.get("state")
        if not isinstance(state, dict):
            return
        model = self._models.setdefault(message["content"]["comm_id"], _Model())
        model.state.update(state)
        buffers = zip(data.get("buffer_paths") or (), message.get("buffers") or (), strict=False)
        model.buffers.update((tuple(path), bytes(buffer)) for path, buffer in buffers)
        self.changed = True

    def _open(self, content: Message, parent: Mapping[str, Json]) -> None:
        state = (content.get("data") or {}).get("state") or {}
        kind = (state.get("_model_module"), state.get("_model_name"))
        if kind != ("@jupyter-widgets/output", "OutputModel"):
            return
        widget = _OutputWidget(content["comm_id"], CellOutputs(self.limit), parent)
        widget.outputs.replace(list(state.get("outputs") or ()))
        widget.outputs.changed = False
        self._outputs[widget.comm] = widget
        self._catch(widget, state)

    def _update(self, content: Message, parent: Mapping[str, Json]) -> None:
        widget = self._outputs.get(content["comm_id"])
        data = content.get("data") or {}
        if widget is None or data.get("method") != "update":
            return
        widget.parent = parent
        state = data.get("state") or {}
        if "outputs" in state:
            widget.outputs.replace(list(state["outputs"]))
            widget.outputs.changed = False
        self._catch(widget, state)

    def _catch(self, widget: _OutputWidget, state: Mapping[str, Json]) -> None:
        if "msg_id" not in state:
            return
        self._release(widget)
        widget.caught = state["msg_id"]
        if widget.caught:
            self._catching.setdefault(widget.caught, []).append(widget)

    def _release(self, widget: _OutputWidget) -> None:
        stack = self._catching.get(widget.caught, [])
        if widget in stack:
            stack.remove(widget)
        if not stack:
            self._catching.pop(widget.caught, None)

    def _close(self, comm: str) -> None:
        self.changed = self._models.pop(comm, None) is not None or self.changed
        widget = self._outputs.pop(comm, None)
        if widget is not None:
            self._release(widget)

    def _push(self, widget: _OutputWidget) -> None:
        widget.outputs.changed = False
        outputs = widget.outputs.show()
        self._models.setdefault(widget.comm, _Model()).state["outputs"] = outputs
        self.changed = True
        data = {"method": "update", "state": {"outputs": outputs}, "buffer_paths": []}
        self.send({"comm_id": widget.comm, "data": data}, widget.parent)


def _shown(model: _Model) -> dict[str, Json]:
    state = model.state
    shown: dict[str, Json] = {
        "model_name": state.get("_model_name"),
        "model_module": state.get("_model_module"),
        "model_module_version": state.get("_model_module_version"),
        "state": dict(state),
    }
    if model.buffers:
        shown["buffers"] = [_buffer(path, data) for path, data in model.buffers.items()]
    return shown


def _buffer(path: tuple[str | int, ...], data: bytes) -> dict[str, Json]:
    text = base64.b64encode(data).decode("ascii")
    return {"data": text, "encoding": "base64", "path": list(path)}
