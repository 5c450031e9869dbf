"""Loads a checkpoint: every byte is checked, then all variables are made, then they are bound."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import pickle
import time
from collections.abc import Iterable, Iterator
from typing import Any

from jupyter_flows.client.checkpoint import (
    chance,
    hashes,
    names,
    origin,
    placeholders,
    places,
    reading,
    rebuilding,
    settings,
    sources,
)
from jupyter_flows.client.checkpoint.errors import Damaged, NotRestored
from jupyter_flows.client.checkpoint.saving import collecting_off
from jupyter_flows.client.checkpoint.trials import type_of


class _Feed:
    """The unpickler's file: the first stream, then the second."""

    def __init__(self) -> None:
        self.turn_to(b"")

    def turn_to(self, text: Any) -> None:
        self._text = text
        self._view = memoryview(text)
        self._at = 0

    def read(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        return bytes(self._view[start : self._at])

    def readline(self) -> bytes:
        end = self._text.find(b"\n", self._at)
        return self.read((len(self._text) if end < 0 else end + 1) - self._at)

    def readinto(self, into: Any) -> int:
        part = self._view[self._at : self._at + len(into)]
        into[: len(part)] = part
        self._at += len(part)
        return len(part)


class _Load:
    """One restore, from its first phase to its last."""

    def __init__(self, place: Any, kernel: dict[str, Any]) -> None:
        self.kernel = kernel
        streams, blobs = kernel["streams"], kernel["blobs"]
        hashes.check_known([*streams, *blobs])
        _import_early(kernel)
        self.texts: list[Any] = [bytearray(each["bytes"]) for each in streams]
        self.memories: list[Any] = [reading.memory(size) for size in kernel["buffers"]]
        parts = reading.cut(self.memories, blobs)
        into = [*self.texts, *parts]
        source = places.to_read(place)
        reading.read(source, [*streams, *blobs], into, lambda: _import_what_is_needed(kernel))
        self.feed = _Feed()
        self.unpickler = pickle.Unpickler(self.feed, buffers=self._buffers())
        self.last: dict[str, Any] = {}
        """What is no variable, but has to be as it was."""

    def _buffers(self) -> Iterator[Any]:
        for index, memory in enumerate(self.memories):
            self.memories[index] = None
            yield memory

    def stream(self, index: int) -> dict[str, Any]:
        """The names of one stream with their values. Raises NotRestored."""
        self.feed.turn_to(self.texts[index])
        self.texts[index] = b""
        loaded: dict[str, Any] = {}
        self._next(None)
        for name in self.kernel["streams"][index]["names"]:
            loaded[name] = self._next(name)
        if index == len(self.kernel["streams"]) - 1:
            self.last = self._next(None)
            self.unpickler = None  # type: ignore[assignment]
            self.feed.turn_to(b"")
        return loaded

    def _next(self, name: str | None) -> Any:
        try:
            return self.unpickler.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            what = f"The variable {name}" if name else "The checkpoint"
            raised = NotRestored(f"{what} can't be restored: {type(error).__name__}: {error}")
            raised.variable = name
            raise raised from error


def _id(kernel: dict[str, Any]) -> str:
    return hashes.name_in(kernel["streams"][0])


_under_way: dict[str, _Load] = {}
"""The restore whose first phase is over, by its first stream."""


def load(asked: dict[str, Any], shell: Any) -> dict[str, Any]:
    started = time.monotonic()
    kernel = asked["kernel"]
    origin.by_value_as_the_user_says()
    rebuilding.here.shell = shell
    before = dict(shell.user_ns)
    try:
        count = _loaded(asked, kernel, shell)
    except BaseException:
        _put_back(shell.user_ns, before)
        raise
    return {"loaded": count, "seconds": round(time.monotonic() - started, 3)}


def _loaded(asked: dict[str, Any], kernel: dict[str, Any], shell: Any) -> int:
    with collecting_off():
        count: int = _PHASES[asked.get("phase", "all")](asked, kernel, shell)
    return count


def _put_back(user_ns: dict[str, Any], before: dict[str, Any]) -> None:
    """Code of the user's that runs while loading may have bound names."""
    for name in [name for name in user_ns if name not in before]:
        del user_ns[name]
    user_ns.update(before)


def _all(asked: dict[str, Any], kernel: dict[str, Any], shell: Any) -> int:
    dry = bool(asked.get("dry"))
    restore = _Load(asked["folder"], kernel)
    rebuilding.here.replayed = placeholders.make if dry else _bound_in(shell)
    loaded: dict[str, Any] = {}
    for index in range(len(kernel["streams"])):
        loaded.update(restore.stream(index))
    if dry:
        _check_types(kernel, loaded)
        chance.put_back(chance.put(restore.last["random"]))
        return len(loaded)
    return _bind(shell, kernel, loaded, restore)


def _first(asked: dict[str, Any], kernel: dict[str, Any], shell: Any) -> int:
    _under_way.clear()
    restore = _Load(asked["folder"], kernel)
    loaded = restore.stream(0)
    _check_types(kernel, loaded)
    _under_way[_id(kernel)] = restore
    shell.user_ns.update(loaded)
    return len(loaded)


def _second(asked: dict[str, Any], kernel: dict[str, Any], shell: Any) -> int:
    del asked
    restore = _under_way.pop(_id(kernel), None)
    if restore is None:
        raise Damaged("The restore's first phase is missing.")
    _check_replayed(kernel, shell)
    rebuilding.here.replayed = _bound_in(shell)
    loaded = restore.stream(1) if len(kernel["streams"]) > 1 else {}
    return _bind(shell, kernel, loaded, restore)


_PHASES = {"all": _all, "first": _first, "second": _second}


def _bind(shell: Any, kernel: dict[str, Any], loaded: dict[str, Any], restore: _Load) -> int:
    _check_types(kernel, loaded, names.replayed(shell).values())
    chance.put(restore.last["random"])
    shell.user_ns.update({name: loaded[name] for name in kernel["names"] if name in loaded})
    settings.restore(restore.last["settings"])
    sources.remember(restore.last["sources"])
    shell.execution_count = kernel["execution_count"]
    return len(loaded)


def _bound_in(shell: Any) -> Any:
    def bound(name: str, is_class: bool) -> Any:
        del is_class
        if name not in shell.user_ns:
            raise LookupError(f"no replay cell has bound {name}")
        return shell.user_ns[name]

    return bound


def _check_replayed(kernel: dict[str, Any], shell: Any) -> None:
    """A replay cell that may fail could have bound less than it did."""
    for name in kernel["replayed"]:
        if name not in shell.user_ns:
            error = NotRestored(f"No cell tagged `replay` has bound {name} again.")
            error.variable = name
            raise error


def _check_types(
    kernel: dict[str, Any], loaded: dict[str, Any], replayed: Iterable[Any] = ()
) -> None:
    """Raises NotRestored. What a replay cell has bound is what that cell makes of it now."""
    others = {id(value) for value in replayed}
    for name, value in loaded.items():
        if id(value) in others:
            continue
        told = kernel["names"][name]["type"]
        found = type_of(value)
        if found != told and not issubclass(type(value), placeholders.Instance):
            error = NotRestored(f"The variable {name} is a {told}, but comes back as a {found}.")
            error.variable = name
            raise error


def _import_early(kernel: dict[str, Any]) -> None:
    """Numpy gives the memory that buffers are read into."""
    if kernel["blobs"] and "numpy" in kernel["distributions"]:
        importlib.import_module("numpy")


def _import_what_is_needed(kernel: dict[str, Any]) -> None:
    """The installed packages of what was saved, so that the unpickler finds them: to import takes
    one processor, and the bytes are being read by the other. What fails, fails there again, under
    the name of a variable.
    """
    for distribution in kernel["distributions"]:
        with contextlib.suppress(Exception):
            name = distribution.replace("-", "_")
            if importlib.util.find_spec(name) is not None:
                importlib.import_module(name)
