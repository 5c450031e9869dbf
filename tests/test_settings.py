"""What an administrator can set, and what is refused."""

from pathlib import Path

import pytest
from jupyter_server.auth import User
from jupyterhub.singleuser.extension import JupyterHubUser
from traitlets import TraitError

from jupyter_flows.core.completions import ENDS, Endpoint, EventType
from jupyter_flows.core.errors import BadInput
from jupyter_flows.settings import (
    FlowsSettings,
    checkpoint_place,
    compress_after,
    endpoints,
    flows_folder,
    groups_of,
    webhook_addresses,
)


def test_saved_variables_lie_in_the_data_folder_unless_a_folder_is_named(tmp_path, monkeypatch):
    assert checkpoint_place(FlowsSettings(data_dir=str(tmp_path))) == tmp_path / "checkpoints"
    named = FlowsSettings(data_dir=str(tmp_path), checkpoint_dir="/big/disk")
    assert checkpoint_place(named) == Path("/big/disk")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert checkpoint_place(FlowsSettings(checkpoint_dir="~/saved")) == tmp_path / "saved"
    assert checkpoint_place(FlowsSettings(checkpoint_dir="file:///big/disk")) == Path("/big/disk")
    assert checkpoint_place(FlowsSettings(checkpoint_dir="s3://b/flows")) == "s3://b/flows"


def test_options_that_cant_be_told_to_a_kernel_are_refused():
    assert FlowsSettings(checkpoint_options={"key": "a"}).checkpoint_options == {"key": "a"}
    with pytest.raises(TraitError, match=r"FlowsApp\.checkpoint_options: .*not JSON"):
        FlowsSettings(checkpoint_options={"session": object()})


def test_compressing_is_after_an_hour_later_or_never():
    assert compress_after(FlowsSettings()) == 3600
    assert compress_after(FlowsSettings(compress_checkpoints_after="2d")) == 2 * 86400
    assert compress_after(FlowsSettings(compress_checkpoints_after=" ")) is None


@pytest.mark.parametrize("when", ["auto", "always", "never"])
def test_variables_are_saved_when_an_administrator_says(when):
    assert FlowsSettings(checkpoint=when).checkpoint == when


def test_the_folder_of_flows_is_the_one_that_is_named_or_lies_in_the_root(tmp_path):
    assert flows_folder(FlowsSettings(), str(tmp_path)) == tmp_path / "flows"
    assert flows_folder(FlowsSettings(), None) is None
    assert flows_folder(FlowsSettings(flows_dir="/team/flows"), str(tmp_path)) == Path(
        "/team/flows"
    )


def test_what_nobody_sets_is_as_documented():
    settings = FlowsSettings()
    assert settings.checkpoint == "auto"
    assert settings.checkpoint_max_bytes == 10 * 1024**3
    assert (settings.checkpoint_min_free, settings.checkpoint_budget) == (20, 0)
    assert (settings.checkpoint_grace, settings.checkpoint_timeout) == ("15m", "10m")
    assert (settings.flows_dir, settings.workflow_lifetime) == ("", "30d")
    assert (settings.objects_url, settings.objects_options, settings.objects_storages) == (
        "",
        {},
        {},
    )
    assert settings.max_object_bytes == 5 * 1024**3
    assert (settings.sql_timeout, settings.sql_memory_bytes) == ("5m", 1024**3)
    assert (settings.slack_url, settings.teams_webhooks) == ("https://slack.com/api", {})
    assert (settings.webhooks, settings.webhook_secret, settings.webhook_hosts) == ([], "", [])
    assert settings.keep_kernels_alive
    assert not settings.keep_server_alive
    assert not settings.detached_kernels
    assert (settings.drives, settings.owners) == (True, [])


def test_links_begin_with_what_a_hub_says_unless_an_administrator_says_otherwise(monkeypatch):
    monkeypatch.delenv("JUPYTERHUB_PUBLIC_URL", raising=False)
    assert FlowsSettings().public_url == ""
    monkeypatch.setenv("JUPYTERHUB_PUBLIC_URL", "https://hub.example.org/user/bob/")
    assert FlowsSettings().public_url == "https://hub.example.org/user/bob/"
    assert FlowsSettings(public_url="https://x.example.org/").public_url == "https://x.example.org/"


