"""What changed in a cell's outputs since that was last told, found without a look at the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from jupyter_flows.core.model import Json, StepId
from jupyter_flows.ports import OpKind, OutputOp

Output = dict[str, Json]


class Item(Protocol):
    """One output. Items come and go at the end of their cell, or all at once."""

    def shown(self) -> Output:
        """As nbformat writes it."""

    def untold(self) -> str:
        """The text that came to it since this was last asked."""


@dataclass(slots=True, eq=False)
class Told:
    """What the listeners know of a cell: the first `items` of its items, as they were but for those
    `updated`. `there` is how many outputs they show; None for a cell of which nothing was told.
    """

    items: int = 0
    there: int | None = None
    notice: Output | None = None
    count: int | None = None
    updated: set[int] = field(default_factory=set)


def changes(
    told: Told,
    step: StepId,
    items: Sequence[Item],
    notice: Output | None,
    count: int | None,
) -> list[OutputOp]:
    """What turns that which was told into what is there: the items, and the notice behind them.
    All of it is then told.
    """
    ops = [*_begun(told, step), *_counted(told, step, count), *_gone(told, step, items, notice)]
    ops += _changed(told, step, items)
    ops += _come(told, step, items, notice)
    return ops


def _begun(told: Told, step: StepId) -> Iterator[OutputOp]:
    """Whatever the cell shows from before is none of this."""
    if told.there is None:
        told.there = 0
        yield OutputOp(step, OpKind.CUT)
        yield OutputOp(step, OpKind.COUNT)


def _counted(told: Told, step: StepId, count: int | None) -> Iterator[OutputOp]:
    if told.count != count:
        told.count = count
        yield OutputOp(step, OpKind.COUNT, count=count)


def _gone(
    told: Told, step: StepId, items: Sequence[Item], notice: Output | None
) -> Iterator[OutputOp]:
    """The notice goes where something comes before it."""
    if notice is None or len(items) > told.items:
        told.notice = None
    left = told.items + (told.notice is not None)
    if told.there is not None and told.there > left:
        yield OutputOp(step, OpKind.CUT, told.items)
        told.there, told.notice = told.items, None


def _changed(told: Told, step: StepId, items: Sequence[Item]) -> Iterator[OutputOp]:
    """Only the last of the told items can have grown."""
    if told.items:
        text = items[told.items - 1].untold()
        if text:
            yield OutputOp(step, OpKind.APPEND, told.items - 1, text=text)
    for place in sorted(told.updated):
        if place < told.items:
            yield OutputOp(step, OpKind.SET, place, items[place].shown())
    told.updated.clear()


def _come(
    told: Told, step: StepId, items: Sequence[Item], notice: Output | None
) -> Iterator[OutputOp]:
    for place in range(told.items, len(items)):
        yield OutputOp(step, OpKind.ADD, place, items[place].shown())
        items[place].untold()
    told.items = len(items)
    if notice is not None and notice != told.notice:
        kind = OpKind.ADD if told.notice is None else OpKind.SET
        yield OutputOp(step, kind, told.items, notice)
    told.notice = notice
    told.there = told.items + (notice is not None)
