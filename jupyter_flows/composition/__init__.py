"""The parts put together: the one room, with the extension and the command line, that knows all."""

import asyncio
import functools
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_flows.composition.grounds import AnyPeers, Card, FolderGrounds, Grounds, LinkKeyring
from jupyter_flows.composition.saved import checkpoints_of
from jupyter_flows.core import durations
from jupyter_flows.core.checkpoint import CheckpointOptions, When
from jupyter_flows.core.errors import BadInput, StoreUnavailable
from jupyter_flows.core.model import Json, Run, StepId
from jupyter_flows.core.registry import is_name
from jupyter_flows.core.scripts import SCRIPT
from jupyter_flows.core.webhooks import deliveries
from jupyter_flows.engine.asked import Limits
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.inline import Inline, offer_sql
from jupyter_flows.engine.notices import Notices
from jupyter_flows.engine.objects import Objects
from jupyter_flows.engine.progress import ProgressTold
from jupyter_flows.engine.registry import Registry
from jupyter_flows.engine.releasing import Memory
from jupyter_flows.engine.schedules import Schedules
from jupyter_flows.engine.staying import Staying
from jupyter_flows.engine.things import Things
from jupyter_flows.engine.webhooks import Webhooks
from jupyter_flows.kernels.none import NoKernels
from jupyter_flows.kernels.notebook import read_notebook, script_notebook
from jupyter_flows.notify.services import Services
from jupyter_flows.notify.webhooks import WebhookPosts
from jupyter_flows.objects.storages import Place, Storages
from jupyter_flows.ports import (
    Checkpoints,
    Clock,
    Documents,
    Notebooks,
    Outputs,
    Parameter,
    WebhookSecrets,
)
from jupyter_flows.settings import (
    FlowsSettings,
    endpoints,
    flows_folder,
    groups_of,
    webhook_addresses,
)
from jupyter_flows.sql.databases import DuckDatabases
from jupyter_flows.store.sql import SqlStore
from jupyter_flows.store.webhook_secrets import GivenSecrets, secrets_of_variable

if TYPE_CHECKING:
    from jupyter_flows.kernels.sessions import KernelSessions
    from jupyter_flows.kernels.warm import WarmKernels


_LOG = logging.getLogger("jupyter_flows")


def chance() -> str:
    """160 bits, as 40 hex digits."""
    return secrets.token_hex(20)  # noqa: TID251 (here chance enters)


def clock() -> float:
    return time.time()  # noqa: TID251 (here time enters)


@dataclass(frozen=True, slots=True)
class House:
    """The engine with what it stands on. `secret` lets other processes of this user poke it. One
    that does not drive is no server that others could turn to.
    """

    engine: Engine
    schedules: Schedules
    registry: Registry
    things: Things
    progress: ProgressTold
    objects: Objects
    inline: Inline
    notices: Notices
    webhooks: Webhooks
    webhook_secrets: WebhookSecrets
    kernels: "KernelSessions | NoKernels"
    grounds: Grounds
    peers: AnyPeers
    keys: LinkKeyring
    server: str
    secret: str
    drives: bool
    checkpoints: Checkpoints
    groups_of: Callable[[str, Any], tuple[str, ...]]
    certificate: str = ""
    staying: Staying | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def drained(self) -> asyncio.Event:
        """Set when this server was drained, and holds nothing any more."""
        return self.grounds.drained

    async def start(self, url: str, public_url: str, *, lasting: bool = True) -> None:
        """Needs a running loop. `url` is where this process answers, up to `/jupyter-flows`;
        `lasting` is false for a process that goes when its one run does: it starts no others.
        """
        card = Card(
            url=url,
            public_url=public_url,
            secret=self.secret,
            certificate=self.certificate,
            lasting=lasting,
        )
        self.grounds.begin(card, self.engine, self.schedules)
        self.kernels.start()
        if lasting:
            self.engine.show_in_place()
        await self.engine.start()
        if self.drives:
            self.webhooks.start(public_url)
        if lasting and self.drives:
            self.schedules.start()
        if self.staying is not None:
            self.staying.start()

    async def stop(self) -> None:
        self.stopping.set()
        if self.staying is not None:
            await self.staying.stop()
        await self.schedules.stop()
        await self.webhooks.stop()
        await self.engine.stop()
        await self.grounds.end()


def data_folder(settings: FlowsSettings) -> Path:
    """The data folder, made private if it is new. Raises BadInput when none is set, as after a
    setting that could not be read: never the folder that the server happens to stand in.
    """
    if not settings.data_dir:
        raise BadInput("FlowsApp.data_dir is empty; is another setting of FlowsApp wrong?")
    folder = Path(settings.data_dir).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreUnavailable(f"The data folder {folder} can't be used: {error}") from None
    return folder


def open_store(settings: FlowsSettings) -> SqlStore:
    """Raises StoreUnavailable."""
    return _grounds(settings, f"srv_{chance()[:16]}", drives=False, adopts=False).store


