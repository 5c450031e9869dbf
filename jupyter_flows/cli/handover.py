"""`--detach` with a server up: the run is created there, and followed until it waits."""

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict
from typing import TypeAlias

import msgspec

from jupyter_flows.cli import exits
from jupyter_flows.cli.asking import open_house
from jupyter_flows.cli.display import choose_display
from jupyter_flows.cli.follow import Follower, waiting_or_over
from jupyter_flows.cli.stopping import Stopped, unless_stopped
from jupyter_flows.composition import House
from jupyter_flows.core.errors import BadInput, Refused, Unavailable
from jupyter_flows.core.model import Run, RunId
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.settings import FlowsSettings
from jupyter_flows.store.peers import Server, opener

Until: TypeAlias = Callable[[Run], bool]

GOES_ON = "The run goes on at its server."
_SENT = ("notebook", "path", "owner", "parameters", "kernel_name", "folder", "output", "completion")


def run_elsewhere(new: NewRun, settings: FlowsSettings, *, as_json: bool) -> int | None:
    """The exit status; None when no server is up that would outlive this command."""
    house = open_house(settings)
    card = next((card for card in asyncio.run(house.peers.all()) if card.lasting), None)
    if card is None:
        asyncio.run(house.engine.stop())
        return None
    run = _post(card, new) if isinstance(card, Server) else _created(house, new)
    return follow_from_afar(house, run, card.public_url, as_json=as_json)


def _created(house: House, new: NewRun) -> RunId:
    """In a database that servers share: one of them takes it from there."""
    return asyncio.run(house.engine.create(new)).id


def _post(card: Server, new: NewRun) -> RunId:
    url = f"{card.url}/peers/runs"
    sent = {name: value for name, value in asdict(new).items() if name in _SENT}
    request = urllib.request.Request(  # noqa: S310 (our own server's http address)
        url,
        data=msgspec.json.encode(sent),
        headers={"Authorization": f"Bearer {card.secret}", "Content-Type": "application/json"},
        method="POST",
    )
    try:
        with opener(card).open(request, timeout=30) as response:
            return RunId(json.load(response)["id"])
    except urllib.error.HTTPError as error:
        raise _refusal(error) from None
    except OSError as error:
        raise Unavailable(f"The server at {url} did not take the run: {error}") from None


def _refusal(error: urllib.error.HTTPError) -> BadInput | Refused:
    try:
        body = json.load(error)
    except ValueError:
        body = {}
    mistakes = [f"{one['where']}: {one['message']}" for one in body.get("errors", ())]
    said = "\n".join(mistakes) or body.get("detail") or f"The server answered {error.code}."
    return BadInput(said) if error.code in (400, 413, 422) else Refused(said)


def follow_from_afar(
    house: House,
    run_id: RunId,
    address: str,
    *,
    as_json: bool,
    after: int = 0,
    until: Until = waiting_or_over,
) -> int:
    """Follow a run that a server drives; to stop following does not stop it. The exit status."""
    display = choose_display(as_json)
    follower = Follower(house, display, address)

    async def work() -> Run:
        run = await follower.follow(run_id, until, after)
        await follower.end(run)
        return run

    async def following() -> int:
        try:
            run = await unless_stopped(work())
        except Stopped as stopped:
            if follower.newest:
                display.notice(follower.newest, GOES_ON)
            return exits.of_signal(stopped.number)
        finally:
            await house.engine.stop()
        return exits.OF_STATUS[run.status]

    with contextlib.closing(display):
        return asyncio.run(following())
