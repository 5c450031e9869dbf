"""What a cell sees of its flow: its links, its gates, its input and the results so far.

This file and those that it imports run in the user's kernel, as part of the installed package or
from their source texts alone, where the package is missing. So they import nothing but the standard
library and one another, and must run on every Python that IPython runs on.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from jupyter_flows.client.encoding import NotKept, encoded
from jupyter_flows.client.hook import OF_STEPS, STEP, Hook
from jupyter_flows.client.inner import entry, run_workflow, sleep, step, wait_for_approval
from jupyter_flows.client.kept import progress, state, user_state
from jupyter_flows.client.links import NOT_A_FLOW, NOWHERE, FlowsClientError, post
from jupyter_flows.client.recall import recall, remembered_now, set_names_aside
from jupyter_flows.client.state import flow

__all__ = [
    "NOWHERE",
    "FlowsClientError",
    "entry",
    "gate",
    "get_resume_urls",
    "progress",
    "run_workflow",
    "sleep",
    "state",
    "step",
    "user_state",
    "wait_for_approval",
]

PROTOCOL = 3
"""The version of what the server and this file say to each other."""

DEFAULTS: dict[str, Any] = {"resume": None, "resumes": [], "approvers": []}

_flow = flow


def __getattr__(name: str) -> Any:
    if name in {"flow_input", "results", "run_id", "rebuilding"}:
        return getattr(_flow, name)
    raise AttributeError(f"module 'jupyter_flows' has no attribute {name!r}")


# ---------------------------------------------------------------- for cells


def get_resume_urls(
    approver: str | None = None, flow_level: bool = False, *, key: str | None = None
) -> dict[str, str]:
    """Links to approve or reject this step's gate: `approvalPage`, `resume` and `cancel`.

    `approver` is whom the links are meant for; `flow_level` makes them count at any gate of the
    run; `key` is that of a `wait_for_approval` in this cell. Raises FlowsClientError.
    """
    asked = {
        "run": _run(),
        "gate": _step(),
        "approver": approver,
        "flow_level": bool(flow_level),
    }
    if key is not None:
        asked["key"] = key
    answer = post("/api/links", asked)
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
    step = STEP.get("") or os.environ.get("FLOWS_STEP_ID")
    if not step:
        raise FlowsClientError(NOT_A_FLOW)
    return step


# ---------------------------------------------------------------- for the server


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
    _flow.digests.update(asked.get("digests", {}))
    names = {**hook.ip.user_ns, **asked["names"]}
    before = hook.comms.there()
    try:
        value = eval(asked["expr"].strip(), names)  # noqa: S307 (the notebook's own author wrote it)
        truth = bool(value)
    except BaseException as error:  # noqa: BLE001 (whatever it is, the server shall hear of it)
        return _Told({"error": {"name": type(error).__name__, "message": str(error)}})
    finally:
        _flow.own_comms |= hook.comms.there() - before
    try:
        told = json.loads(encoded(value, asked["limit"]))
    except NotKept:
        told = None
    return _Told({"truth": truth, "value": told})


def identity(text: str = "{}") -> _Told:
    """Which kernel this is, how often others have run cells or told widgets something in it since
    the run's last cell, which run that was, and which bindings it was told.
    """
    del text
    ran = _flow.hook.ip.execution_count - 1 if _flow.hook else 0
    watched = _flow.hook is not None  # else another run has let this kernel go
    foreign = _flow.foreign if watched else max(1, _flow.foreign)
    told = {"nonce": _flow.nonce, "foreign": foreign, "run": _flow.run_id}
    return _Told({**told, "execution_count": ran, "digests": _flow.digests})


def remembered(limit: int) -> _Told:
    """For a checkpoint: what `recall` needs in the kernel that it is loaded into."""
    return _Told(remembered_now(limit))


def recalled(text: str, aside: bool = False) -> _Told:
    """The names of a checkpoint have been loaded; with `aside`, those before cells run again."""
    recall(json.loads(text))
    if aside:
        set_names_aside()
    return _Told({})


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


def install(ip: Any, env: dict[str, str], folder: str | None = None, script: Any = None) -> None:
    """Called by the server when a run, or the stock of warm kernels, takes this kernel; and, with
    a script, where recorded answers stand for people.
    """
    uninstall(ip)
    _flow.forget()
    _flow.names = ip.user_ns
    _flow.hook = Hook(ip, script)
    _flow.hook.install()
    enter(env, folder)


def enter(env: dict[str, str], folder: str | None = None) -> None:
    """Called by the server, also by one that goes on with what another has installed."""
    _flow.session = _flow.hook.asker() if _flow.hook else ""
    os.environ.update(env)
    if folder is not None:
        os.chdir(folder)


def uninstall(ip: Any, names: tuple[str, ...] = ()) -> None:
    """Leave the kernel as it was. `names` are environment variables to drop."""
    hook = ip.display_trap.hook
    if getattr(hook, "of_jupyter_flows", False):
        hook.remove()
    _flow.hook = None
    _flow.let_go()
    for name in (*names, *OF_STEPS):
        os.environ.pop(name, None)
