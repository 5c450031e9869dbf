"""`register`, `unregister` and `registered`: the names by which programs start flows."""

import getpass
from pathlib import Path

import click
import msgspec

from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core.registry import RegisteredFlow
from jupyter_flows.web.workflow_views import flow_view

REGISTER_HELP = """Let programs start NOTEBOOK as the flow NAME.

The notebook is read anew at each start: POST v1/agents/NAME/workflow at any server on these runs.
A name that you have registered before is given to this notebook."""


@click.command("register", help=REGISTER_HELP)
@click.argument("name")
@click.argument("notebook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_dir_option
def register_command(name: str, notebook: Path, data_dir: str | None) -> None:
    path = str(notebook.absolute())

    async def registering(house: House) -> RegisteredFlow:
        return await house.registry.register(name, path, getpass.getuser())

    flow = ask(data_dir, registering)
    click.echo(f"{flow.name} is {flow.path}")


@click.command("unregister", help="Take a flow's name back; its runs stay.")
@click.argument("name")
@data_dir_option
def unregister_command(name: str, data_dir: str | None) -> None:
    async def unregistering(house: House) -> None:
        await house.registry.unregister(name, getpass.getuser())

    ask(data_dir, unregistering)
    click.echo(f"{name} is no flow any more")


@click.command("registered", help="List the flows that have a name.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a flow and line.")
@data_dir_option
def registered_command(as_json: bool, data_dir: str | None) -> None:
    async def listing(house: House) -> list[RegisteredFlow]:
        return await house.registry.flows()

    flows = ask(data_dir, listing)
    if as_json:
        for flow in flows:
            click.echo(msgspec.json.encode(flow_view(flow)).decode())
        return
    width = max((len(flow.name) for flow in flows), default=0)
    for flow in flows:
        click.echo(f"{flow.name:<{width}}  {flow.path}")
    if not flows:
        click.echo("No flow is registered. Register one with: jupyter flows register NAME NOTEBOOK")
