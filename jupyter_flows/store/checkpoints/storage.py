"""Saved variables of suspended runs in a storage of fsspec, which servers and kernels share.

There are no locks in a bucket. Two kinds of marks take their place, and each is put there before
one looks for the other: a save under way has one below `saving/`, a collection one below
`collecting/`. So of a save and a collection that begin at one time, at least one sees the other.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar

from jupyter_flows.core import sizes
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.errors import (
    CheckpointRefused,
    CheckpointUnusable,
    StorageUnavailable,
)
from jupyter_flows.core.model import Digest, Json, RunId
from jupyter_flows.ports import (
    CheckpointPlace,
    CheckpointStorage,
    CheckpointUsage,
    Collected,
)
from jupyter_flows.store.checkpoints import hashes, manifests
from jupyter_flows.store.checkpoints.bucket import Bucket, Found, at_once
from jupyter_flows.store.checkpoints.collecting import SIXTY_DAYS
from jupyter_flows.store.checkpoints.folder import HOUR, check_run, hex_of
from jupyter_flows.store.checkpoints.key import Key, seal
from jupyter_flows.store.checkpoints.listing import Listing, is_old

T = TypeVar("T")

LONGEST_SAVE = HOUR
"""A save that takes longer is refused: its mark counts for twice as long, and no longer."""

LONGEST_COLLECTION = 0.5 * HOUR
"""After this a collection removes nothing any more: its mark, too, counts for twice as long."""

WAITS = 60.0
"""Seconds that a save waits for a collection, and a collection for the saves under way."""

_PAUSE = 0.5
_PIECE = 16 << 20


class CheckpointBucket:
    """Implements `ports.Checkpoints`. Nothing is compressed in a storage.

    `key` seals the manifests; it is not in the storage, so no kernel can read it there.
    """

    def __init__(
        self,
        url: str,
        options: Mapping[str, Any],
        key: Key,
        *,
        max_bytes: int,
        budget: int,
        log: logging.Logger,
    ) -> None:
        """`max_bytes` is for one checkpoint, `budget` for all, 0 for no limit."""
        self._bucket = Bucket(url, options)
        self._key = key
        self._max_bytes = max_bytes
        self._budget = budget
        self._log = log
        self._begun: dict[str, float] = {}
        self._listing = Listing(self._bucket)

    @property
    def name(self) -> str:
        return self._bucket.url

    @property
    def folder(self) -> CheckpointStorage:
        return CheckpointStorage(url=self._bucket.url, options=self._bucket.options)

    # ------------------------------------------------------------ saving

    async def place(self, run: RunId | None = None) -> CheckpointPlace:
        placing = asyncio.ensure_future(_in_thread(self._place, run))
        try:
            return await asyncio.shield(placing)
        except asyncio.CancelledError:
            placing.add_done_callback(self._give_back)
            raise

    def _place(self, run: RunId | None) -> CheckpointPlace:
        with _refusing():
            mark = self._begin_save()
            try:
                limit = self._room(run)
            except BaseException:
                self._bucket.remove(mark.key)
                raise
        ticket = mark.key.rpartition("/")[2]
        self._begun[ticket] = time.monotonic()
        where = CheckpointStorage(url=self._bucket.url, options=self._bucket.options, ticket=ticket)
        return CheckpointPlace(folder=where, limit_bytes=limit, ticket=ticket)

    def _begin_save(self) -> Found:
        """The mark of a save, put there while no collection is under way. It is taken away while
        one is waited for, since that waits for saves.
        """
        end = time.monotonic() + WAITS
        while True:
            mark = self._bucket.mark("saving")
            try:
                collections = self._collections(mark)
            except BaseException:
                self._bucket.remove(mark.key)
                raise
            if not collections:
                return mark
            self._bucket.remove(mark.key)
            while collections:
                if time.monotonic() > end:
                    raise CheckpointRefused(
                        f"What is of no use any more is being removed from {self.name}, and takes"
                        " long."
                    )
                time.sleep(_PAUSE)
                collections = self._collections(mark)

    def _collections(self, mark: Found) -> list[Found]:
        return self._listing.marks("collecting", mark, 2 * LONGEST_COLLECTION)

    def _room(self, run: RunId | None) -> int:
        """How many bytes the next checkpoint may have, as `space.room` has it."""
        if not self._budget:
            return self._max_bytes
        left = self._budget - self._listing.usage().bytes + (self._newest_size(run) if run else 0)
        if left <= 0:
            raise CheckpointRefused(
                f"The checkpoints in {self.name} may have {sizes.shown(self._budget)} in all"
                " (FlowsApp.checkpoint_budget), and have them. Raise the setting, or end runs that"
                " wait."
            )
        return min(self._max_bytes, left)

    def _newest_size(self, run: RunId) -> int:
        mine = [found for of, found in self._listing.manifests() if of == run]
        newest = max(mine, key=lambda found: found.modified or 0.0, default=None)
        if newest is None:
            return 0
        try:
            _, parts = self._read(run, Digest(f"sha256:{newest.key.rpartition('/')[2]}"))
        except CheckpointUnusable:
            return 0
        return sum({part.blob: part.bytes for part in parts}.values())

    def _give_back(self, placing: "asyncio.Future[CheckpointPlace]") -> None:
        if not placing.cancelled() and not placing.exception():
            ticket = placing.result().ticket
            asyncio.get_running_loop().run_in_executor(None, self._end_save, ticket)

    def _end_save(self, ticket: str) -> None:
        if self._begun.pop(ticket, None) is None:
            return
        try:
            self._bucket.remove(f"saving/{ticket}")
        except StorageUnavailable as error:
            self._log.warning("A mark is left below saving/, and counts for a while: %s", error)

    async def abandon(self, place: CheckpointPlace) -> None:
        await _in_thread(self._end_save, place.ticket)

    async def commit(
        self, run: RunId, place: CheckpointPlace, manifest: Mapping[str, Json]
    ) -> Digest:
        return await _in_thread(self._commit, run, place, manifest)

    def _commit(self, run: RunId, place: CheckpointPlace, manifest: Mapping[str, Json]) -> Digest:
        """The manifest is written last; what is written in one request is there as a whole."""
        begun = self._begun.get(place.ticket)
        try:
            if begun is None or time.monotonic() > begun + LONGEST_SAVE:
                raise CheckpointRefused(f"Saving took longer than {LONGEST_SAVE:g} s.")
            body, named = manifests.written(run, manifest)
            digest = sha256(body)
            key = _key_of(run, digest)
            with _refusing():
                for part, wrong in zip(named, at_once(self._fault, named), strict=True):
                    if wrong:
                        raise CheckpointRefused(
                            f"The kernel says that it saved {part}, but that {wrong}, in"
                            f" {self.name}."
                        )
                line = seal(self._secret(), body)
                self._bucket.write(key, line + b"\n" + body)
            return digest
        finally:
            self._end_save(place.ticket)

    def _secret(self) -> bytes:
        try:
            return self._key.read()
        except (OSError, ValueError) as error:
            raise CheckpointRefused(
                f"The key of checkpoints {self._key.name} can't be read: {error}"
            ) from None

    def _fault(self, part: manifests.Part) -> str:
        found = self._bucket.look(_blob(part.blob))
        if found is None:
            return "is not there"
        return "" if found.size == part.bytes else f"has {found.size} bytes, not {part.bytes}"

    # ------------------------------------------------------------ reading

    async def manifest(self, run: RunId, digest: Digest) -> Mapping[str, Json]:
        return await _in_thread(self._manifest, run, digest)

    def _manifest(self, run: RunId, digest: Digest) -> Mapping[str, Json]:
        manifest, parts = self._read(run, digest)
        for part, wrong in zip(parts, at_once(self._fault, parts), strict=True):
            if wrong:
                manifests.unusable(part, wrong)
        return manifest

    def _read(self, run: RunId, digest: Digest) -> tuple[Mapping[str, Json], list[manifests.Part]]:
        try:
            key = _key_of(run, digest)
            data = self._bucket.read(key, end=manifests.LARGEST + 100)
        except ValueError as error:
            raise CheckpointUnusable(f"There can be no such checkpoint: {error}") from None
        except FileNotFoundError:
            raise CheckpointUnusable(
                f"The checkpoint {digest} of the run {run} is gone from {self.name}."
            ) from None
        line, _, body = data.partition(b"\n")
        return manifests.opened(run, digest, line, body, self._key)

    async def verify(self, run: RunId, digest: Digest) -> None:
        await _in_thread(self._verify, run, digest)

    def _verify(self, run: RunId, digest: Digest) -> None:
        _, parts = self._read(run, digest)
        for part in parts:
            wrong = self._fault(part) or self._damage(part)
            if wrong:
                manifests.unusable(part, wrong)

    def _damage(self, part: manifests.Part) -> str:
        hashed = hashes.new(part.blob)
        try:
            for start in range(0, part.bytes, _PIECE):
                end = min(part.bytes, start + _PIECE)
                hashed.update(self._bucket.read(_blob(part.blob), start, end))
        except FileNotFoundError:
            return "is not there"
        whole = hashes.matches(part.blob, hashed)
        return "" if whole else "has another content than was saved"

    async def usage(self) -> CheckpointUsage:
        return await _in_thread(_refused, self._listing.usage)

    async def runs(self) -> Collection[RunId]:
        return {run for run, _ in await _in_thread(_refused, self._listing.manifests)}

    # ------------------------------------------------------------ removing

    async def drop(self, run: RunId, keep: Collection[Digest] = ()) -> Collected:
        """The blobs go at the next collection: to find out who else has them, all manifests have
        to be read.
        """
        return await _in_thread(_refused, self._drop, run, keep)

    def _drop(self, run: RunId, keep: Collection[Digest]) -> Collected:
        kept = {_key_of(run, digest) for digest in keep}
        dead = [each for each in self._bucket.list(_folder_of(run)) if each.key not in kept]
        gone = self._remove(dead, time.monotonic() + LONGEST_COLLECTION)
        return Collected(manifests=len(gone), blobs=0, bytes=sum(each.size for each in gone))

    async def collect(self, live: Collection[RunId], unknown: Collection[RunId] = ()) -> Collected:
        return await _in_thread(_refused, self._collect, set(live), set(unknown))

    def _collect(self, live: Collection[RunId], unknown: Collection[RunId]) -> Collected:
        until = time.monotonic() + LONGEST_COLLECTION
        mark = self._bucket.mark("collecting")
        try:
            dead = [
                found
                for run, found in self._listing.manifests()
                if run not in live and is_old(found, mark, SIXTY_DAYS if run in unknown else HOUR)
            ]
            lists = self._remove(dead, until)
            loose = self._listing.loose(mark, 2 * LONGEST_SAVE) if self._is_alone(mark) else []
            blobs = self._remove(loose, until)
        finally:
            self._bucket.remove(mark.key)
        return Collected(
            manifests=len(lists),
            blobs=len(blobs),
            bytes=sum(each.size for each in (*lists, *blobs)),
        )

    def _is_alone(self, mark: Found) -> bool:
        """Whether no save is under way, and nobody else collects."""
        end = time.monotonic() + WAITS
        while not (others := self._collections(mark)):
            if not self._listing.marks("saving", mark, 2 * LONGEST_SAVE):
                return True
            if time.monotonic() > end:
                break
            time.sleep(_PAUSE)
        self._log.info("No saved variables are removed now: %s", "others do" if others else "saves")
        return False

    def _remove(self, found: Collection[Found], until: float) -> list[Found]:
        """Those that were there. A collection that has taken long leaves the rest to the next."""

        def gone(each: Found) -> bool:
            return time.monotonic() < until and self._bucket.remove(each.key)

        return [each for each, was in zip(found, at_once(gone, found), strict=True) if was]

    async def tidy(self) -> None:
        """Nothing: a storage is not compressed."""


def _blob(name: str) -> str:
    return f"blobs/{hashes.shard(name)}/{name}"


def _folder_of(run: RunId) -> str:
    """Raises ValueError for what is no id of a run."""
    check_run(run)
    return f"manifests/{run}"


def _key_of(run: RunId, digest: Digest) -> str:
    """Raises ValueError for what is no id of a run, or no digest."""
    return f"{_folder_of(run)}/{hex_of(digest)}"


async def _in_thread(call: Callable[..., T], *args: Any) -> T:
    return await asyncio.to_thread(call, *args)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except StorageUnavailable as error:
        raise CheckpointRefused(str(error)) from error


def _refused(call: Callable[..., T], *args: Any) -> T:
    with _refusing():
        return call(*args)
