"""`worker`: a server that only drives runs, for a database that several servers share."""

import click

from jupyter_flows.cli.settings import data_dir_option, load_settings
from jupyter_flows.core.errors import BadInput

_SETTINGS = {
    "--ServerApp.open_browser": "False",
    "--ServerApp.ip": "127.0.0.1",
    "--ServerApp.port_retries": "200",
}


@click.command(
    "worker",
    context_settings={"ignore_unknown_options": True},
    help="A server that only drives runs of a shared database (FlowsApp.database_url). It answers"
    " nobody but the kernels on its own machine; links are the other servers'. When it is drained"
    " (`servers --drain`) it ends as soon as it holds nothing. ARGUMENTS are those of `jupyter"
    " server`.",
)
@click.option(
    "--queues", metavar="A,B", help="The classes of runs that it drives; default: the setting."
)
@click.option("--capacity", type=click.IntRange(1), help="How many runs it drives at a time.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@data_dir_option
def worker_command(
    queues: str | None, capacity: int | None, arguments: tuple[str, ...], data_dir: str | None
) -> None:
    from jupyter_flows.cli.lasting import WorkerServer  # noqa: PLC0415 (slow to load)

    settings = load_settings(data_dir)
    if not settings.database_url:
        raise BadInput(
            "A worker needs a database that it shares with other servers: set FlowsApp.database_url"
            " or $JUPYTER_FLOWS_DATABASE_URL. Without one, `jupyter flows serve` drives the runs of"
            " this machine."
        )
    said = [f"--FlowsApp.data_dir={settings.data_dir}", *_unless_said(arguments)]
    if queues is not None:
        said += [f"--FlowsApp.queues={queue.strip()}" for queue in queues.split(",")]
    if capacity is not None:
        said.append(f"--FlowsApp.capacity={capacity}")
    WorkerServer.launch_instance([*said, *arguments])


def _unless_said(arguments: tuple[str, ...]) -> list[str]:
    """What a worker's server is set to; a trait may be named once only."""
    named = {said.partition("=")[0] for said in arguments}
    return [f"{trait}={value}" for trait, value in _SETTINGS.items() if trait not in named]
