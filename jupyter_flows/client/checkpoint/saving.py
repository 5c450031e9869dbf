"""Saves the namespace: one stream, or two where replay cells bind some of it, and its buffers."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from jupyter_flows.client.checkpoint import names, origin, paths, surroundings, weak
from jupyter_flows.client.checkpoint.errors import CheckpointError, Refused
from jupyter_flows.client.checkpoint.pickling import Pickler
from jupyter_flows.client.checkpoint.sharing import Clash, Memories
from jupyter_flows.client.checkpoint.writing import Blobs, Null, Pieces, Stream, as_told

_STANDARD = (
    "stdin",
    "stdout",
    "stderr",
    "__stdin__",
    "__stdout__",
    "__stderr__",
    "modules",
    "path",
)
_ATTEMPTS = 20
_SEARCH = 10.0
"""Seconds for saying where in the variables the objects are that can't be saved."""


class _Failed(Exception):
    """A variable that can't be saved, with why."""

    def __init__(self, name: str, why: Exception) -> None:
        super().__init__(name)
        self.name = name
        self.why = why


class _NeedsReplay(Exception):
    """A variable holds something which a replay cell binds."""


class _Again(Exception):
    """Something was learnt that the next attempt does better with."""


def save(asked: dict[str, Any], shell: Any) -> dict[str, Any]:
    started = time.monotonic()
    budget = asked.get("budget_seconds")
    deadline = None if budget is None else started + budget
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    origin.by_value_as_the_user_says()
    values = names.chosen(shell, asked.get("exclude") or ())
    with collecting_off(), as_told():
        blobs = Blobs(asked["folder"], asked.get("limit_bytes"), deadline)
        try:
            told = _Save(shell, values, blobs).run()
        finally:
            blobs.close()
    return {
        "saved_at": time.time(),  # noqa: TID251 (the user's kernel has no other clock)
        "seconds": round(time.monotonic() - started, 3),
        "python": surroundings.python(),
        **told,
        "files": surroundings.files(),
        "cwd": _cwd(),
        "sys_path": surroundings.sys_path(),
        "extensions": surroundings.extensions(shell),
        "execution_count": getattr(shell, "execution_count", 1),
    }


def _cwd() -> str:
    return os.getcwd()  # noqa: PTH109


@contextlib.contextmanager
def collecting_off() -> Iterator[None]:
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class _Seeking(Pickler):
    """Stops where it meets one of some objects."""

    wanted: set[int]

    def reducer_override(self, thing: Any) -> Any:
        if id(thing) in self.wanted:
            raise _NeedsReplay
        return super().reducer_override(thing)


