"""Texts of outputs as a page can show them: without a terminal's codes, bounded, tokens hidden."""

import re
from collections.abc import Iterator
from typing import Any

from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.web.shown.blocks import Block

MAX_TEXT = 20_000
"""Characters of one output's text."""

_CODES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, and moves of the cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles and links
    r"|\x1b[@-Z\\-_]"
)
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def joined(text: Any) -> str:
    """A notebook's text, which may be a list of lines."""
    return "".join(map(str, text)) if isinstance(text, list) else str(text)


def plain(text: Any) -> str:
    """Without a terminal's codes; of a line that was written over, what was written last."""
    bare = _UNSEEN.sub("", _CODES.sub("", joined(text).replace("\r\n", "\n")))
    return "\n".join(_last_written(bare))


def _last_written(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield line if "\r" not in line else line.rstrip("\r").rpartition("\r")[2]


def text_block(text: Any) -> Block:
    whole = hide_tokens(plain(text))
    return Block(shape="text", text=whole[:MAX_TEXT], cut=len(whole) > MAX_TEXT)


def last_of(text: Any) -> str:
    """As much of the end as a page holds: the end of a traceback says what went wrong."""
    whole = hide_tokens(plain(text))
    return whole if len(whole) <= MAX_TEXT else "…" + whole[-MAX_TEXT:]
