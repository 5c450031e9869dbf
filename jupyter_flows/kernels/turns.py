"""Who may ask the kernel now: its cells and all other questions take turns."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import sentence
from jupyter_flows.kernels.executing import INTERRUPT_GRACE
from jupyter_flows.kernels.life import Life
from jupyter_flows.kernels.line import Line


class Busy(KernelUnavailable):
    """The kernel does something that is none of ours."""


class Turns:
    """`next`: whoever holds it has the kernel for itself."""

    def __init__(self, line: Line, life: Life) -> None:
        self._line = line
        self._life = life
        self.next = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def turn(self, seconds: float) -> AsyncIterator[None]:
        """It is waited for no longer than that: what goes before may wait for a cell that the
        kernel's user runs. Raises KernelUnavailable.
        """
        try:
            async with asyncio.timeout(seconds):
                await self.next.acquire()
        except TimeoutError:
            raise Busy(sentence("The kernel of this run is busy.")) from None
        try:
            self.require()
            yield
        finally:
            self.next.release()

    def require(self) -> None:
        """Raises KernelUnavailable where it is lost."""
        if self._life.lost:
            raise KernelUnavailable(sentence("The kernel of this run is gone."))

    async def ask(
        self, content: dict[str, Json], seconds: float, *, kills: bool = True
    ) -> Mapping[str, Json] | None:
        """What it replies to an `execute_request` of this content. None where it died, or took
        longer and was interrupted; one that does not heed that is killed, if it may be. Raises
        Busy where it has not even begun in that time.
        """
        reply = self._line.ask("execute_request", content)
        if await self._answered(reply, seconds):
            return reply.result()
        if not self._life.lost:
            if not self._line.has_begun(reply):
                raise Busy(sentence("The kernel of this run is busy."))
            await self._line.interrupt()
            if not await self._answered(reply, INTERRUPT_GRACE) and kills:
                await self._life.die()
        return None

    async def _answered(self, reply: asyncio.Future[Mapping[str, Json]], seconds: float) -> bool:
        """Whether the reply has come in time; not if the kernel dies meanwhile."""
        end = asyncio.get_running_loop().time() + seconds
        while not reply.done():
            left = end - asyncio.get_running_loop().time()
            if left <= 0 or self._life.lost:
                return False
            await asyncio.wait((reply,), timeout=min(left, self._life.check_every))
            if not reply.done():
                await self._life.look()
        return not reply.cancelled()
