"""Stored objects: what a key may be, what is said of one, and how a public address is signed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from jupyter_flows.core.canonical import length_prefixed
from jupyter_flows.core.errors import BadInput, LinkExpired, UnknownLink
from jupyter_flows.core.links import Keyring

DEFAULT = "_default_"
"""What the client package `wmill` calls the storage that has no name."""

RESERVED = ".objects"
"""The folder of a storage that no key is in: what is being written, and what is said of objects."""

EXPIRY, LEAST_EXPIRY, MOST_EXPIRY = 43_200, 60, 604_800
"""Seconds that a public address serves: by default, at least and at most, as in Windmill."""

MOST_KEY_BYTES = 1024
"""As in S3."""

_MOST_SAID = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:;[\x20-\x7e]*)?", re.ASCII)
_DISPOSITION = re.compile(r"(?:inline|attachment)(?:;[\x20-\x7e]*)?", re.ASCII | re.IGNORECASE)
_INERT = re.compile(
    r"image/(?:png|jpeg|gif|webp|avif|bmp)|audio/[\w.+-]+|video/[\w.+-]+|text/(?:plain|csv)"
    r"|application/(?:pdf|json)",
    re.ASCII | re.IGNORECASE,
)
"""Types that a browser may show in its own window: it runs nothing that stands in them."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_USE = "object"


@dataclass(frozen=True, slots=True)
class Said:
    """What its writer has said of an object: the headers that go with it."""

    content_type: str | None = None
    content_disposition: str | None = None


@dataclass(frozen=True, slots=True)
class StoredObject:
    """`size` in bytes, `modified` in seconds since 1970, None where the storage doesn't say."""

    key: str
    size: int
    modified: float | None = None
    said: Said = Said()


def checked_key(text: str) -> str:
    """The key of an object, as a path below its storage. One slash before it is left out, as
    Windmill does: its own examples have one. Raises BadInput for what would lead elsewhere.
    """
    key = text.removeprefix("/")
    shown = repr(text[:200])
    if not key:
        raise BadInput("The key of an object is empty.")
    if len(key.encode(errors="replace")) > MOST_KEY_BYTES:
        raise BadInput(f"The key of an object has at most {MOST_KEY_BYTES} bytes: {shown}…")
    if _CONTROL.search(key):
        raise BadInput(f"The key of an object has no control characters: {shown}")
    parts = key.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        raise BadInput(f"The parts of a key are not empty, '.' or '..': {shown}")
    if parts[0] == RESERVED:
        raise BadInput(f"No key begins with {RESERVED}/: {shown}")
    return key


def checked_said(content_type: str | None, disposition: str | None) -> Said:
    """Raises BadInput for what can't be a header."""
    _check("content_type", content_type, _TYPE, "a type as in text/csv")
    _check(
        "content_disposition", disposition, _DISPOSITION, "`inline` or `attachment; …`, in ASCII"
    )
    return Said(content_type, disposition)


def _check(name: str, said: str | None, allowed: re.Pattern[str], what: str) -> None:
    if said is not None and (len(said) > _MOST_SAID or not allowed.fullmatch(said)):
        raise BadInput(
            f"{name} must be {what}, of at most {_MOST_SAID} characters; it is {said[:100]!r}"
        )


def shown_as(said: Said) -> str:
    """The disposition with which an object is served: to be downloaded, unless its writer wants it
    shown and it is of a type that does nothing.
    """
    stored = said.content_disposition or "attachment"
    kind = (said.content_type or "").partition(";")[0].strip()
    if stored.lower().startswith("inline") and not _INERT.fullmatch(kind):
        return f"attachment{stored[len('inline') :]}"
    return stored


def byte_range(header: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one behind the last that a Range header asks for; None for all of
    it, as for what can't be read (RFC 9110). Raises ValueError for a range that the object lacks.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found.group(0) == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        begin, end = max(size - int(last), 0), size
    else:
        begin, end = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < begin:
            return None
    if begin >= end:
        raise ValueError(header)
    return begin, end


def expiry(asked: int | None) -> int:
    """In seconds, between what is allowed."""
    return min(max(EXPIRY if asked is None else asked, LEAST_EXPIRY), MOST_EXPIRY)


def presigned(keyring: Keyring, storage: str | None, key: str, expires: int) -> str:
    """The query of the public address of an object, until `expires` (seconds since 1970)."""
    token = keyring.sign(_USE, _signed(storage, key, expires))
    return urlencode({"expires": expires, "flow_token": token})


def check_presigned(
    keyring: Keyring, storage: str | None, key: str, *, expires: str, token: str, now: float
) -> None:
    """Raises UnknownLink for what we have not signed, LinkExpired."""
    if not re.fullmatch("[0-9]{1,12}", expires):
        raise UnknownLink
    if keyring.unsign(_USE, token) != _signed(storage, key, int(expires)):
        raise UnknownLink
    if now >= int(expires):
        raise LinkExpired


def _signed(storage: str | None, key: str, expires: int) -> bytes:
    fields: Iterable[str] = (storage or DEFAULT, key, str(expires))
    return length_prefixed(field.encode() for field in fields)
