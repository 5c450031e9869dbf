"""`servers`: which servers are at work on the store, what each holds; and one can be drained."""

import os
import socket
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import click

from jupyter_flows.cli import values, words
from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core.errors import BadInput, NotOffered
from jupyter_flows.core.model import FINISHED, Json, RunStatus
from jupyter_flows.ports import RunFilter
from jupyter_flows.web.times import time_or_none

UNFINISHED = frozenset(RunStatus) - FINISHED
_PAGE = 500


class Seen(NamedTuple):
    """`state` is alive, draining or dead; `holds` counts its unfinished runs."""

    id: str
    state: str
    host: str
    pid: int
    queues: tuple[str, ...]
    capacity: int | None
    holds: int
    started_at: float | None
    url: str

    def as_json(self) -> Json:
        return {
            **self._asdict(),
            "queues": list(self.queues),
            "started_at": time_or_none(self.started_at),
        }


@click.command(
    "servers",
    help="The servers at work on the store: the classes of runs that each drives, how many runs it"
    " holds, how many it may drive at a time.",
)
@click.option(
    "--drain",
    metavar="SERVER",
    help="Have it take no new runs, let the kernels of waiting runs go when they are saved, and end"
    " if it is a `worker`. What runs there runs to its next wait.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a server and line.")
@data_dir_option
def servers_command(drain: str | None, as_json: bool, data_dir: str | None) -> None:
    async def asking(house: House) -> list[Seen]:
        if drain is not None:
            await _drain(house, drain)
        return await _seen(house)

    found = ask(data_dir, asking)
    if as_json:
        for each in found:
            values.print_json(each.as_json())
        return
    if not found:
        click.echo("No server is up. Start one: jupyter lab, jupyter flows serve")
    for line in _table(found):
        click.echo(line)


async def _drain(house: House, said: str) -> None:
    """Raises BadInput, NotOffered."""
    drain = getattr(house.peers, "drain", None)
    if drain is None:
        raise NotOffered(
            "Only servers on a shared database (FlowsApp.database_url) can be drained; stop this"
            " one: its runs wait for the next server."
        )
    known = [row.id for row in await house.peers.all() if row.id.startswith((said, f"srv_{said}"))]
    if len(known) != 1:
        raise BadInput(
            f"{'Several servers begin' if known else 'No living server begins'} with {said!r}."
        )
    await drain(known[0])


async def _seen(house: House) -> list[Seen]:
    known = getattr(house.peers, "known", None)
    if known is not None:
        return [_of_row(row) for row in await known()]
    cards: Sequence[Any] = await house.peers.all()
    holds = await _holds(house) if cards else Counter[str | None]()
    return [_of_card(card, holds[card.id]) for card in cards]


def _of_row(row: Any) -> Seen:
    """Of a database that servers share."""
    state = ("draining" if row.draining else "alive") if row.lives else "dead"
    return Seen(
        id=row.id,
        state=state,
        host=row.host,
        pid=row.pid,
        queues=row.queues,
        capacity=row.capacity,
        holds=row.holds,
        started_at=row.started_at,
        url=row.url,
    )


def _of_card(card: Any, holds: int) -> Seen:
    """Of this machine."""
    host = socket.gethostname()
    return Seen(card.id, "alive", host, card.pid, (), None, holds, None, card.url)


async def _holds(house: House) -> Counter[str | None]:
    counted: Counter[str | None] = Counter()
    cursor = None
    while True:
        page = await house.engine.runs(RunFilter(status=UNFINISHED), cursor, _PAGE)
        counted.update(row.server for row in page.rows)
        cursor = page.cursor
        if cursor is None:
            return counted


def _table(found: Sequence[Seen]) -> list[str]:
    if not found:
        return []
    rows = [("SERVER", "STATE", "RUNS", "AT ONCE", "CLASSES", "WHERE", "SINCE"), *map(_row, found)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    width = os.get_terminal_size().columns if os.isatty(1) else None
    lines = ["  ".join(text.ljust(w) for text, w in zip(row, widths, strict=True)) for row in rows]
    return [line.rstrip()[:width] for line in lines]


def _row(each: Seen) -> tuple[str, ...]:
    return (
        each.id,
        each.state,
        str(each.holds),
        "" if each.capacity is None else str(each.capacity),
        ", ".join(each.queues) or "-",
        f"{each.host}, process {each.pid}",
        "" if each.started_at is None else words.when(each.started_at),
    )
