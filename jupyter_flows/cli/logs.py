"""`logs`: what a run's cells have put out, as text."""

from collections.abc import Iterator, Mapping

import click

from jupyter_flows.cli import words
from jupyter_flows.cli.asking import ask
from jupyter_flows.cli.runs import find
from jupyter_flows.cli.settings import data_dir_option
from jupyter_flows.composition import House
from jupyter_flows.core.model import Json


@click.command("logs", help="Print what the cells of RUN have put out, errors with traceback.")
@click.argument("run")
@data_dir_option
def logs_command(run: str, data_dir: str | None) -> None:
    async def reading(house: House) -> None:
        state = await house.engine.run(await find(house.engine, run))
        outputs = await house.engine.outputs(state)
        for step in state.steps.values():
            if step.id in outputs:
                click.echo(
                    click.style(f"{words.place(state, step)} {words.title(step)}", bold=True)
                )
                for text in map(_text, outputs[step.id]):
                    click.echo(text, nl=not text.endswith("\n"))

    ask(data_dir, reading)


def _text(output: Mapping[str, Json]) -> str:
    """An output as text; click leaves out colours where the reader is no terminal."""
    match output.get("output_type"):
        case "stream":
            return _joined(output.get("text"))
        case "error":
            return "\n".join(map(str, output.get("traceback", ())))
        case _:
            return "\n".join(_of_data(output.get("data", {})))


def _of_data(data: Mapping[str, Json]) -> Iterator[str]:
    if "text/plain" in data:
        yield _joined(data["text/plain"])
    elif "text/markdown" in data:
        yield _joined(data["text/markdown"])
    else:
        yield f"[{', '.join(data)}]"


def _joined(text: Json) -> str:
    return "".join(text) if isinstance(text, list) else str(text)
