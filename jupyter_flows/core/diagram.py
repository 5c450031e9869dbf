"""The states of runs, steps and gates as Mermaid diagrams, printed from the machine's tables.

`python -m jupyter_flows.core.diagram` prints them; with `--write FILE` they replace what stands
between the two markers in that file.
"""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from jupyter_flows.core.machine.tables import GATE_TRANSITIONS, RUN_TRANSITIONS, STEP_TRANSITIONS
from jupyter_flows.core.model import GateStatus, RunStatus, StepStatus

BEGIN, END = "<!-- states:begin -->", "<!-- states:end -->"


def diagrams() -> str:
    """The three diagrams in Markdown."""
    parts = (
        ("A run", RunStatus.QUEUED, RUN_TRANSITIONS),
        ("A step", StepStatus.PENDING, STEP_TRANSITIONS),
        ("A gate", GateStatus.EXPECTED, GATE_TRANSITIONS),
    )
    return "\n\n".join(_diagram(title, first, table) for title, first, table in parts)


def _diagram(title: str, first: StrEnum, table: Mapping[Any, StrEnum]) -> str:
    lines = [f"    [*] --> {first}"]
    for (before, event), status in table.items():
        lines.append(f"    {before} --> {status}: {event.__name__}")
    sources = {before for before, _ in table}
    ends = dict.fromkeys(status for status in table.values() if status not in sources)
    lines += [f"    {status} --> [*]" for status in ends]
    return "\n".join([f"{title}:", "", "```mermaid", "stateDiagram-v2", *lines, "```"])


def inserted(text: str) -> str:
    """The text with the diagrams between its markers. Raises ValueError if they are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the text has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{diagrams()}\n{END}{after}"


def main(arguments: Sequence[str]) -> None:
    match arguments:
        case []:
            sys.stdout.write(diagrams() + "\n")
        case ["--write", name]:
            with open(name, encoding="utf-8") as file:  # noqa: PTH123 (no pathlib in the core)
                text = inserted(file.read())
            with open(name, "w", encoding="utf-8") as file:  # noqa: PTH123
                file.write(text)
        case _:
            sys.exit("usage: python -m jupyter_flows.core.diagram [--write FILE]")


if __name__ == "__main__":
    main(sys.argv[1:])
