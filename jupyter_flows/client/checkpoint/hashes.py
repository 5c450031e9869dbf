"""The name of a blob is the hash of its content, and says which hash: `blake3-` and 64 hex digits,
or for SHA-256 the digits alone.

BLAKE3 is several times as fast. A kernel whose Python lacks it names what it saves by SHA-256, and
loads what was saved so.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jupyter_flows.client.checkpoint.errors import CannotCheck

_BLAKE3 = "blake3"
_SHA256 = "sha256"
_PREFIXES = {_BLAKE3: "blake3-", _SHA256: ""}
_OF_NOTHING = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
"""BLAKE3 of no bytes. A file `blake3.py` of the user's says something else, or nothing."""

_LACKS_IT = (
    "The variables were saved under BLAKE3 hashes, and the Python of this kernel can't check them"
    " without the package blake3. Run `pip install blake3` in its environment ({}), and try again."
)

New = Callable[..., Any]
"""Begins a hash, as `hashlib.sha256` does."""


def best() -> New:
    """What this kernel names by."""
    return _blake3() or hashlib.sha256


def of(name: str) -> New:
    """What a blob of that name is checked by. Raises CannotCheck."""
    if not name.startswith(_PREFIXES[_BLAKE3]):
        return hashlib.sha256
    found = _blake3()
    if found is None:
        raise CannotCheck(_LACKS_IT.format(sys.prefix))
    return found


def name_from(hashed: Any) -> str:
    """The name of what went into that hash."""
    return _PREFIXES[hashed.name] + str(hashed.hexdigest())


def entry(name: str, size: int) -> dict[str, Any]:
    """How a manifest names a blob: {"blake3": "<hex>", "bytes": 5}, or with "sha256"."""
    kind = _BLAKE3 if name.startswith(_PREFIXES[_BLAKE3]) else _SHA256
    return {kind: name[len(_PREFIXES[kind]) :], "bytes": size}


def name_in(entry: Mapping[str, Any]) -> str:
    """The name that such an entry is of."""
    kind = _BLAKE3 if _BLAKE3 in entry else _SHA256
    return _PREFIXES[kind] + str(entry[kind])


def check_known(entries: Iterable[Mapping[str, Any]]) -> None:
    """Raises CannotCheck, if this kernel lacks the hash of one of them."""
    for each in entries:
        of(name_in(each))


def place(blobs: Path, name: str) -> Path:
    """The file: in the folder of those whose names begin as this does, as `ab` or `blake3-ab`."""
    return blobs / name[:-62] / name


def _blake3() -> New | None:
    """Asked for anew each time, where it is missing: it may have been installed meanwhile."""
    try:
        found: Any = importlib.import_module(_BLAKE3).blake3
        works = found(b"").hexdigest() == _OF_NOTHING and found(b"").name == _BLAKE3
    except Exception:  # noqa: BLE001 (whatever it is, it is not that package)
        return None
    return found if works else None
