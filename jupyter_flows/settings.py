"""What an administrator can set, as traits of `FlowsApp` (in jupyter_flows_config.py)."""

import json
import math
import os
import re
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir
from msgspec import convert
from msgspec.structs import asdict
from traitlets import (
    Bool,
    Callable,
    Dict,
    Enum,
    Float,
    HasTraits,
    Int,
    List,
    TraitError,
    Unicode,
    validate,
)

from jupyter_flows.core import durations
from jupyter_flows.core.checkpoint import When
from jupyter_flows.core.completions import Addresses, Endpoint, host_of
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import QUEUE, plain_name
from jupyter_flows.core.objects import DEFAULT
from jupyter_flows.core.webhooks import check_secret


class _Endpoint(Endpoint, frozen=True, forbid_unknown_fields=True):
    """As it is written in `webhooks`."""


CONFIG_NAME = "jupyter_flows_config"
"""Of the file of settings, without its ending; Jupyter's own rule would name it after the package
twice."""


class FlowsSettings(HasTraits):
    """The traits; `FlowsApp` and the command line both have them."""

    data_dir = Unicode(
        help="Folder of the store, the outputs and the signing keys; on a local disk, private."
        " Default: $JUPYTER_FLOWS_DATA_DIR, or `flows` in Jupyter's data folder.",
    ).tag(config=True)

    database_url = Unicode(
        help="The PostgreSQL database that several servers share: postgresql://user@host/name."
        " Default: $JUPYTER_FLOWS_DATABASE_URL, or else SQLite in `data_dir`.",
    ).tag(config=True)

    deployment_key = Unicode(
        help="With `database_url`: the secret of all servers on the database, which encrypts the"
        " keys that lie there. Default: $JUPYTER_FLOWS_DEPLOYMENT_KEY.",
    ).tag(config=True)

    queues: List[str] = List(
        Unicode(),
        ["default"],
        help="With `database_url`: the classes of runs that this server drives, such as `gpu`.",
    ).tag(config=True)

    queue = Unicode(
        "default",
        help="With `database_url`: the class of runs that are started here and name none.",
    ).tag(config=True)

    capacity = Int(100, help="With `database_url`: how many runs are driven here at a time.").tag(
        config=True
    )

    drives = Bool(
        True,
        help="Whether this server runs the cells of flows. `False`: it shows pages, takes votes and"
        " answers questions, and leaves all runs to the other servers on the store.",
    ).tag(config=True)

    owners: List[str] = List(
        Unicode(),
        help="Whose runs this server drives that were started elsewhere, and whose schedules it"
        " starts: names of users. Default: everybody's.",
    ).tag(config=True)

    public_url = Unicode(
        "",
        help="The address that links begin with, as its readers reach this server, with the base"
        " URL: https://hub.example.org/user/bob/. Default: $JUPYTERHUB_PUBLIC_URL, or else the"
        " server's own known address.",
    ).tag(config=True)

    default_timeout = Unicode(
        "30d", help="How long a gate waits that names no timeout: as in 90s, 30m, 12h, 30d."
    ).tag(config=True)

    flows_dir = Unicode(
        "",
        help="The folder of flows: each notebook and `.py` script in it, or in a folder below, can"
        " be started by its path from there, without its ending, as if it was registered. Default:"
        " the folder `flows` in the server's root folder.",
    ).tag(config=True)

    workflow_lifetime = Unicode(
        "30d",
        help="How long a run may take in all that was started by the workflow-run API; then it"
        " fails. As in 12h, 30d.",
    ).tag(config=True)

    children_at_once = Int(
        4,
        help="How many of the runs that one run has started may run at a time; the others are"
        " queued. One that waits, for people or for the clock, does not count.",
    ).tag(config=True)

    max_payload_bytes = Int(1 << 20, help="The largest payload of a vote.").tag(config=True)

    validator_timeout = Unicode(
        "5s", help="How long a gate's `validate` function may take over one answer."
    ).tag(config=True)

    groups: Any = Dict(
        help="Who is in which group, for gates that name groups: {'finance': ['alice', 'bob']}."
    ).tag(config=True)

    resolve_groups = Callable(
        None,
        allow_none=True,
        help="A function from a logged-in user (jupyter_server's User) to the names of the groups"
        " that the user is in, besides those of `groups` and a hub's.",
    ).tag(config=True)

    max_result_bytes = Int(
        1 << 20, help="The largest JSON result of a step; a larger one is left out, with a notice."
    ).tag(config=True)

    max_output_bytes = Int(
        10 << 20, help="The most output that is kept of one cell; the rest is counted and dropped."
    ).tag(config=True)

    max_tries_per_minute = Int(
        60, help="How many requests with a link that is not ours one address may make a minute."
    ).tag(config=True)

    max_answers_per_minute = Int(
        60, help="How many answers one link, or one user, may send to a gate's page a minute."
    ).tag(config=True)

    warm_kernels: List[Any] = List(
        help="Kernels started ahead, so that a run need not wait for one: a list of"
        ' {"kernel_name": "python3", "count": 1, "max_age": "1h"}. Each costs the memory of an idle'
        " kernel. A warm kernel serves one run and no other.",
    ).tag(config=True)

    keep_kernels_alive = Bool(
        True,
        help="Whether kernels of runs that wait are kept from a server that culls idle kernels.",
    ).tag(config=True)

    keep_server_alive = Bool(
        False,
        help="Whether this server counts as in use while runs of its own are unfinished: for"
        " ServerApp.shutdown_no_activity_timeout, and for a hub that stops idle servers.",
    ).tag(config=True)

    adopt_runs = Bool(
        True, help="Whether to take over the runs of servers on this store that have died."
    ).tag(config=True)

    checkpoint = Enum(
        [when.value for when in When],
        When.AUTO.value,
        help="Whether the variables of a run are saved while it waits: `auto` saves them and keeps"
        " the kernel for `checkpoint_grace`, `always` saves them and lets the kernel go at once,"
        " `never` only keeps the kernel. A flow, or a gate, may say otherwise.",
    ).tag(config=True)

    checkpoint_dir = Unicode(
        "",
        help="The folder of saved variables, private, as large as what is in memory; or a storage"
        " that servers and kernels share, as an address of fsspec: s3://bucket/prefix. Default:"
        " `checkpoints` in `data_dir`.",
    ).tag(config=True)

    checkpoint_options: Any = Dict(
        help="The options of the file system of `checkpoint_dir`, as fsspec has them, JSON values"
        " all. Kernels are given them too: the keys in them should open nothing else.",
    ).tag(config=True)

    checkpoint_grace = Unicode(
        "15m", help="How long a kernel is kept after its variables were saved: as in 90s, 30m, 12h."
    ).tag(config=True)

    checkpoint_timeout = Unicode(
        "10m", help="How long saving may take; then it is given up, and the kernel is kept."
    ).tag(config=True)

    checkpoint_max_bytes = Int(
        10 << 30, help="The most that is saved of one run at a time; over it, the kernel is kept."
    ).tag(config=True)

    checkpoint_min_free = Float(
        20.0, help="How much of the disk of `checkpoint_dir` is left free, in percent."
    ).tag(config=True)

    checkpoint_budget = Int(
        0, help="The most bytes that the saved variables of all runs may have; 0 for no limit."
    ).tag(config=True)

    compress_checkpoints_after = Unicode(
        "1h",
        help="How long saved variables lie before they are compressed, in the background, where"
        " that saves a fifth of them or more. Empty: never.",
    ).tag(config=True)

    detached_kernels = Bool(
        False,
        help="Whether the kernels of runs that show in no notebook outlive their server, which"
        " finds them when it comes back.",
    ).tag(config=True)

    objects_url = Unicode(
        "",
        help="Where objects are kept, as an address of fsspec: s3://bucket/prefix, /a/folder."
        " Default: the folder `objects` in `data_dir`.",
    ).tag(config=True)

    objects_options: Any = Dict(
        help="The options of the file system of `objects_url`, as fsspec has them; for S3"
        " {'key': …, 'secret': …, 'endpoint_url': …, 'client_kwargs': {'region_name': …}}.",
    ).tag(config=True)

    objects_storages: Any = Dict(
        help="More storages by their names: {'archive': 's3://…'}, or {'archive': {'url': …,"
        " 'options': …}}.",
    ).tag(config=True)

    max_object_bytes = Int(5 << 30, help="The largest object that can be sent.").tag(config=True)

    sql_timeout = Unicode(
        "5m", help="How long a script of SQL on a data table or a ducklake may take."
    ).tag(config=True)

    sql_memory_bytes = Int(
        1 << 30, help="The memory that each data table or ducklake in use may take."
    ).tag(config=True)

    slack_url = Unicode(
        "https://slack.com/api",
        help="What the names of Slack's methods are put behind; for a proxy of one's own.",
    ).tag(config=True)

    teams_webhooks: Any = Dict(
        help="The Teams conversations that code may write to, by their ids, each with the address"
        " of its webhook: {'19:abc@thread.v2': 'https://…'}.",
    ).tag(config=True)

    webhooks: List[Any] = List(
        help="Addresses that are told of every run: a list of addresses, or of"
        ' {"url": "https://…", "events": ["run.failed"], "secret_env": "NAME"}. `events` are by'
        " default the ends of runs; `secret_env` names the environment variable of an own secret.",
    ).tag(config=True)

    webhook_secret = Unicode(
        help="What webhooks are signed with: whsec_…; several, with spaces between, all sign."
        " Default: $JUPYTER_FLOWS_WEBHOOK_SECRET, or else one that is made and kept in `data_dir`.",
    ).tag(config=True)

    webhook_hosts: List[str] = List(
        Unicode(),
        help="The hosts that owners of runs may have webhooks sent to, also of a private network:"
        " ['ci.example.org', '*.intern', 'localhost']; '*' for any. Default: any that is reached"
        " by a public address.",
    ).tag(config=True)

    def _webhook_secret_default(self) -> str:
        return os.environ.get("JUPYTER_FLOWS_WEBHOOK_SECRET", "")

    def _database_url_default(self) -> str:
        return os.environ.get("JUPYTER_FLOWS_DATABASE_URL", "")

    def _deployment_key_default(self) -> str:
        return os.environ.get("JUPYTER_FLOWS_DEPLOYMENT_KEY", "")

    def _public_url_default(self) -> str:
        return os.environ.get("JUPYTERHUB_PUBLIC_URL", "")

    def _data_dir_default(self) -> str:
        return os.environ.get("JUPYTER_FLOWS_DATA_DIR") or str(Path(jupyter_data_dir()) / "flows")

    @validate("compress_checkpoints_after")
    def _is_a_duration_or_empty(self, proposal: Any) -> str:
        return self._is_a_duration(proposal) if proposal["value"].strip() else ""

    @validate("database_url")
    def _is_a_database(self, proposal: Any) -> str:
        said = str(proposal["value"])
        if said and not re.match(r"postgresql(\+psycopg)?://", said):
            raise TraitError(
                "FlowsApp.database_url must be empty, for SQLite in `data_dir`, or begin with"
                " postgresql://"
            )
        return said

    @validate("queue")
    def _is_a_queue(self, proposal: Any) -> str:
        return _queue("queue", proposal["value"])

    @validate("queues")
    def _are_queues(self, proposal: Any) -> list[str]:
        return [_queue("queues", said) for said in proposal["value"]]

    @validate("checkpoint_max_bytes", "max_object_bytes", "children_at_once", "capacity")
    def _is_some(self, proposal: Any) -> int:
        return int(_between(proposal, 1))

    @validate("sql_memory_bytes")
    def _is_enough_for_a_database(self, proposal: Any) -> int:
        return int(_between(proposal, 1 << 24))

    @validate("objects_storages")
    def _are_storages(self, proposal: Any) -> dict[str, Any]:
        return {name: _storage(name, said) for name, said in proposal["value"].items()}

    @validate("slack_url")
    def _is_an_address(self, proposal: Any) -> str:
        return _address("slack_url", proposal["value"])

    @validate("teams_webhooks")
    def _are_addresses(self, proposal: Any) -> dict[str, str]:
        return {
            str(name): _address("teams_webhooks", said) for name, said in proposal["value"].items()
        }

    @validate("webhooks")
    def _are_endpoints(self, proposal: Any) -> list[dict[str, Any]]:
        return [_endpoint(said) for said in proposal["value"]]

    @validate("webhook_secret")
    def _are_secrets(self, proposal: Any) -> str:
        try:
            return " ".join(map(check_secret, str(proposal["value"]).split()))
        except BadInput as error:
            raise TraitError(f"FlowsApp.webhook_secret: {error}") from None

    @validate("webhook_hosts")
    def _are_hosts(self, proposal: Any) -> list[str]:
        for said in proposal["value"]:
            if not re.fullmatch(r"\*|(\*\.)?[A-Za-z0-9._:-]+", said):
                raise TraitError(
                    f"FlowsApp.webhook_hosts: {said!r} must be a host, as in 'ci.example.org',"
                    " '*.example.org' or '127.0.0.1', without a port, or '*'"
                )
        return list(proposal["value"])

    @validate("checkpoint_options")
    def _are_json(self, proposal: Any) -> dict[str, Any]:
        """They are sent to kernels."""
        try:
            json.dumps(proposal["value"])
        except (TypeError, ValueError) as error:
            raise TraitError(f"FlowsApp.checkpoint_options: {error}") from None
        return dict(proposal["value"])

    @validate("checkpoint_budget")
    def _is_not_negative(self, proposal: Any) -> int:
        return int(_between(proposal, 0))

    @validate("checkpoint_min_free")
    def _is_a_percentage(self, proposal: Any) -> float:
        return _between(proposal, 0, 99)

    @validate(
        "default_timeout",
        "validator_timeout",
        "checkpoint_grace",
        "checkpoint_timeout",
        "workflow_lifetime",
        "sql_timeout",
    )
    def _is_a_duration(self, proposal: Any) -> str:
        try:
            durations.seconds(proposal["value"])
        except ValueError as error:
            raise TraitError(f"FlowsApp.{proposal['trait'].name}: {error}") from None
        return str(proposal["value"])

    @validate("warm_kernels")
    def _are_warm_kernels(self, proposal: Any) -> list[dict[str, Any]]:
        return [_warm_kernels(entry) for entry in proposal["value"]]


