"""A gate as a card of the inbox: what is shown of it there, and whether that is all of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_flows.core import forms
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Gate, Json, Run
from jupyter_flows.core.sentences import sentence
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.keep import LOST_OUTPUT
from jupyter_flows.web.page import brief
from jupyter_flows.web.shown.blocks import Block
from jupyter_flows.web.urls import gate_key

MAX_PREVIEW = 300_000
"""Characters of description and evidence on one card; a page has many cards."""
SMALL = 1_500
"""Characters of evidence that are shown unfolded on any card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """`whole` says that the card shows all that the gate shows, but for a form."""

    run: Run
    gate: Gate
    description: Sequence[Block]
    evidence: Sequence[Block]
    whole: bool

    @property
    def key(self) -> str:
        return gate_key(self.run.id, self.gate.step, self.gate.generation)

    @property
    def title(self) -> str:
        return title_of(self.run, self.gate)

    @property
    def digest(self) -> str:
        """As the card's form sends it back."""
        return self.gate.digest or ""

    @property
    def page_only(self) -> str:
        """Why the gate can be approved on its own page only; empty where the inbox will do."""
        options = self.gate.options
        if forms.form_of(options) is not None or options.validate:
            return sentence("It asks for an answer.")
        return "" if self.whole else sentence("It has more to show than fits here.")

    @property
    def folded(self) -> bool:
        """What can be approved from here lies open: it is recorded as shown."""
        return bool(self.page_only) and sum(map(_size, self.evidence)) > SMALL


def title_of(run: Run, gate: Gate) -> str:
    name = run.name or run.path.rpartition("/")[2]
    return hide_tokens(run.steps[gate.step].spec.summary or name or sentence("A notebook"))


async def card_of(engine: Engine, run: Run, gate: Gate) -> Card:
    from jupyter_flows.web.shown.descriptions import (  # noqa: PLC0415 (only for who looks)
        description_blocks,
    )
    from jupyter_flows.web.shown.outputs import evidence_blocks  # noqa: PLC0415

    base = f"page/{gate_key(run.id, gate.step, gate.generation)}/frame/"
    pieces = await engine.showing.pieces(run, gate)
    described = await asyncio.to_thread(description_blocks, gate.options.description, base)
    evidence = await evidence_blocks(pieces, base)
    every = (*described, *evidence)
    room = _kept(every)
    shown = all(block.whole for block in every) and len(room) == len(every)
    lost = any(LOST_OUTPUT in piece.outputs for piece in pieces)
    cut = any(map(_is_cut, run.parameters.values()))
    return Card(
        run=run,
        gate=gate,
        description=room[: len(described)],
        evidence=room[len(described) :],
        whole=shown and not lost and not cut,
    )


def _kept(blocks: Sequence[Block]) -> Sequence[Block]:
    room = MAX_PREVIEW
    for count, block in enumerate(blocks):
        room -= _size(block)
        if room < 0:
            return blocks[:count]
    return blocks


def _size(block: Block) -> int:
    """Of all that it has, whatever its shape."""
    return len(repr(block))


def _is_cut(value: Json) -> bool:
    return brief(value).endswith(" …")
