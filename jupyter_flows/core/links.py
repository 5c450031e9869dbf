"""Signed tokens: what a link claims, and whether one of our keys signed it (G31).

A token is `<claims>.<signature>`, both base64url. It says nothing that isn't signed, and knowing it
is all that its holder needs; so it is never stored, never logged and never put into a path. Whether
a genuine link still counts (revoked, expired, superseded) is for `policy` to say.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from itsdangerous import BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from jupyter_flows.core.canonical import length_prefixed
from jupyter_flows.core.errors import UnknownLink
from jupyter_flows.core.model import Link, LinkId, Purpose, RunId, StepId

MIN_KEY_BYTES = 32
MAX_TOKEN_CHARS = 2048
"""Longer ones are refused before anything looks into them."""

_FIELDS = 7


class WeakKeyError(ValueError):
    """A signing key is empty or shorter than 32 bytes."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `gate` None is flow-level; `expires_at` None is the gate's deadline."""

    purpose: Purpose
    run: RunId
    gate: StepId | None
    generation: int
    link: LinkId
    approver: str | None
    expires_at: float | None


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """Signing keys, oldest to newest: all verify, the newest signs (G31).

    Raises WeakKeyError when there is none or one is short.
    """

    keys: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise WeakKeyError("there is no signing key")
        for number, key in enumerate(self.keys, 1):
            if len(key) < MIN_KEY_BYTES:
                raise WeakKeyError(
                    f"signing key {number} has {len(key)} bytes, not {MIN_KEY_BYTES} or more"
                )

    def _signer(self, use: str) -> Signer:
        return Signer(
            list(self.keys),
            salt=f"jupyter_flows {use}",
            key_derivation="hmac",
            digest_method=hashlib.sha256,
        )

    def sign(self, use: str, data: bytes) -> str:
        """A token over the data; a token of one use never verifies for another."""
        return self._signer(use).sign(base64_encode(data)).decode("ascii")

    def unsign(self, use: str, token: str) -> bytes:
        """The data of a genuine token. Raises UnknownLink for any other, without saying why."""
        if not token or len(token) > MAX_TOKEN_CHARS or not token.isascii():
            raise UnknownLink
        try:
            data = base64_decode(self._signer(use).unsign(token))
        except (BadSignature, ValueError):
            raise UnknownLink from None
        _, _, signature = token.rpartition(".")
        if not _is_canonical(signature):
            raise UnknownLink
        return data


def _is_canonical(signature: str) -> bool:
    """Whether base64 has only this way to write the signature: its spare bits are zero."""
    try:
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    except (binascii.Error, ValueError):
        return False
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") == signature


def claims_of(run: RunId, link: Link, purpose: Purpose) -> Claims:
    return Claims(purpose, run, link.gate, link.generation, link.id, link.approver, link.expires_at)


def write(keyring: Keyring, claims: Claims) -> str:
    """The token of these claims; the same for the same key, so it need not be stored."""
    fields: Sequence[str | None] = (
        claims.purpose,
        claims.run,
        claims.gate,
        str(claims.generation),
        claims.link,
        claims.approver,
        None if claims.expires_at is None else repr(claims.expires_at),
    )
    return keyring.sign(claims.purpose, length_prefixed(map(_field, fields)))


def _field(value: str | None) -> bytes:
    """Absent and empty are written apart."""
    return b"" if value is None else b"=" + value.encode()


def read(keyring: Keyring, purpose: Purpose, token: str) -> Claims:
    """The claims of a genuine token of this purpose. Raises UnknownLink for any other (G35)."""
    said = _split(keyring.unsign(purpose, token))
    run, gate, generation, link, approver, expires_at = said[1:]
    if said[0] != purpose or run is None or link is None or generation is None:
        raise UnknownLink
    return Claims(
        purpose,
        RunId(run),
        None if gate is None else StepId(gate),
        int(generation),
        LinkId(link),
        approver,
        None if expires_at is None else float(expires_at),
    )


def _split(data: bytes) -> list[str | None]:
    fields: list[str | None] = []
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        field = data[4:end]
        fields.append(field[1:].decode() if field else None)
        data = data[end:]
    if len(fields) != _FIELDS:
        raise UnknownLink
    return fields


_KERNEL = "kernel token"


class KernelToken(NamedTuple):
    """`expires_at` in seconds since 1970; None: it is good for as long as the run."""

    run: RunId
    expires_at: float | None


def kernel_token(keyring: Keyring, run: RunId, expires_at: float | None = None) -> str:
    """What the code of this run's kernel shows to the server. It never votes (G46)."""
    until = "" if expires_at is None else f" {expires_at!r}"
    return keyring.sign(_KERNEL, f"{run}{until}".encode())


@lru_cache(maxsize=1024)
def read_kernel_token(keyring: Keyring, token: str) -> KernelToken:
    """The run whose kernel holds this token. Raises UnknownLink for any that we didn't sign.

    Remembered: a cell asks many times with one token, and to verify it is most of what that costs.
    """
    run, _, until = keyring.unsign(_KERNEL, token).decode().partition(" ")
    return KernelToken(RunId(run), float(until) if until else None)
