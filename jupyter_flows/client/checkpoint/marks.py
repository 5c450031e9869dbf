"""What replay cells have bound, as it was when they ended: the hashes of its pickles.

Those objects are not saved; the cells make them again. What others have changed in them since would
be lost, so it is to be seen.
"""

from __future__ import annotations

import hashlib
import importlib
import types
import zlib
from collections.abc import Collection
from typing import Any

from jupyter_flows.client.checkpoint import live, names, origin
from jupyter_flows.client.checkpoint.pickling import Pickler
from jupyter_flows.client.checkpoint.trials import type_of

MOST = 8 << 20
"""Bytes of a pickle; of what is larger there is no mark."""
_PLACES = 64
WHY = (
    "it was bound by a cell tagged `replay`, and has changed since; change it in that cell, or"
    " make a copy in another one"
)


def take(flow: Any, shell: Any, but: Collection[str]) -> None:
    """Mark all that replay cells have bound, as it is now."""
    for name, value in names.with_identity(names.replayed(shell)).items():
        if name not in but:
            flow.marks.pop(name, None)
            mark = _mark(value, shell)
            if mark is not None:
                flow.marks[name] = mark


def changed(flow: Any, shell: Any) -> list[str]:
    """Names of objects that are not as they were marked."""
    found = names.replayed(shell).items()
    return [name for name, value in found if _differs(flow.marks.get(name), value, shell)]


def _differs(mark: str | None, value: Any, shell: Any) -> bool:
    return mark is not None and _hash(value, shell) != mark


def entries(flow: Any, shell: Any, exclude: Collection[str]) -> list[dict[str, Any]]:
    """As of variables that can't be saved."""
    found = changed(flow, shell) if getattr(flow, "marks", None) else []
    return [
        {"name": name, "type": type_of(shell.user_ns[name]), "path": name, "reason": WHY}
        for name in found
        if name not in exclude
    ]


def _mark(value: Any, shell: Any) -> str | None:
    """None where it can't be told: it can't be pickled, or is large, or each pickle is another."""
    found = _hash(value, shell)
    return found if found is not None and _hash(value, shell) == found else None


class _TooMuch(Exception):
    pass


class _Hashing:
    """The pickler's file, and where its buffers go."""

    def __init__(self) -> None:
        self.hashed = hashlib.sha256()
        self._size = 0

    def write(self, data: Any) -> int:
        with memoryview(data) as view:
            self._size += view.nbytes
            if self._size > MOST:
                raise _TooMuch
            self.hashed.update(view)
            return view.nbytes

    def keep(self, buffer: Any) -> None:
        with buffer.raw() as raw:
            self.write(raw)


class _Pickler(Pickler):
    """Says of an imported module no more than its name: it may import parts of itself late."""

    def reducer_override(self, thing: Any) -> Any:
        if type(thing) is types.ModuleType and origin.by_reference(thing):
            return importlib.import_module, (thing.__name__,)
        return super().reducer_override(thing)


def _hash(value: Any, shell: Any) -> str | None:
    into = _Hashing()
    pickler = _Pickler(into, into.keep)
    pickler.memo = _memo(shell)
    try:
        pickler.dump(value)
    except Exception:  # noqa: BLE001 (a value's own code may raise anything)
        return None
    finally:
        pickler.clear_memo()  # it is in a cycle, and would keep what it has seen for a while
        vars(pickler).clear()
    return into.hashed.hexdigest()


def _memo(shell: Any) -> dict[int, tuple[int, Any]]:
    """What each kernel has is referred to by a number of its own. There is always the same count of
    them, whatever was imported meanwhile: all others are numbered from there.
    """
    told = {f"{kind} {name}": thing for kind, name, thing in live.of_kernel(shell)}
    told.update((f"place {place}", object()) for place in range(len(told), _PLACES))
    return {id(thing): (zlib.crc32(name.encode()), thing) for name, thing in told.items()}
