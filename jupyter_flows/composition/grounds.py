"""What a house stands on: a folder of this machine with SQLite, or (`shared`) a database that
several servers share.
"""

import asyncio
import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from jupyter_flows.core.links import Keyring
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.schedules import Schedules
from jupyter_flows.ports import Clock, Jobs, Peers, ReceiptKeys, WebhookSecrets
from jupyter_flows.store.keys import KeyFile
from jupyter_flows.store.peers import PeerFolder, Server
from jupyter_flows.store.sql import SqlStore
from jupyter_flows.store.webhook_secrets import SecretFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """How others reach this process. `lasting` is false for one that goes when its one run does."""

    url: str
    public_url: str
    secret: str
    certificate: str
    lasting: bool


class AnyCard(Protocol):
    """What a server says of itself."""

    @property
    def id(self) -> str: ...
    @property
    def public_url(self) -> str: ...
    @property
    def lasting(self) -> bool: ...
    @property
    def queues(self) -> tuple[str, ...]: ...


class AnyPeers(Peers, Protocol):
    async def card(self, server: str) -> AnyCard | None:
        """None if it is not known."""

    async def all(self) -> Sequence[AnyCard]:
        """Those that live."""

    async def poke_schedules(self) -> bool:
        """Ask those that last to look at the schedules; whether there is one."""


class LinkKeyring(Protocol):
    def __call__(self) -> Keyring: ...

    def rotate(self, keep: int) -> int:
        """Sign with a new key; of the older ones so many stay that `keep` verify; how many do."""


class Grounds(Protocol):
    """`jobs` is None where no queue is shared."""

    @property
    def store(self) -> SqlStore: ...
    @property
    def peers(self) -> AnyPeers: ...
    @property
    def keys(self) -> LinkKeyring: ...
    @property
    def receipt_keys(self) -> Callable[[], ReceiptKeys]: ...
    @property
    def webhook_secrets(self) -> WebhookSecrets: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def jobs(self) -> Jobs | None: ...

    @property
    def drained(self) -> asyncio.Event:
        """Set when this server was drained, and holds nothing any more."""

    def is_sure(self) -> bool:
        """Whether nobody can take this server for dead now."""

    def hold(self) -> None:
        """Be alive from now on."""

    def begin(self, card: Card, engine: Engine, schedules: Schedules) -> None:
        """Say how to be reached, and hear what others say. Needs a running loop."""

    async def end(self) -> None:
        """Be alive no more."""


class FolderGrounds:
    """Implements `Grounds` on a folder: SQLite, and files."""

    jobs = None

    def __init__(self, folder: Path, server: str, clock: Clock) -> None:
        self._server = server
        self.clock = clock
        self.keys = KeyFile(folder / "keys")
        self.keys()
        self.peers = PeerFolder(folder / "servers")
        self.receipt_keys = functools.partial(_receipt_keys, folder / "receipt-keys.pem")
        self.webhook_secrets: WebhookSecrets = SecretFile(folder / "webhook-secrets")
        self.drained = asyncio.Event()  # never
        self._is_held = False
        self._folder = folder

    @functools.cached_property
    def store(self) -> SqlStore:
        return SqlStore(f"sqlite:///{self._folder / 'flows.db'}", self._folder)

    def is_sure(self) -> bool:
        return True  # its lock goes with its process only

    def hold(self) -> None:
        self.peers.hold(self._server)
        self._is_held = True

    def begin(self, card: Card, engine: Engine, schedules: Schedules) -> None:  # noqa: ARG002
        """Nobody turns to a process that drives nothing."""
        if not self._is_held:
            return
        self.peers.announce(
            Server(
                self._server,
                card.url,
                card.public_url,
                card.secret,
                os.getpid(),
                card.lasting,
                card.certificate,
            )
        )

    async def end(self) -> None:
        self.peers.leave(self._server)


def _receipt_keys(path: Path) -> ReceiptKeys:
    from jupyter_flows.store.receipt_keys import ReceiptKeyFile  # noqa: PLC0415 (slow to load)

    return ReceiptKeyFile(path)
