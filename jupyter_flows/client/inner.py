"""Inner steps: calls in a cell's code whose outcome the server keeps, and those that wait.

A cell that waits in its midst ends there. When the wait is over it runs again from the top, and
each of these calls comes at once to what it came to before. So the code must make the same calls in
the same order each time; what it does between them is done again.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import time
from collections.abc import Callable
from typing import Any

from jupyter_flows.client.encoding import NotKept, encoded
from jupyter_flows.client.links import NOWHERE, FlowsClientError, ask
from jupyter_flows.client.state import flow

LIMIT = 1 << 20
"""Bytes of what one call comes to, as JSON."""


class FlowPaused(BaseException):
    """The cell ends here, and runs again from the top when the wait is over. It is no Exception, so
    that `except Exception` does not hold it up.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(json.dumps(told))


class Calls:
    """The inner steps of the cell that runs: what they came to, and which names are taken."""

    def __init__(self, job: str) -> None:
        self.job = job
        self._ended: dict[str, Any] | None = None
        self._taken: dict[str, int] = {}

    @property
    def ended(self) -> dict[str, Any]:
        """Asked of the server once, when the first call is made."""
        if self._ended is None:
            self._ended = dict(ask("GET", _path("checkpoint", self.job))["completed_steps"])
        return self._ended

    def keep(self, key: str, value: Any) -> Any:
        """As JSON makes it, for so it is when the cell runs again."""
        try:
            text = encoded(value, LIMIT)
        except NotKept:
            raise FlowsClientError(
                f"What the inner step {key!r} came to is of type {type(value).__name__}, and can't"
                f" be kept: it must be JSON of at most {LIMIT:,} bytes. Keep its key figures, or"
                " where it lies."
            ) from None
        kept = json.loads(text)
        ended = self.ended
        if os.environ.get("FLOWS_URL") != NOWHERE:
            ask("POST", _path("inline_checkpoint", self.job), {"key": key, "result": kept})
        ended[key] = kept
        return kept

    def forget(self) -> None:
        """Ask the server anew."""
        self._ended = None

    def answer(self, key: str) -> dict[str, Any]:
        """Of a call that people are asked by: only recorded answers are there at once."""
        raise FlowsClientError(f"{key!r} is answered by people.")

    def taken(self, name: str) -> str:
        """The key of this call: the name, then `name_2`, `name_3`."""
        count = self._taken.get(name, 0) + 1
        key = name if count == 1 else f"{name}_{count}"
        while key in self._taken:
            count += 1
            key = f"{name}_{count}"
        self._taken[name] = count
        self._taken.setdefault(key, 1)
        return key


class _Rehearsed(Calls):
    """Without a server nothing is kept."""

    @property
    def ended(self) -> dict[str, Any]:
        if self._ended is None:
            self._ended = {}
        return self._ended

    def forget(self) -> None:
        """There is nobody who knows more."""

    def answer(self, key: str) -> dict[str, Any]:
        """As recorded. Raises FlowsClientError where it isn't."""
        cell = getattr(flow.hook, "cell", None) or {}
        answers = cell.get("answers", {})
        found: dict[str, Any] | None = answers.get(key, answers.get(""))
        if found is None:
            step = cell.get("step", "STEP")
            raise FlowsClientError(
                f"No answer is recorded for {key!r}, at which the step {step!r} waits. Add this"
                f" line to the notebook's .answers.yml:\n\n    {step}/{key}: {{resume: {{}}}}\n\n"
                "It can be rejected too, `{reject: {reason: …}}`, or time out, `{timeout: true}`."
            )
        return found


def _path(what: str, job: str) -> str:
    return f"/api/w/{os.environ.get('WM_WORKSPACE', 'jupyter')}/jobs/wac/{what}/{job}"


def calls() -> Calls:
    """Those of the cell that runs; begun anew with each cell."""
    job = f"{flow.run_id}.{os.environ.get('FLOWS_STEP_ID', '')}"
    attempt = os.environ.get("FLOWS_ATTEMPT", "")
    found = flow.calls
    if found is None or found[0] != (job, attempt):
        kind = _Rehearsed if os.environ.get("FLOWS_URL") == NOWHERE else Calls
        flow.calls = found = ((job, attempt), kind(job))
    made: Calls = found[1]
    return made


