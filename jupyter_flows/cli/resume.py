"""`resume`: go on from the step that did not finish, at the run's server or else here."""

import asyncio
import getpass
from pathlib import Path

import click

from jupyter_flows.cli.asking import open_house
from jupyter_flows.cli.choosing import chosen
from jupyter_flows.cli.display import JSON_HELP, choose_display
from jupyter_flows.cli.runs import address, find, is_served
from jupyter_flows.cli.settings import data_dir_option, load_settings
from jupyter_flows.composition import House
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.errors import RunNotResumable
from jupyter_flows.core.model import Json, Run, RunStatus
from jupyter_flows.kernels.notebook import read_notebook

HELP = """Go on with RUN after a crash, a failure or a stop, from the step that did not finish.

It has the variables that were saved of it, if they were; else the earlier cells run again in a
fresh kernel. Their first outputs stand. Where the run's server is up, it does that and this command
follows; otherwise it happens here, as with `jupyter flows run`, and the run's links answer again. A
suspended run is waited for.

Where somebody has to choose (`show` names the choices), a terminal asks. --with says it beforehand:

\b
  checkpoint  go on with the variables that were saved
  changed     with those, although packages or files have changed since
  kernel      in the run's kernel, with the variables as they are in it now
  rerun       in a fresh kernel, after running the earlier cells again

With --edited the run goes on with the notebook as that file has it now: what is behind the last
step that has finished may have changed, what is before may not."""

_ENDED = (RunStatus.SUCCEEDED, RunStatus.CANCELLED)
_STOPPED = (RunStatus.INTERRUPTED, RunStatus.FAILED)


@click.command("resume", help=HELP, epilog=JSON_HELP)
@click.argument("run")
@click.option("--port", type=click.IntRange(1, 65535), help="Else the one that its links name.")
@click.option(
    "--edited",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="NOTEBOOK",
    help="Go on with this notebook, in which the failed cell was mended.",
)
@click.option(
    "--with",
    "choice",
    type=click.Choice([choice.value for choice in Choice]),
    help="What it goes on with, as above.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, as below.")
@data_dir_option
def resume_command(
    *,
    run: str,
    port: int | None,
    edited: Path | None,
    choice: str | None,
    as_json: bool,
    data_dir: str | None,
) -> int:
    notebook = None if edited is None else read_notebook(edited)
    settings = load_settings(data_dir)
    house = open_house(settings)
    state, there = asyncio.run(_look(house, run))
    if state.status in _ENDED:
        raise RunNotResumable(f"The run {state.id} has ended: it is {state.status}.")
    if choice is not None and _waits(state):
        raise RunNotResumable(
            f"The run {state.id} is {state.status}: there is nothing to choose. It goes on with its"
            " kernel, or with what was saved of it."
        )
    with_ = chosen(state, choice, may_ask=not as_json)
    if there is not None:
        return _resume_there(house, state, there, notebook, with_, as_json=as_json)
    asyncio.run(house.engine.stop())
    from jupyter_flows.cli.foreground import resume_here  # noqa: PLC0415 (starts a server)

    display = choose_display(as_json)
    return resume_here(
        state, settings, port, display, getpass.getuser(), notebook=notebook, choice=with_
    )


def _waits(run: Run) -> bool:
    """Whether the run has nobody to resume it: it is not stopped, nor was it cut off in a cell."""
    return run.status not in _STOPPED and run.running_step is None


async def _look(house: House, named: str) -> tuple[Run, str | None]:
    """The run, and what its links begin with at the living server that has it, if one has."""
    run = await find(house.engine, named)
    row = await house.engine.row(run)
    there = await address(house, row) if await is_served(house, row) else None
    return await house.engine.run(run), there


def _resume_there(
    house: House,
    run: Run,
    links_begin: str,
    notebook: dict[str, Json] | None,
    choice: Choice | None,
    *,
    as_json: bool,
) -> int:
    from jupyter_flows.cli.follow import over  # noqa: PLC0415
    from jupyter_flows.cli.handover import follow_from_afar  # noqa: PLC0415

    if run.status in _STOPPED:
        asyncio.run(house.engine.resume(run.id, getpass.getuser(), notebook, choice=choice))
    return follow_from_afar(house, run.id, links_begin, as_json=as_json, after=run.seq, until=over)
