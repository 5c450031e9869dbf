"""What a run shows, put into the notebook's file through the server's own contents manager."""

import asyncio
import copy
import inspect
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary

from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from jupyter_flows.core.errors import BadInput, FlowsError, Unavailable
from jupyter_flows.core.model import StepId
from jupyter_flows.core.naming import MAJOR, MINOR, name_cells, take_names, unnamed
from jupyter_flows.documents.filling import filled
from jupyter_flows.documents.saves import Saves, Watch
from jupyter_flows.ports import FileState, Shown, Snapshot

TRIES = 20
"""How often we begin again because others change the file meanwhile."""

REMEMBERED = 10
"""Of how many files one knows our last writing: somebody may have moved them meanwhile."""

Notebook = dict[str, Any]


class NotebookFiles:
    """Nothing but outputs and execution counts is ours: whatever a user saves meanwhile stays."""

    def __init__(self, contents: Any) -> None:
        self._contents = contents
        self._saves = Saves(contents)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._made: dict[str, Made] = {}
        self._hashes = _takes(contents.get, "require_hash")

    async def write(
        self,
        path: str,
        cells: Mapping[StepId, Shown],
        gently: Collection[StepId] = (),
        snapshot: Snapshot | None = None,
    ) -> FileState | None:
        """As `ports.Notebooks.write`."""
        path = path.strip("/")
        async with self._alone(path):
            with _refusals(path), self._saves.watched(path) as watch:
                return await self._written(path, Wanted(cells, gently, snapshot), watch)

    def _alone(self, path: str) -> asyncio.Lock:
        lock = self._locks.get(path)
        if lock is None:
            self._locks[path] = lock = asyncio.Lock()
        return lock

    async def came_back(self, old: str, new: str) -> bool:
        """Whether the file at the old path is there only because we wrote while somebody moved it:
        nobody has saved it since, and what we found there is now at the new path. It is removed
        then, and what we wrote is written there. For a file that was deleted that can't be told,
        and so it stays.
        """
        try:
            async with self._alone(old):
                made = self._made.get(old)
                with _refusals(old):
                    if made is None or made.marks != (await self._at(new), await self._at(old)):
                        return False
                    await ensure_async(self._contents.delete_file(old))
            await self.write(new, made.wanted.cells, made.wanted.gently)
        except FlowsError:
            return False
        return True

    async def _at(self, path: str) -> object:
        return _mark(await self._get(path, content=False))

    async def saved_at(self, path: str) -> float | None:
        """As `ports.Notebooks.saved_at`."""
        try:
            with _refusals(path):
                at = (await self._get(path.strip("/"), content=False))["last_modified"]
        except FlowsError:
            return None
        return at.timestamp() if isinstance(at, datetime) else None

    async def _written(self, path: str, wanted: "Wanted", watch: Watch) -> FileState | None:
        """Read, fill in, save. If another save fell into ours, the disk may hold either, or neither
        whole: then what the other one saved is filled in and saved again, so that no edit is lost.
        """
        theirs: Notebook | None = None
        for _ in range(TRIES):
            await watch.over()
            begun = watch.begun
            model = await self._get(path, content=theirs is None)
            content = theirs or await self._named(path, model["content"], wanted)
            filled = _filled(content, wanted) or theirs
            if filled is None and content is not model["content"]:
                filled = content
            if filled is None and watch.begun == begun:
                return None
            now = await self._get(path, content=False)
            if filled is None or watch.begun != begun or _mark(now) != _mark(model):
                theirs = theirs and watch.content
                continue
            await self._save(path, filled)
            if watch.begun == begun:
                model = await self._get(path, content=False)
                self._remember(path, Made((_mark(now), _mark(model)), wanted))
                return _state(path, model)
            await watch.over()
            theirs = watch.content
        raise Unavailable(f"{path} is being saved by others all the time.")

    async def _named(self, path: str, content: Notebook, wanted: "Wanted") -> Notebook:
        """With the run's ids for cells that have none in the file, or somebody else's. The manager
        gives them others by chance each time that it reads the file: these are found so.
        """
        if wanted.snapshot is None or wanted.cells.keys() <= {
            c.get("id") for c in content["cells"]
        }:
            return content
        again = (await self._get(path, content=True))["content"]
        pairs = enumerate(zip(content["cells"], again["cells"], strict=False))
        made_up = {place for place, (one, other) in pairs if one.get("id") != other.get("id")}
        if not made_up:
            return content
        return take_names(content, await wanted.snapshot(), made_up.union(unnamed(content)))

    async def _get(self, path: str, *, content: bool) -> Notebook:
        asked = {"require_hash": True} if self._hashes else {}
        model: Notebook = await ensure_async(
            self._contents.get(path, content=content, type="notebook", **asked)
        )
        return model

    async def _save(self, path: str, content: Notebook) -> None:
        model = {"type": "notebook", "format": "json", "content": content}
        with self._saves.ours():
            await ensure_async(self._contents.save(model, path))

    def _remember(self, path: str, made: "Made") -> None:
        self._made.pop(path, None)
        self._made[path] = made
        if len(self._made) > REMEMBERED:
            self._made.pop(next(iter(self._made)))


