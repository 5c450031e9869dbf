"""Which run is meant, and how it stands in truth."""

from jupyter_flows.composition import House
from jupyter_flows.composition.grounds import AnyCard
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


async def is_served(house: House, row: RunRow) -> bool:
    """Whether a living server has this run, or will take it when there is something to do."""
    return await server_of(house, row) is not None


async def server_of(house: House, row: RunRow) -> AnyCard | None:
    """The living server that has the run; of a database that servers share, else any that takes its
    class.
    """
    if row.server and await house.peers.alive(row.server):
        return await house.peers.card(row.server)
    if house.grounds.jobs is None:
        return None
    takers = [card for card in await house.peers.all() if (row.queue or "default") in card.queues]
    return takers[0] if takers else None


async def true_status(house: House, row: RunRow) -> RunStatus:
    """A run whose server died while it ran is interrupted, whether or not that is written yet. A
    database that servers share says so itself, for others take it over.
    """
    if row.status is not RunStatus.RUNNING or house.grounds.jobs is not None:
        return row.status
    return row.status if await is_served(house, row) else RunStatus.INTERRUPTED


async def address(house: House, row: RunRow) -> str:
    """What the run's links begin with; empty when no server is up that answers them. On a database
    that servers share every server that lasts does.
    """
    card = await server_of(house, row)
    if card is None and house.grounds.jobs is not None:
        card = next((each for each in await house.peers.all() if each.lasting), None)
    return card.public_url if card else ""


def named(run: Run) -> str:
    return f"{run.id} ({run.name or run.path})"
