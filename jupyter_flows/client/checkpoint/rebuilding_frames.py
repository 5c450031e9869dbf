"""What pickles call to make frames again; its names are part of the format."""

from __future__ import annotations

from typing import Any


def same(known: Any) -> Any:
    return known


def unpacked(kind: Any, state: Any) -> Any:
    made = kind.__new__(kind)
    try:
        made.__setstate__(state)
    except TypeError:
        made.__setstate__(bytes(state))
    return made


def manager(kind: Any, blocks: Any, axes: Any) -> Any:
    return kind(blocks[0], axes[0]) if len(axes) == 1 else kind(blocks, axes)


def set_block(made: Any, state: tuple[Any]) -> None:
    made.refs = state[0]
    state[0].add_reference(made)


def set_index(made: Any, state: tuple[Any, Any]) -> None:
    refs, own = state
    if own is not None:
        made.__setstate__(own)
    made._references = refs
    refs.add_index_reference(made)
