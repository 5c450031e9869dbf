"""How deeply nested a pickle may be: the pickler is written in C, whose stack has an end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

DEEPEST = 20_000


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """A limit that the user has set higher would let the pickler run over the stack's end."""
    was = sys.getrecursionlimit()
    if was > DEEPEST:
        with contextlib.suppress(RecursionError):
            sys.setrecursionlimit(DEEPEST)
    try:
        yield
    finally:
        if was > DEEPEST:
            sys.setrecursionlimit(was)
