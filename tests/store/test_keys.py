"""The file of signing keys (G31)."""

import os
import stat

import pytest

from jupyter_flows.core.errors import UnknownLink
from jupyter_flows.core.links import WeakKeyError
from jupyter_flows.store.keys import KeyFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "private" / "keys"


def test_a_key_file_is_made_private(path):
    KeyFile(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(KeyFile(path)().keys) == 1


def test_an_existing_key_file_is_read_and_left_as_it_is(path):
    token = KeyFile(path)().sign("link", b"claims")
    before = path.read_bytes()
    assert KeyFile(path)().unsign("link", token) == b"claims"
    assert path.read_bytes() == before


def test_after_a_rotation_the_newest_key_signs_and_the_older_ones_verify(path):
    """G31"""
    keys = KeyFile(path)
    old = keys().sign("link", b"claims")
    assert keys.rotate(keep=2) == 2
    assert keys().sign("link", b"claims") != old
    assert keys().unsign("link", old) == b"claims"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_rotation_drops_the_oldest_keys(path):
    keys = KeyFile(path)
    old = keys().sign("link", b"claims")
    for _ in range(2):
        assert keys.rotate(keep=2) == 2
    with pytest.raises(UnknownLink):
        keys().unsign("link", old)


def test_a_rotation_keeps_at_least_the_key_that_signs(path):
    assert KeyFile(path).rotate(keep=0) == 1


def test_a_running_server_sees_a_rotation_by_another_process(path):
    server, command = KeyFile(path), KeyFile(path)
    server()
    command.rotate(keep=3)
    token = command().sign("link", b"claims")
    assert server().unsign("link", token) == b"claims"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no signing key"),
        ("# only a comment\n\n", "no signing key"),
        ("ab" * 31, "31 bytes"),
        ("ab" * 32 + "\nabcd\n", "signing key 2"),
        ("not hex at all", "hex digits"),
        ("abc", "hex digits"),
    ],
)
def test_a_file_without_good_keys_refuses_to_start(path, text, says):
    """G31"""
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(WeakKeyError, match=says) as refused:
        KeyFile(path)()
    assert str(path) in str(refused.value)
    assert text.strip() == "" or text.strip() not in str(refused.value)


def test_a_file_that_goes_bad_while_a_server_runs_signs_nothing(path):
    keys = KeyFile(path)
    keys()
    path.write_text("")
    os.utime(path, ns=(1, 1))
    with pytest.raises(WeakKeyError):
        keys()