def _state(path: str, model: Notebook) -> FileState:
    return FileState(
        path=path,
        hash=model.get("hash") or "",
        hash_algorithm=model.get("hash_algorithm") or "",
        last_modified=_moment(model["last_modified"]),
    )


def _takes(function: Any, name: str) -> bool:
    """Whether it has a parameter of this name: contents managers of before 2.11 know no hashes."""
    parameters = inspect.signature(function).parameters.values()
    return any(p.name == name or p.kind is p.VAR_KEYWORD for p in parameters)


def _mark(model: Mapping[str, Any]) -> object:
    """Another one is another file on the disk."""
    return model.get("hash") or model["last_modified"]


def _moment(at: Any) -> str:
    """As the contents API writes it."""
    return str(at) if isinstance(at, str) else str(at.isoformat()).replace("+00:00", "Z")


@contextmanager
def _refusals(path: str) -> Iterator[None]:
    try:
        yield
    except HTTPError as error:
        why = error.log_message or error.reason or f"status {error.status_code}"
        if error.status_code in (400, 404):
            raise BadInput(f"{path} is no notebook of this server: {why}") from error
        raise Unavailable(f"{path} can't be written: {why}") from error
    except OSError as error:
        raise Unavailable(f"{path} can't be written: {error.strerror or error}") from error
    except FlowsError:
        raise
    except Exception as error:  # contents managers and their hooks are others' code
        raise Unavailable(f"{path} can't be written: {error!r}") from error


# ---------------------------------------------------------------- a notebook's content


@dataclass(frozen=True, slots=True)
class Wanted:
    """What cells are to show, some of them `gently`."""

    cells: Mapping[StepId, Shown]
    gently: Collection[StepId]
    snapshot: Snapshot | None = None

    def of(self, cell: Notebook) -> Notebook | None:
        """The cell as it is to be; None if it is so already, or not wanted at all.

        A cell that we write is trusted: a run of this server's user has made what it shows. All
        others keep the trust that they have, for the contents manager asks each of them before it
        signs.
        """
        name = cell.get("id", "")
        if cell.get("cell_type") != "code" or name not in self.cells:
            return None
        wanted, present = self.cells[name], _present(cell)
        target = filled(present, wanted) if name in self.gently else wanted
        if _same(present, target):
            return None
        made = {"trusted": True} if target is wanted else {}
        return {
            **cell,
            "metadata": {**cell.get("metadata", {}), **made},
            "outputs": [dict(output) for output in target.outputs],
            "execution_count": target.execution_count,
        }


@dataclass(frozen=True, slots=True)
class Made:
    """What we have written, and the file's marks before and after."""

    marks: tuple[object, object]
    wanted: Wanted


def _filled(content: Notebook, wanted: Wanted) -> Notebook | None:
    """The notebook with its cells showing this; None if they do already."""
    named = content
    if _is_older(content):
        named = copy.deepcopy(content)
        name_cells(named)
        named["nbformat_minor"] = MINOR
    made = [wanted.of(cell) for cell in named["cells"]]
    if not any(made):
        return None
    cells = [new or cell for new, cell in zip(made, named["cells"], strict=True)]
    return {**named, "cells": cells}


def _is_older(content: Notebook) -> bool:
    """Whether the names of its cells are not in the file, or don't serve."""
    converted = "orig_nbformat" in content.get("metadata", {})
    older = (content["nbformat"], content.get("nbformat_minor", 0)) < (MAJOR, MINOR)
    return converted or older or bool(unnamed(content))


def _present(cell: Notebook) -> Shown:
    return Shown(cell.get("outputs", ()), cell.get("execution_count"))


def _same(one: Shown, other: Shown) -> bool:
    same_count = one.execution_count == other.execution_count
    return same_count and list(one.outputs) == list(other.outputs)
