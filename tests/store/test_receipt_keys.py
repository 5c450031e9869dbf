"""The file of the keys that sign receipts (G71)."""

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from jupyter_flows.core.errors import KeyUnusable
from jupyter_flows.core.signature import has_signed, key_id, read_public
from jupyter_flows.store.receipt_keys import ReceiptKeyFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "private" / "receipt-keys.pem"


def test_the_key_is_made_at_first_need_and_private(path):
    """G71"""
    keys = ReceiptKeyFile(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    newest = keys.newest()
    assert ReceiptKeyFile(path).newest().id == newest.id
    public = read_public(newest.public_key)
    assert key_id(public) == newest.id
    assert len(newest.id) == 16
    assert has_signed(public, newest.sign(b"data"), b"data")
    assert not has_signed(public, newest.sign(b"data"), b"date")
    assert "PRIVATE" not in newest.public_key


def test_after_a_rotation_the_newest_key_signs_and_the_old_public_keys_are_kept(path):
    """G71"""
    keys, server = ReceiptKeyFile(path), ReceiptKeyFile(path)
    first = keys.newest()
    old = first.sign(b"data")
    second = keys.rotate()
    third = keys.rotate()
    assert list(server.public_keys()) == [third, second, first.id]
    assert server.newest().id == third
    assert has_signed(read_public(server.public_keys()[first.id]), old, b"data")
    assert path.read_text().count("PRIVATE KEY") == 2, "the old private keys are gone"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("left", [0, 1, 60, 120, 150, 200])
def test_a_file_that_was_cut_short_is_refused_and_not_replaced(path, left):
    """G71"""
    ReceiptKeyFile(path)
    text = path.read_text()[:left]
    path.write_text(text)
    with pytest.raises(KeyUnusable, match="is damaged") as refused:
        ReceiptKeyFile(path).newest()
    assert str(path) in str(refused.value)
    assert path.read_text() == text
    with pytest.raises(KeyUnusable):
        ReceiptKeyFile(path).rotate()


def other_kind():
    key = X25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("not a key", "holds no key"),
        ("\xff\xfe", "holds no key"),
        (other_kind(), "not an Ed25519 key"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key"),
    ],
)
def test_a_damaged_file_is_refused_with_its_name_and_reason(path, text, says):
    path.parent.mkdir()
    path.write_text(text, "latin-1")
    with pytest.raises(KeyUnusable, match=says) as refused:
        ReceiptKeyFile(path).public_keys()
    assert str(path) in str(refused.value)


def test_a_damaged_older_key_is_refused(path):
    ReceiptKeyFile(path).rotate()
    text = path.read_text()
    path.write_text(text.replace("-----END PUBLIC KEY-----", ""))
    with pytest.raises(KeyUnusable, match="cut short"):
        ReceiptKeyFile(path).newest()


def test_a_file_that_cannot_be_written_is_said_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises((KeyUnusable, FileExistsError, NotADirectoryError)):
        ReceiptKeyFile(tmp_path / "file" / "receipt-keys.pem")