def _between(proposal: Any, least: float, most: float = math.inf) -> float:
    """Raises TraitError for a value outside of these."""
    value: float = proposal["value"]
    if least <= value <= most:
        return value
    allowed = f"from {least} to {most}" if most < math.inf else f"{least} or more"
    raise TraitError(f"FlowsApp.{proposal['trait'].name}: {value} must be {allowed}")


def _queue(trait: str, said: str) -> str:
    """Raises TraitError."""
    if re.fullmatch(QUEUE, said):
        return said
    raise TraitError(
        f"FlowsApp.{trait}: {said!r} must be of letters, digits, '.', '_' and '-', 48 at most"
    )


def _warm_kernels(said: Any) -> dict[str, Any]:
    """One entry of `warm_kernels`; on a command line it is JSON. Raises TraitError."""
    try:
        entry = json.loads(said) if isinstance(said, str) else dict(said)
        if "kernel_name" in entry and not set(entry) - {"kernel_name", "count", "max_age"}:
            durations.seconds(entry.get("max_age", "1h"))
            return {**entry, "count": int(entry.get("count", 1))}
    except (TypeError, ValueError) as error:
        raise TraitError(f"FlowsApp.warm_kernels: {said!r}: {error}") from None
    raise TraitError(
        f"FlowsApp.warm_kernels: {said!r} must have `kernel_name`; it may have `count`, `max_age`"
    )


