"""The keys of all servers on one database, in its table `keys`, encrypted with the deployment key.

Four kinds, each as its file would be on one machine: those that sign links, those that sign
receipts, those that encrypt variables, and those that sign webhooks. Each server holds them in
memory, and reads them anew when another one says that they have changed. A new key of links
verifies everywhere before it signs anywhere.

What decrypts takes 8 MiB, so it is loaded with the first key that is needed. Whether the deployment
key is the right one, the standard library can tell.
"""

import binascii
import functools
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from jupyter_flows.core.errors import BadInput, KeyUnusable, VariablesLocked
from jupyter_flows.core.links import Keyring
from jupyter_flows.core.webhooks import secret_of
from jupyter_flows.ports import Clock, SigningKey
from jupyter_flows.store import tables
from jupyter_flows.store.postgres.servers import NOW, SqlServers
from jupyter_flows.store.webhook_secrets import OVERLAP_SECONDS

if TYPE_CHECKING:
    from cryptography.fernet import Fernet, MultiFernet
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LINK: Final = "link"
RECEIPT: Final = "receipt"
VARIABLE: Final = "variable"
WEBHOOK: Final = "webhook"

SPREAD_SECONDS = 15.0
"""How long a new key of links only verifies: by then every server knows it, or is dead."""

LEAST_CHARACTERS = 32

_INFO = b"jupyter_flows keys in the database"
_MAC_BYTES = 32

_LOCK = 0x6A66_6B65_7973
"""Of PostgreSQL's advisory locks: who makes a key has it."""

_C = tables.keys.c


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """`value` is as it was put in; it signs from `signs_at` on (POSIX seconds)."""

    id: int
    value: bytes
    signs_at: float


class Sealer:
    """Encrypts with a deployment key. Raises BadInput for one that can't be one, KeyUnusable for
    one with which what it opens was not encrypted.
    """

    def __init__(self, deployment_key: str) -> None:
        if len(deployment_key) < LEAST_CHARACTERS:
            raise BadInput(
                "FlowsApp.deployment_key (or $JUPYTER_FLOWS_DEPLOYMENT_KEY) must be the secret that"
                f" all servers on the database share, of {LEAST_CHARACTERS} characters or more; it"
                f" has {len(deployment_key)}. Make one with: openssl rand -hex 32"
            )
        self._key = derived(deployment_key)

    @functools.cached_property
    def _fernet(self) -> "Fernet":
        from cryptography.fernet import Fernet  # noqa: PLC0415 (large)

        return Fernet(urlsafe_b64encode(self._key))

    def sealed(self, value: bytes) -> bytes:
        return self._fernet.encrypt(value)

    def check(self, value: bytes) -> None:
        """Raises KeyUnusable unless it can be opened: a Fernet token ends with the HMAC of what
        stands before, by the first half of the key.
        """
        try:
            raw = urlsafe_b64decode(bytes(value))
        except binascii.Error:
            raw = b""
        signed, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not hmac.compare_digest(hmac.digest(self._key[:16], signed, "sha256"), mac):
            raise _another()

    def opened(self, value: bytes) -> bytes:
        from cryptography.fernet import InvalidToken  # noqa: PLC0415

        try:
            return self._fernet.decrypt(bytes(value))
        except InvalidToken:
            raise _another() from None


def derived(deployment_key: str) -> bytes:
    """32 bytes, by HKDF with SHA-256 (RFC 5869) and no salt."""
    pseudorandom = hmac.digest(bytes(_MAC_BYTES), deployment_key.encode(), "sha256")
    return hmac.digest(pseudorandom, _INFO + b"\x01", "sha256")


def _another() -> KeyUnusable:
    return KeyUnusable(
        "The keys in the database were encrypted with another deployment key than"
        " FlowsApp.deployment_key here. All servers on one database have the same."
    )


class KeyTable:
    """The rows, each decrypted when a key of its kind is asked for. Raises what `Sealer` does."""

    def __init__(self, servers: SqlServers, deployment_key: str, clock: Clock) -> None:
        self._servers = servers
        self._sealer = Sealer(deployment_key)
        self._sealed: dict[str, list[Key]] = {}
        self._keys: dict[str, list[Key]] = {}
        self.clock = clock
        self.refresh()

    def refresh(self) -> None:
        """Read them anew. Blocks; raises StoreUnavailable, KeyUnusable."""
        query = sa.select(_C.kind, _C.id, _C.value, _C.signs_at).order_by(_C.id)
        found: dict[str, list[Key]] = {}
        for kind, number, value, signs_at in self._servers.select(query, tuple):
            self._sealer.check(value)
            found.setdefault(kind, []).append(Key(number, value, signs_at))
        self._sealed, self._keys = found, {}

    def of(self, kind: str) -> list[Key]:
        """The oldest first."""
        opened, sealed = self._keys, self._sealed.get(kind, [])
        if kind not in opened:
            opened[kind] = [replace(key, value=self._sealer.opened(key.value)) for key in sealed]
        return opened[kind]

    def first(self, kind: str, new: Callable[[], bytes]) -> None:
        """Put a new one in if there is none of its kind yet, whichever server comes first."""
        if not self._sealed.get(kind):
            self._put(kind, new(), keep=None, only_first=True)

    def add(self, kind: str, value: bytes, *, keep: int | None = None, after: float = 0.0) -> None:
        """One more, which signs in `after` seconds; of the older ones so many stay that `keep`
        remain in all.
        """
        self._put(kind, value, keep=keep, after=after)

    def _put(
        self,
        kind: str,
        value: bytes,
        *,
        keep: int | None,
        after: float = 0.0,
        only_first: bool = False,
    ) -> None:
        mine = sa.select(_C.id).where(_C.kind == kind).order_by(_C.id.desc())
        with self._servers.reached() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            if not (only_first and connection.execute(mine).first()):
                row = {"kind": kind, "value": self._sealer.sealed(value)}
                times = {"created_at": NOW, "signs_at": NOW + after}
                connection.execute(sa.insert(tables.keys).values(**row, **times))
            if keep is not None:
                kept = mine.limit(keep)
                gone = sa.delete(tables.keys).where(_C.kind == kind, _C.id.not_in(kept))
                connection.execute(gone)
        self.refresh()


