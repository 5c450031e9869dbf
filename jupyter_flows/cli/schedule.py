"""`schedule`: runs of notebooks by the clock (G84), told to the store; a server starts them."""

import getpass
from pathlib import Path

import click
import msgspec

from jupyter_flows.cli import values
from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.schedule_table import last_runs, moment, named, table
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core.errors import BadInput, UnknownSchedule
from jupyter_flows.core.model import RunId, RunStatus
from jupyter_flows.core.schedules import CatchUp, Schedule
from jupyter_flows.engine.asked import NewSchedule
from jupyter_flows.web.schedule_views import schedule_view

NOBODY_STARTS = (
    "No server is running that would start its runs: start one with `jupyter flows serve`, or"
    " Jupyter itself."
)

HELP = """Run notebooks by the clock.

A schedule is kept with the runs. Any server on them starts what is due, once however many there
are; ID is a schedule's id, the beginning of one, or its name."""

ADD_HELP = """Start runs of NOTEBOOK by CRON: minute, hour, day of month, month, day of week.

\b
  "0 7 * * 1-5"    at 7:00 on weekdays
  "*/15 * * * *"   every 15 minutes
  "30 6 L * *"     at 6:30 on the last day of the month

The notebook is read anew at each start. Where both days are given, either will do, as in cron.
When the clocks are put forward over a fixed time, its run comes at once after; when they are put
back, the first time counts. A minute or hour with `*` goes by the clock on the wall."""


@click.group("schedule", help=HELP)
def schedule_command() -> None:
    """The group of these six."""


@schedule_command.command("add", help=ADD_HELP, short_help="Start runs of a notebook by cron.")
@click.argument("notebook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("cron")
@click.option("--zone", default="UTC", show_default=True, help="As in Europe/Berlin.")
@click.option("--name")
@click.option("-p", "--parameter", "pairs", nargs=2, multiple=True, metavar="NAME VALUE")
@click.option("-f", "--parameters-file", "file", metavar="PARAMS.yml", help="A YAML mapping.")
@click.option(
    "--catch-up",
    type=click.Choice([each.value for each in CatchUp]),
    default=CatchUp.SKIP.value,
    show_default=True,
    help="What to do about times that were missed, for want of a server: nothing, or one run.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="OUT.ipynb",
    help="Where the executed notebook goes; %Y-%m-%d and the like stand for the time it was due.",
)
@click.option("--kernel", metavar="NAME", help="Default: the one that the notebook names.")
@click.option("--json", "as_json", is_flag=True, help="The schedule as one JSON object.")
@data_dir_option
def add_schedule(
    *,
    notebook: Path,
    cron: str,
    zone: str,
    name: str | None,
    pairs: tuple[tuple[str, str], ...],
    file: str | None,
    catch_up: str,
    output: Path | None,
    kernel: str | None,
    as_json: bool,
    data_dir: str | None,
) -> None:
    path = notebook.absolute()
    new = NewSchedule(
        cron=cron,
        zone=zone,
        path=str(path),
        folder=str(path.parent),
        owner=getpass.getuser(),
        name=name,
        parameters=values.parameters(pairs, file),
        kernel_name=kernel,
        output=None if output is None else str(output.absolute()),
        catch_up=CatchUp(catch_up),
    )

    async def adding(house: House) -> Schedule:
        schedule = await house.schedules.add(new)
        await _said(house, schedule, as_json=as_json)
        return schedule

    ask(data_dir, adding)


@schedule_command.command("list", help="List schedules, oldest first.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a schedule and line.")
@data_dir_option
def list_schedules(as_json: bool, data_dir: str | None) -> None:
    async def listing(house: House) -> tuple[list[Schedule], dict[RunId, RunStatus]]:
        known = await house.schedules.schedules()
        if as_json:
            for schedule in known:
                _print(house, schedule)
        elif any(schedule.due_at is not None for schedule in known):
            await _warn_if_nobody_starts(house)
        return known, await last_runs(house, known)

    known, statuses = ask(data_dir, listing)
    if not as_json:
        for line in table(known, statuses) if known else ["No schedules."]:
            click.echo(line)


@schedule_command.command("next", help="Print the next times of the schedule, in its zone.")
@click.argument("id")
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True)
@data_dir_option
def next_times(id: str, count: int, data_dir: str | None) -> None:  # noqa: A002 (its name on the screen)
    async def asking(house: House) -> tuple[Schedule, tuple[float, ...]]:
        schedule = await _find(house, id)
        return schedule, house.schedules.next_times(schedule, count)

    schedule, times = ask(data_dir, asking)
    for at in times:
        click.echo(moment(schedule, at))
    if schedule.paused:
        click.echo("It is paused: nothing is started.", err=True)


@schedule_command.command("pause", help="Start nothing more by the schedule until `unpause`.")
@click.argument("id")
@data_dir_option
def pause_schedule(id: str, data_dir: str | None) -> None:  # noqa: A002
    async def pausing(house: House) -> None:
        paused = await house.schedules.pause((await _find(house, id)).id)
        click.echo(f"{named(paused)} paused")

    ask(data_dir, pausing)


@schedule_command.command(
    "unpause",
    help="Go on with the next time from now; what was due in between is not made up for.",
    short_help="Go on with the next time.",
)
@click.argument("id")
@data_dir_option
def unpause_schedule(id: str, data_dir: str | None) -> None:  # noqa: A002
    async def unpausing(house: House) -> None:
        schedule = await house.schedules.unpause((await _find(house, id)).id)
        await _said(house, schedule, as_json=False)

    ask(data_dir, unpausing)


@schedule_command.command("remove", help="Forget the schedule; the runs that it started stay.")
@click.argument("id")
@data_dir_option
def remove_schedule(id: str, data_dir: str | None) -> None:  # noqa: A002
    async def removing(house: House) -> None:
        schedule = await _find(house, id)
        await house.schedules.remove(schedule.id)
        click.echo(f"{named(schedule)} removed")

    ask(data_dir, removing)


async def _said(house: House, schedule: Schedule, *, as_json: bool) -> None:
    """Say when it starts a run next; a server is told, lest it sleeps over that."""
    if as_json:
        _print(house, schedule)
    else:
        click.echo(f"{named(schedule)} next: {moment(schedule, schedule.due_at)}")
    if not await house.peers.poke_schedules():
        await _warn_if_nobody_starts(house)


def _print(house: House, schedule: Schedule) -> None:
    values.print_json(msgspec.to_builtins(schedule_view(house.schedules, schedule)))


async def _warn_if_nobody_starts(house: House) -> None:
    if not any(card.lasting for card in await house.peers.all()):
        click.echo(NOBODY_STARTS, err=True)


async def _find(house: House, said: str) -> Schedule:
    """By its id, its name, or the beginning of its id (with or without `sch_`). Raises
    UnknownSchedule; BadInput where several are meant.
    """
    known = await house.schedules.schedules()
    for found in (
        [each for each in known if each.id == said],
        [each for each in known if each.name == said],
        [each for each in known if said and each.id.startswith((said, f"sch_{said}"))],
    ):
        if len(found) > 1:
            raise BadInput(f"Several schedules are called {said!r}: {found[0].id}, {found[1].id}")
        if found:
            return found[0]
    raise UnknownSchedule(f"There is no schedule {said!r}.")
