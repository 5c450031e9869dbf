"""Saved variables of suspended runs in a folder; what touches the disk is done in a thread."""

import asyncio
import itertools
import logging
import os
import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from jupyter_flows.core.model import Digest, Json, RunId
from jupyter_flows.ports import CheckpointPlace, CheckpointUsage, Clock, Collected
from jupyter_flows.store.checkpoints import collecting, manifests
from jupyter_flows.store.checkpoints.blobs import damage
from jupyter_flows.store.checkpoints.folder import Layout, refusing
from jupyter_flows.store.checkpoints.key import make_key
from jupyter_flows.store.checkpoints.space import Limits, make_private, room, usage
from jupyter_flows.store.checkpoints.tidying import Tidier, be_patient

T = TypeVar("T")


class CheckpointFolder:
    """Implements `ports.Checkpoints`. Several servers may have the same folder.

    A save is under way from its `place` to its `commit` or `abandon`, or to the end of the process.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        compress_after: float | None,
        *,
        clock: Clock,
        log: logging.Logger,
    ) -> None:
        """`compress_after` is in seconds; None never compresses."""
        self._layout = Layout(folder.absolute())
        self._limits = limits
        self._compress_after = compress_after
        self._clock = clock
        self._log = log
        self._tidier = Tidier(self._layout, log)
        self._tidies = asyncio.Lock()
        self._saves: dict[str, int] = {}
        self._numbers = itertools.count()

    @property
    def folder(self) -> str:
        return str(self._layout.root)

    @property
    def name(self) -> str:
        return self.folder

    # ------------------------------------------------------------ saving

    async def place(self, run: RunId | None = None) -> CheckpointPlace:
        placing = asyncio.ensure_future(asyncio.to_thread(self._place, run))
        try:
            return await asyncio.shield(placing)
        except asyncio.CancelledError:
            placing.add_done_callback(self._give_back)
            raise

    def _place(self, run: RunId | None) -> CheckpointPlace:
        layout = self._layout
        with refusing(layout.root):
            make_private(layout, self._log)
            with layout.alone():
                make_key(layout)
            limit = room(layout, self._limits, run)
            ticket = str(next(self._numbers))
            self._saves[ticket] = layout.begin_save()
        return CheckpointPlace(folder=str(layout.root), limit_bytes=limit, ticket=ticket)

    def _give_back(self, placing: "asyncio.Future[CheckpointPlace]") -> None:
        if not placing.cancelled() and not placing.exception():
            self._end_save(placing.result())

    def _end_save(self, place: CheckpointPlace) -> None:
        handle = self._saves.pop(place.ticket, None)
        if handle is not None:
            os.close(handle)

    async def abandon(self, place: CheckpointPlace) -> None:
        self._end_save(place)

    async def commit(
        self, run: RunId, place: CheckpointPlace, manifest: Mapping[str, Json]
    ) -> Digest:
        return await asyncio.to_thread(self._commit, run, place, manifest)

    def _commit(self, run: RunId, place: CheckpointPlace, manifest: Mapping[str, Json]) -> Digest:
        try:
            with refusing(self._layout.root), self._layout.alone():
                return manifests.commit(self._layout, run, manifest, self._clock())
        finally:
            self._end_save(place)

    # ------------------------------------------------------------ reading

    async def manifest(self, run: RunId, digest: Digest) -> Mapping[str, Json]:
        return await asyncio.to_thread(self._manifest, run, digest)

    def _manifest(self, run: RunId, digest: Digest) -> Mapping[str, Json]:
        manifest, parts = manifests.read(self._layout, run, digest)
        manifests.check_there(self._layout, parts)
        return manifest

    async def verify(self, run: RunId, digest: Digest) -> None:
        """Read every byte of the checkpoint. Raises CheckpointUnusable, which names what is damaged
        first.
        """
        stop = threading.Event()
        try:
            await asyncio.to_thread(self._verify, run, digest, stop.is_set)
        finally:
            stop.set()

    def _verify(self, run: RunId, digest: Digest, stop: Callable[[], bool]) -> None:
        _, parts = manifests.read(self._layout, run, digest)
        for part in parts:
            wrong = damage(self._layout, part.blob, part.bytes, stop)
            if wrong:
                manifests.unusable(part, wrong)

    async def usage(self) -> CheckpointUsage:
        """Raises CheckpointRefused if the folder can't be read."""
        return await self._refusing(lambda: usage(self._layout))

    async def runs(self) -> Collection[RunId]:
        return await self._refusing(
            lambda: {RunId(run) for run, _ in self._layout.manifest_files()}
        )

    # ------------------------------------------------------------ removing

    async def drop(self, run: RunId, keep: Collection[Digest] = ()) -> Collected:
        return await self._removing(lambda: collecting.drop(self._layout, run, keep))

    async def collect(self, live: Collection[RunId], unknown: Collection[RunId] = ()) -> Collected:
        return await self._removing(
            lambda: collecting.collect(self._layout, live, unknown, self._clock())
        )

    async def _removing(self, remove: Callable[[], Collected]) -> Collected:
        def alone() -> Collected:
            if not self._layout.root.exists():
                return Collected(manifests=0, blobs=0, bytes=0)
            with self._layout.alone():
                return remove()

        return await self._refusing(alone)

    async def _refusing(self, work: Callable[[], T]) -> T:
        def refused() -> T:
            with refusing(self._layout.root):
                return work()

        return await asyncio.to_thread(refused)

    # ------------------------------------------------------------ compressing

    async def tidy(self) -> None:
        """Raises CheckpointRefused when the disk is full. Cancelled, it ends within a moment."""
        if self._compress_after is None or not self._layout.root.exists():
            return
        before = self._clock() - self._compress_after
        stop = threading.Event()
        async with self._tidies:
            thread = ThreadPoolExecutor(1, "compress checkpoints", initializer=be_patient)
            try:
                with refusing(self._layout.root):
                    work = thread.submit(self._tidier.tidy, before, stop.is_set)
                    await asyncio.wrap_future(work)
            finally:
                stop.set()
                thread.shutdown(wait=False)