def _grounds(
    settings: FlowsSettings,
    server: str,
    *,
    drives: bool,
    adopts: bool,
    clock: Clock = clock,
    log: logging.Logger = _LOG,
) -> Grounds:
    """Raises StoreUnavailable, WeakKeyError; BadInput where the extra `postgres` is missing."""
    folder = data_folder(settings)
    if not settings.database_url:
        return FolderGrounds(folder, server, clock)
    try:
        from jupyter_flows.composition.shared import SharedGrounds  # noqa: PLC0415 (slow to load)
    except ModuleNotFoundError as error:
        raise BadInput(
            f"FlowsApp.database_url needs the package {error.name}: pip install"
            " 'jupyter-flows[postgres]'"
        ) from None
    return SharedGrounds(settings, folder, server, drives=drives, adopts=adopts, log=log)


def compose(
    settings: FlowsSettings,
    *,
    manager: Any | None,
    notebooks: Notebooks | None = None,
    address: Callable[[], str],
    certificate: str = "",
    adopts: bool,
    active: Callable[[], None] | None = None,
    log: logging.Logger,
    clock: Clock = clock,
) -> House:
    """Everything, ready to be started. `manager` is jupyter_client's or jupyter_server's, or None
    for a process that drives nothing; `notebooks` are the server's, None for one that shows no run
    in place; `address` says where this process answers, and `certificate`
    names the file of its TLS certificate, if it has one. `active` is called while runs of this
    process are unfinished.

    Raises StoreUnavailable, WeakKeyError.
    """
    folder = data_folder(settings)
    server = f"srv_{chance()[:16]}"
    grounds = _grounds(
        settings, server, drives=manager is not None, adopts=adopts, clock=clock, log=log
    )
    kernels = NoKernels() if manager is None else _kernels(settings, folder, manager, log)
    if manager is not None:
        grounds.hold()
    store, clock = grounds.store, grounds.clock
    checkpoints = checkpoints_of(settings, folder, clock, log)
    engine = Engine(
        server=server,
        store=store,
        kernels=kernels,
        checkpoints=checkpoints,
        documents=LateDocuments(),
        notebooks=notebooks,
        peers=grounds.peers,
        keyring=grounds.keys,
        receipt_keys=grounds.receipt_keys,
        address=address,
        certificate=certificate,
        clock=clock,
        chance=chance,
        limits=Limits(
            timeout=durations.seconds(settings.default_timeout),
            payload_bytes=settings.max_payload_bytes,
            validator_seconds=durations.seconds(settings.validator_timeout),
            checkpointing=CheckpointOptions(
                when=When(settings.checkpoint), grace=durations.seconds(settings.checkpoint_grace)
            ),
            checkpoint_seconds=durations.seconds(settings.checkpoint_timeout),
            children_at_once=settings.children_at_once,
            webhooks=webhook_addresses(settings),
            queue=settings.queue if settings.database_url else None,
        ),
        memory=memory,
        adopts=adopts,
        owners=settings.owners,
        drives=manager is not None,
        jobs=grounds.jobs,
        queues=settings.queues,
        is_sure=grounds.is_sure,
        log=log,
    )
    schedules = Schedules(
        engine=engine,
        store=store.schedules,
        read=_notebook_at,
        chance=chance,
        owners=settings.owners,
        log=log,
    )
    lying = flows_folder(settings, None if notebooks is None else notebooks.root)
    registry = Registry(
        engine=engine,
        store=store.flows,
        read=_notebook_at,
        folder=functools.partial(_notebooks_in, lying),
    )
    given = settings.webhook_secret
    webhook_secrets = GivenSecrets(given) if given else grounds.webhook_secrets
    webhooks = _webhooks(settings, store, webhook_secrets, clock, log)
    engine.listen(webhooks.committed)
    progress = ProgressTold(store=store.things, clock=clock, tell=engine.boards.set_progress)
    things = Things(store=store.things, clock=clock)
    groups = functools.partial(groups_of, settings)
    staying = Staying(store, server, active, log) if active else None
    return House(
        engine=engine,
        schedules=schedules,
        registry=registry,
        things=things,
        progress=progress,
        objects=Objects(
            storages=_storages(settings, folder),
            resources=things,
            keyring=grounds.keys,
            clock=clock,
            chance=chance,
        ),
        inline=_inline(settings, folder),
        notices=Notices(Services(settings.slack_url, settings.teams_webhooks), things),
        webhooks=webhooks,
        webhook_secrets=webhook_secrets,
        kernels=kernels,
        grounds=grounds,
        peers=grounds.peers,
        keys=grounds.keys,
        server=server,
        secret=chance(),
        drives=manager is not None,
        checkpoints=checkpoints,
        groups_of=groups,
        certificate=certificate,
        staying=staying,
    )