class _Save:
    def __init__(self, shell: Any, values: dict[str, Any], blobs: Blobs) -> None:
        self.shell = shell
        self.values = values
        self.blobs = blobs
        self.replayed = names.replayed(shell)
        self.unsaved: dict[str, dict[str, Any]] = {}
        self.second: set[str] = set()
        self.known: dict[tuple[int, int], Any] = {}
        self._until = time.monotonic() + _SEARCH

    def run(self) -> dict[str, Any]:
        if names.with_identity(self.replayed):
            self._sort_out()
        for _ in range(_ATTEMPTS):
            try:
                return self._attempt()
            except _Failed as failed:
                self._probe(failed)
            except _Again:
                continue
        raise CheckpointError("The variables can't be saved: each time, another one fails.")

    # ------------------------------------------------------------ an attempt

    def _attempt(self) -> dict[str, Any]:
        first = [name for name in self.values if name not in self.second]
        kept = _Kept()
        stream = Stream(self.blobs, lambda: kept.size)
        switch = _Switch(stream)
        pickler = self._pickler(switch, kept.keep, weak.Targets())
        streams = [(stream, first)]
        try:
            self._dump(pickler, first, switch, kept)
            if self.replayed:
                stream.finish()
                second = [name for name in self.values if name in self.second]
                switch.to = stream = Stream(self.blobs, lambda: kept.size + streams[0][0].size)
                streams.append((stream, second))
                pickler.refer(self._of_replay())
                self._dump(pickler, second, switch, kept)
            pickler.dump(surroundings.random_states())
            self._check(pickler)
            self.blobs.check(sum(each.size for each, _ in streams) + kept.size)
            pieces = Pieces(self.blobs, kept.buffers).store()
            stream.finish()
        except BaseException:
            stream.abandon()
            raise
        return self._told(streams, kept, pieces, pickler)

    def _pickler(
        self, file: Any, keep: Callable[[Any], None], targets: weak.Targets | None = None
    ) -> Pickler:
        pickler = Pickler(file, keep, Memories(self.known), targets)
        pickler.refer(self._live())
        return pickler

    def _live(self) -> list[tuple[str, str, Any]]:
        found: list[tuple[str, str, Any]] = [
            ("namespace", "", self.shell.user_ns),
            ("shell", "", self.shell),
            ("module", "builtins", sys.modules["builtins"]),
            ("globals", "builtins", vars(sys.modules["builtins"])),
            ("random", "", random._inst),
        ]
        found += [("sys", name, getattr(sys, name)) for name in _STANDARD]
        main = sys.modules.get("__main__")
        if main is not None:
            found.append(("module", "__main__", main))
        flow = names.flow()
        if flow is not None:
            found.append(("flow", "results", flow.results))
        numpy: Any = sys.modules.get("numpy.random")
        if numpy is not None:
            found.append(("numpy", "", numpy.mtrand._rand))
        torch: Any = sys.modules.get("torch")
        if torch is not None:
            found.append(("torch", "", torch.default_generator))
        seen: dict[int, tuple[str, str, Any]] = {}
        for each in found:
            if each[2] is not None:
                seen.setdefault(id(each[2]), each)
        return list(seen.values())

    def _of_replay(self) -> list[tuple[str, str, Any]]:
        seen: dict[int, tuple[str, str, Any]] = {}
        for name, value in names.with_identity(self.replayed).items():
            seen.setdefault(id(value), (_replayed(value), name, value))
        return list(seen.values())

    def _dump(self, pickler: Pickler, chosen: list[str], switch: _Switch, kept: _Kept) -> None:
        for name in chosen:
            before = switch.written + kept.size
            pickler.memories.name = pickler.weak.name = name
            try:
                pickler.dump(self.values[name])
            except CheckpointError:
                raise
            except Exception as error:
                raise _Failed(name, error) from error
            kept.sizes[name] = switch.written + kept.size - before

    def _check(self, pickler: Pickler) -> None:
        """Whether the pickle holds what its parts share, and refer to."""
        try:
            found = pickler.memories.found()
        except Clash as clash:
            raise _Failed(clash.name or next(iter(self.values)), clash.why) from clash
        if found:
            self.known.update(found)
            raise _Again
        if not pickler.weak:
            return
        trial = self._trial(weak.Targets(follow=False))
        for value in self.values.values():
            trial.dump(value)
        name = pickler.weak.not_held(trial.memo.copy())
        if name is not None:
            raise _Failed(name, weak.NOT_HELD)

    def _told(
        self, streams: list[Any], kept: _Kept, pieces: list[Any], pickler: Pickler
    ) -> dict[str, Any]:
        written = [
            {"sha256": stream.digest, "bytes": stream.size, "names": chosen}
            for stream, chosen in streams
        ]
        distinct = {each["sha256"]: each["bytes"] for each in [*pieces, *written]}
        return {
            "streams": written,
            "blobs": pieces,
            "buffers": kept.lengths,
            "names": {
                name: {"type": type_of(value), "bytes": kept.sizes[name]}
                for name, value in self.values.items()
            },
            "replayed": list(self.replayed),
            "unsaved": list(self.unsaved.values()),
            "bytes": sum(distinct.values()),
            "new_bytes": self.blobs.new_bytes,
            "distributions": surroundings.distributions(pickler.modules),
        }

    # ------------------------------------------------------------ names that fail

    def _probe(self, failed: _Failed) -> None:
        """Which of the names from the failed one on fail too; none of them is tried again."""
        order = list(self.values)
        self._unsaved(failed.name, failed.why)
        pickler = self._trial()
        for name in order[order.index(failed.name) + 1 :]:
            try:
                pickler.dump(self.values[name])
            except CheckpointError:
                raise
            except Exception as error:  # noqa: BLE001 (a value's own code may raise anything)
                self._unsaved(name, error)
                pickler = self._trial()

    def _trial(self, targets: weak.Targets | None = None) -> Pickler:
        pickler = self._pickler(Null(self.blobs), lambda _: None, targets)
        if self.replayed:
            pickler.refer(self._of_replay())
        return pickler

    def _unsaved(self, name: str, why: Exception) -> None:
        value = self.values.pop(name)
        path, inner, error = paths.culprit(name, value, self._fails, self._until)
        self.unsaved[name] = {
            "name": name,
            "type": type_of(inner),
            "path": path,
            "reason": reason(error or why, inner),
        }

    def _fails(self, value: Any) -> Exception | None:
        try:
            self._trial().dump(value)
        except CheckpointError:
            raise
        except Exception as error:  # noqa: BLE001 (a value's own code may raise anything)
            return error
        return None

    # ------------------------------------------------------------ replay cells

    def _sort_out(self) -> None:
        """Which names hold something that replay cells bind, and so can only be loaded after."""
        wanted = {id(value) for value in names.with_identity(self.replayed).values()}
        self.second = {name for name, value in self.values.items() if self._reaches(value, wanted)}

    def _reaches(self, value: Any, wanted: set[int]) -> bool:
        """Whether a pickle of it comes upon one of these, be it one that can't be saved."""
        pickler = _Seeking(Null(self.blobs), lambda _: None)
        pickler.wanted = wanted
        pickler.refer(self._live())
        try:
            pickler.dump(value)
        except _NeedsReplay:
            return True
        except CheckpointError:
            raise
        except Exception:  # noqa: BLE001 (it fails again when it is saved)
            return False
        return not wanted.isdisjoint(pickler.memo.copy())


def _replayed(value: Any) -> str:
    return "replayed class" if isinstance(value, type) else "replayed"


class _Kept:
    """Buffers for after the streams; nothing is copied."""

    def __init__(self) -> None:
        self.buffers: list[pickle.PickleBuffer] = []
        self.lengths: list[int] = []
        self.sizes: dict[str, int] = {}
        self.size = 0

    def keep(self, buffer: pickle.PickleBuffer) -> None:
        with buffer.raw() as raw:
            self.lengths.append(raw.nbytes)
            self.size += raw.nbytes
        self.buffers.append(buffer)


class _Switch:
    """The pickler's file: now one stream, then the other."""

    def __init__(self, to: Stream) -> None:
        self.to = to
        self.written = 0

    def write(self, data: Any) -> int:
        self.written += len(data)
        return self.to.write(data)


def type_of(value: Any) -> str:
    kind = type(value)
    module = kind.__module__
    return (
        kind.__qualname__ if module in {"builtins", "__main__"} else f"{module}.{kind.__qualname__}"
    )


def reason(error: Exception, value: Any) -> str:
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    text = str(error).strip().splitlines()
    told = text[0][:300] if text else ""
    if isinstance(error, (TypeError, pickle.PicklingError)) and "pickle" in told:
        return f"an object of type {type_of(value)} can't be saved: {told}"
    return f"it raises {type(error).__name__} when it is saved: {told}"
