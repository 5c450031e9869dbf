"""Cells' outputs as blocks of a page, bounded in number and size (G72)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Json
from jupyter_flows.engine.showing import Piece
from jupyter_flows.web.shown.blocks import Block

MAX_TEXT = 20_000
MAX_IMAGE_BYTES = 2_000_000
MAX_OUTPUTS = 20


def evidence_blocks(pieces: Sequence[Piece], base: str) -> list[Block]:  # noqa: ARG001
    """The pieces' outputs in their order. `base` is what the addresses of frames begin with, as
    seen from the page that draws them.
    """
    return list(_blocks(pieces))


def _blocks(pieces: Sequence[Piece]) -> Iterator[Block]:
    outputs = [output for piece in pieces for output in piece.outputs]
    for number, output in enumerate(outputs, 1):
        if number > MAX_OUTPUTS:
            more = f"More outputs than the {MAX_OUTPUTS} shown here."
            yield Block(shape="text", text=more, lacks=True)
            return
        yield _block(output, number)


def _block(output: Mapping[str, Json], number: int) -> Block:
    kind = output["output_type"]
    if kind == "stream":
        return _text(output["text"])
    if kind == "error":
        return _text(f"{output['ename']}: {output['evalue']}")
    data: Mapping[str, Any] = output["data"]
    for mime in ("image/png", "image/jpeg"):
        if mime in data and len(data[mime]) <= MAX_IMAGE_BYTES:
            source = f"data:{mime};base64,{''.join(_joined(data[mime]).split())}"
            return Block(shape="picture", source=source, label=f"Figure {number} of the notebook")
    text = _text(data.get("text/plain", "This output has no text to show."))
    has_picture = any(mime.startswith("image/") for mime in data)
    return replace(text, lacks=has_picture or "text/plain" not in data)


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _text(text: Any) -> Block:
    whole = hide_tokens(_joined(text))
    return Block(shape="text", text=whole[:MAX_TEXT], cut=len(whole) > MAX_TEXT)
