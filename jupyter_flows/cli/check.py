"""`check`: every mistake in notebooks, before anything runs."""

from collections.abc import Iterator
from pathlib import Path

import click

from jupyter_flows.cli import exits
from jupyter_flows.composition import LateDocuments
from jupyter_flows.core import durations
from jupyter_flows.core.errors import BadInput, FlowInvalid
from jupyter_flows.core.flow import Flow, read_flow
from jupyter_flows.core.model import GateOptions, StepSpec
from jupyter_flows.kernels.notebook import read_notebook


@click.command(
    "check",
    help="Check notebooks: says what their steps and gates are, and every mistake (status 2).",
)
@click.argument("nb", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
def check_command(nb: tuple[Path, ...]) -> int:
    documents = LateDocuments()
    right = True
    for path in nb:
        try:
            prepared, kernel = documents.prepare(read_notebook(path), {}, None)
            flow = read_flow(prepared)
        except FlowInvalid as error:
            right = False
            for mistake in error.mistakes:
                click.echo(f"{path}: {mistake}", err=True)
        except BadInput as error:
            right = False
            click.echo(f"{path}: {error}", err=True)
        else:
            _say(path, kernel, flow)
    return exits.SUCCEEDED if right else exits.BAD_INPUT


def _say(path: Path, kernel: str, flow: Flow) -> None:
    for warning in flow.warnings:
        click.echo(f"{path}: warning: {warning}", err=True)
    gates = sum(step.gate is not None for step in flow.steps)
    click.echo(f"{path}: {len(flow.steps)} steps, {gates} gates, kernel {kernel}")
    for step in flow.steps:
        click.echo(f"  cell {step.index + 1}  {step.id}{''.join(_traits(step))}")


def _traits(step: StepSpec) -> Iterator[str]:
    if step.summary:
        yield f": {step.summary}"
    if step.skipped:
        yield " (skipped)"
    if step.timeout is not None:
        yield f", at most {durations.spoken(step.timeout)}"
    if step.asks:
        yield "; its code may wait for an approval"
    if step.gate is not None:
        yield f"; then a gate: {_gate(step.gate)}"


def _gate(gate: GateOptions) -> str:
    approvals = "approval" if gate.required_events == 1 else "approvals"
    until = "the default time" if gate.timeout is None else durations.spoken(gate.timeout)
    form = ", with a form" if gate.form is not None else ""
    return f"{gate.required_events} {approvals} within {until}{form}"
