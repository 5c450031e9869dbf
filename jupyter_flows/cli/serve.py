"""`serve`: a Jupyter server without the lab, that drives runs and takes over those left behind."""

import click

from jupyter_flows.cli.settings import data_dir_option, load_settings


@click.command(
    "serve",
    context_settings={"ignore_unknown_options": True},
    help="A server without the lab. It prints its address, and drives the runs handed to it and"
    " those whose servers have died. ARGUMENTS are those of `jupyter server`.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="The first port that is tried.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@data_dir_option
def serve_command(port: int | None, arguments: tuple[str, ...], data_dir: str | None) -> None:
    from jupyter_flows.cli.lasting import LastingServer  # noqa: PLC0415 (slow to load)

    settings = load_settings(data_dir)
    said = [f"--FlowsApp.data_dir={settings.data_dir}", "--ServerApp.open_browser=False"]
    if port is not None:
        said.append(f"--ServerApp.port={port}")
    LastingServer.launch_instance([*said, *arguments])
