"""`cancel`: the owner ends a run (G17)."""

import getpass

import click

from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.runs import find
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House


@click.command("cancel", help="End RUN, whether it waits or runs.")
@click.argument("run")
@click.option("--reason", metavar="TEXT")
@data_dir_option
def cancel_command(run: str, reason: str | None, data_dir: str | None) -> None:
    async def cancelling(house: House) -> None:
        run_id = await find(house.engine, run)
        state = await house.engine.cancel(run_id, getpass.getuser(), reason)
        click.echo(f"{state.id} {state.status}")

    ask(data_dir, cancelling)
