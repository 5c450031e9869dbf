"""`run`: a notebook from beginning to end in the foreground, with no server running."""

import asyncio
import getpass
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from jupyter_flows.cli import exits, values
from jupyter_flows.cli.display import JSON_HELP, Display, JsonLines, PlainLines
from jupyter_flows.cli.notebook import read_notebook
from jupyter_flows.cli.settings import data_dir_option, load_settings
from jupyter_flows.cli.stopping import Stopped, unless_stopped
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says."""

    notebook: Mapping[str, Json]
    path: Path
    parameters: Mapping[str, Json]
    output: Path | None
    kernel_name: str | None
    detach: bool


@click.command(
    "run",
    epilog=JSON_HELP,
    help="""Run notebook NB in the foreground. It needs no server: it starts what it needs, shows
    what is awaited and prints the links. A vote by a browser, or by `jupyter flows approve` in a
    second terminal, lets it go on.

    With --detach the run is handed to a server that lasts, if one is up; without one it ends, and
    its kernel with it, at the first suspension. After the approval `jupyter flows resume` then
    runs the earlier cells again.

    Ctrl-C (status 130) and SIGTERM (143) end it in order: the cell that runs is interrupted, a
    suspended run stays suspended, and `jupyter flows resume` goes on.""",
)
@click.argument("nb", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-p", "--parameter", "pairs", nargs=2, multiple=True, metavar="NAME VALUE")
@click.option("-f", "--parameters-file", "file", metavar="PARAMS.yml", help="A YAML mapping.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.ipynb")
@click.option("--kernel", metavar="NAME", help="Default: the one that the notebook names.")
@click.option("--port", type=int, help="The first port that is tried; 8899 if none is said.")
@click.option("--detach", is_flag=True, help="End with status 3 at the first suspension.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@data_dir_option
def run_command(
    nb: Path,
    pairs: tuple[tuple[str, str], ...],
    file: str | None,
    output: Path | None,
    kernel: str | None,
    port: int | None,
    detach: bool,
    as_json: bool,
    data_dir: str | None,
) -> int:
    asked = Asked(
        notebook=read_notebook(nb),
        path=nb.absolute(),
        parameters=values.parameters(pairs, file),
        output=_checked_output(output),
        kernel_name=kernel,
        detach=detach,
    )
    settings = load_settings(data_dir)
    if detach:
        from jupyter_flows.cli import handover  # noqa: PLC0415 (only `--detach` needs it)

        status = handover.run_elsewhere(asked, settings, choose_display(as_json))
        if status is not None:
            return status
    from jupyter_flows.cli import early, foreground  # noqa: PLC0415 (slow to load)

    del early
    return foreground.run_here(asked, settings, port, choose_display(as_json))


def _checked_output(output: Path | None) -> Path | None:
    if output is None:
        return None
    if not output.absolute().parent.is_dir():
        raise BadInput(f"{output} can't be written: there is no folder {output.absolute().parent}.")
    return output.absolute()