def test_a_hubs_groups_count_beside_those_that_are_configured():
    settings = FlowsSettings(
        groups={"risk": ["bob"]}, resolve_groups=lambda user: ["all", user.username]
    )
    user = JupyterHubUser({"name": "bob", "kind": "user", "groups": ["finance", "risk"]})
    assert groups_of(settings, "bob", user) == ("all", "bob", "finance", "risk")
    assert groups_of(settings, "bob") == ("risk",)
    assert groups_of(FlowsSettings(), "bob", User("bob")) == ()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("checkpoint", "sometimes", "'checkpoint'"),
        ("checkpoint_grace", "soon", "FlowsApp.checkpoint_grace: 'soon' is not a duration"),
        ("checkpoint_timeout", "-1m", "FlowsApp.checkpoint_timeout"),
        ("workflow_lifetime", "", "FlowsApp.workflow_lifetime"),
        ("compress_checkpoints_after", "later", "FlowsApp.compress_checkpoints_after"),
        ("checkpoint_max_bytes", 0, "FlowsApp.checkpoint_max_bytes: 0 must be 1 or more"),
        ("checkpoint_max_bytes", "10G", "'checkpoint_max_bytes'"),
        ("checkpoint_min_free", -1, "FlowsApp.checkpoint_min_free: -1.0 must be from 0 to 99"),
        ("checkpoint_min_free", 100, "FlowsApp.checkpoint_min_free"),
        ("checkpoint_min_free", float("nan"), "FlowsApp.checkpoint_min_free"),
        ("checkpoint_budget", -1, "FlowsApp.checkpoint_budget: -1 must be 0 or more"),
        ("max_object_bytes", 0, "FlowsApp.max_object_bytes: 0 must be 1 or more"),
        ("sql_timeout", "long", "FlowsApp.sql_timeout: 'long' is not a duration"),
        ("sql_memory_bytes", 1000, "FlowsApp.sql_memory_bytes: 1000 must be 16777216 or more"),
        ("objects_storages", {"a b": "s3://x"}, "'a b' is no name"),
        ("objects_storages", {"_default_": "s3://x"}, "'_default_' is no name"),
        ("objects_storages", {"a": ""}, "'a' must be an address"),
        ("objects_storages", {"a": {"options": {}}}, "'a' must be an address, or have `url`"),
        ("objects_storages", {"a": {"url": "s3://x", "key": 1}}, "'a' must be an address"),
        ("objects_storages", {"a": {"url": "s3://x", "options": []}}, "'a' must be an address"),
        ("slack_url", "file:///etc/passwd", "FlowsApp.slack_url: 'file:///etc/passwd' must be"),
        ("teams_webhooks", {"a": "ftp://x"}, "FlowsApp.teams_webhooks: 'ftp://x' must be"),
        ("teams_webhooks", {"a": 1}, "FlowsApp.teams_webhooks: 1 must be"),
    ],
)
def test_what_cant_be_meant_is_refused_by_its_name(name, value, says):
    with pytest.raises(TraitError, match=says):
        FlowsSettings(**{name: value})


def test_how_many_children_are_at_work_is_some_number():
    assert FlowsSettings().children_at_once == 4
    assert FlowsSettings(children_at_once=1).children_at_once == 1
    with pytest.raises(TraitError, match="children_at_once"):
        FlowsSettings(children_at_once=0)


def test_a_storage_is_an_address_or_one_with_options():
    said = {"a": "s3://x/y", "b": {"url": "gs://z", "options": {"token": "anon"}}}
    assert FlowsSettings(objects_storages=said).objects_storages == {
        "a": {"url": "s3://x/y", "options": {}},
        "b": {"url": "gs://z", "options": {"token": "anon"}},
    }


def test_a_database_is_postgresql_or_none(monkeypatch):
    assert FlowsSettings().database_url == ""
    monkeypatch.setenv("JUPYTER_FLOWS_DATABASE_URL", "postgresql://flows@db/flows")
    assert FlowsSettings().database_url == "postgresql://flows@db/flows"
    with pytest.raises(TraitError, match="postgresql://"):
        FlowsSettings(database_url="mysql://db/flows")


def test_queues_have_plain_names(monkeypatch):
    monkeypatch.setenv("JUPYTER_FLOWS_DEPLOYMENT_KEY", "secret")
    settings = FlowsSettings(queues=["default", "gpu"], queue="gpu")
    assert (settings.queues, settings.queue) == (["default", "gpu"], "gpu")
    assert (settings.capacity, settings.deployment_key) == (100, "secret")
    with pytest.raises(TraitError, match=r"FlowsApp\.queues: 'a b'"):
        FlowsSettings(queues=["a b"])
    with pytest.raises(TraitError, match=r"FlowsApp\.queue: ''"):
        FlowsSettings(queue="")
    with pytest.raises(TraitError, match="capacity"):
        FlowsSettings(capacity=0)


def test_the_endpoints_of_webhooks_are_addresses_with_what_they_are_told():
    settings = FlowsSettings(
        webhooks=[
            "https://ci.example.org/done",
            {"url": "http://10.0.0.1/", "events": ["gate.opened"], "secret_env": "CI_SECRET"},
            '{"url": "https://on-a-command-line.example/", "events": ["run.failed"]}',
        ]
    )
    assert endpoints(settings) == (
        Endpoint("https://ci.example.org/done", ENDS),
        Endpoint("http://10.0.0.1/", (EventType.GATE_OPENED,), "CI_SECRET"),
        Endpoint("https://on-a-command-line.example/", (EventType.RUN_FAILED,)),
    )
    addresses = webhook_addresses(settings)
    addresses.check("http://10.0.0.1/")
    with pytest.raises(BadInput):
        addresses.check("http://10.0.0.2/")


def test_the_secret_of_webhooks_may_come_from_the_environment(monkeypatch):
    given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    monkeypatch.setenv("JUPYTER_FLOWS_WEBHOOK_SECRET", given)
    assert FlowsSettings().webhook_secret == given
    assert FlowsSettings(webhook_secret=f"{given}  {given}").webhook_secret == f"{given} {given}"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("webhooks", ["ci.example.org"], "no address of a webhook"),
        ("webhooks", [{"url": "https://a.example/", "event": []}], "event"),
        ("webhooks", [{"url": "https://a.example/", "events": ["run.won"]}], "run.won"),
        ("webhooks", [{"events": ["run.failed"]}], "url"),
        ("webhooks", [7], "FlowsApp.webhooks"),
        ("webhook_secret", "hunter2", "24 to 64"),
        ("webhook_hosts", ["http://ci.example.org"], "must be a host"),
        ("webhook_hosts", ["*example.org"], "must be a host"),
    ],
)
def test_settings_of_webhooks_that_cannot_be_used_are_refused(name, value, says):
    with pytest.raises(TraitError, match=says):
        FlowsSettings(**{name: value})
