"""Which names a cell has bound: found by a comparison, and in its code."""

from __future__ import annotations

import ast
import dis
import re
import types
from collections.abc import Iterator
from typing import Any

_UNSET: Any = object()
_OWN = re.compile(r"_+|_i+|_i?\d+|_exit_code|In|Out|_ih|_oh|_dh")
"""Names that IPython binds by itself."""
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
_STORES = ("STORE_NAME", "STORE_GLOBAL")


def made_by(before: dict[str, Any], ip: Any, source: str) -> dict[str, Any]:
    """What the cell of this source has bound: names that were not there `before` or had another
    object, and those that it binds to the same object anew.
    """
    after = ip.user_ns
    other = {n for n, value in list(after.items()) if before.get(n, _UNSET) is not value}
    return {n: after[n] for n in other | _stored(ip, source) if n in after and not _is_own(n)}


def _is_own(name: str) -> bool:
    return _OWN.fullmatch(name) is not None


def _stored(ip: Any, source: str) -> set[str]:
    """What the code binds at its top level; nothing where it can't be compiled."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        code = compile(ip.transform_cell(source), "cell", "exec", flags, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    return {
        step.argval
        for part in _parts(code)
        for step in dis.get_instructions(part)
        if step.opname in _STORES
    }


def _parts(code: types.CodeType) -> Iterator[types.CodeType]:
    """With the comprehensions in it, whose `:=` binds outside of them."""
    yield code
    for part in code.co_consts:
        if isinstance(part, types.CodeType) and part.co_name in _COMPREHENSIONS:
            yield from _parts(part)
