"""`serve`: a Jupyter server without the lab, that drives runs and takes over those left behind; for
a JupyterHub a service, which holds the links of its users' runs.
"""

import importlib.util
import os

import click

from jupyter_flows.cli.settings import data_dir_option, load_settings
from jupyter_flows.core.errors import BadInput


@click.command(
    "serve",
    context_settings={"ignore_unknown_options": True},
    help="A server without the lab. It prints its address, and drives the runs handed to it and"
    " those whose servers have died. Started by a JupyterHub as a service of it, it knows the hub's"
    " users and groups, and drives nothing. ARGUMENTS are those of `jupyter server`.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="The first port that is tried.")
@click.option(
    "--drive/--no-drive",
    default=None,
    help="Whether it runs cells, or only shows pages and takes votes for other servers. Default:"
    " FlowsApp.drives; as a hub's service not.",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@data_dir_option
def serve_command(
    port: int | None, drive: bool | None, arguments: tuple[str, ...], data_dir: str | None
) -> None:
    from jupyter_flows.cli.lasting import (  # noqa: PLC0415 (slow to load)
        HubService,
        LastingServer,
    )

    settings = load_settings(data_dir)
    said = [f"--FlowsApp.data_dir={settings.data_dir}", "--ServerApp.open_browser=False"]
    if port is not None:
        said.append(f"--ServerApp.port={port}")
    server: type[LastingServer] = LastingServer
    if is_hub_service():
        _check_hub(port)
        server, drive = HubService, bool(drive)
        said.append("--ServerApp.default_url=/jupyter-flows/inbox")
    if drive is not None:
        said.append(f"--FlowsApp.drives={drive}")
    server.launch_instance([*said, *arguments])


def is_hub_service() -> bool:
    """Whether a hub has started this process as its service; users' servers have a user."""
    named = os.environ.get("JUPYTERHUB_SERVICE_NAME")
    return bool(named) and not os.environ.get("JUPYTERHUB_USER")


def _check_hub(port: int | None) -> None:
    """Raises BadInput for a service that can't log anybody in."""
    missing = [
        name
        for name in ("JUPYTERHUB_SERVICE_URL", "JUPYTERHUB_API_TOKEN", "JUPYTERHUB_CLIENT_ID")
        if not os.environ.get(name)
    ]
    if missing:
        raise BadInput(
            f"This is started as a service of a JupyterHub, without {', '.join(missing)}: give the"
            " service a `url` in c.JupyterHub.services."
        )
    if port is not None:
        raise BadInput(
            "--port: a hub's service has the port of its `url` (JUPYTERHUB_SERVICE_URL)."
        )
    if importlib.util.find_spec("jupyterhub") is None:
        raise BadInput("A hub's service needs the package jupyterhub in its environment.")
