"""The parts put together: the one room, with the extension and the command line, that knows all."""

import asyncio
import functools
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_flows.core import durations
from jupyter_flows.core.checkpoint import CheckpointOptions, When
from jupyter_flows.core.errors import BadInput, StoreUnavailable
from jupyter_flows.core.model import Json, Run, StepId
from jupyter_flows.core.registry import is_name
from jupyter_flows.core.scripts import SCRIPT
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
from jupyter_flows.kernels.none import NoKernels
from jupyter_flows.kernels.notebook import read_notebook, script_notebook
from jupyter_flows.notify.services import Services
from jupyter_flows.objects.storages import Place, Storages
from jupyter_flows.ports import Clock, Documents, Notebooks, Outputs, Parameter, ReceiptKeys
from jupyter_flows.settings import (
    FlowsSettings,
    checkpoint_folder,
    compress_after,
    flows_folder,
    groups_of,
)
from jupyter_flows.sql.databases import DuckDatabases
from jupyter_flows.store.checkpoints import CheckpointFolder
from jupyter_flows.store.checkpoints import Limits as CheckpointLimits
from jupyter_flows.store.keys import KeyFile
from jupyter_flows.store.peers import PeerFolder, Server
from jupyter_flows.store.sql import SqlStore

if TYPE_CHECKING:
    from jupyter_flows.kernels.sessions import KernelSessions
    from jupyter_flows.kernels.warm import WarmKernels


def chance() -> str:
    """160 bits, as 40 hex digits."""
    return secrets.token_hex(20)  # noqa: TID251 (here chance enters)


def clock() -> float:
    return time.time()  # noqa: TID251 (here time enters)


@dataclass(frozen=True, slots=True)
class House:
    """The engine with what it stands on. `secret` lets other processes of this user poke it."""

    engine: Engine
    schedules: Schedules
    registry: Registry
    things: Things
    progress: ProgressTold
    objects: Objects
    inline: Inline
    notices: Notices
    kernels: "KernelSessions | NoKernels"
    peers: PeerFolder
    keys: KeyFile
    server: str
    secret: str
    checkpoints: CheckpointFolder
    groups_of: Callable[[str, Any], tuple[str, ...]]
    certificate: str = ""
    staying: Staying | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, url: str, public_url: str, *, lasting: bool = True) -> None:
        """Needs a running loop. `url` is where this process answers, up to `/jupyter-flows`;
        `lasting` is false for a process that goes when its one run does: it starts no others.
        """
        card = Server(
            self.server, url, public_url, self.secret, os.getpid(), lasting, self.certificate
        )
        self.peers.announce(card)
        self.kernels.start()
        if lasting:
            self.engine.show_in_place()
        await self.engine.start()
        if lasting:
            self.schedules.start()
        if self.staying is not None:
            self.staying.start()

    async def stop(self) -> None:
        self.stopping.set()
        if self.staying is not None:
            await self.staying.stop()
        await self.schedules.stop()
        await self.engine.stop()
        self.peers.leave(self.server)


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
    folder = data_folder(settings)
    return SqlStore(f"sqlite:///{folder / 'flows.db'}", folder)


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
    keys = KeyFile(folder / "keys")
    keys()
    peers = PeerFolder(folder / "servers")
    server = f"srv_{chance()[:16]}"
    kernels = NoKernels() if manager is None else _kernels(settings, folder, manager, log)
    if manager is not None:
        peers.hold(server)
    store = open_store(settings)
    checkpoints = _checkpoints(settings, clock, log)
    engine = Engine(
        server=server,
        store=store,
        kernels=kernels,
        checkpoints=checkpoints,
        documents=LateDocuments(),
        notebooks=notebooks,
        peers=peers,
        keyring=keys,
        receipt_keys=functools.partial(_receipt_keys, folder / "receipt-keys.pem"),
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
        ),
        memory=memory,
        adopts=adopts,
        drives=manager is not None,
        log=log,
    )
    schedules = Schedules(
        engine=engine, store=store.schedules, read=_notebook_at, chance=chance, log=log
    )
    lying = flows_folder(settings, None if notebooks is None else notebooks.root)
    registry = Registry(
        engine=engine,
        store=store.flows,
        read=_notebook_at,
        folder=functools.partial(_notebooks_in, lying),
    )
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
            keyring=keys,
            clock=clock,
            chance=chance,
        ),
        inline=_inline(settings, folder),
        notices=Notices(Services(settings.slack_url, settings.teams_webhooks), things),
        kernels=kernels,
        peers=peers,
        keys=keys,
        server=server,
        secret=chance(),
        checkpoints=checkpoints,
        groups_of=groups,
        certificate=certificate,
        staying=staying,
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


def _checkpoints(settings: FlowsSettings, clock: Clock, log: logging.Logger) -> CheckpointFolder:
    return CheckpointFolder(
        checkpoint_folder(settings),
        CheckpointLimits(
            max_bytes=settings.checkpoint_max_bytes,
            min_free=settings.checkpoint_min_free,
            budget=settings.checkpoint_budget,
        ),
        compress_after(settings),
        clock=clock,
        log=log,
    )


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


def _receipt_keys(path: Path) -> ReceiptKeys:
    from jupyter_flows.store.receipt_keys import ReceiptKeyFile  # noqa: PLC0415 (slow to load)

    return ReceiptKeyFile(path)


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