class LinkKeys:
    """As `KeyFile`, of all servers together (G31)."""

    def __init__(self, table: KeyTable) -> None:
        self._table = table
        table.first(LINK, _secret)

    def __call__(self) -> Keyring:
        keys = self._table.of(LINK)
        now = self._table.clock()
        signing = [key for key in keys if key.signs_at <= now] or keys[-1:]
        waiting = [key for key in keys if key not in signing]
        return Keyring(tuple(key.value for key in (*waiting, *signing)))

    def rotate(self, keep: int) -> int:
        """Add a new key, which signs as soon as every server knows it, and drop the oldest so that
        `keep` remain; how many there are.
        """
        keep = max(keep, 1)
        after = SPREAD_SECONDS if keep > 1 else 0.0
        self._table.add(LINK, _secret(), keep=keep, after=after)
        return len(self._table.of(LINK))


def _secret() -> bytes:
    return secrets.token_bytes(32)


class TableReceiptKeys:
    """Implements `ports.ReceiptKeys`: of all servers together (G71). Of keys that sign no more the
    private ones stay, encrypted; of those that came from a file there is only the public one.
    """

    def __init__(self, table: KeyTable) -> None:
        self._table = table
        table.first(RECEIPT, _new_private)

    def newest(self) -> SigningKey:
        from jupyter_flows.core import signature  # noqa: PLC0415 (large)

        key = _private(self._table.of(RECEIPT)[-1].value)
        public = key.public_key()
        sign = functools.partial(signature.sign, key)
        return SigningKey(signature.key_id(public), signature.pem_of(public), sign)

    def public_keys(self) -> Mapping[str, str]:
        from jupyter_flows.core import signature  # noqa: PLC0415

        pems = [signature.public_pem(key.value) for key in reversed(self._table.of(RECEIPT))]
        return {signature.key_id(signature.read_public(pem)): pem for pem in pems}

    def rotate(self) -> str:
        self._table.add(RECEIPT, _new_private())
        return self.newest().id


def _new_private() -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _private(pem: bytes) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_pem_private_key,
    )

    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable("A key of receipts in the database is not an Ed25519 key.")
    return key


class TableVariableKeys:
    """As `VariableKeys`, of all servers together."""

    def __init__(self, table: KeyTable) -> None:
        self._table = table

    def make(self) -> None:
        self._table.first(VARIABLE, lambda: urlsafe_b64encode(_secret()))

    def encrypt(self, text: str) -> bytes:
        """Raises VariablesLocked."""
        return self._current().encrypt(text.encode())

    def decrypt(self, data: bytes) -> str:
        """Raises VariablesLocked, also for what none of these keys has encrypted."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415

        try:
            return self._current().decrypt(data).decode()
        except InvalidToken:
            self._table.refresh()  # another server may have made the first key just now
        try:
            return self._current().decrypt(data).decode()
        except InvalidToken:
            raise _locked("none of them is the key that they were encrypted with") from None

    def _current(self) -> "MultiFernet":
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

        keys = self._table.of(VARIABLE)
        if not keys:
            self._table.refresh()
            keys = self._table.of(VARIABLE)
        if not keys:
            raise _locked("there is none")
        return MultiFernet([Fernet(key.value) for key in reversed(keys)])


class TableWebhookSecrets:
    """Implements `ports.WebhookSecrets`: of all servers together."""

    def __init__(self, table: KeyTable) -> None:
        self._table = table

    def signing(self, now: float) -> tuple[str, ...]:
        self._table.first(WEBHOOK, _secret)
        keys = self._table.of(WEBHOOK)
        ends = [after.signs_at + OVERLAP_SECONDS for after in keys[1:]]
        signing = [key for key, end in zip(keys, ends, strict=False) if now < end] + keys[-1:]
        return tuple(secret_of(key.value) for key in reversed(signing))

    def rotate(self, now: float) -> str:
        self.signing(now)
        self._table.add(WEBHOOK, _secret())
        return self.signing(now)[0]


def _locked(why: str) -> VariablesLocked:
    return VariablesLocked(
        f"The variables can't be decrypted with the keys in the database: {why}. Nothing but those"
        " keys brings the variables back. No new key is made while there are variables."
    )
