"""Keys in the database, encrypted with the deployment key; rotation over all servers (G31, G71)."""

from base64 import urlsafe_b64encode

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from jupyter_flows.core import signature
from jupyter_flows.core.errors import BadInput, KeyUnusable, UnknownLink, VariablesLocked
from jupyter_flows.store import tables
from jupyter_flows.store.postgres.keys import (
    SPREAD_SECONDS,
    KeyTable,
    LinkKeys,
    Sealer,
    TableReceiptKeys,
    TableVariableKeys,
    TableWebhookSecrets,
    derived,
)
from jupyter_flows.store.webhook_secrets import OVERLAP_SECONDS

SECRET = "of the deployment, 32 characters long"


class Clock:
    def __init__(self, servers):
        self.servers = servers
        self.ahead = 0.0

    def __call__(self):
        return self.servers.now() + self.ahead


@pytest.fixture
def clock(servers):
    return Clock(servers)


@pytest.fixture
def table(servers, clock):
    """As another server reads it."""
    return lambda: KeyTable(servers, SECRET, clock)


def test_all_servers_have_the_same_keys(table):
    a, b = LinkKeys(table()), LinkKeys(table())
    assert a().keys == b().keys
    assert len(a().keys) == 1
    assert b().unsign("link", a().sign("link", b"claims")) == b"claims"


def test_a_new_key_verifies_everywhere_before_it_signs_anywhere(table, clock):
    first = table()
    a, b = LinkKeys(first), LinkKeys(table())
    before = a().keys[-1]
    assert a.rotate(keep=3) == 2
    assert a().keys[-1] == before, "it still signs: the other server does not know the new one"
    token = a().sign("link", b"claims")
    assert b().unsign("link", token) == b"claims"
    clock.ahead = SPREAD_SECONDS + 1
    assert a().keys[-1] != before
    token = a().sign("link", b"claims")
    with pytest.raises(UnknownLink):
        b().unsign("link", token)
    b._table.refresh()
    assert b().unsign("link", token) == b"claims"


def test_old_keys_go_and_with_one_kept_it_is_at_once(table):
    a = LinkKeys(table())
    old = a().sign("link", b"claims")
    assert [a.rotate(keep=3) for _ in range(3)] == [2, 3, 3]
    with pytest.raises(UnknownLink):
        a().unsign("link", old)
    assert a.rotate(keep=0) == 1
    assert LinkKeys(table())().unsign("link", a().sign("link", b"x")) == b"x"


def test_receipts_of_any_server_check_with_the_keys_of_all(table):
    a, b = TableReceiptKeys(table()), TableReceiptKeys(table())
    assert a.newest().id == b.newest().id
    old = a.newest()
    new = a.rotate()
    assert a.newest().id == new != old.id
    assert list(a.public_keys()) == [new, old.id]
    public = signature.read_public(a.public_keys()[old.id])
    assert signature.key_id(public) == old.id


def test_what_one_server_encrypts_another_decrypts(table):
    a, b = TableVariableKeys(table()), TableVariableKeys(table())
    with pytest.raises(VariablesLocked, match="there is none"):
        a.encrypt("secret")
    a.make()
    b.make()
    assert b.decrypt(a.encrypt("secret")) == "secret"
    with pytest.raises(VariablesLocked, match="none of them"):
        b.decrypt(b"nothing of ours")


def test_no_key_stands_in_the_database_as_it_is(table, database):
    kept = table()
    link = LinkKeys(kept)().keys[0]
    TableReceiptKeys(kept)
    TableVariableKeys(kept).make()
    with database.connect() as connection:
        values = connection.execute(sa.select(tables.keys.c.value)).scalars().all()
    assert len(values) == 3
    for value in map(bytes, values):
        assert link not in value
        assert b"PRIVATE" not in value


def test_another_deployment_key_is_refused(servers, table, clock):
    LinkKeys(table())
    with pytest.raises(KeyUnusable, match="another deployment key"):
        KeyTable(servers, SECRET[::-1], clock)
    with pytest.raises(BadInput, match="of 32 characters or more; it has 5"):
        KeyTable(servers, "short", clock)


def test_the_deployment_key_is_checked_as_fernet_would():
    whole = HKDF(SHA256(), 32, salt=None, info=b"jupyter_flows keys in the database")
    assert derived(SECRET) == whole.derive(SECRET.encode())
    token = Fernet(urlsafe_b64encode(derived(SECRET))).encrypt(b"a key")
    sealer = Sealer(SECRET)
    sealer.check(token)
    sealer.check(memoryview(token))
    assert sealer.opened(token) == b"a key"
    other = b"B" if token[40:41] == b"A" else b"A"
    for wrong in (token[:40] + other + token[41:], token[:-4], token[:20], token[:-1], b"?", b""):
        with pytest.raises(KeyUnusable, match="another deployment key"):
            sealer.check(wrong)
        with pytest.raises(KeyUnusable, match="another deployment key"):
            sealer.opened(wrong)


def test_all_servers_sign_webhooks_alike_and_for_a_day_with_the_old_secret_too(table, clock):
    first, second = table(), table()
    a, b = TableWebhookSecrets(first), TableWebhookSecrets(second)
    (old,) = a.signing(clock())
    assert b.signing(clock()) == (old,)
    new = a.rotate(clock())
    second.refresh()
    assert a.signing(clock()) == b.signing(clock()) == (new, old)
    third = b.rotate(clock())
    assert b.signing(clock()) == (third, new, old)
    clock.ahead = OVERLAP_SECONDS + 5
    assert b.signing(clock()) == (third,)
    assert TableWebhookSecrets(table()).signing(clock()) == (third,)
