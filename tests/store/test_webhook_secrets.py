"""What webhooks are signed with: made, rotated, given, and damaged."""

import stat

import pytest

from jupyter_flows.core.errors import BadInput, KeyUnusable, Refused
from jupyter_flows.core.webhooks import check_secret, secret_of
from jupyter_flows.store.webhook_secrets import GivenSecrets, SecretFile, secrets_of_variable

DAY = 86400.0
A, B = secret_of(b"a" * 32), secret_of(b"b" * 32)


@pytest.fixture
def file(tmp_path):
    return SecretFile(tmp_path / "webhook-secrets")


def test_it_is_made_when_it_is_first_asked_for_and_only_its_owner_reads_it(file):
    assert not file.path.exists()
    (secret,) = file.signing(0.0)
    assert check_secret(secret) == secret
    assert file.signing(1e9) == SecretFile(file.path).signing(0.0) == (secret,)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_for_a_day_the_one_before_signs_beside_the_new_one(file):
    (first,) = file.signing(0.0)
    second = file.rotate(1000.0)
    assert file.signing(1000.0 + DAY - 1) == (second, first)
    assert file.signing(1000.0 + DAY) == (second,)
    third = file.rotate(2000.0)
    assert file.signing(2000.0) == (third, second, first)
    assert file.signing(1000.0 + DAY) == (third, second)
    assert len({first, second, third}) == 3


def test_a_rotation_drops_what_signs_no_more(file):
    (first,) = file.signing(0.0)
    file.rotate(0.0)
    file.rotate(3 * DAY)
    assert first not in file.path.read_text()


@pytest.mark.parametrize("text", ["", "# nothing\n", "whsec_short\n", A + " soon\n", "\xff\n"])
def test_a_damaged_file_says_so_and_is_left_as_it_is(file, text):
    file.path.write_bytes(text.encode("latin-1"))
    for ask in (file.signing, file.rotate):
        with pytest.raises(KeyUnusable, match="webhook-secrets"):
            ask(0.0)
    assert file.path.read_bytes() == text.encode("latin-1")


def test_those_of_the_settings_all_sign_and_are_rotated_there():
    assert GivenSecrets(f" {A}  {B}\n").signing(5.0) == (A, B)
    with pytest.raises(Refused, match=r"FlowsApp\.webhook_secret"):
        GivenSecrets(A).rotate(5.0)
    with pytest.raises(BadInput):
        GivenSecrets("whsec_short")


def test_those_of_an_environment_variable(monkeypatch):
    monkeypatch.setenv("CI_SECRET", f"{A} {B}")
    assert secrets_of_variable("CI_SECRET") == (A, B)
    monkeypatch.setenv("CI_SECRET", "whsec_short")
    with pytest.raises(KeyUnusable, match="CI_SECRET"):
        secrets_of_variable("CI_SECRET")
    monkeypatch.delenv("CI_SECRET")
    with pytest.raises(KeyUnusable, match=r"CI_SECRET.*is\s+not set"):
        secrets_of_variable("CI_SECRET")
