"""What a cell's or an expression's end comes to: its result, its failure, what is to be said."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from jupyter_flows.core.commands import Pause
from jupyter_flows.core.model import Failure, Json
from jupyter_flows.kernels.outputs import CellOutputs, whole
from jupyter_flows.ports import Cell, Evaluation

KEY = "jupyter_flows"
"""Of the one expression in most of our requests."""


@dataclass(slots=True, eq=False)
class Running:
    """A cell in execution. `ended` is done when nothing more is waited for."""

    id: str
    cell: Cell
    outputs: CellOutputs
    ended: asyncio.Future[None]
    reply: Mapping[str, Json] | None = None
    idle: bool = False
    timed_out: bool = False
    killed: bool = False
    death: str | None = None
    timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict)

    def end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def failure_of(running: Running, *, ours: bool) -> Failure | None:
    """None for a cell that did well, or that may raise."""
    if running.timed_out:
        return _timed_out(running, ours=ours)
    if running.death is not None or running.reply is None:
        return died(running.death or "")
    match running.reply.get("status"):
        case "ok":
            return None
        case "error":
            return None if running.cell.raises else _raised(running.reply)
        case _:
            return Failure("CellAborted", "The kernel did not run the cell.")


PAUSED = "FlowPaused"
"""The name of what a call raises that waits in the midst of a cell (`client.inner`)."""


def pause_of(running: Running) -> Pause | None:
    """Where the cell waits in its midst, if it does."""
    reply = running.reply
    if running.timed_out or running.death is not None or reply is None:
        return None
    if reply.get("status") != "error" or reply.get("ename") != PAUSED:
        return None
    try:
        return msgspec.json.decode(str(reply.get("evalue", "")).encode(), type=Pause)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None


def died(cause: str) -> Failure:
    return Failure("KernelDied", f"The kernel died while the cell ran{cause}.")


def _raised(reply: Mapping[str, Json]) -> Failure:
    return Failure(whole(str(reply.get("ename", "Error"))), whole(str(reply.get("evalue", ""))))


def _timed_out(running: Running, *, ours: bool) -> Failure:
    ran = f"The cell ran longer than {running.cell.timeout:g} s and"
    if not running.killed:
        end = "was interrupted."
    elif ours:
        end = "did not stop when interrupted, so its kernel was killed."
    else:
        end = "did not stop when interrupted; its kernel was left running."
    return Failure("StepTimedOut", f"{ran} {end}")


def result_of(reply: Mapping[str, Json]) -> tuple[Json, list[str]]:
    """The cell's last value as JSON, and what is to be said of it."""
    if reply.get("status") != "ok":
        return None, []
    report = told(reply)
    if "text" in report:
        return json.loads(report["text"]), []
    return None, [report.get("notice", "The cell's result could not be read.")]


def told(reply: Mapping[str, Json], key: str = KEY) -> Mapping[str, Json]:
    """What the client in the kernel says in the reply's expression of that key."""
    shown = reply.get("user_expressions", {}).get(key, {})
    found: Mapping[str, Json] = shown.get("data", {}).get("application/json", {})
    return found


def is_true(reply: Mapping[str, Json], key: str = KEY) -> bool:
    """Whether the reply's expression of that key is the bool True."""
    shown = reply.get("user_expressions", {}).get(key, {})
    return bool(shown.get("data", {}).get("text/plain") == "True")


def evaluation_of(reply: Mapping[str, Json]) -> Evaluation:
    found = told(reply)
    if "error" in found:
        return Evaluation(error=Failure(found["error"]["name"], found["error"]["message"]))
    if "truth" not in found:
        said = str(reply.get("evalue") or "The kernel did not answer.")
        return Evaluation(error=Failure(str(reply.get("ename") or "NoAnswer"), said))
    return Evaluation(truth=bool(found["truth"]), value=found.get("value"))


def notices_of(running: Running) -> list[str]:
    notices = []
    if running.reply is not None and not running.idle:
        notices.append("The kernel did not say that it was done; outputs may be missing.")
    if running.outputs.dropped:
        notices.append(f"{running.outputs.dropped:,} bytes of output were dropped.")
    return notices


def count_of(running: Running) -> int | None:
    count = running.reply.get("execution_count") if running.reply else None
    return running.outputs.execution_count if count is None else int(count)
