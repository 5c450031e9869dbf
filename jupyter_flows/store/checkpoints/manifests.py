"""Manifests of checkpoints: what may stand in one, the seal on it, and what a sealed one says."""

import contextlib
import hmac
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from jupyter_flows.core import sizes
from jupyter_flows.core.canonical import canonical_json, sha256
from jupyter_flows.core.errors import CheckpointRefused, CheckpointUnusable
from jupyter_flows.core.model import Digest, Json, RunId
from jupyter_flows.store.checkpoints import hashes
from jupyter_flows.store.checkpoints.blobs import fault
from jupyter_flows.store.checkpoints.folder import (
    Layout,
    check_run,
    hex_of,
    sync_folder,
    write_durably,
)
from jupyter_flows.store.checkpoints.key import Key, key_to_write, read_key, seal

LARGEST = 64 << 20
"""The most bytes of a manifest; the content of variables is in its blobs."""

_Digits = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
_Size = Annotated[int, Meta(ge=0)]
_DIGITS_IN_BYTES = re.compile(rb"[0-9a-f]{64}")


class _Blob(Struct, frozen=True, kw_only=True):
    bytes: _Size
    sha256: _Digits | UnsetType = UNSET
    blake3: _Digits | UnsetType = UNSET

    def __post_init__(self) -> None:
        if (self.sha256 is UNSET) is (self.blake3 is UNSET):
            raise ValueError("a blob has one hash, sha256 or blake3")

    @property
    def name(self) -> str:
        return self.sha256 or f"{hashes.BLAKE3}{self.blake3}"


class _Stream(_Blob, frozen=True, kw_only=True):
    names: list[str]


class _Kernel(Struct, frozen=True):
    streams: Annotated[list[_Stream], Meta(max_length=2)]
    blobs: list[_Blob]


class _Manifest(Struct, frozen=True):
    """What we rely on; the rest is the kernel's, and is kept as it is."""

    format: Literal[1]
    run: str
    covers: list[str]
    kernel: _Kernel


@dataclass(frozen=True, slots=True)
class Part:
    """A blob of a checkpoint. `names` are the variables of a stream; a buffer has none."""

    blob: str
    bytes: int
    names: Sequence[str] = ()

    def __str__(self) -> str:
        what = f"the variables {', '.join(self.names)}" if self.names else "a buffer"
        return f"{what} ({sizes.shown(self.bytes)}, blob {self.blob})"


def parts(manifest: Mapping[str, Json], run: RunId) -> list[Part]:
    """The blobs that it names. Raises ValueError for what is no manifest of that run."""
    checked = msgspec.convert(manifest, _Manifest)
    if checked.run != run:
        raise ValueError(f"it is of the run {checked.run!r}")
    kernel = checked.kernel
    streams = [Part(stream.name, stream.bytes, stream.names) for stream in kernel.streams]
    return [*streams, *(Part(blob.name, blob.bytes) for blob in kernel.blobs)]


def digits_in(data: bytes) -> set[str]:
    """What may be the digits of a blob's name there, of whichever hash. It reads a damaged
    manifest, too, and parses nothing.
    """
    return {digits.decode() for digits in _DIGITS_IN_BYTES.findall(data)}


# ---------------------------------------------------------------- writing


def commit(layout: Layout, run: RunId, manifest: Mapping[str, Json], now: float) -> Digest:
    """Write it, durably, if all that it names is there. While `Layout.alone` holds.

    Raises CheckpointRefused and OSError.
    """
    body, named = written(run, manifest)
    folder = layout.manifests_of(run)
    _check_parts(layout, named)
    _sync_parts(layout, named)
    digest = sha256(body)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(layout.manifests)
    line = seal(key_to_write(layout), body)
    write_durably(folder / hex_of(digest), [line, b"\n", body], modified=now)
    return digest


def written(run: RunId, manifest: Mapping[str, Json]) -> tuple[bytes, list[Part]]:
    """The text of a manifest, and the blobs that it names. Raises CheckpointRefused."""
    with _refusing_what_is_invalid():
        check_run(run)
        named = parts(manifest, run)
        body = canonical_json(cast("Json", dict(manifest)))
    if len(body) > LARGEST:
        raise CheckpointRefused(
            f"The list of what is to be saved has {sizes.shown(len(body))}; the most is"
            f" {sizes.shown(LARGEST)}. Fewer variables can be saved."
        )
    return body, named


