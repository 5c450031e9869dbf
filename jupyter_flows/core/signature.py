"""Ed25519, as receipts use it: public keys as PEM text, their ids, and whether one has signed.

Loaded only where something is signed or checked: the library takes longer to load than all the rest
of a small command.
"""

import base64
import binascii
import hashlib
import re

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from jupyter_flows.core.errors import KeyUnusable

ID_DIGITS = 16

_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]+-----.*?-----END [A-Z0-9 ]+-----\n?", re.DOTALL)


def blocks(text: str) -> list[str]:
    """The PEM blocks of a text, which may say more around them. Raises KeyUnusable if there are
    none, or one is cut short.
    """
    found = _BLOCK.findall(text)
    if "-----BEGIN" in _BLOCK.sub("", text):
        raise KeyUnusable("a key in it is cut short")
    if not found:
        raise KeyUnusable("it holds no key in PEM")
    return [block if block.endswith("\n") else f"{block}\n" for block in found]


def read_public(pem: str) -> Ed25519PublicKey:
    """Raises KeyUnusable for what is no public Ed25519 key."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusable("it holds no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnusable("its key is not an Ed25519 key")
    return key


def public_pem(pem: bytes) -> str:
    """The public key of a private one, or of itself. Raises KeyUnusable."""
    if b"PRIVATE KEY" not in pem:
        return pem_of(read_public(pem.decode("ascii", "replace")))
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable("its key is not an Ed25519 key")
    return pem_of(key.public_key())


def pem_of(key: Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def fingerprint(key: Ed25519PublicKey) -> str:
    """SHA-256 over the key's DER form, 64 hex digits; the first 16 are the key's id."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def key_id(key: Ed25519PublicKey) -> str:
    return fingerprint(key)[:ID_DIGITS]


def sign(key: Ed25519PrivateKey, data: bytes) -> str:
    """The signature in base64."""
    return base64.b64encode(key.sign(data)).decode()


def has_signed(key: Ed25519PublicKey, signature: str, data: bytes) -> bool:
    """Whether this is the one way to write this key's signature of the data."""
    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, data)
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return base64.b64encode(raw).decode() == signature
