"""Cells' outputs as blocks of a page, bounded in number and size (G72), and their frames."""

import asyncio
import contextvars
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import sentence
from jupyter_flows.engine.showing import Piece
from jupyter_flows.web.shown.blocks import Block
from jupyter_flows.web.shown.charts import Budget
from jupyter_flows.web.shown.frames import Frame, frame_name
from jupyter_flows.web.shown.kinds import Output, shown
from jupyter_flows.web.shown.texts import joined, last_of, plain, text_block

MAX_OUTPUTS = 30
"""Outputs that a gate's page shows; what a cell prints in a row is one."""

MAX_PAGE = 12_000_000
"""Characters of all blocks of a page: pictures as base64, the frames aside."""

MAX_NAME = 500
"""Characters of an error's name and message, each."""

_FRAME = re.compile(r"([0-9a-f]{64})\.([0-9]{1,6})")

_room = ThreadPoolExecutor(2, "evidence")
"""Outputs are drawn here, for some take seconds, and no other work of the server waits behind them
nor they for it.
"""


async def evidence_blocks(pieces: Sequence[Piece], base: str) -> list[Block]:
    """The pieces' outputs in their order, each piece under its summary; that of the last, the
    gate's own, stands elsewhere already. `base` is what the addresses of frames begin with, as seen
    from the page that draws them.
    """
    here = contextvars.copy_context()
    work = asyncio.get_running_loop().run_in_executor
    return await work(_room, here.run, lambda: list(_blocks(pieces, base)))


async def evidence_frame(pieces: Sequence[Piece], name: str, assets: str) -> Frame | None:
    """What the frame of this name is served as; None if the pieces have none of that name now.
    `assets` is where the policy of a frame lets scripts come from.
    """
    found = _FRAME.fullmatch(name)
    if found is None:
        return None
    digest, index = f"sha256:{found[1]}", int(found[2])
    of_digest = [piece for piece in pieces if piece.digest == digest]
    if not of_digest or index >= len(of_digest[0].outputs):
        return None
    output = of_digest[0].outputs[index]
    if "data" not in output:
        return None
    scripts = any(piece.scripts for piece in of_digest)
    here = contextvars.copy_context()
    work = asyncio.get_running_loop().run_in_executor
    return await work(_room, here.run, lambda: _frame(output, scripts, assets))


def _frame(output: Mapping[str, Json], scripts: bool, assets: str) -> Frame | None:
    made = shown(Output(data=output["data"], scripts=scripts)).frame
    return made(assets) if made else None


# ---------------------------------------------------------------- blocks


@dataclass(slots=True)
class _Sheet:
    """What stands on the page so far."""

    base: str
    outputs: int = 0
    pictures: int = 0
    weight: int = 0
    budget: Budget = field(default_factory=Budget)

    def is_full(self, blocks: Sequence[Block]) -> bool:
        """Counts the blocks in, and whether they are too many."""
        self.weight += sum(map(_weight, blocks))
        self.pictures += sum(block.shape == "picture" for block in blocks)
        return self.weight > MAX_PAGE


def _weight(block: Block) -> int:
    return len(block.text) + len(block.source) + len(block.html) + len(block.stack)


def _blocks(pieces: Sequence[Piece], base: str) -> Iterator[Block]:
    sheet = _Sheet(base)
    for piece in pieces:
        if piece.summary and piece.outputs and piece is not pieces[-1]:
            yield Block(shape="heading", text=hide_tokens(piece.summary))
        for index, output in _merged(piece.outputs):
            sheet.outputs += 1
            if sheet.outputs > MAX_OUTPUTS:
                yield _notice_of_more(MAX_OUTPUTS)
                return
            blocks = _of_output(output, piece, index, sheet)
            if sheet.is_full(blocks):
                yield _notice_of_weight()
                return
            yield from blocks


def _notice_of_more(n: int) -> Block:
    return Block(
        shape="notice", text=sentence("There are more outputs than the {n} shown here.", n=n)
    )


def _notice_of_weight() -> Block:
    return Block(
        shape="notice",
        text=sentence("There is more, but all outputs together are too large to show here."),
    )


def _merged(outputs: Sequence[Mapping[str, Json]]) -> Iterator[tuple[int, Mapping[str, Json]]]:
    """Each output with its place; what was printed in a row as one."""
    place, parts, held = 0, [], None
    for index, output in enumerate(outputs):
        if held is not None and output.get("name") == held and output["output_type"] == "stream":
            parts.append(joined(output["text"]))
            continue
        if held is not None:
            yield place, _printed(held, parts)
        if output["output_type"] == "stream":
            place, parts, held = index, [joined(output["text"])], output.get("name")
        else:
            held = None
            yield index, output
    if held is not None:
        yield place, _printed(held, parts)


def _printed(name: str, parts: Sequence[str]) -> Mapping[str, Json]:
    return {"output_type": "stream", "name": name, "text": "".join(parts)}


def _of_output(
    output: Mapping[str, Json], piece: Piece, index: int, sheet: _Sheet
) -> Sequence[Block]:
    kind = output["output_type"]
    if kind == "stream":
        return [text_block(output["text"])]
    if kind == "error":
        return [_error(output)]
    return shown(_as_asked(output, piece, index, sheet)).blocks


def _as_asked(output: Mapping[str, Any], piece: Piece, index: int, sheet: _Sheet) -> Output:
    summary = hide_tokens(piece.summary)
    n = sheet.pictures + 1
    if summary:
        picture = sentence("Figure {n}: {summary}", n=n, summary=summary)
        box = sentence("Output {n}: {summary}", n=sheet.outputs, summary=summary)
    else:
        picture = sentence("Figure {n} of the notebook", n=n)
        box = sentence("Output {n} of the notebook", n=sheet.outputs)
    return Output(
        data=output["data"],
        metadata=output.get("metadata", {}),
        scripts=piece.scripts,
        picture=picture,
        box=box,
        address=sheet.base + frame_name(piece.digest or "", index),
        budget=sheet.budget,
    )


def _error(output: Mapping[str, Any]) -> Block:
    name, text = (hide_tokens(plain(output[key]))[:MAX_NAME] for key in ("ename", "evalue"))
    lines = output.get("traceback") or []
    return Block(shape="error", name=name, text=text, stack=last_of("\n".join(map(str, lines))))
