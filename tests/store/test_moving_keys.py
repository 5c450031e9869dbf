"""Keys brought along with a store: what was signed and encrypted before is good afterwards."""

import pytest
import sqlalchemy as sa

from jupyter_flows.core.errors import BadInput, KeyUnusable, UnknownLink
from jupyter_flows.store import tables
from jupyter_flows.store.engine import open_engine
from jupyter_flows.store.keys import KeyFile
from jupyter_flows.store.moving.copying import move
from jupyter_flows.store.moving.keys import carrier
from jupyter_flows.store.moving.places import place_of
from jupyter_flows.store.postgres.keys import (
    KeyTable,
    LinkKeys,
    TableReceiptKeys,
    TableVariableKeys,
    TableWebhookSecrets,
)
from jupyter_flows.store.postgres.servers import SqlServers
from jupyter_flows.store.receipt_keys import ReceiptKeyFile
from jupyter_flows.store.variable_keys import VariableKeys
from jupyter_flows.store.webhook_secrets import SecretFile

KEY = "of the deployment, 32 characters long"
NOW = 1.9e9


def moved(source, target, key=KEY):
    return move(
        place_of(str(source)), place_of(str(target)), lambda *_: None, carry_keys=carrier(key)
    )


class Files:
    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self.folder = folder
        open_engine(f"sqlite:///{folder / 'flows.db'}").dispose()
        self.links = KeyFile(folder / "keys")
        self.receipts = ReceiptKeyFile(folder / "receipt-keys.pem")
        self.variables = VariableKeys(folder / "variable-keys")
        self.variables.make()
        self.webhooks = SecretFile(folder / "webhook-secrets")
        self.webhooks.signing(NOW)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "from")


@pytest.fixture
def table(postgres_url):
    engines = []

    def table(key=KEY):
        engines.append(open_engine(postgres_url))
        return KeyTable(SqlServers(engines[-1]), key, lambda: NOW)

    yield table
    for engine in engines:
        engine.dispose()


def test_there_and_back_all_is_as_it_was(files, postgres_url, table, tmp_path):
    old = files.links().sign("link", b"old")
    files.links.rotate(keep=3)
    new = files.links().sign("link", b"new")
    first = files.receipts.newest()
    files.receipts.rotate()
    secret = files.variables.encrypt("secret")
    files.webhooks.rotate(NOW)
    webhooks = files.webhooks.signing(NOW)
    assert len(webhooks) == 2
    moved(files.folder, postgres_url)

    there = table()
    assert LinkKeys(there)().keys == files.links().keys
    assert LinkKeys(there)().unsign("link", old) == b"old"
    assert TableReceiptKeys(there).newest().id == files.receipts.newest().id
    assert dict(TableReceiptKeys(there).public_keys()) == dict(files.receipts.public_keys())
    assert first.id in TableReceiptKeys(there).public_keys()
    assert TableVariableKeys(there).decrypt(secret) == "secret"
    assert TableWebhookSecrets(there).signing(NOW) == webhooks
    assert TableWebhookSecrets(there).signing(NOW + 2 * 86400) == webhooks[:1]
    TableReceiptKeys(there).rotate()

    moved(postgres_url, tmp_path / "back")
    back = Files(tmp_path / "back")
    assert back.links().unsign("link", old) == b"old"
    assert back.links().sign("link", b"new") == new
    assert back.receipts.newest().id == TableReceiptKeys(table()).newest().id
    assert {*back.receipts.public_keys()} > {*files.receipts.public_keys()}
    assert back.variables.decrypt(secret) == "secret"
    assert back.webhooks.signing(NOW) == webhooks
    assert back.webhooks.signing(NOW + 2 * 86400) == webhooks[:1]
    for name in ("keys", "receipt-keys.pem", "variable-keys", "webhook-secrets"):
        assert (back.folder / name).stat().st_mode & 0o077 == 0


def test_without_its_deployment_key_nothing_is_copied(files, postgres_url, table, tmp_path):
    with pytest.raises(BadInput, match="deployment_key"):
        moved(files.folder, postgres_url, "short")
    engine = open_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.execute(sa.select(tables.keys)).all() == []
    engine.dispose()
    LinkKeys(table())
    with pytest.raises(KeyUnusable, match="another deployment key"):
        moved(postgres_url, tmp_path / "to", KEY[::-1])
    assert not (tmp_path / "to" / "keys").exists()


def test_a_store_without_keys_needs_no_deployment_key(tmp_path, postgres_url):
    (tmp_path / "from").mkdir()
    open_engine(f"sqlite:///{tmp_path / 'from' / 'flows.db'}").dispose()
    moved(tmp_path / "from", postgres_url, "")


def test_a_damaged_key_file_is_named(files, postgres_url):
    path = files.folder / "webhook-secrets"
    path.write_text("whsec_%%%\n")
    with pytest.raises(KeyUnusable, match="webhook-secrets is damaged"):
        moved(files.folder, postgres_url)


def test_links_of_another_store_stay_unknown(files, postgres_url, table, tmp_path):
    moved(files.folder, postgres_url)
    other = KeyFile(tmp_path / "other-keys")
    with pytest.raises(UnknownLink):
        LinkKeys(table())().unsign("link", other().sign("link", b"x"))
