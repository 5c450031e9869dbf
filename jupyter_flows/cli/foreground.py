"""Runs driven by this process, with a server of their own for votes."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeAlias

import click

from jupyter_flows.cli import exits
from jupyter_flows.cli.choosing import has_to_choose
from jupyter_flows.cli.display import Display
from jupyter_flows.cli.early import Starter
from jupyter_flows.cli.embedded import DEFAULT_PORT, Place, serving
from jupyter_flows.cli.follow import Follower, over, waiting_or_over
from jupyter_flows.cli.ports import PortNotes
from jupyter_flows.cli.stopping import Stopped, unless_stopped
from jupyter_flows.core import machine
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.model import Json, Run, RunStatus
from jupyter_flows.core.saved import newest
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.settings import FlowsSettings

KERNEL_ENDS = "No server that lasts is up, so this run's kernel ends with this command"
RUNS_AGAIN = (
    "After the approval, `jupyter flows resume` runs the earlier cells again in a fresh kernel."
)
COMES_BACK = "After the approval, `jupyter flows resume` brings it back with its variables."
KERNEL_GONE = "The run's kernel is gone: after the approval the earlier cells run again."
KERNEL_SAVED = "The run's kernel is gone: after the approval it comes back with its variables."

_OF_KERNELS = ("KernelUnavailable", "KernelDied")
"""Failures of which a kernel's process may have said more than its run knows."""

Work: TypeAlias = Callable[[Follower], Coroutine[Any, Any, Run]]


def run_here(
    new: NewRun,
    settings: FlowsSettings,
    port: int | None,
    display: Display,
    starter: Starter,
    *,
    detach: bool,
) -> int:
    """`starter` may have the run's kernel. The exit status."""

    async def work(follower: Follower) -> Run:
        engine = follower.house.engine
        run = await engine.create(new)
        run = await follower.follow(run.id, waiting_or_over if detach else over)
        await engine.settled(run.id)
        if detach and not over(run):
            await engine.saved(run.id)
            run = await follower.follow(run.id, _anyhow, run.seq)
            display.notice(run, _kernel_ends(run))
        return run

    folder = new.folder or str(Path.cwd())
    return _in_foreground(_place(settings, folder, port, starter), settings, display, work)


def resume_here(
    before: Run,
    settings: FlowsSettings,
    port: int | None,
    display: Display,
    by: str,
    *,
    notebook: dict[str, Json] | None = None,
    choice: Choice | None = None,
) -> int:
    """Take the run over from a server that is gone. The exit status."""
    run_id = before.id

    async def work(follower: Follower) -> Run:
        engine = follower.house.engine
        run = await engine.adopt(run_id)
        if run.status in (RunStatus.INTERRUPTED, RunStatus.FAILED):
            await engine.resume(run_id, by, notebook, choice=choice)
        elif run.status in machine.WAITS:
            gone = KERNEL_GONE if machine.stand_in(run) is None else KERNEL_SAVED
            display.notice(run, gone)
        run = await follower.follow(run_id, over, before.seq)
        if _had_to_find_out(before, run):
            await engine.settled(run_id)
            await engine.resume(run_id, by, notebook)
            run = await follower.follow(run_id, over, run.seq)
        await engine.settled(run_id)
        return run

    port = port or PortNotes(settings).noted(run_id)
    folder = before.folder if before.folder and Path(before.folder).is_dir() else str(Path.cwd())
    return _in_foreground(_place(settings, folder, port, Starter()), settings, display, work)


def _kernel_ends(run: Run) -> str:
    """What that means for the run's variables."""
    if machine.stand_in(run) is not None:
        return f"{KERNEL_ENDS}. {COMES_BACK}"
    found = newest(run)
    names = ", ".join(each.path for each in found.unsaved) if found else ""
    lost = f", and with it what could not be saved ({names})" if names else ""
    return f"{KERNEL_ENDS}{lost}. {RUNS_AGAIN}"


def _had_to_find_out(before: Run, run: Run) -> bool:
    """Whether the run came to know only after it was asked to resume that its kernel is gone, and
    nothing has to be chosen.
    """
    if run.status is not RunStatus.INTERRUPTED or has_to_choose(run):
        return False
    waited = before.status is RunStatus.RUNNING or before.status in machine.WAITS
    return waited and before.running_step is None


def _anyhow(_: Run) -> bool:
    """As far as the log goes."""
    return True


def _place(settings: FlowsSettings, folder: str, port: int | None, starter: Starter) -> Place:
    return Place(
        folder=folder, data_dir=settings.data_dir, port=port or DEFAULT_PORT, starter=starter
    )


def _in_foreground(place: Place, settings: FlowsSettings, display: Display, work: Work) -> int:
    with contextlib.closing(display):
        return asyncio.run(_serve_and_work(place, PortNotes(settings), display, work))


async def _serve_and_work(place: Place, ports: PortNotes, display: Display, work: Work) -> int:
    follower: Follower | None = None
    try:
        async with serving(place) as (house, address):
            follower = Follower(house, display, address, ports)
            house.engine.listen(follower.committed)
            run = await unless_stopped(work(follower))
            await follower.end(run)
            if run.error is not None and run.error.name in _OF_KERNELS:
                click.echo(place.starter.last_words(), err=True)
            return exits.OF_STATUS[run.status]
    except Stopped as stopped:
        if follower and follower.newest:
            display.ended(follower.newest, {})
        return exits.of_signal(stopped.number)
    finally:
        await place.starter.discard()