def step(name: str, function: Callable[[], Any]) -> Any:
    """What `function()` comes to, as JSON; it is called once, however often the cell runs.

    With an `async def` function the answer is to be awaited. What it raises is not kept: it is
    called again when the cell runs again. Raises FlowsClientError for what is no JSON.
    """
    made = calls()
    key = made.taken(_checked(name))
    if inspect.iscoroutinefunction(function):
        return _later(made, key, function)
    if key in made.ended:
        return made.ended[key]
    value = function()
    if inspect.isawaitable(value):
        getattr(value, "close", lambda: None)()
        raise FlowsClientError(
            f"The inner step {key!r} gave what is to be awaited; give step() the `async def`"
            " function itself, and await what step() gives."
        )
    return made.keep(key, value)


async def _later(made: Calls, key: str, function: Callable[[], Any]) -> Any:
    if key in made.ended:
        return made.ended[key]
    return made.keep(key, await function())


def sleep(seconds: float) -> None:
    """The run sleeps so long, without its kernel if that is saved, and then goes on behind this
    call.
    """
    if not 0 <= seconds <= 366 * 86400:
        raise FlowsClientError(f"sleep() takes from 0 to {366 * 86400} seconds; not {seconds!r}")
    made = calls()
    key = made.taken("sleep")
    if key in made.ended or isinstance(made, _Rehearsed):
        return
    raise FlowPaused({"key": key, "seconds": float(seconds)})


def wait_for_approval(
    timeout: Any = None,
    form: Any = None,
    self_approval: bool = True,
    *,
    key: str | None = None,
    description: Any = None,
    required_events: int = 1,
) -> dict[str, Any]:
    """Wait until people have approved or rejected, or the time is over.

    `timeout` is in seconds or as in "3d" (None: the server's default), `form` a JSON Schema;
    without `self_approval` the run's owner can't approve. `key` names the call, for
    `get_resume_urls(key=…)`. The answer has `approved`, `approver` (who closed it; None where time
    did) and `value`, the form's values, or the `error` that a rejection or the deadline is.
    """
    made = calls()
    asked = made.taken("approval" if key is None else _checked(key))
    if key is not None and asked != key:
        raise FlowsClientError(
            f"This cell has waited at {key!r} before; give each call its own key."
        )
    if asked in made.ended:
        answer: dict[str, Any] = made.ended[asked]
        return answer
    if isinstance(made, _Rehearsed):
        return made.answer(asked)
    told: dict[str, Any] = {
        "self_approval": bool(self_approval),
        "required_events": required_events,
    }
    said = {"timeout": timeout, "form": form, "description": description}
    told.update({name: value for name, value in said.items() if value is not None})
    raise FlowPaused({"key": asked, "ask": _plain(told)})


def _plain(told: dict[str, Any]) -> Any:
    try:
        return json.loads(json.dumps(told, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise FlowsClientError(f"wait_for_approval() takes plain JSON: {error}") from None


def _checked(name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
        raise FlowsClientError(
            f"An inner step's name is a text of 1 to 200 printable characters; not {name!r:.60}"
        )
    return name


# ---------------------------------------------------------------- functions that cells end with


def entry(function: Callable[..., Any]) -> Any:
    """What the function comes to that a cell ends with, called with those of the flow's parameters
    that it names. Raises FlowsClientError for one that is missing.
    """
    given = arguments(function)
    if getattr(function, "_is_workflow", False):
        return run_workflow(function, **given)
    return function(**given)


def arguments(function: Callable[..., Any]) -> dict[str, Any]:
    said, given = flow.flow_input or {}, {}
    for name, each in inspect.signature(function).parameters.items():
        if each.kind is each.VAR_KEYWORD:
            given.update(said)
        elif each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY) and name in said:
            given[name] = said[name]
        elif each.default is each.empty and each.kind != each.VAR_POSITIONAL:
            raise FlowsClientError(
                f"{function.__name__}() needs `{name}`: start the flow with it, as in"
                f" jupyter flows run NOTEBOOK -p {name} VALUE"
            )
    return given


async def run_workflow(function: Callable[..., Any], **given: Any) -> Any:
    """Drive a function that is marked with `wmill.workflow`: what its steps and tasks come to is
    kept one by one, and its sleeps and approvals wait without the kernel.
    """
    from jupyter_flows.client.workflow import drive  # noqa: PLC0415 (only with wmill)

    return await drive(function, given, calls())


def wait_for_job(job: str) -> dict[str, Any]:
    """The outcome of a job, when it has ended."""
    path = f"/api/w/{os.environ.get('WM_WORKSPACE', 'jupyter')}/jobs_u/completed"
    while True:
        found: dict[str, Any] = ask("GET", f"{path}/get_result_maybe/{job}", seconds=60)
        if found["completed"]:
            return found
        time.sleep(0.05)


async def in_thread(function: Callable[..., Any], *given: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, function, *given)
