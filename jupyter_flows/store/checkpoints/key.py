"""The key that seals the manifests of checkpoints; no kernel is told it."""

import contextlib
import hashlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jupyter_flows.core.errors import CheckpointRefused
from jupyter_flows.store.checkpoints.folder import Layout, sync_folder
from jupyter_flows.store.private import write_private

_BYTES = 32


class Key(NamedTuple):
    """What manifests are sealed with. `read` raises OSError and ValueError; `name` says where a
    person finds it.
    """

    read: Callable[[], bytes]
    name: str


def make_key(layout: Layout) -> None:
    """Where there is none. While `Layout.alone` holds. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        if layout.key.stat().st_mode & 0o077:
            layout.key.chmod(0o600)
        return
    write_private(layout.key, secrets.token_bytes(_BYTES).hex() + "\n", first=True)
    sync_folder(layout.root)


def read_key(layout: Layout) -> bytes:
    """Raises OSError, and ValueError for a file that holds no key."""
    return _parsed(layout.key)


def _parsed(path: Path) -> bytes:
    key = bytes.fromhex(path.read_text("ascii"))
    if len(key) != _BYTES:
        raise ValueError(f"{len(key)} bytes instead of {_BYTES}")
    return key


def key_to_write(layout: Layout) -> bytes:
    """Raises OSError, and CheckpointRefused for a file that holds no key."""
    try:
        return read_key(layout)
    except ValueError:
        raise CheckpointRefused(
            f"The key file of checkpoints {layout.key} is damaged. Put back a copy of it. Moved"
            " away, a new key is made, and what was saved before can't be restored."
        ) from None


def shared_key(secret: str, path: Path) -> Key:
    """For a storage, in which it does not lie: of all servers that have this secret, or else from
    a file, which is made where there is none.
    """
    if secret:
        key = hmac.new(secret.encode(), b"jupyter_flows checkpoints", hashlib.sha256).digest()
        return Key(lambda: key, "FlowsApp.deployment_key")
    return Key(lambda: _from_file(path), str(path))


def _from_file(path: Path) -> bytes:
    if not path.exists():
        write_private(path, secrets.token_bytes(_BYTES).hex() + "\n", first=True)
    return _parsed(path)


def seal(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode()