def _storage(name: object, said: Any) -> dict[str, Any]:
    """One entry of `objects_storages`, as {"url", "options"}. Raises TraitError."""
    entry = {"url": said} if isinstance(said, str) else said
    named = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name)
    if not named or name == DEFAULT:
        raise TraitError(
            f"FlowsApp.objects_storages: {name!r} is no name of letters, digits, '_' and '-'"
        )
    if (
        not isinstance(entry, dict)
        or set(entry) - {"url", "options"}
        or not isinstance(entry.get("url"), str)
        or not entry["url"]
        or not isinstance(entry.get("options", {}), dict)
    ):
        raise TraitError(
            f"FlowsApp.objects_storages: {name!r} must be an address, or have `url` and `options`"
        )
    return {"url": entry["url"], "options": dict(entry.get("options", {}))}


def _endpoint(said: Any) -> dict[str, Any]:
    """One entry of `webhooks`, as {"url", "events", "secret_env"}; on a command line it is an
    address or JSON. Raises TraitError.
    """
    try:
        entry = json.loads(said) if isinstance(said, str) and said.startswith("{") else said
        endpoint = convert({"url": entry} if isinstance(entry, str) else entry, _Endpoint)
        host_of(endpoint.url)
    except (ValueError, BadInput) as error:
        raise TraitError(f"FlowsApp.webhooks: {said!r}: {error}") from None
    return asdict(endpoint)


