"""A gate's description as blocks of a page: each of the kinds that an author may return."""

import json

from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Json
from jupyter_flows.web.shown.blocks import Block


def description_blocks(description: Json, base: str) -> list[Block]:  # noqa: ARG001
    """Empty for None. `base` is what the addresses of frames begin with, as seen from the page
    that draws them.
    """
    if description is None:
        return []
    if isinstance(description, dict) and set(description) == {"markdown"}:
        description = description["markdown"]
    if not isinstance(description, str):
        description = json.dumps(description, indent=2, ensure_ascii=False)
    return [Block(shape="said", text=hide_tokens(description))]
