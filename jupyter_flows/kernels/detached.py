"""Kernels of runs that outlive their servers: started apart, found again by their cards."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from jupyter_flows.core.model import RunId
from jupyter_flows.kernels import processes
from jupyter_flows.kernels.adopting import adopt
from jupyter_flows.kernels.cards import Card, CardFolder
from jupyter_flows.kernels.kernel import Kernel, attach
from jupyter_flows.kernels.stay import Stay


class DetachedKernels:
    """`manager` is that of all kernels here."""

    def __init__(self, folder: Path, manager: Any) -> None:
        self._cards = CardFolder(folder)
        self._manager = manager

    def returns(self, run: RunId) -> bool:
        """Whether the run has a kernel that lives, and that no other server holds."""
        card = self._cards.read(run)
        if card is None or not card.nonce or not _lives(card):
            return False
        lock = self._cards.claim(run)
        if lock is None:
            return False
        lock.close()
        return True

    def left(self) -> list[RunId]:
        """The runs that have a card."""
        return self._cards.runs()

    # ------------------------------------------------------------ starting

    def place(self, run: RunId) -> Stay | None:
        """For a kernel that is to be started; None while another server has one of the run."""
        lock = self._cards.claim(run)
        return None if lock is None else Stay(run, self._cards, lock, self._cards.open_log(run))

    def started(self, kernel: Kernel, stay: Stay) -> None:
        """Its card, should all end before it is met. One that is no process here has none."""
        inner = self._manager.get_kernel(kernel.id)
        pid = getattr(getattr(inner, "provisioner", None), "pid", None)
        command = processes.command_of(pid) if pid else ()
        if not pid or inner.connection_file not in command:
            stay.end()
            return
        inner._launch_args = {}  # noqa: SLF001 (one that its user restarts is a kernel as others)
        connection = inner.get_connection_info()
        key = connection["key"]
        connection = {**connection, "key": key.decode() if isinstance(key, bytes) else key}
        name, file = inner.kernel_name, inner.connection_file
        stay.note(Card(stay.run, kernel.id, name, pid, command, file, connection))
        kernel.stay = stay

    # ------------------------------------------------------------ coming back

    async def back(self, run: RunId) -> tuple[Kernel, str] | None:
        """The run's kernel of an earlier server, and what it must say to prove that it is."""
        card = self._cards.read(run)
        lock = None if card is None else self._cards.claim(run)
        if card is None or lock is None:
            return None
        stay = Stay(run, self._cards, lock, card=card)
        process = processes.found(card.pid, card.command)
        if process is None or not card.nonce:
            await processes.end(card.pid, card.command)
            stay.end()
            return None
        await adopt(self._manager, card, process)
        kernel = attach(self._manager, card.kernel_id, ours=True)
        kernel.stay = stay
        return kernel, card.nonce

    # ------------------------------------------------------------ ending

    async def end(self, run: RunId) -> None:
        """End what an earlier server has left of it."""
        card = self._cards.read(run)
        lock = None if card is None else self._cards.claim(run)
        if card is not None and lock is not None:
            await processes.end(card.pid, card.command)
            Stay(run, self._cards, lock, card=card).end()

    async def collect(self, live: Collection[RunId]) -> None:
        """End those of other runs, and forget those that have ended by themselves."""
        for run in self._cards.runs():
            card = self._cards.read(run)
            if run not in live or card is None or not _lives(card):
                await self.end(run)


def _lives(card: Card) -> bool:
    return processes.found(card.pid, card.command) is not None
