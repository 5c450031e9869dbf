"""What is different in what a gate shows, since a reader looked at it (G70)."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.sentences import sentence
from jupyter_flows.engine.showing import Piece
from jupyter_flows.web.shown.blocks import Block
from jupyter_flows.web.shown.outputs import evidence_blocks

AROUND = 3
"""Lines that are shown before and after each changed one."""

MOST_LINES = 5_000
"""Lines on either side that are compared; comparing takes time by their square."""

PLAIN = frozenset({"text", "said"})
"""The shapes of blocks whose difference is shown line by line."""


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is "+" for one that came, "-" for one that went, " " for one that stayed."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one step put out then and puts out now: as `lines` where both are text."""

    title: str
    before: Sequence[Block]
    now: Sequence[Block]
    lines: Sequence[Line] = ()


async def changes(before: Sequence[Piece], now: Sequence[Piece], base: str) -> list[Change]:
    """The steps whose outputs differ, in the notebook's order. `base` is what the addresses of
    frames begin with, as seen from the page; those of outputs that are gone lead nowhere.
    """
    then = {piece.step: piece for piece in before}
    later = {piece.step: piece for piece in now}
    return [
        await _change(then.get(step), later.get(step), base)
        for step in {**then, **later}
        if (step in then and then[step].digest) != (step in later and later[step].digest)
    ]


async def _change(before: Piece | None, now: Piece | None, base: str) -> Change:
    named = now or before
    summary = hide_tokens(named.summary) if named else ""
    title = summary or sentence("Step {step}", step=named.step if named else "")
    old = await evidence_blocks([before], base) if before else []
    new = await evidence_blocks([now], base) if now else []
    then, later = _text(old), _text(new)
    is_plain = {block.shape for block in (*old, *new)} <= PLAIN
    if is_plain and max(len(then), len(later)) <= MOST_LINES:
        return Change(title, old, new, list(_lines(then, later)))
    return Change(title, old, new)


def _text(blocks: Sequence[Block]) -> list[str]:
    return [line for block in blocks for line in block.text.splitlines()]


def _lines(old: list[str], new: list[str]) -> Iterator[Line]:
    compared = difflib.unified_diff(old, new, lineterm="", n=AROUND)
    for number, line in enumerate(compared):
        if number > 1:  # the first two name files
            yield Line("@", "…") if line.startswith("@@") else Line(line[0], line[1:])
