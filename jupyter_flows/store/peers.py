"""Which servers work on this store: a file and an operating-system lock for each.

The lock goes with its process, however that dies; so a server is alive while its lock is held.
"""

import asyncio
import fcntl
import json
import ssl
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import msgspec

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import RunId
from jupyter_flows.core.sentences import sentence
from jupyter_flows.ports import Evaluation, Expression
from jupyter_flows.store.blobs import replace_file


@dataclass(frozen=True, slots=True, repr=False)
class Server:
    """How to reach a server. `secret` is known to those who can read the data folder, no others.

    `lasting` is false for one that goes when its one run does (a command in the foreground).
    """

    id: str
    url: str
    public_url: str
    secret: str
    pid: int
    lasting: bool = True
    certificate: str = ""

    @property
    def queues(self) -> tuple[str, ...]:
        """The classes of runs that it drives: none, for all of this machine are its own."""
        return ()


class PeerFolder:
    """Implements `ports.Peers` on a folder. `announce` makes this process one of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, IO[str]] = {}

    def _lock(self, server: str) -> Path:
        return self._folder / f"{server}.lock"

    def _card(self, server: str) -> Path:
        return self._folder / f"{server}.json"

    def hold(self, server: str) -> None:
        """Be alive under this name, until the process ends or `leave`."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self._folder / f"{server}.new"  # nobody looks at it before it is locked
        file = new.open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        new.replace(self._lock(server))
        self._held[server] = file

    def announce(self, server: Server) -> None:
        """Say how to reach this process."""
        replace_file(self._card(server.id), json.dumps(asdict(server)).encode())

    def leave(self, server: str) -> None:
        held = self._held.pop(server, None)
        self._card(server).unlink(missing_ok=True)
        self._lock(server).unlink(missing_ok=True)
        if held:
            held.close()

    def living(self) -> list[str]:
        """All that live, also those that have not said how to reach them."""
        names = sorted(path.stem for path in self._folder.glob("*.lock"))
        return [name for name in names if self._lives(name)]

    async def alive(self, server: str) -> bool:
        return self._lives(server)

    def _lives(self, server: str) -> bool:
        if server in self._held:
            return True
        try:
            with self._lock(server).open("r") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        self._card(server).unlink(missing_ok=True)
        self._lock(server).unlink(missing_ok=True)
        return False

    async def card(self, server: str) -> Server | None:
        return self._read(server)

    def _read(self, server: str) -> Server | None:
        try:
            return Server(**json.loads(self._card(server).read_bytes()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    async def all(self) -> list[Server]:
        """The servers that live and have said how to reach them, this one included."""
        cards = [self._read(name) for name in self.living()]
        return [card for card in cards if card]

    async def poke(self, server: str, run: RunId) -> bool:
        card = self._read(server)
        if card is None:
            return False
        return await asyncio.to_thread(_poked, card, f"peers/drive/{run}")

    async def poke_schedules(self) -> bool:
        """Ask a server that lasts to look at the schedules; whether one is there and said yes."""
        for card in await self.all():
            if card.lasting and await asyncio.to_thread(_poked, card, "peers/schedules"):
                return True
        return False

    async def evaluate(self, server: str, run: RunId, expression: Expression) -> Evaluation:
        card = self._read(server)
        if card is None:
            raise KernelUnavailable(sentence("The server that has it can't be reached."))
        return await asyncio.to_thread(_evaluate, card, run, expression)


def opener(card: Server) -> urllib.request.OpenerDirector:
    """Opens addresses of that server: never through a proxy, and trusting its own certificate."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if card.certificate:
        context = ssl.create_default_context(cafile=card.certificate)
        context.check_hostname = False  # it names the server as others reach it
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        handlers.append(urllib.request.HTTPSHandler(context=context))
    return urllib.request.build_opener(*handlers)


def _poked(card: Server, path: str) -> bool:
    try:
        _posted(card, path, b"", 5)
    except OSError:
        return False
    return True


def _evaluate(card: Server, run: RunId, expression: Expression) -> Evaluation:
    asked = {"expr": expression.expr, "names": expression.names, "timeout": expression.timeout}
    try:
        answer = _posted(
            card, f"peers/evaluate/{run}", json.dumps(asked).encode(), expression.timeout + 15
        )
    except OSError as error:
        raise KernelUnavailable(f"The server that has it did not answer: {error}") from None
    return msgspec.json.decode(answer, type=Evaluation)


def _posted(card: Server, path: str, body: bytes, seconds: float) -> bytes:
    """The answer's body. Raises OSError, also for an answer that is an error."""
    request = urllib.request.Request(  # noqa: S310 (our own server's http address)
        f"{card.url}/{path}",
        data=body,
        headers={"Authorization": f"Bearer {card.secret}", "Content-Type": "application/json"},
        method="POST",
    )
    with opener(card).open(request, timeout=seconds) as response:
        found: bytes = response.read()
        return found
