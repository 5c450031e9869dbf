"""How a kernel is met: connect, ask until it answers, tell a Python kernel of its flow."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import Json
from jupyter_flows.kernels import prelude
from jupyter_flows.kernels.kernel import Kernel
from jupyter_flows.kernels.life import Life
from jupyter_flows.kernels.line import Line, within

START_TIMEOUT = 60.0
NUDGE = 0.5


class DiedAtStart(KernelUnavailable):
    """The kernel died while it started; another may have better luck with its ports."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """What it said of itself."""

    language: str
    speaks_flows: bool


@dataclass(frozen=True, slots=True)
class Greeting:
    kernel: Kernel
    line: Line
    life: Life
    log: logging.Logger

    async def greet(self, env: Mapping[str, str], folder: str | None) -> Greeted:
        """Connect, and tell a Python kernel of its flow. Raises KernelUnavailable."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await self.line.connect()
                self.life.watch()
                self.kernel.connected()
                greeted = await self._hello()
                self.life.identity.greeted(names_itself=greeted.speaks_flows)
                if greeted.speaks_flows and not await self._teach(env, folder):
                    greeted = Greeted(greeted.language, speaks_flows=False)
                self.kernel.take_watch()
        except TimeoutError:
            raise KernelUnavailable(
                f"The kernel did not answer within {START_TIMEOUT:g} s; it may be busy."
            ) from None
        return greeted

    async def enter(self, env: Mapping[str, str], folder: str | None) -> None:
        """Give a kernel that was greeted beforehand to a run. Raises KernelUnavailable."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                reply = await self.line.tell(prelude.entering(env, folder))
        except TimeoutError:
            raise KernelUnavailable("A warm kernel did not answer.") from None
        if reply.get("status") != "ok":
            raise KernelUnavailable(f"A kernel could not be made ready: {reply.get('evalue')}")

    async def _hello(self) -> Greeted:
        """Ask who it is until it answers, and until its iopub channel is heard too."""
        reply = await self._insist()
        while not self.line.heard.is_set():
            await self._insist()
            await within(NUDGE, self.line.heard.wait())
        return Greeted(
            language=reply.get("language_info", {}).get("name", ""),
            speaks_flows=reply.get("implementation") == "ipython",
        )

    async def _insist(self) -> Mapping[str, Json]:
        asked = self.line.ask("kernel_info_request", {})
        while not asked.done():
            await asyncio.wait((asked,), timeout=NUDGE)
            if not asked.done() and (self.life.lost or not await self.kernel.alive()):
                cause = await self.kernel.cause_of_death()
                raise DiedAtStart(f"The kernel died while it started{cause}.")
        return asked.result()

    async def _teach(self, env: Mapping[str, str], folder: str | None) -> bool:
        """Whether it took the prelude."""
        reply = await self.line.tell(prelude.opening(env, folder))
        if reply.get("status") == "ok":
            return True
        self.log.warning("Kernel %s took no prelude: %s", self.kernel.id, reply)
        return False
