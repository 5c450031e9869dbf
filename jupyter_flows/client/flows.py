"""What a cell sees of its flow: its links, its gates, its input and the results so far.

This file runs in the user's kernel, as part of the installed package or from its source text
alone, where the package is missing. So it imports nothing but the standard library, and it must
run on every Python that IPython runs on.
"""

from __future__ import annotations

import contextlib
import contextvars
import ipaddress
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode, urlsplit

PROTOCOL = 2
"""The version of what the server and this file say to each other."""

NOT_A_FLOW = (
    "This notebook is not running as a flow. Run it as one with: jupyter flows run NOTEBOOK\n"
    "To go on here without a flow, have its gates answered as recorded beside it, in"
    " NOTEBOOK.answers.yml: jupyter_flows.answers('NOTEBOOK.ipynb')"
)
NOWHERE = "https://flows.invalid"
"""The server's address where there is none, because recorded answers stand for people."""
DEEP = 100_000
DEFAULTS: dict[str, Any] = {"resume": None, "resumes": [], "approvers": []}
_UNSET: Any = object()
_STEP: contextvars.ContextVar[str] = contextvars.ContextVar("jupyter_flows_step")


class FlowsClientError(RuntimeError):
    """The flow's server refused, can't be reached, or there is no flow."""


class _Flow:
    """What the server has told this kernel about its run."""

    def __init__(self) -> None:
        self.run_id: str | None = None
        self.flow_input: dict[str, Any] = {}
        self.results: dict[str, Any] = {}
        self.gates: dict[str, Any] = {}
        self.rebuilding = False
        self.hook: _Hook | None = None

    def forget(self) -> None:
        """Make ready for another run in the same kernel."""
        self.run_id, self.flow_input, self.results, self.gates = None, {}, {}, {}
        self.rebuilding = False


_flow = _Flow()


def __getattr__(name: str) -> Any:
    if name in {"flow_input", "results", "run_id", "rebuilding"}:
        return getattr(_flow, name)
    raise AttributeError(f"module 'jupyter_flows' has no attribute {name!r}")


# ---------------------------------------------------------------- for cells


def get_resume_urls(approver: str | None = None, flow_level: bool = False) -> dict[str, str]:
    """Links to approve or reject this step's gate: `approvalPage`, `resume` and `cancel`.

    `approver` is whom the links are meant for; `flow_level` makes them count at any gate of the
    run. Raises FlowsClientError.
    """
    asked = {
        "run": _run(),
        "gate": _step(),
        "approver": approver,
        "flow_level": bool(flow_level),
    }
    answer = _post("/api/links", asked)
    return {name: answer[name] for name in ("approvalPage", "resume", "cancel")}


def gate(step_id: str) -> dict[str, Any]:
    """The record of an earlier gate: its status, votes and what it resumed with."""
    _run()
    try:
        record: dict[str, Any] = _flow.gates[step_id]
    except KeyError:
        known = ", ".join(_flow.gates) or "none so far"
        raise FlowsClientError(f"No gate {step_id!r} has closed. Closed gates: {known}") from None
    return record


def load_ipython_extension(ip: Any) -> None:
    """Bind `flows`, and the names that a flow binds where they are missing."""
    ip.user_ns["flows"] = sys.modules.get("jupyter_flows") or sys.modules[__name__]
    kept = {"flow_input": _flow.flow_input, "results": _flow.results, "previous_result": None}
    for name, value in {**kept, **DEFAULTS}.items():
        ip.user_ns.setdefault(name, list(value) if isinstance(value, list) else value)


def _run() -> str:
    run = _flow.run_id or os.environ.get("FLOWS_RUN_ID")
    if not run:
        raise FlowsClientError(NOT_A_FLOW)
    return run


def _step() -> str:
    """The asking cell's step. A thread has no context of its own: it belongs to the newest cell."""
    step = _STEP.get("") or os.environ.get("FLOWS_STEP_ID")
    if not step:
        raise FlowsClientError(NOT_A_FLOW)
    return step


