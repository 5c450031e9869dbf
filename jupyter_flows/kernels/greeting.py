"""How a kernel is met: connect, ask until it answers, tell a Python kernel of its flow."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import Json
from jupyter_flows.kernels import prelude
from jupyter_flows.kernels.executing import INTERRUPT_GRACE
from jupyter_flows.kernels.kernel import Kernel
from jupyter_flows.kernels.life import Life
from jupyter_flows.kernels.line import Line, within
from jupyter_flows.kernels.outcome import KEY, told

START_TIMEOUT = 60.0
NUDGE = 0.5
CALM = 2.0
"""Seconds in which a kernel that has nothing to do answers."""


class DiedAtStart(KernelUnavailable):
    """The kernel died while it started; another may have better luck with its ports."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """What it said of itself."""

    language: str
    speaks_flows: bool
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """What a kernel of an earlier server said of itself: `digests` are of what is bound in it."""

    language: str
    digests: Mapping[str, str]


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
                if greeted.speaks_flows:
                    nonce = await self._teach(env, folder)
                    greeted = Greeted(greeted.language, nonce is not None, nonce or "")
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

    async def _teach(self, env: Mapping[str, str], folder: str | None) -> str | None:
        """What proves later that it is this kernel; None if it took no prelude."""
        asked = {KEY: prelude.IDENTITY}
        reply = await self.line.tell(prelude.opening(env, folder), asked)
        if reply.get("status") == "ok":
            return str(told(reply).get("nonce", ""))
        self.log.warning("Kernel %s took no prelude: %s", self.kernel.id, reply)
        return None

    async def meet_again(self, nonce: str, env: Mapping[str, str]) -> Met:
        """Connect to a kernel that an earlier server has taught. Raises KernelUnavailable: it does
        not stop what it does, or is another one.
        """
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await self.line.connect()
                self.life.watch()
                self.kernel.connected()
                await self._calm()
                greeted = await self._hello()
                self.life.identity.greeted(names_itself=greeted.speaks_flows)
                met = told(await self.line.tell("", {KEY: prelude.IDENTITY}))
                if not nonce or met.get("nonce") != nonce:
                    raise KernelUnavailable("The kernel of this run is another one now.")
                await self.line.tell(prelude.entering(env, None))
                self.kernel.take_watch()
        except TimeoutError:
            raise KernelUnavailable("The kernel that was left does not answer.") from None
        return Met(greeted.language, met.get("digests", {}))

    async def _calm(self) -> None:
        """Nobody hears what the cell puts out that its last server has left running."""
        asked = self.line.ask("kernel_info_request", {})
        await asyncio.wait((asked,), timeout=CALM)
        if not asked.done():
            await self.line.interrupt()
            await asyncio.wait((asked,), timeout=INTERRUPT_GRACE)
        if not asked.done():
            raise KernelUnavailable("The kernel that was left does not stop its cell.")
