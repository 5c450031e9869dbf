"""The name of a blob is the hash of its content, and says which hash: `blake3-` and 64 hex digits,
or for SHA-256 the digits alone. Kernels that have no BLAKE3 use that.
"""

import hashlib
import re
from typing import Protocol

BLAKE3 = "blake3-"
PREFIXES = ("", BLAKE3)
NAME = re.compile(r"(?:blake3-)?[0-9a-f]{64}")
SHARD = re.compile(r"(?:blake3-)?[0-9a-f]{2}")
"""A folder of blobs: what their names begin with."""

_DIGITS = 64


class Hash(Protocol):
    """As hashlib's are."""

    def update(self, data: bytes, /) -> object: ...

    def hexdigest(self) -> str: ...


def new(name: str) -> Hash:
    """The hash that a blob of that name is checked by."""
    if not name.startswith(BLAKE3):
        return hashlib.sha256()
    from blake3 import blake3  # noqa: PLC0415 (needed by whoever reads or writes blobs)

    return blake3()


def matches(name: str, hashed: Hash) -> bool:
    """Whether what went into the hash, which is from `new`, is what the name is of."""
    return hashed.hexdigest() == digits(name)


def digits(name: str) -> str:
    return name[-_DIGITS:]


def shard(name: str) -> str:
    return name[: 2 - _DIGITS]