def _post(path: str, asked: dict[str, Any]) -> dict[str, Any]:
    base, token = os.environ.get("FLOWS_URL"), os.environ.get("FLOWS_TOKEN")
    if not base or not token:
        raise FlowsClientError("This run has no server that could answer.")
    if base == NOWHERE:
        return _rehearsed(path, asked)
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    url = base.rstrip("/") + path
    request = urllib.request.Request(  # noqa: S310 (the run's own server gave the address)
        url, json.dumps(asked).encode(), headers, method="POST"
    )
    try:
        with _opener(url).open(request, timeout=30) as answer:
            replied: dict[str, Any] = json.load(answer)
            return replied
    except urllib.error.HTTPError as error:
        raise FlowsClientError(_detail(error)) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise FlowsClientError(f"The flow's server can't be reached: {reason}") from None


def _rehearsed(path: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Links that lead nowhere, and always are the same."""
    if path != "/api/links":
        raise FlowsClientError("Recorded answers stand for people here; there is no server.")
    whose = "flow" if asked["flow_level"] else asked["gate"]
    token = urlencode({"flow_token": f"{whose}.{asked['approver'] or 'anonymous'}"})
    pages = {"approvalPage": "approve", "resume": "resume", "cancel": "cancel"}
    return {name: f"{NOWHERE}/{page}?{token}" for name, page in pages.items()}


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Proxies are for other machines. The server's own certificate is trusted as it is."""
    handlers: list[urllib.request.BaseHandler] = []
    if _is_loopback(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    certificate = os.environ.get("FLOWS_CERTIFICATE")
    if certificate:
        context = ssl.create_default_context(cafile=certificate)
        context.check_hostname = False  # it names the server as others reach it
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        handlers.append(urllib.request.HTTPSHandler(context=context))
    return urllib.request.build_opener(*handlers)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _detail(error: urllib.error.HTTPError) -> str:
    with contextlib.suppress(ValueError, OSError, AttributeError):
        detail = json.load(error).get("detail")
        if detail:
            return str(detail)
    return f"The flow's server answered {error.code} {error.reason}."


# ---------------------------------------------------------------- for the server


class _Hook:
    """Stands in for IPython's display hook, and is called before each cell.

    As display hook it notes the last expression's value, also behind a semicolon, then lets the
    real one do its work. Cells that the flow's server did not send are left alone, unless a
    `script` of recorded answers knows them.
    """

    of_jupyter_flows = True

    def __init__(self, ip: Any, script: Any = None) -> None:
        self.ip = ip
        self.script = script
        self.inner = ip.display_trap.hook
        self.cell: dict[str, Any] | None = None
        self.value: Any = _UNSET
        self.previous: Any = _UNSET
        self._seen: str | None = None
        self._depth = 0

    def install(self) -> None:
        self.ip.display_trap.hook = self
        self.ip.events.register("pre_run_cell", self.before)
        self.ip.events.register("post_run_cell", self.after)

    def remove(self) -> None:
        if self.ip.display_trap.hook is self:
            self.ip.display_trap.hook = self.inner
        for event, callback in (("pre_run_cell", self.before), ("post_run_cell", self.after)):
            with contextlib.suppress(ValueError):
                self.ip.events.unregister(event, callback)

    def __call__(self, value: Any = None) -> None:
        if self.cell is not None:
            self.value = value
        self.inner(value)

    def before(self, info: Any = None) -> None:
        parent = self.ip.kernel.get_parent("shell")
        seen = parent.get("header", {}).get("msg_id")
        if seen is not None and seen == self._seen:
            self._depth += 1  # a cell that runs code of its own through IPython
            return
        self._seen, self._depth, self.value = seen, 0, _UNSET
        told = parent.get("metadata", {})
        self.cell = told.get("jupyter_flows")
        if self.script is not None:
            self.cell = self.script.enter(getattr(info, "raw_cell", ""), told.get("cellId"))
        if self.cell is not None:
            self._enter(self.cell)

    def _enter(self, cell: dict[str, Any]) -> None:
        _STEP.set(cell["step"])
        os.environ["FLOWS_RUN_ID"] = cell["run"]
        os.environ["FLOWS_STEP_ID"] = cell["step"]
        os.environ["FLOWS_ATTEMPT"] = str(cell["attempt"])
        _flow.rebuilding = cell["rebuilding"]
        if _flow.run_id != cell["run"]:
            _flow.run_id = cell["run"]
            self.ip.user_ns["results"] = _flow.results
            self.ip.user_ns["previous_result"] = self.previous = None
        if "bindings" in cell:
            self.bind(cell["bindings"])

    def bind(self, bindings: dict[str, Any]) -> None:
        for name, value in bindings.items():
            if name == "gates":
                _flow.gates = value
            elif name == "results":
                _flow.results.clear()
                _flow.results.update(value)
                self.ip.user_ns[name] = _flow.results
            else:
                self.ip.user_ns[name] = value
        _flow.flow_input = bindings.get("flow_input", _flow.flow_input)
        self.previous = bindings.get("previous_result", self.previous)

    def after(self, result: Any = None) -> None:
        """A failed cell has no result, but one that may fail counts as done."""
        if self._depth:
            self._depth -= 1
            return
        cell = self.cell
        if cell is None:
            return
        failed = result is None or not result.success
        if not failed and self.script is None:
            return  # the server asks for the report
        told = {} if failed else self.report()
        self.cell, self.value = None, _UNSET
        if failed and cell.get("goes_on"):
            self._keep(cell["step"], {"error": _error_of(result)})
        elif failed and cell.get("raises"):
            self._keep(cell["step"], None)
        if self.script is not None and (not failed or cell.get("raises")):
            self.bind(self.script.leave(cell["step"], json.loads(told.get("text", "null"))))

    def report(self) -> dict[str, Any]:
        """The result of the cell that has just ended, once."""
        if self.cell is None:
            self.before()  # IPython announces no empty cell
        cell, value = self.cell, self.value
        self.cell, self.value = None, _UNSET
        if cell is None:
            return {"notice": "The cell's result could not be seen."}
        if value is _UNSET or value is None or _draws_itself(value):
            self._keep(cell["step"], None)
            return {"text": "null", "size": 4}
        try:
            text = _encoded(value, cell["limit"])
        except _NotKept as error:
            self._keep(cell["step"], None)
            return {"notice": str(error)}
        self._keep(cell["step"], json.loads(text))
        return {"text": text, "size": len(text)}

    def _keep(self, step: str, result: Any) -> None:
        """`previous_result` follows, unless the user has taken the name."""
        _flow.results[step] = result
        if self.ip.user_ns.get("previous_result", self.previous) is self.previous:
            self.ip.user_ns["previous_result"] = result
        self.previous = result


class _Reporter:
    """Shows the result as JSON where the server asks for it, with the reply to the cell."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude
        hook = _flow.hook
        return {"application/json": hook.report() if hook else {}, "text/plain": ""}


REPORTER = _Reporter()


class _Told:
    """Something told to the server in the reply to its request."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.told = told

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        del include, exclude
        return {"application/json": self.told, "text/plain": ""}


def evaluated(text: str) -> _Told:
    """What an expression of the flow's options comes to, among the notebook's names."""
    asked = json.loads(text)
    hook = _flow.hook
    if hook is None:
        return _Told({"error": {"name": "RuntimeError", "message": NOT_A_FLOW}})
    hook.bind(asked["bindings"])
    names = {**hook.ip.user_ns, **asked["names"]}
    try:
        value = eval(asked["expr"].strip(), names)  # noqa: S307 (the notebook's own author wrote it)
        truth = bool(value)
    except BaseException as error:  # noqa: BLE001 (whatever it is, the server shall hear of it)
        return _Told({"error": {"name": type(error).__name__, "message": str(error)}})
    try:
        told = json.loads(_encoded(value, asked["limit"]))
    except _NotKept:
        told = None
    return _Told({"truth": truth, "value": told})


def mistakes(function: Any, payload: Any) -> list[list[str]]:
    """What an author's function has against a payload, as pairs of a field and a message.

    It says so by returning False, a text, a list of texts or a dict of them by field, or by raising
    ValueError or AssertionError; None, True and what is empty are no objection.
    """
    try:
        said = function(payload)
    except (ValueError, AssertionError) as error:
        said = str(error) or type(error).__name__
    if said is None or said is True:
        return []
    if said is False:
        return [["", "The answer was not accepted."]]
    if isinstance(said, dict):
        return [[str(field), str(message)] for field, message in said.items()]
    if isinstance(said, (list, tuple)):
        return [["", str(message)] for message in said]
    return [["", str(said)]] if said else []


def _error_of(result: Any) -> dict[str, str]:
    """As the server has it, for a cell that failed and lets the flow go on."""
    error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
    return {"name": type(error).__name__, "message": str(error)}


def install(ip: Any, env: dict[str, str], folder: str | None = None, script: Any = None) -> None:
    """Called by the server when a run, or the stock of warm kernels, takes this kernel; and, with
    a script, where recorded answers stand for people.
    """
    uninstall(ip)
    _flow.forget()
    _flow.hook = _Hook(ip, script)
    _flow.hook.install()
    enter(env, folder)


def enter(env: dict[str, str], folder: str | None = None) -> None:
    os.environ.update(env)
    if folder is not None:
        os.chdir(folder)


def uninstall(ip: Any, names: tuple[str, ...] = ()) -> None:
    """Leave the kernel as it was. `names` are environment variables to drop."""
    hook = ip.display_trap.hook
    if getattr(hook, "of_jupyter_flows", False):
        hook.remove()
    _flow.hook = None
    for name in names:
        os.environ.pop(name, None)


class _NotKept(ValueError):
    """Why a value is no result."""


def _encoded(value: Any, limit: int) -> str:
    kind = type(value).__name__
    if _least(value) > limit:
        raise _NotKept(_too_large(kind, limit))
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plain)
        size = len(text.encode())  # refuses lone surrogates
    except Exception as error:  # noqa: BLE001 (a value's own code may raise anything)
        raise _NotKept(
            f"The cell's result is of type {kind} and no JSON value, so null was kept: {error}"
        ) from None
    if size > limit:
        raise _NotKept(_too_large(kind, limit))
    return text


def _draws_itself(value: Any) -> bool:
    """A table or a figure is there to be looked at; that it is no result needs no word."""
    return any(hasattr(type(value), name) for name in _DRAWN)


_DRAWN = (
    "_ipython_display_",
    "_repr_mimebundle_",
    "_repr_html_",
    "_repr_svg_",
    "_repr_png_",
    "_repr_jpeg_",
    "_repr_markdown_",
    "_repr_latex_",
)
"""What IPython looks for in a value that knows how it is shown."""


def _least(value: Any) -> int:
    """A cheap lower bound of the JSON text's length, two levels deep."""
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, (list, tuple, dict)):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    if len(value) > DEEP:
        return 2 * len(value)
    return sum(len(item) for item in inner if isinstance(item, (str, list, tuple, dict)))


def _plain(value: Any) -> Any:
    """Scalars of numpy and its kin are numbers."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    raise TypeError(f"an object of type {type(value).__name__} can't be written as JSON")


def _too_large(kind: str, limit: int) -> str:
    return f"The cell's result (of type {kind}) is larger than {limit:,} bytes, so null was kept."
