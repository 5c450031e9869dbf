"""`run`: a notebook from beginning to end in the foreground, with no server running."""

import getpass
from pathlib import Path

import click

from jupyter_flows.cli import values
from jupyter_flows.cli.display import JSON_HELP, choose_display
from jupyter_flows.cli.early import Starter, kernel_of
from jupyter_flows.cli.settings import data_dir_option, load_settings
from jupyter_flows.core.completions import EventType, completion
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.scripts import NOT_WRITTEN, is_script
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.kernels.notebook import read_notebook
from jupyter_flows.settings import webhook_addresses

HELP = """Run notebook NB in the foreground; a `.py` script runs by its `# %%` cells.

No server is needed: it starts what it needs, shows what is awaited and prints the links. A vote by
a browser, or by `jupyter flows approve` in a second terminal, lets it go on.

With --detach the run is handed to a server that lasts, if one is up. Without one, the command ends
at the first suspension, and the kernel with it: after the approval `jupyter flows resume` brings it
back with the variables that were saved, or runs the earlier cells again.

Ctrl-C (status 130) and SIGTERM (143) end it in order: the cell that runs is interrupted, a
suspended run stays suspended, and `jupyter flows resume` goes on, with the saved variables."""


@click.command("run", help=HELP, epilog=JSON_HELP)
@click.argument("nb", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-p", "--parameter", "pairs", nargs=2, multiple=True, metavar="NAME VALUE")
@click.option("-f", "--parameters-file", "file", metavar="PARAMS.yml", help="A YAML mapping.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.ipynb")
@click.option("--kernel", metavar="NAME", help="Default: the one that the notebook names.")
@click.option("--port", type=click.IntRange(1, 65535), help="The first port tried; else 8899.")
@click.option("--detach", is_flag=True, help="End with status 3 at the first suspension.")
@click.option("--webhook", metavar="URL", help="Told, signed, when the run ends.")
@click.option(
    "--webhook-event",
    "events",
    type=click.Choice([each.value for each in EventType]),
    multiple=True,
    help="What --webhook is told of. Default: the run's ends.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, as below.")
@data_dir_option
def run_command(
    *,
    nb: Path,
    pairs: tuple[tuple[str, str], ...],
    file: str | None,
    output: Path | None,
    kernel: str | None,
    port: int | None,
    detach: bool,
    webhook: str | None,
    events: tuple[str, ...],
    as_json: bool,
    data_dir: str | None,
) -> int:
    new = NewRun(
        notebook=read_notebook(nb),
        path=str(nb.absolute()),
        folder=str(nb.absolute().parent),
        output=_absolute(output),
        owner=getpass.getuser(),
        parameters=values.parameters(pairs, file),
        kernel_name=kernel,
        completion=completion(webhook, [EventType(each) for each in events]),
    )
    settings = load_settings(data_dir)
    if webhook is not None:
        webhook_addresses(settings).check(webhook)
    if detach:
        from jupyter_flows.cli.handover import run_elsewhere  # noqa: PLC0415

        status = run_elsewhere(new, settings, as_json=as_json)
        if status is not None:
            return status
    starter = Starter()
    starter.start(kernel_of(new.notebook, kernel), new.folder or "")
    from jupyter_flows.cli.foreground import run_here  # noqa: PLC0415 (slow; the kernel comes up)

    display = choose_display(as_json)
    return run_here(new, settings, port, display, starter, detach=detach)


def _absolute(output: Path | None) -> str | None:
    if output is None:
        return None
    if is_script(output.name):
        raise BadInput(f"--output {output}: {NOT_WRITTEN} Name a notebook: OUT.ipynb")
    whole = output.absolute()
    if not whole.parent.is_dir():
        raise BadInput(f"{output} can't be written: there is no folder {whole.parent}.")
    return str(whole)
