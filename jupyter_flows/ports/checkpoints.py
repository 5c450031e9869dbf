"""Where the saved variables of suspended runs lie: committed, verified, and collected again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from jupyter_flows.core.model import Digest, Json, RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointStorage:
    """A storage as fsspec has it: an address such as s3://bucket/prefix, and the `options` of its
    file system, which may hold secrets. `ticket` names what the server has put there for one save.
    """

    url: str
    options: Mapping[str, Json] = field(repr=False)
    ticket: str = ""


Where = str | CheckpointStorage
"""Where blobs lie for a kernel: a folder (absolute), or a storage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointPlace:
    """Where a kernel may write now: below `folder`, `limit_bytes` at most.

    `ticket` tells one save from another; it is the adapter's own.
    """

    folder: Where
    limit_bytes: int
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointUsage:
    """What the checkpoints take on disk. `runs` is by run, where what two share counts twice."""

    manifests: int
    blobs: int
    bytes: int
    runs: Mapping[RunId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What was removed."""

    manifests: int
    blobs: int
    bytes: int


class Checkpoints(Protocol):
    """A checkpoint is a manifest, and the blobs that it names, which the kernel wrote."""

    @property
    def folder(self) -> Where:
        """Where kernels read from."""

    @property
    def name(self) -> str:
        """Of that, for people."""

    async def verify(self, run: RunId, digest: Digest) -> None:
        """Read every byte. Raises CheckpointUnusable, which names what is damaged first."""

    async def usage(self) -> CheckpointUsage:
        """Raises CheckpointRefused if it can't be looked at."""

    async def place(self, run: RunId | None = None) -> CheckpointPlace:
        """Room for one more, until `commit` or `abandon`. What the `run` has saved before is not
        counted against it. Raises CheckpointRefused (the disk is nearly full, not writable).
        """

    async def abandon(self, place: CheckpointPlace) -> None:
        """Nothing will be committed of what was written there."""

    async def commit(
        self, run: RunId, place: CheckpointPlace, manifest: Mapping[str, Json]
    ) -> Digest:
        """Make it a checkpoint, durably: the only step that does. The digest names it.

        Raises CheckpointRefused: a blob is not there as the manifest says, or it can't be written.
        """

    async def manifest(self, run: RunId, digest: Digest) -> Mapping[str, Json]:
        """What was committed. Raises CheckpointUnusable: gone, damaged, or not written by us."""

    async def drop(self, run: RunId, keep: Collection[Digest] = ()) -> Collected:
        """Remove all that the run has but these; what can't be removed now is collected later.

        Raises CheckpointRefused for a folder that can't be used, as `collect` and `tidy` do.
        """

    async def runs(self) -> Collection[RunId]:
        """Those that have something here."""

    async def collect(self, live: Collection[RunId], unknown: Collection[RunId] = ()) -> Collected:
        """Remove what belongs to none of these, and is old enough not to be under way; what is of
        the unknown runs, which may be those of another store, when it is old indeed.
        """

    async def tidy(self) -> None:
        """Compress what has been at rest for a while."""
