"""What cells keep with their flow and their run, and how far they say they are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, MutableMapping
from typing import Any
from urllib.parse import quote

from jupyter_flows.client.encoding import NotKept, written
from jupyter_flows.client.hook import STEP
from jupyter_flows.client.links import (
    NOT_A_FLOW,
    NOT_FOUND,
    NOWHERE,
    UNREACHABLE,
    FlowsClientError,
    ask,
)
from jupyter_flows.client.state import flow

_DOORS = "/api/w/jupyter/"
_STATE_TYPE = "state"


class _Kept(MutableMapping[str, Any]):
    """A dict that the server keeps. It is asked at every use, as other runs write too, and told of
    every change; `dict(...)` of it is a copy that is asked for nothing.
    """

    name = ""

    def _read(self) -> dict[str, Any]:
        raise NotImplementedError

    def _write(self, changes: dict[str, Any]) -> None:
        raise NotImplementedError

    def _drop(self, key: str) -> None:
        raise NotImplementedError

    def _now(self) -> dict[str, Any]:
        return self._aside() if _has_no_server() else self._read()

    def _aside(self) -> dict[str, Any]:
        """Where recorded answers stand for people, it is kept with this kernel's run."""
        return flow.kept.setdefault(self.name, {})

    def __getitem__(self, key: str) -> Any:
        return self._now()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._now()

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._now()))

    def __len__(self) -> int:
        return len(self._now())

    def __setitem__(self, key: str, value: Any) -> None:
        """Raises TypeError for a key that is no text, ValueError for what is no JSON."""
        self.update({key: value})

    def update(self, *args: Any, **more: Any) -> None:
        """All at once."""
        changes = {key: self._plain(key, value) for key, value in dict(*args, **more).items()}
        if _has_no_server():
            self._aside().update(changes)
        elif changes:
            self._write(changes)

    def _plain(self, key: Any, value: Any) -> Any:
        """The value as JSON has it."""
        if not isinstance(key, str):
            raise TypeError(f"A key of flows.{self.name} is a text; this is {type(key).__name__}.")
        try:
            return json.loads(written(value))
        except Exception as error:  # noqa: BLE001 (a value's own code may raise anything)
            raise NotKept(f"flows.{self.name}[{key!r}] is no JSON value: {error}") from None

    def __delitem__(self, key: str) -> None:
        if key not in self._now():
            raise KeyError(key)
        if _has_no_server():
            del self._aside()[key]
        else:
            self._drop(key)

    def items(self) -> Any:
        return dict(self._now()).items()

    def values(self) -> Any:
        return dict(self._now()).values()

    def __repr__(self) -> str:
        return f"flows.{self.name}: {self._now()!r}"


class State(_Kept):
    """Kept between runs of this flow, for its owner: what `wmill.get_state()` gives too."""

    name = "state"

    def _read(self) -> dict[str, Any]:
        try:
            found = ask("GET", f"{_DOORS}resources/get_value/{_state_path()}")
        except FlowsClientError as error:
            if error.status != NOT_FOUND:
                raise
            return {}
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise FlowsClientError(
                f"The flow's state is no dict but {type(found).__name__}, as wmill.set_state() was"
                " given it; read it with wmill.get_state()."
            )
        return found

    def _write(self, changes: dict[str, Any]) -> None:
        self._put({**self._read(), **changes})

    def _drop(self, key: str) -> None:
        self._put({name: value for name, value in self._read().items() if name != key})

    def _put(self, value: dict[str, Any]) -> None:
        told = {"path": _state_path(quoted=False), "value": value, "resource_type": _STATE_TYPE}
        ask("POST", f"{_DOORS}resources/create?update_if_exists=true", told)

    def __reduce__(self) -> Any:
        return State, ()


class UserState(_Kept):
    """Kept with this run, and those that it started or that started it."""

    name = "user_state"

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = ask("GET", self._place())
        return found

    def _write(self, changes: dict[str, Any]) -> None:
        for key, value in changes.items():
            ask("POST", f"{self._place()}/{quote(key, safe='')}", value)

    def _drop(self, key: str) -> None:
        ask("DELETE", f"{self._place()}/{quote(key, safe='')}")

    def _place(self) -> str:
        return f"{_DOORS}jobs/flow/user_states/{_told('WM_ROOT_FLOW_JOB_ID')}"

    def __reduce__(self) -> Any:
        return UserState, ()


state = State()
user_state = UserState()


def progress(percent: float, message: str | None = None) -> None:
    """Say how far this step is, from 0 to 100 percent; it is shown while the step runs.

    Raises ValueError for another number. A server that can't be reached is no reason to stop.
    """
    whole = int(percent)
    if not 0 <= whole <= 100:
        raise ValueError(f"progress is from 0 to 100 percent; this is {percent}")
    run, step = flow.run_id or _told("FLOWS_RUN_ID"), STEP.get("") or _told("FLOWS_STEP_ID")
    said = (run, step, os.environ.get("FLOWS_ATTEMPT"), whole, message)
    if _has_no_server() or said == flow.progress:
        return
    told = {"percent": whole, "message": message, "flow_job_id": run}
    try:
        ask("POST", f"{_DOORS}job_metrics/set_progress/{run}.{quote(step, safe='')}", told)
    except FlowsClientError as error:
        if error.status != UNREACHABLE:
            raise
        return
    flow.progress = said


def _state_path(*, quoted: bool = True) -> str:
    path = _told("WM_STATE_PATH")
    return quote(path) if quoted else path


def _told(name: str) -> str:
    """Raises FlowsClientError where the server has not said it."""
    found = os.environ.get(name)
    if not found:
        raise FlowsClientError(NOT_A_FLOW)
    return found


def _has_no_server() -> bool:
    return os.environ.get("FLOWS_URL") == NOWHERE
