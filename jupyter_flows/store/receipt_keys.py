"""The keys that sign receipts, as a private file: the private key, and the public keys of those
before it (G71).
"""

import functools
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from jupyter_flows.core import signature
from jupyter_flows.core.errors import KeyUnusable
from jupyter_flows.ports import SigningKey
from jupyter_flows.store.private import write_private

_HEADER = (
    "# Signs receipts: the private key, then the public keys of those before it, newest first.\n"
)


class ReceiptKeyFile:
    """Implements `ports.ReceiptKeys`. Makes the file, with a new key, if there is none; reads it
    anew at every use, so that a rotation needs no restart.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            self._write(Ed25519PrivateKey.generate(), [], first=True)

    def _write(
        self, key: Ed25519PrivateKey, older: list[Ed25519PublicKey], *, first: bool = False
    ) -> None:
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        text = _HEADER + private + "".join(map(signature.pem_of, older))
        try:
            write_private(self.path, text, first=first)
        except OSError as error:
            raise KeyUnusable(f"{self.path} can't be written: {error.strerror}") from None

    def _read(self) -> tuple[Ed25519PrivateKey, list[Ed25519PublicKey]]:
        try:
            private, *public = signature.blocks(self.path.read_text("ascii"))
            return _private(private), [signature.read_public(pem) for pem in public]
        except KeyUnusable as error:
            why = str(error)
        except (UnicodeDecodeError, ValueError):
            why = "it holds no key"
        except OSError as error:
            why = f"it can't be read: {error.strerror}"
        raise KeyUnusable(
            f"The key file of receipts {self.path} is damaged: {why}. Put back a copy of it. Moved"
            " away, a new key is made at the next receipt; then keep what it still holds of public"
            " keys, for the receipts that they have signed."
        )

    def newest(self) -> SigningKey:
        key, _ = self._read()
        public = key.public_key()
        sign = functools.partial(signature.sign, key)
        return SigningKey(signature.key_id(public), signature.pem_of(public), sign)

    def public_keys(self) -> Mapping[str, str]:
        key, older = self._read()
        keys = (key.public_key(), *older)
        return {signature.key_id(public): signature.pem_of(public) for public in keys}

    def rotate(self) -> str:
        key, older = self._read()
        new = Ed25519PrivateKey.generate()
        self._write(new, [key.public_key(), *older])
        return signature.key_id(new.public_key())


def _private(pem: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise KeyUnusable("its first key is no private key") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable("its first key is not an Ed25519 key")
    return key
