"""Pickles that are tried and thrown away: which variables fail, where in them, and why."""

from __future__ import annotations

import logging
import pickle
import sys
import time
import types
from collections.abc import Mapping
from typing import Any

from jupyter_flows.client.checkpoint import depth, live, paths, weak
from jupyter_flows.client.checkpoint.errors import CheckpointError, Refused
from jupyter_flows.client.checkpoint.pickling import Pickler
from jupyter_flows.client.checkpoint.streams import Null
from jupyter_flows.client.checkpoint.writing import Blobs

_OF_TYPE: Any = type.__dict__
_SEARCH = 10.0
"""Seconds for saying where in the variables the objects are that can't be saved."""


class Trials:
    """On a kernel whose replay cells have bound `replayed`."""

    def __init__(self, shell: Any, replayed: Mapping[str, Any], blobs: Blobs) -> None:
        self._shell = shell
        self._replayed = live.of_replay(replayed)
        self._blobs = blobs
        self._until = time.monotonic() + _SEARCH

    def failing(self, values: Mapping[str, Any]) -> dict[str, BaseException]:
        """Those that can't be saved. After each of them it is begun anew with the next one."""
        found = {}
        pickler = self._pickler()
        for name, value in values.items():
            error = _failure(pickler, value)
            if error is not None:
                found[name] = error
                pickler = self._pickler()
        return found

    def explained(self, name: str, value: Any, why: BaseException) -> dict[str, Any]:
        try:
            path, inner, error = paths.culprit(name, value, self._fails, self._until)
            told = reason(error or why, inner)
        except (CheckpointError, KeyboardInterrupt):
            raise
        except BaseException:  # noqa: BLE001 (whatever the objects answer when they are looked into)
            path, inner, told = name, value, _refusal(why)
        return {"name": name, "type": type_of(inner), "path": path, "reason": told}

    def held(self, values: Mapping[str, Any]) -> dict[int, Any]:
        """All objects that these hold, not counting weak references; by their ids."""
        pickler = self._pickler(weak.Targets(follow=False))
        for value in values.values():
            with depth.bounded():
                pickler.dump(value)
        return pickler.memo.copy()

    def met(self, value: Any) -> dict[int, Any]:
        """The objects that it holds, without what is told by name; by their ids."""
        pickler = self._pickler()
        _failure(pickler, value)
        return pickler.memo.copy()

    def made_again(self, value: Any) -> dict[int, Any]:
        """The objects that what a replay cell has bound consists of, as far as they change."""
        pickler = _Parts(Null(self._blobs), _ignore)
        pickler.refer(live.of_kernel(self._shell))
        told = pickler.memo.copy()
        _failure(pickler, value)
        return {key: each for key, each in pickler.memo.copy().items() if key not in told}

    def reaches_replayed(self, value: Any) -> bool:
        """Whether it holds what a replay cell has bound, be it something that can't be saved."""
        wanted = {id(thing) for _, _, thing in self._replayed}
        pickler = _Seeking(Null(self._blobs), _ignore)
        pickler.wanted = wanted
        pickler.refer(live.of_kernel(self._shell))
        error = _failure(pickler, value)
        if error is not None:
            return isinstance(error, _Found)
        return not wanted.isdisjoint(pickler.memo.copy())

    def _fails(self, value: Any) -> BaseException | None:
        return _failure(self._pickler(), value)

    def _pickler(self, targets: weak.Targets | None = None) -> Pickler:
        pickler = Pickler(Null(self._blobs), _ignore, targets=targets)
        pickler.refer([*live.of_kernel(self._shell), *self._replayed])
        return pickler


class _Found(Exception):
    """What was sought."""


class _Seeking(Pickler):
    """Stops where it meets one of some objects."""

    wanted: set[int]

    def reducer_override(self, thing: Any) -> Any:
        if id(thing) in self.wanted:
            raise _Found
        return super().reducer_override(thing)


class _Parts(Pickler):
    """Does not look into what is the same after a restore, or never changes."""

    def reducer_override(self, thing: Any) -> Any:
        if issubclass(type(thing), _whole()):
            return len, ()  # never loaded
        return super().reducer_override(thing)


def _whole() -> tuple[type, ...]:
    named = [("pandas", "Index"), ("pandas", "DataFrame"), ("pandas", "Series")]
    named += [("pandas.api.extensions", "ExtensionDtype"), ("numpy", "dtype")]
    found = [getattr(sys.modules.get(module), name, None) for module, name in named]
    return (*_WHOLE, *[each for each in found if isinstance(each, type)])


_WHOLE = (type, types.FunctionType, types.ModuleType, logging.Logger)


def _ignore(buffer: pickle.PickleBuffer) -> None:
    del buffer


def _failure(pickler: Pickler, value: Any) -> BaseException | None:
    try:
        with depth.bounded():
            pickler.dump(value)
    except (CheckpointError, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 (a value's own code may raise anything)
        return error
    return None


def type_of(value: Any) -> str:
    """As Python has it, whatever its class or metaclass says."""
    kind = type(value)
    name = _OF_TYPE["__qualname__"].__get__(kind)
    home = _OF_TYPE["__module__"].__get__(kind)
    return name if type(home) is not str or home in {"builtins", "__main__"} else f"{home}.{name}"


def _refusal(why: BaseException) -> str:
    """As much as can be said where the error itself can't be asked."""
    if type(why) is Refused:
        return str(why)
    return f"it raises {type_of(why)} when it is saved"


def reason(error: BaseException, value: Any) -> str:
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    text = str(error).strip().splitlines()
    told = text[0][:300] if text else ""
    if isinstance(error, (TypeError, pickle.PicklingError)) and "pickle" in told:
        return f"an object of type {type_of(value)} can't be saved: {told}"
    return f"it raises {type(error).__name__} when it is saved: {told}"
