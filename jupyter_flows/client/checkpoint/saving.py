"""Saves the namespace: one stream, or two where replay cells bind some of it, and its buffers."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from jupyter_flows.client.checkpoint import (
    background,
    chance,
    depth,
    hashes,
    live,
    marks,
    names,
    origin,
    places,
    settings,
    sources,
    surroundings,
    weak,
)
from jupyter_flows.client.checkpoint.errors import CheckpointError, Refused
from jupyter_flows.client.checkpoint.parts import Parts
from jupyter_flows.client.checkpoint.pickling import Pickler
from jupyter_flows.client.checkpoint.sharing import Clash, Memories, Span
from jupyter_flows.client.checkpoint.streams import Ahead, Changing, Pieces, Stream
from jupyter_flows.client.checkpoint.trials import Trials, type_of
from jupyter_flows.client.checkpoint.writing import Blobs, as_told

_ATTEMPTS = 20
_GONE: Any = object()
_CHANGES = Refused("it changes while it is saved")
_failed_before: dict[str, int] = {}
"""Names that could not be saved when this kernel was saved last, with the ids of their values."""


class _Failed(Exception):
    """A variable that can't be saved, with why."""

    def __init__(self, name: str, why: BaseException) -> None:
        super().__init__(name)
        self.name = name
        self.why = why


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
    exclude = asked.get("exclude") or ()
    values, others = names.chosen(shell, exclude), background.others()
    with collecting_off(), as_told():
        blobs = places.to_write(asked["folder"], asked.get("limit_bytes"), deadline)
        try:
            told = _Save(shell, values, blobs, careful=background.may_write(others)).run()
            blobs.settle()
        finally:
            blobs.close()
    named = [shell.user_ns[each["name"]] for each in told["unsaved"]]
    told["unsaved"] += marks.entries(names.flow(), shell, exclude)
    told["unsaved"] += background.entries(others, named, exclude)
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


