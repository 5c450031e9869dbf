"""`list`: the runs, newest first."""

from typing import NamedTuple

import click
import msgspec

from jupyter_flows.cli import values, words
from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.runs import true_status
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core import machine
from jupyter_flows.core.model import Json, RunStatus
from jupyter_flows.ports import RunFilter, RunRow
from jupyter_flows.web import views
from jupyter_flows.web.times import time_or_none

_PAGE = 200


@click.command("list", help="List runs, newest first.")
@click.option(
    "--status", "wanted", multiple=True, type=click.Choice([status.value for status in RunStatus])
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a run and line.")
@data_dir_option
def list_command(wanted: tuple[str, ...], limit: int, as_json: bool, data_dir: str | None) -> None:
    async def listing(house: House) -> list[Listed]:
        found = await _listed(house, frozenset(map(RunStatus, wanted)), limit)
        return [Listed(row, status, await _released(house, row)) for row, status in found]

    found = ask(data_dir, listing)
    if as_json:
        for each in found:
            values.print_json(each.as_json())
        return
    if not found:
        click.echo("No runs.")
    for each in found:
        click.echo(_line(each))


class Listed(NamedTuple):
    """`released_at` is since when a run waits without its kernel."""

    row: RunRow
    status: RunStatus
    released_at: float | None

    def as_json(self) -> Json:
        shown = msgspec.structs.replace(views.run_summary(self.row), status=self.status)
        return {**msgspec.to_builtins(shown), "released_at": time_or_none(self.released_at)}


async def _released(house: House, row: RunRow) -> float | None:
    """Only of those that wait the whole story is read for it."""
    if row.status not in machine.WAITS:
        return None
    return (await house.engine.run(row.id)).released_at


async def _listed(
    house: House, wanted: frozenset[RunStatus], limit: int
) -> list[tuple[RunRow, RunStatus]]:
    """What the store calls running may be interrupted in truth, so that is asked for too."""
    asked = wanted
    if RunStatus.INTERRUPTED in wanted:
        asked = wanted | {RunStatus.RUNNING}
    found: list[tuple[RunRow, RunStatus]] = []
    cursor = None
    while len(found) < limit:
        page = await house.engine.runs(RunFilter(status=asked), cursor, min(limit, _PAGE))
        seen = [(row, await true_status(house, row)) for row in page.rows]
        found += [(row, status) for row, status in seen if not wanted or status in wanted]
        cursor = page.cursor
        if cursor is None:
            break
    return found[:limit]


def _line(listed: Listed) -> str:
    row, status, released_at = listed
    shown = f"{status:<11}"
    name = words.plain(row.name or row.path)
    due = f"  until {words.when(row.due_at)}" if row.due_at is not None else ""
    due += "  kernel released" if released_at is not None else ""
    colour = words.COLOURS.get(status)
    text = f"{click.style(shown, fg=colour)}  {words.when(row.created_at)}  {name}{due}"
    return f"{row.id}  {text}"
