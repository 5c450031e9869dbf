"""Which run is meant, and how it stands in truth."""

from jupyter_flows.composition import House
from jupyter_flows.core.errors import BadInput, UnknownRun
from jupyter_flows.core.model import Run, RunId, RunStatus
from jupyter_flows.engine.engine import Engine
from jupyter_flows.ports import RunFilter, RunRow

LAST = "last"
_PAGE = 500


async def find(engine: Engine, named: str) -> RunId:
    """By its id, the beginning of it (with or without `run_`), or `last`. Raises UnknownRun;
    BadInput where several begin so.
    """
    if named == LAST:
        rows = (await engine.runs(RunFilter(), None, 1)).rows
        if not rows:
            raise UnknownRun("There are no runs yet.")
        return rows[0].id
    try:
        return (await engine.row(RunId(named))).id
    except UnknownRun:
        return await _by_beginning(engine, named)


async def _by_beginning(engine: Engine, named: str) -> RunId:
    found: list[RunId] = []
    cursor = None
    while True:
        page = await engine.runs(RunFilter(), cursor, _PAGE)
        found += [row.id for row in page.rows if row.id.startswith((named, f"run_{named}"))]
        cursor = page.cursor
        if cursor is None or len(found) > 1:
            break
    if not found:
        raise UnknownRun(f"There is no run {named!r}.")
    if len(found) > 1:
        raise BadInput(f"Several runs begin with {named!r}: {found[0]}, {found[1]}, …")
    return found[0]


def is_served(house: House, row: RunRow) -> bool:
    """Whether the server that has this run is alive."""
    return bool(row.server) and house.peers.alive(row.server or "")


def true_status(house: House, row: RunRow) -> RunStatus:
    """A run whose server died while it ran is interrupted, whether or not that is written yet."""
    if row.status is RunStatus.RUNNING and not is_served(house, row):
        return RunStatus.INTERRUPTED
    return row.status


def address(house: House, row: RunRow) -> str:
    """What the run's links begin with; empty when no server that has it is up."""
    if not is_served(house, row):
        return ""
    card = house.peers.card(row.server or "")
    return card.public_url if card else ""


def named(run: Run) -> str:
    return f"{run.id} ({run.name or run.path})"