class _Save:
    def __init__(self, shell: Any, values: dict[str, Any], blobs: Blobs, *, careful: bool) -> None:
        self.shell = shell
        self.careful = careful
        self.values = values
        self.blobs = blobs
        self.replayed = names.replayed(shell)
        self.given = names.given(shell)
        self.trials = Trials(shell, self.replayed, blobs)
        self.parts = Parts(shell, self.replayed, self.trials)
        self.unsaved: dict[str, dict[str, Any]] = {}
        self.second: set[str] = set()
        self.known: dict[Span, Any] = {}
        self.moved: set[str] = set()
        """Names that were bound anew while they were saved."""

    def run(self) -> dict[str, Any]:
        if names.with_identity(self.replayed):
            found = self.trials.reaches_replayed
            self.second = {name for name, value in self.values.items() if found(value)}
        before = {
            name: value
            for name, value in self.values.items()
            if _failed_before.get(name) == id(value)
        }
        self._leave_out(self.trials.failing(before))
        told = self._attempts()
        _failed_before.clear()
        _failed_before.update({name: id(self.shell.user_ns[name]) for name in self.unsaved})
        return told

    def _attempts(self) -> dict[str, Any]:
        for _ in range(_ATTEMPTS):
            try:
                return self._attempt()
            except _Again:
                continue
            except _Failed as failed:
                order = list(self.values)
                behind = order[order.index(failed.name) + 1 :]
                others = self.trials.failing({name: self.values[name] for name in behind})
                self._leave_out({failed.name: failed.why, **others})
        raise CheckpointError("The variables can't be saved: each time, another one fails.")

    def _leave_out(self, failed: Mapping[str, BaseException]) -> None:
        for name, why in failed.items():
            value = self.values.pop(name)
            if name not in self.given:
                self.unsaved[name] = self.trials.explained(name, value, why)

    def _attempt(self) -> dict[str, Any]:
        ahead = Ahead(self.blobs)
        kept = _Kept(None if self.careful else ahead)
        stream = Stream(self.blobs, lambda: kept.size)
        switch = _Switch(stream)
        streams = [stream]
        try:
            pickler = Pickler(switch, kept.keep, Memories(self.known))
            pickler.refer([*live.of_kernel(self.shell), *live.of_environment(self.values)])
            self._dump(pickler, self._names(second=False), kept, switch)
            if self.replayed:
                stream.finish()
                switch.to = stream = Stream(self.blobs, lambda: kept.size + streams[0].size)
                streams.append(stream)
                pickler.refer(live.of_replay(self.replayed))
                self._dump(pickler, self._names(second=True), kept, switch)
            kept.name = None
            pickler.dump(self._last(pickler))
            self._check(pickler)
            self._check_bound()
            self.blobs.check(sum(each.size for each in streams) + kept.size)
            pieces = self._store(kept, ahead)
            stream.finish()
        except BaseException:
            ahead.abandon()
            stream.abandon()
            raise
        return self._told(streams, kept, pieces, pickler)

    def _store(self, kept: _Kept, ahead: Ahead) -> list[dict[str, Any]]:
        known = ahead.finish()
        try:
            return Pieces(self.blobs, kept.buffers, known, careful=self.careful).store()
        except Changing as changing:
            name = kept.names[changing.index]
            if name is None:
                raise _Again from changing
            raise _Failed(name, _CHANGES) from changing

    def _last(self, pickler: Pickler) -> dict[str, Any]:
        """What is no variable, but has to be as it was."""
        told = settings.now()
        failing = self.trials.failing(told)
        return {
            "random": chance.states(),
            "settings": {name: value for name, value in told.items() if name not in failing},
            "sources": sources.texts(pickler.files),
        }

    def _names(self, *, second: bool) -> list[str]:
        return [name for name in self.values if (name in self.second) is second]

    def _dump(self, pickler: Pickler, chosen: list[str], kept: _Kept, switch: _Switch) -> None:
        for name in chosen:
            before = switch.written + kept.size
            pickler.memories.name = pickler.weak.name = kept.name = name
            try:
                with depth.bounded():
                    pickler.dump(self.values[name])
            except (CheckpointError, KeyboardInterrupt):
                raise
            except BaseException as error:
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
        shared = self.parts.among(self.values, pickler) if self.replayed else {}
        if shared:
            self._leave_out(shared)
            raise _Again
        if pickler.weak:
            name = pickler.weak.not_held(self.trials.held(self.values))
            if name is not None:
                raise _Failed(name, weak.NOT_HELD)

    def _check_bound(self) -> None:
        """Whether the names still have the values that were saved; once, they are saved again."""
        now = self.shell.user_ns
        moved = [name for name, value in self.values.items() if now.get(name, _GONE) is not value]
        for name in moved:
            if name in self.moved:
                raise _Failed(name, _CHANGES)
            self.moved.add(name)
            if name in now:
                self.values[name] = now[name]
            else:
                del self.values[name]
        if moved:
            raise _Again

    def _told(
        self, streams: list[Stream], kept: _Kept, pieces: list[Any], pickler: Pickler
    ) -> dict[str, Any]:
        written = [
            {**hashes.entry(stream.name, stream.size), "names": self._names(second=at == 1)}
            for at, stream in enumerate(streams)
        ]
        distinct = {hashes.name_in(each): each["bytes"] for each in [*pieces, *written]}
        return {
            "streams": written,
            "blobs": pieces,
            "buffers": kept.lengths,
            "names": {
                name: {"type": type_of(value), "bytes": kept.sizes[name]}
                for name, value in self.values.items()
            },
            "replayed": list(self.replayed),
            "unsaved": [self.unsaved[name] for name in self.shell.user_ns if name in self.unsaved],
            "bytes": sum(distinct.values()),
            "new_bytes": self.blobs.new_bytes,
            "distributions": surroundings.distributions(pickler.modules),
        }


class _Kept:
    """Buffers for after the streams; nothing is copied."""

    def __init__(self, ahead: Ahead | None) -> None:
        self.ahead = ahead
        self.buffers: list[pickle.PickleBuffer] = []
        self.lengths: list[int] = []
        self.name: str | None = None
        """The variable that is being saved."""
        self.names: list[str | None] = []
        """Which variable each buffer is from."""
        self.sizes: dict[str, int] = {}
        self.size = 0

    def keep(self, buffer: pickle.PickleBuffer) -> None:
        with buffer.raw() as raw:
            self.lengths.append(raw.nbytes)
            self.size += raw.nbytes
        if self.ahead is not None:
            self.ahead.add(len(self.buffers), buffer)
        self.buffers.append(buffer)
        self.names.append(self.name)


class _Switch:
    """The pickler's file: now one stream, then the other."""

    def __init__(self, to: Stream) -> None:
        self.to = to
        self.written = 0

    def write(self, data: Any) -> int:
        self.written += len(data)
        return self.to.write(data)
