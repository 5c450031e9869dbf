"""`show`: one run, with its steps, gates, votes and links."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import click
import msgspec

from jupyter_flows.cli import values, words
from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.choosing import MEANINGS, OPTION, has_to_choose
from jupyter_flows.cli.display import awaited_lines, how_to_go_on
from jupyter_flows.cli.runs import address, find, is_served, true_status
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core import machine, saved
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Gate, GateStatus, Json, Run, RunStatus, StepId, Voter
from jupyter_flows.core.things import Progress
from jupyter_flows.web import views
from jupyter_flows.web.urls import link_urls

Told: TypeAlias = Mapping[StepId, Progress]

DIED = "Its server died while it ran."


@click.command("show", help="Show RUN: its steps, gates, votes and links.")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="As the server's REST gives it.")
@click.option(
    "--notebook",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the executed notebook so far to FILE.",
)
@data_dir_option
def show_command(run: str, as_json: bool, notebook: Path | None, data_dir: str | None) -> None:
    async def showing(house: House) -> None:
        run_id = await find(house.engine, run)
        state = await house.engine.run(run_id)
        row = await house.engine.row(run_id)
        if notebook is not None:
            _write(notebook, await house.engine.notebook(run_id))
        base, status = await address(house, row), await true_status(house, row)
        progress = await house.progress.shown(state)
        if as_json:
            values.print_json(_as_json(house, state, status, base, progress))
            return
        served = await is_served(house, row)
        for line in _lines(house, state, status, base, progress, served=served):
            click.echo(line)

    ask(data_dir, showing)


def _write(path: Path, notebook: Json) -> None:
    try:
        path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise BadInput(f"{path} can't be written: {error.strerror}.") from None


def _as_json(house: House, run: Run, status: RunStatus, base: str, progress: Told) -> Json:
    """Links that no server answers are left out."""
    owner = Voter(run.owner, verified=True, route="cli")
    view = views.run_view(house.engine, lambda: base, run, owner, progress)
    shown = msgspec.to_builtins(msgspec.structs.replace(view, status=status))
    if not base:
        for gate in shown["gates"]:
            gate["links"] = None
    return shown


def _lines(
    house: House, run: Run, status: RunStatus, base: str, progress: Told, *, served: bool
) -> Iterator[str]:
    yield f"{run.id}  {words.plain(run.name or run.path)}"
    yield f"status    {status}"
    yield f"owner     {run.owner}"
    yield f"created   {words.when(run.created_at)}"
    yield from _time_lines(run)
    for name, value in run.parameters.items():
        yield f"parameter {name} = {json.dumps(value, ensure_ascii=False)}"
    if run.error is not None:
        yield f"error     {words.ended(run) if run.finished else run.error.message}"
    elif status is RunStatus.INTERRUPTED and run.status is not status:
        yield f"error     {DIED}"
    if run.result is not None:
        yield f"result    {json.dumps(run.result, ensure_ascii=False)}"
    yield from _variables_lines(run, status)
    yield from _step_lines(run, progress)
    for gate in run.gates.values():
        if gate.opened_at is not None:
            yield from _gate_lines(gate)
    if run.open_gate is not None:
        yield from awaited_lines(run, run.open_gate, _urls(house, run, run.open_gate, base))
    if not served and status is not RunStatus.SUCCEEDED and how_to_go_on(run, status):
        yield how_to_go_on(run, status)


def _time_lines(run: Run) -> Iterator[str]:
    if run.finished_at is not None:
        yield f"finished  {words.when(run.finished_at)}"
    elif run.deadline is not None:
        yield f"deadline  {words.when(run.deadline)}"
    if run.wake_at is not None:
        yield f"sleeps    until {words.when(run.wake_at)}"


def _variables_lines(run: Run, status: RunStatus) -> Iterator[str]:
    """What was saved of them, and what may be chosen."""
    newest = next(reversed(saved.kept(run)), None)
    if status in machine.WAITS:
        for number, line in enumerate(saved.sentences(run)):
            yield words.plain(f"{'' if number else 'variables':<9} {line}")
    elif newest is not None:
        behind = words.plain(f"behind step {newest.covers[-1]!r}") if newest.covers else ""
        yield f"variables {saved.saved_sentence(newest)} {words.when(newest.saved_at)}, {behind}"
    for each in newest.unsaved if newest else ():
        yield words.plain(f"          {each.path}: {each.reason}")
    if has_to_choose(run):
        for choice in run.choices:
            yield f"choose    {OPTION} {choice:<10}  {MEANINGS[choice]}"


def _step_lines(run: Run, progress: Told) -> Iterator[str]:
    for step in run.steps.values():
        attempts = f", attempt {step.attempts}" if step.attempts > 1 else ""
        line = f"{words.place(run, step):>9} {step.status:<9} {words.title(step)}"
        far = words.how_far(progress.get(step.id))
        yield " ".join(filter(None, (line, f"{words.took(step)}{attempts}", far)))
        if step.error is not None:
            yield words.plain(f"          {step.error.name}: {step.error.message}")


def _gate_lines(gate: Gate) -> Iterator[str]:
    status = gate.status.replace("_", " ")
    until = f", until {words.when(gate.deadline)}" if gate.status is GateStatus.OPEN else ""
    count = f"{len(gate.approvals)} of {gate.options.required_events}"
    opening = f" (opening {gate.generation})" if gate.generation > 1 else ""
    yield words.plain(f"gate {gate.step}{opening}: {status}, {count}{until}")
    for vote in gate.votes:
        said = words.voted(vote.voter, vote.approved, vote.reason)
        yield f"          {words.when(vote.at)}  {said}"


def _urls(house: House, run: Run, gate: Gate, base: str) -> dict[str, str] | None:
    if gate.link is None or not base:
        return None
    return link_urls(house.engine, lambda: base, run, run.links[gate.link])
