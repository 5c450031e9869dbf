"""Whether a run's kernel lives, and what is done when it does not."""

import logging
from collections.abc import Callable

from jupyter_flows.kernels import gateway
from jupyter_flows.kernels.errands import Errands
from jupyter_flows.kernels.identity import Identity
from jupyter_flows.kernels.kernel import Kernel

LIFE_CHECK = 0.5
"""Seconds between two looks at a kernel of which something is waited for."""


class Life:
    """`lost`: the kernel is of no more use to its run; `on_lost` is told once. `on_death` is told
    why, as a clause, for the cell that ran.
    """

    def __init__(self, kernel: Kernel, log: logging.Logger) -> None:
        self._kernel = kernel
        self.check_every = gateway.LIFE_CHECK if kernel.elsewhere else LIFE_CHECK
        self._log = log
        self.lost = False
        self.on_lost: Callable[[], None] = lambda: None
        self.on_death: Callable[[str], None] = lambda _: None
        self.errands = Errands(kernel.id, log)
        self.identity = Identity(kernel, self._restarted, self._revived)

    def vanished(self) -> None:
        """Where it ran, there is no such kernel any more."""
        self._restarted(ended=True)

    def watch(self) -> None:
        self._kernel.on_death(self._died_unwatched)

    @property
    def gone(self) -> bool:
        """Whether the kernel that holds what the cells made is here no more."""
        return self.lost or self.identity.check()

    async def look(self) -> bool:
        """Whether it lives, by a look at it now."""
        if self.identity.check():
            return False
        if await self._kernel.alive():
            return True
        await self.die()
        return False

    async def die(self) -> None:
        """It is dead, or is to be."""
        self.lose()
        self.on_death(await self._kernel.cause_of_death())
        if self._kernel.ours:
            await self._kernel.shut_down(now=True, log=self._log)

    def kill(self) -> None:
        """It heeds no interrupt. One that is not ours runs on."""
        self.lose()
        if self._kernel.ours:
            self.errands.run(self._kernel.shut_down(now=True, log=self._log), "kill")

    def lose(self) -> None:
        if not self.lost:
            self.lost = True
            self.on_lost()

    def _died_unwatched(self) -> None:
        """The kernel's own watch has found it dead."""
        self.lose()
        self.errands.run(self.die(), "farewell to a dead kernel")

    def _revived(self) -> None:
        """It has died where it ran, and another one was started there, of which nobody has need
        but one who has the notebook open on it.
        """
        if self.lost:
            return
        if self._kernel.is_open_elsewhere:
            self._kernel.give_up()
        self.lose()
        self.on_death("")
        if self._kernel.ours:
            self.errands.run(self._kernel.shut_down(now=True, log=self._log), "end")

    def _restarted(self, ended: bool) -> None:
        """Somebody has restarted the kernel, or ended it: it is theirs now, and not the run's."""
        if not self.lost:
            self._kernel.give_up(ended=ended)
            self.lose()
            self.on_death(" (it was restarted or shut down)")
