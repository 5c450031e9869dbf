"""One way to write a value as bytes, for whatever is hashed or signed."""

import hashlib
import json
from collections.abc import Iterable

from jupyter_flows.core.model import Digest, Json


def canonical_json(value: Json) -> bytes:
    """The value as UTF-8 JSON with sorted keys and no spaces. NaN and infinity raise ValueError."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def length_prefixed(fields: Iterable[bytes]) -> bytes:
    """Fields one after the other, each behind its length (4 bytes, big-endian): no two lists of
    fields write the same bytes (G31).
    """
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def sha256(data: bytes) -> Digest:
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def chained(previous: str, seq: int, at: float, kind: str, body: str) -> str:
    """The hash of a row of the log, over the row before it (G71)."""
    row = length_prefixed(part.encode() for part in (previous, str(seq), repr(at), kind, body))
    return hashlib.sha256(row).hexdigest()
