"""`approve` and `reject`: a vote by the person at this terminal."""

import getpass
from collections.abc import Callable
from typing import Any

import click
import msgspec

from jupyter_flows.cli import values, words
from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.runs import find, is_served
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core.commands import CastVote
from jupyter_flows.core.errors import NoGate, UnknownGate
from jupyter_flows.core.model import Gate, Json, Run, RunStatus, StepId, Voter
from jupyter_flows.web import views


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for add in (
        data_dir_option,
        click.option("--json", "as_json", is_flag=True, help="As the server's REST answers."),
        click.option("--reason", metavar="TEXT"),
        click.option("--data", metavar="JSON", help="The form's values, an object."),
        click.option("--gate", metavar="STEP", help="Else the one that is open."),
        click.argument("run"),
    ):
        command = add(command)
    return command


@click.command("approve", help="Approve the open gate of RUN.")
@_options
def approve_command(**said: Any) -> None:
    _vote(approved=True, **said)


@click.command("reject", help="Reject the open gate of RUN.")
@_options
def reject_command(**said: Any) -> None:
    _vote(approved=False, **said)


def _vote(
    *,
    approved: bool,
    run: str,
    gate: str | None,
    data: str | None,
    reason: str | None,
    as_json: bool,
    data_dir: str | None,
) -> None:
    payload = values.payload(data)

    async def voting(house: House) -> None:
        before = await house.engine.run(await find(house.engine, run))
        chosen = _gate(before, gate)
        after, new = await house.engine.vote(
            before.id,
            _cast(house, chosen, approved=approved, payload=payload, reason=reason),
        )
        served = await is_served(house, await house.engine.row(before.id))
        if as_json:
            values.print_json(
                msgspec.to_builtins(views.voted(after, chosen.step, chosen.generation))
            )
            return
        if not new:
            click.echo("You have already voted so.")
        click.echo(_led_to(after, after.gates[chosen.step, chosen.generation], served=served))

    ask(data_dir, voting)


@click.command("withdraw", help="Take back your approval of RUN's open gate.")
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="As the server's REST answers.")
@click.option("--gate", metavar="STEP", help="Else the one that is open.")
@click.argument("run")
def withdraw_command(run: str, gate: str | None, as_json: bool, data_dir: str | None) -> None:
    async def withdrawing(house: House) -> None:
        before = await house.engine.run(await find(house.engine, run))
        chosen = _gate(before, gate)
        after = await house.engine.votes.withdraw(
            before.id, chosen.step, chosen.generation, _me(house)
        )
        if as_json:
            values.print_json(
                msgspec.to_builtins(views.voted(after, chosen.step, chosen.generation))
            )
            return
        left = after.gates[chosen.step, chosen.generation]
        count = f"{len(left.approvals)} of {left.options.required_events} approvals"
        click.echo(words.plain(f"gate {left.step}: your approval is taken back, {count}."))

    ask(data_dir, withdrawing)


def _gate(run: Run, named: str | None) -> Gate:
    """The open gate, else the one that opened last (which says whether this vote is there already);
    or the newest opening of the one that is named.
    """
    if named is None:
        opened = [gate for gate in run.gates.values() if gate.opened_at is not None]
        if not opened:
            raise NoGate(f"No gate of run {run.id} has opened yet; it is {run.status}.")
        return run.open_gate or max(opened, key=lambda gate: gate.opened_at or 0.0)
    gate = run.gate(StepId(named))
    if gate is None:
        known = ", ".join(sorted({g.step for g in run.gates.values()})) or "none"
        raise UnknownGate(f"The run has no gate {named!r}; its gates so far: {known}.")
    return gate


def _cast(
    house: House, gate: Gate, *, approved: bool, payload: Json, reason: str | None
) -> CastVote:
    return CastVote(
        gate=gate.step,
        generation=gate.generation,
        voter=_me(house),
        approved=approved,
        payload=payload,
        reason=reason,
        digest=gate.digest,
    )


def _me(house: House) -> Voter:
    name = getpass.getuser()
    return Voter(name, verified=True, route="cli", groups=house.groups_of(name, None))


def _led_to(run: Run, gate: Gate, *, served: bool) -> str:
    """What the vote has done, and what goes on now."""
    count = f"{len(gate.approvals)} of {gate.options.required_events} approvals"
    said = words.plain(f"gate {gate.step}: {gate.status.replace('_', ' ')}, {count}")
    if run.status is RunStatus.SUSPENDED:
        return f"{said}. The run waits on."
    if run.finished:
        return f"{said}. The run {words.ended(run)}"
    if served:
        return f"{said}. The run goes on."
    return f"{said}. The run's server is gone; go on with: jupyter flows resume {run.id}"