@contextlib.contextmanager
def _refusing_what_is_invalid() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise CheckpointRefused(
            f"What the kernel says that it saved can't be used: {error}"
        ) from None


def _check_parts(layout: Layout, named: Sequence[Part]) -> None:
    for part in named:
        wrong = fault(layout, part.blob, part.bytes)
        if wrong:
            raise CheckpointRefused(
                f"The kernel says that it saved {part}, but that {wrong}, in {layout.root}."
            )


def _sync_parts(layout: Layout, named: Sequence[Part]) -> None:
    """A kernel syncs what it writes; but not what another one has just put there."""
    for folder in {layout.blob(part.blob).parent for part in named} | {layout.blobs, layout.root}:
        sync_folder(folder)


# ---------------------------------------------------------------- reading


def read(layout: Layout, run: RunId, digest: Digest) -> tuple[Mapping[str, Json], list[Part]]:
    """The manifest, and the blobs that it names. Nothing of it is parsed before the seal is found
    to be ours. Raises CheckpointUnusable.
    """
    line, body = _sealed(layout, run, digest)
    key = Key(lambda: read_key(layout), str(layout.key))
    return opened(run, digest, line, body, key)


def opened(
    run: RunId, digest: Digest, line: bytes, body: bytes, key: Key
) -> tuple[Mapping[str, Json], list[Part]]:
    """As `read`, of what lies there: `line` is the seal, `body` what is sealed."""
    _verify(digest, line, body, key)
    try:
        manifest: Mapping[str, Json] = json.loads(body)
        return manifest, parts(manifest, run)
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointUnusable(
            f"The checkpoint {digest} of the run {run} can't be read by this version: {error}"
        ) from None


def _sealed(layout: Layout, run: RunId, digest: Digest) -> tuple[bytes, bytes]:
    """The seal and what is sealed."""
    try:
        path = layout.manifest(run, digest)
        with open(path, "rb", opener=_no_link) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise CheckpointUnusable(f"The checkpoint {path} is damaged: it is no file.")
            data = file.read(LARGEST + 100)
            if file.read(1):
                raise CheckpointUnusable(f"The checkpoint {path} is damaged: it is too large.")
            line, _, body = data.partition(b"\n")
    except ValueError as error:
        raise CheckpointUnusable(f"There can be no such checkpoint: {error}") from None
    except FileNotFoundError:
        what = f"The checkpoint {digest} of the run {run} is gone"
        if not layout.root.exists():
            what = f"The checkpoint folder {layout.root} is gone, and the run's checkpoint with it"
        raise CheckpointUnusable(f"{what}.") from None
    except OSError as error:
        raise CheckpointUnusable(
            f"The checkpoint {path} can't be read: {error.strerror}."
        ) from None
    return line, body


def _no_link(path: str, flags: int) -> int:
    """What a symbolic link leads to may be of somebody else, or never end."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _verify(digest: Digest, line: bytes, body: bytes, key: Key) -> None:
    """Raises CheckpointUnusable unless it is what was committed, and by us."""
    if not hmac.compare_digest(sha256(body), digest):
        raise CheckpointUnusable(
            f"The checkpoint {digest} is damaged: its file has another content than was written."
        )
    try:
        secret = key.read()
    except (OSError, ValueError):
        raise CheckpointUnusable(
            f"The key file of checkpoints {key.name} is gone, or damaged. Put back a copy of it."
        ) from None
    if not hmac.compare_digest(line, seal(secret, body)):
        raise CheckpointUnusable(
            f"The checkpoint {digest} was made with another key than the one in {key.name}, or"
            " its first line is damaged. If the key file was replaced, put back the older one."
        )


def check_there(layout: Layout, named: Sequence[Part]) -> None:
    """Raises CheckpointUnusable if a blob is not there, or has another size."""
    for part in named:
        try:
            wrong = fault(layout, part.blob, part.bytes)
        except OSError as error:
            wrong = f"can't be looked at: {error.strerror}"
        if wrong:
            unusable(part, wrong)


def unusable(part: Part, wrong: str) -> None:
    variable = part.names[0] if len(part.names) == 1 else None
    raise CheckpointUnusable(f"Of what was saved, {part} {wrong}.", variable)
