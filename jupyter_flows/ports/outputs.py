"""What cells put out: as nbformat has it, and as changes while it comes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from jupyter_flows.core.model import Json, RunId, StepId

Outputs: TypeAlias = Sequence[Mapping[str, Json]]
"""A cell's outputs, as nbformat writes them."""


class OpKind(StrEnum):
    """What an op does to the outputs of one cell."""

    CUT = "cut"
    ADD = "add"
    SET = "set"
    APPEND = "append"
    COUNT = "count"


class OutputOp(Struct, frozen=True, omit_defaults=True, rename={"kind": "op"}):
    """A change of what one cell shows, to be applied in order. It goes to browsers as it is.

    cut: only the first `index` outputs stay. add: `output` is put in at `index`. set: `output`
    takes the place of the one at `index`. append: `text` comes to the end of the stream there.
    count: the cell's execution count is `count`.

    What a kernel tells names the cell by its step; what a board tells, by the cell's own id.
    """

    cell: StepId
    kind: OpKind
    index: int = 0
    output: Mapping[str, Json] | None = None
    text: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What one cell shows."""

    outputs: Outputs = ()
    execution_count: int | None = None


Ops: TypeAlias = Callable[[RunId, Sequence[OutputOp]], None]
"""Told of what a run's cells put out, soon after they do, in order."""
