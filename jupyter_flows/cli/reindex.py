"""`reindex`: the lists made anew from the events."""

import asyncio

import click

from jupyter_flows.cli.settings import data_dir_option, load_settings
from jupyter_flows.composition import open_store


@click.command("reindex", help="Make the lists of runs, gates and links anew from the events.")
@data_dir_option
def reindex_command(data_dir: str | None) -> None:
    settings = load_settings(data_dir)

    async def rebuilding() -> int:
        store = open_store(settings)
        try:
            return await store.rebuild()
        finally:
            await store.close()

    click.echo(f"{asyncio.run(rebuilding())} runs")