def endpoints(settings: FlowsSettings) -> tuple[Endpoint, ...]:
    """Those of `webhooks`."""
    return tuple(Endpoint(**entry) for entry in settings.webhooks)


def webhook_addresses(settings: FlowsSettings) -> Addresses:
    """Where webhooks may go."""
    trusted = frozenset(entry["url"] for entry in settings.webhooks)
    return Addresses(trusted=trusted, hosts=tuple(settings.webhook_hosts))


def _address(trait: str, said: Any) -> str:
    """Raises TraitError."""
    if isinstance(said, str) and re.fullmatch(r"https?://[^\s/]+[^\s]*", said):
        return said
    raise TraitError(f"FlowsApp.{trait}: {said!r} must be an address: https://…")


def checkpoint_place(settings: FlowsSettings) -> Path | str:
    """Where saved variables lie: a folder, or the address of a storage."""
    named = settings.checkpoint_dir or str(Path(settings.data_dir) / "checkpoints")
    protocol, _, path = named.partition("://")
    if path and protocol not in {"file", "local"}:
        return named
    return Path(path or named).expanduser().absolute()


def compress_after(settings: FlowsSettings) -> float | None:
    """In seconds; None for never."""
    said = settings.compress_checkpoints_after
    return durations.seconds(said) if said else None


def groups_of(settings: FlowsSettings, name: str, user: Any = None) -> tuple[str, ...]:
    """The groups of a verified user (G44), in a fixed order; `user` is jupyter_server's, if there
    is one. Under JupyterHub it has what the hub says of the user.
    """
    listed = {
        group
        for group, members in settings.groups.items()
        if plain_name(name) in map(plain_name, members)
    }
    listed |= set(getattr(user, "hub_user", {}).get("groups", ()))
    if user is not None and settings.resolve_groups is not None:
        listed |= set(settings.resolve_groups(user))
    return tuple(sorted(listed))


def flows_folder(settings: FlowsSettings, root: str | None) -> Path | None:
    """The folder of flows; `root` is the server's, None where its notebooks are no files."""
    if settings.flows_dir:
        return Path(settings.flows_dir).expanduser().absolute()
    return None if root is None else Path(root) / "flows"
