"""`import`: a Windmill flow written anew as a notebook, and what became of each of its steps."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import click

from jupyter_flows.cli import exits, values, words
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json
from jupyter_flows.openflow.book import Line
from jupyter_flows.openflow.notebook import Imported, imported

MAX_BYTES = 10 * 1024 * 1024

JSON_HELP = """\b
With --json standard output is one object:
  {"notebook", "carried", "total", "notes",
   "steps": [{"step", "kind", "summary", "cell", "carried", "why", "notes"}]}
"""


@click.command(
    "import",
    help="Write a Windmill flow (OpenFlow YAML) anew as a notebook.\n\n"
    "FLOW is the file, or the folder that has it as flow.yaml. What can't be carried over becomes "
    "a cell that fails with the reason, and a line of the report; the status is 0 then, too.",
    epilog=JSON_HELP,
)
@click.argument("flow", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="The notebook.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON, on standard output.")
@click.option("--force", is_flag=True, help="Replace the notebook if it is there.")
def import_command(flow: Path, output: Path | None, as_json: bool, force: bool) -> int:
    file = flow / "flow.yaml" if flow.is_dir() else flow
    target = output or Path(f"{_name(file)}.ipynb")
    if target.exists() and not force:
        raise BadInput(f"{target} is there already; --force replaces it.")
    made = imported(_text(file), file.name, Beside(file.parent))
    _write(target, made.notebook)
    if as_json:
        values.print_json(_as_json(target, made))
    else:
        _report(target, made)
    return exits.SUCCEEDED


def _name(file: Path) -> str:
    """Windmill's folders are called `report.flow` or `report__flow`, and all files flow.yaml."""
    if file.stem != "flow":
        return file.stem
    folder = file.resolve().parent.name
    for ending in (".flow", "__flow"):
        if folder.endswith(ending) and folder != ending:
            return folder.removesuffix(ending)
    return file.stem


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            read = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{file} can't be read: {error.strerror}.") from None
    if len(read) > MAX_BYTES:
        raise BadInput(f"{file} is larger than {MAX_BYTES:,} bytes.")
    try:
        return read.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise BadInput(f"{file} is not text in UTF-8.") from None


class Beside:
    """Reads the files that a flow refers to: only those in its own folder, links followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def __call__(self, name: str) -> str:
        try:
            file = (self._folder / name).resolve()
            inside = file.is_relative_to(self._folder)
        except (OSError, ValueError, RuntimeError):
            raise BadInput(f"{name!r} is no file's name.") from None
        if not inside or Path(name).is_absolute():
            raise BadInput(f"{name!r} is not in the flow's own folder.")
        if not file.is_file():
            raise BadInput(f"{name!r} is not a file in the flow's folder.")
        return _text(file)


def _write(target: Path, notebook: Mapping[str, Json]) -> None:
    """All of it or nothing."""
    cells = [{**cell, "source": cell["source"].splitlines(True)} for cell in notebook["cells"]]
    # not with nbformat, which would sort the fields of forms by name
    text = json.dumps({**notebook, "cells": cells}, indent=1, ensure_ascii=False) + "\n"
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_text(text, "utf-8")
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise BadInput(f"{target} can't be written: {error.strerror}.") from None


def _as_json(target: Path, made: Imported) -> dict[str, Json]:
    return {
        "notebook": str(target),
        "carried": made.carried,
        "total": len(made.lines),
        "notes": list(made.notes),
        "steps": [
            {
                "step": line.step,
                "kind": line.kind,
                "summary": line.summary,
                "cell": line.cell,
                "carried": line.carried,
                "why": list(line.why),
                "notes": list(line.notes),
            }
            for line in made.lines
        ],
    }


def _report(target: Path, made: Imported) -> None:
    from rich.console import Console  # noqa: PLC0415 (slow to load)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(stderr=True)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("step", "kind", "", "what to know"):
        table.add_column(heading, overflow="fold")
    for line in made.lines:
        said = (line.step, line.kind, _state(line), _remarks(line))
        table.add_row(*(Text(words.plain(part)) for part in said))
    console.print(table)
    for note in made.notes:
        console.print(Text(words.plain(f"The flow: {note}")))
    console.print(Text(f"{made.carried} of {len(made.lines)} steps carried over: {target}"))


def _state(line: Line) -> str:
    return "carried over" if line.carried else "by hand"


def _remarks(line: Line) -> str:
    return "\n".join([*line.why, *(f"note: {note}" for note in line.notes)])