def _webhooks(
    settings: FlowsSettings,
    store: SqlStore,
    secrets: WebhookSecrets,
    clock: Clock,
    log: logging.Logger,
) -> Webhooks:
    """What the settings say is to be sent is written with the events of every process."""
    configured = endpoints(settings)
    store.outgoing = functools.partial(deliveries, configured)
    own = {each.url: each.secret_env for each in configured if each.secret_env is not None}

    def signing(url: str, now: float) -> tuple[str, ...]:
        return secrets.signing(now) if url not in own else secrets_of_variable(own[url])

    return Webhooks(
        store=store,
        deliveries=store.deliveries,
        poster=WebhookPosts(),
        secrets=signing,
        addresses=webhook_addresses(settings),
        clock=clock,
        log=log,
    )


def _storages(settings: FlowsSettings, folder: Path) -> Storages:
    url = settings.objects_url or str((folder / "objects").absolute())
    named = {
        name: Place(said["url"], said["options"])
        for name, said in settings.objects_storages.items()
    }
    return Storages(Place(url, settings.objects_options), named)


def _inline(settings: FlowsSettings, folder: Path) -> Inline:
    inline = Inline()
    databases = DuckDatabases(
        folder.absolute() / "sql",
        seconds=durations.seconds(settings.sql_timeout),
        memory_bytes=settings.sql_memory_bytes,
    )
    offer_sql(inline, databases)
    return inline


_LIMIT, _USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")


def memory() -> Memory:
    """Of the machine, or of the container that this process is in."""
    import psutil  # noqa: PLC0415 (slow to load)

    seen = psutil.virtual_memory()
    machine = Memory(seen.available, seen.total)
    try:
        limit, used = int(_LIMIT.read_text()), int(_USED.read_text())
    except (OSError, ValueError):  # none, or "max"
        return machine
    return min(machine, Memory(limit - used, limit), key=lambda each: each.available)


async def _notebooks_in(folder: Path | None) -> dict[str, str]:
    """The notebooks and scripts in a folder and those below it, by their names: their paths from
    there, without their ending.
    """
    if folder is None:
        return {}
    return await asyncio.to_thread(_listed, folder)


def _listed(folder: Path) -> dict[str, str]:
    """Of a script and a notebook of one name the notebook counts."""
    found: dict[str, str] = {}
    for ending in (SCRIPT, ".ipynb"):
        for path in sorted(folder.rglob(f"*{ending}")) if folder.is_dir() else ():
            name = path.relative_to(folder).with_suffix("").as_posix()
            if is_name(name):
                found[name] = str(path)
    return found


async def _notebook_at(path: str) -> dict[str, Json]:
    return await asyncio.to_thread(read_notebook, Path(path))


class LateDocuments:
    """Implements `ports.Documents`; nbformat, which is slow to load, is loaded when needed."""

    @functools.cached_property
    def _documents(self) -> Documents:
        from jupyter_flows.kernels.document import NotebookDocuments  # noqa: PLC0415

        return NotebookDocuments()

    def prepare(
        self, notebook: Mapping[str, Json], parameters: Mapping[str, Json], kernel_name: str | None
    ) -> tuple[dict[str, Json], str]:
        return self._documents.prepare(notebook, parameters, kernel_name)

    def script(self, text: str) -> dict[str, Json]:
        return script_notebook(text)

    def parameters(self, prepared: Mapping[str, Json], kernel_name: str) -> Sequence[Parameter]:
        return self._documents.parameters(prepared, kernel_name)

    def executed(
        self,
        snapshot: Mapping[str, Json],
        run: Run,
        outputs: Mapping[StepId, Outputs],
        widgets: Mapping[str, Json] | None,
    ) -> dict[str, Json]:
        return self._documents.executed(snapshot, run, outputs, widgets)

    async def write(self, path: str, notebook: Mapping[str, Json]) -> None:
        await self._documents.write(path, notebook)


def _kernels(
    settings: FlowsSettings, folder: Path, manager: Any, log: logging.Logger
) -> "KernelSessions":
    from jupyter_flows.kernels.session import Limits as KernelLimits  # noqa: PLC0415 (slow to load)
    from jupyter_flows.kernels.sessions import KernelSessions  # noqa: PLC0415

    return KernelSessions(
        manager,
        limits=KernelLimits(
            max_output_bytes=settings.max_output_bytes,
            max_result_bytes=settings.max_result_bytes,
            checkpoint_seconds=durations.seconds(settings.checkpoint_timeout),
        ),
        warm=[_warm(entry) for entry in settings.warm_kernels],
        keep_alive=settings.keep_kernels_alive,
        detached=folder / "kernels" if settings.detached_kernels else None,
        log=log,
    )


def _warm(entry: dict[str, Any]) -> "WarmKernels":
    from jupyter_flows.kernels.warm import WarmKernels  # noqa: PLC0415

    return WarmKernels(
        kernel_name=entry["kernel_name"],
        count=int(entry.get("count", 1)),
        max_age=durations.seconds(entry.get("max_age", "1h")),
    )
