"""`checkpoints`: what is saved of the variables of runs, whether it is whole, and tidying up."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click
import msgspec

from jupyter_flows.cli import values, words
from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.exits import FAILED, SUCCEEDED
from jupyter_flows.cli.runs import find, true_status
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core import saved, sizes
from jupyter_flows.core.checkpoint import Checkpoint
from jupyter_flows.core.errors import CheckpointUnusable, UnknownRun
from jupyter_flows.core.model import Json, Run, RunId, RunStatus
from jupyter_flows.ports import Collected
from jupyter_flows.web.checkpoint_views import of_checkpoint


@click.group("checkpoints", help="What is saved of the variables of runs that wait.")
def checkpoints_command() -> None:
    """The group of these three."""


class Kept(NamedTuple):
    """What lies in the folder for a run; `run` is None for one that this store does not know."""

    id: RunId
    size: int
    run: Run | None
    status: RunStatus | None


class Folder(NamedTuple):
    """The folder of checkpoints, and what takes room in it: each run's, and all of it."""

    path: str
    size: int
    checkpoints: int
    kept: Sequence[Kept]


@checkpoints_command.command("list", help="List what is saved, run by run, and what it takes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for all of it.")
@data_dir_option
def list_checkpoints(as_json: bool, data_dir: str | None) -> None:
    found = ask(data_dir, _look)
    if as_json:
        values.print_json(_as_json(found))
        return
    for line in _lines(found):
        click.echo(line)


async def _look(house: House) -> Folder:
    usage = await house.checkpoints.usage()
    kept = [await _kept(house, run, size) for run, size in sorted(usage.runs.items())]
    return Folder(house.checkpoints.name, usage.bytes, usage.manifests, kept)


async def _kept(house: House, run: RunId, size: int) -> Kept:
    try:
        row = await house.engine.row(run)
        return Kept(run, size, await house.engine.run(run), await true_status(house, row))
    except UnknownRun:
        return Kept(run, size, None, None)


def _lines(found: Folder) -> Iterator[str]:
    for kept in found.kept:
        about = f"{kept.status}  {kept.run.name or kept.run.path}" if kept.run else "an unknown run"
        yield words.plain(f"{kept.id}  {about}  {sizes.shown(kept.size)} on disk")
        for checkpoint in saved.kept(kept.run) if kept.run else ():
            yield f"  {_line(checkpoint)}"
    total = f"{found.checkpoints} checkpoint{'s' if found.checkpoints != 1 else ''}"
    yield f"{total}, {sizes.shown(found.size)} on disk, in {found.path}"


def _line(checkpoint: Checkpoint) -> str:
    behind = f"behind step {checkpoint.covers[-1]}  " if checkpoint.covers else ""
    said = f"{words.when(checkpoint.saved_at)}  {behind}{saved.saved_sentence(checkpoint)}"
    if checkpoint.doubt is not None:
        said = f"{said} It does not load: {checkpoint.doubt}"
    elif not checkpoint.complete:
        said = f"{said} Not complete: {', '.join(each.path for each in checkpoint.unsaved)}"
    return words.plain(said)


def _as_json(found: Folder) -> Json:
    """What two runs share counts in each of them, and once in all."""
    return {
        "folder": found.path,
        "bytes": found.size,
        "checkpoints": found.checkpoints,
        "runs": [
            {
                "run": kept.id,
                "status": kept.status,
                "path": kept.run.path if kept.run else None,
                "name": kept.run.name if kept.run else None,
                "bytes": kept.size,
                "checkpoints": [_checkpoint(kept.run, each) for each in saved.kept(kept.run)]
                if kept.run
                else [],
            }
            for kept in found.kept
        ],
    }


def _checkpoint(run: Run, checkpoint: Checkpoint) -> Json:
    shown: Json = msgspec.to_builtins(of_checkpoint(run, checkpoint))
    return {"digest": checkpoint.digest, "covers": list(checkpoint.covers), **shown}


@checkpoints_command.command("verify", help="Read every byte that is saved of RUN: is it as saved?")
@click.argument("run")
@data_dir_option
def verify_checkpoints(run: str, data_dir: str | None) -> int:
    async def verifying(house: House) -> int:
        state = await house.engine.run(await find(house.engine, run))
        found = saved.kept(state)
        if not found:
            click.echo(f"Nothing is saved of {state.id}; it is {state.status}.")
        wrong = [await _damage(house, state, each) for each in found]
        return FAILED if any(wrong) else SUCCEEDED

    return ask(data_dir, verifying)


async def _damage(house: House, run: Run, checkpoint: Checkpoint) -> bool:
    """Whether there is some; it is said either way."""
    said = f"{words.when(checkpoint.saved_at)}  {saved.saved_sentence(checkpoint)}"
    try:
        await house.checkpoints.verify(run.id, checkpoint.digest)
    except CheckpointUnusable as error:
        damaged = click.style("damaged", fg="red")
        click.echo(f"{said} {damaged}: {words.plain(str(error))}")
        return True
    click.echo(f"{said} {click.style('good', fg='green')}")
    return False


@checkpoints_command.command(
    "collect", help="Remove what no run needs any more; a server does so each hour."
)
@data_dir_option
def collect_checkpoints(data_dir: str | None) -> None:
    async def collecting(house: House) -> Collected:
        return await house.engine.collect()

    found = ask(data_dir, collecting)
    checkpoints = f"{found.manifests} checkpoint{'s' if found.manifests != 1 else ''}"
    files = f"{found.blobs} file{'s' if found.blobs != 1 else ''}"
    click.echo(f"{checkpoints} and {files} removed, {sizes.shown(found.bytes)}.")
    click.echo("What was written within the last hour stays: it may belong to a save under way.")
