"""The cell that a kernel executes: sent, timed, ended by reply and idle, by timeout or by death."""

import asyncio
from collections.abc import Mapping

from jupyter_flows.core.model import Json, RunId, StepId
from jupyter_flows.kernels.life import Life
from jupyter_flows.kernels.line import UNHEARD, Line
from jupyter_flows.kernels.outcome import Running
from jupyter_flows.kernels.outputs import Message, RunOutputs
from jupyter_flows.kernels.requests import Requests
from jupyter_flows.ports import Cell

IDLE_GRACE = 4.0
INTERRUPT_GRACE = 5.0


class Executing:
    """At most one cell at a time: `running`."""

    def __init__(self, line: Line, life: Life, requests: Requests, outputs: RunOutputs) -> None:
        self._line = line
        self._life = life
        self._requests = requests
        self._outputs = outputs
        self.running: Running | None = None
        line.on_reply = self._on_reply
        line.on_unheard = self._on_unheard
        life.on_death = self.end

    async def execute(self, run: RunId, cell: Cell) -> Running:
        """Send it, and wait for its end."""
        running = self._send(run, cell)
        try:
            await running.ended
        finally:
            for timer in running.timers.values():
                timer.cancel()
            self.running = None
        return running

    def _send(self, run: RunId, cell: Cell) -> Running:
        message = self._line.cell(self._requests.cell(cell), self._requests.metadata(run, cell))
        loop = asyncio.get_running_loop()
        message_id = message["header"]["msg_id"]
        outputs = self._outputs.begin(cell.step, message_id, told=not cell.rebuilding)
        running = self.running = Running(message_id, cell, outputs, loop.create_future())
        running.timers["life"] = loop.call_later(self._life.check_every, self._check_life, running)
        if cell.timeout is not None:
            running.timers["timeout"] = loop.call_later(cell.timeout, self._time_out, running)
        self._line.send(message)
        return running

    @property
    def step(self) -> StepId | None:
        return self.running.cell.step if self.running else None

    async def interrupt(self) -> None:
        if self.running is not None:
            await self._line.interrupt()

    def end(self, death: str) -> None:
        """It will never end by itself."""
        running = self.running
        if running is not None:
            if running.death is None:
                running.death = death
            running.end()

    # ------------------------------------------------------------ hearing

    def idle(self, parent: str | None) -> None:
        """The kernel is done with that request."""
        running = self.running
        if running is not None and running.id == parent:
            running.idle = True
            if running.reply is not None:
                running.end()

    def _on_reply(self, message: Message) -> None:
        running = self.running
        if running is not None and running.id == message["parent_header"].get("msg_id"):
            self._replied(running, message["content"])

    def _replied(self, running: Running, content: Mapping[str, Json]) -> None:
        running.reply = content
        if running.idle:
            running.end()
        else:
            loop = asyncio.get_running_loop()
            running.timers["idle"] = loop.call_later(IDLE_GRACE, running.end)

    def _on_unheard(self, message_id: str) -> None:
        """The kernel is done with that cell, and we have not heard how it went."""
        running = self.running
        if running is not None and running.id == message_id and running.reply is None:
            running.reply = {"status": "error", "ename": "Unheard", "evalue": UNHEARD}
            running.end()

    # ------------------------------------------------------------ time

    def _check_life(self, running: Running) -> None:
        self._life.errands.run(self._look_for_life(running), "life check")

    async def _look_for_life(self, running: Running) -> None:
        if await self._life.look() and not running.ended.done():
            loop = asyncio.get_running_loop()
            running.timers["life"] = loop.call_later(
                self._life.check_every, self._check_life, running
            )

    def _time_out(self, running: Running) -> None:
        running.timed_out = True
        loop = asyncio.get_running_loop()
        running.timers["kill"] = loop.call_later(INTERRUPT_GRACE, self._give_up, running)
        self._life.errands.run(self._line.interrupt(), "interrupt")

    def _give_up(self, running: Running) -> None:
        """The cell does not heed the interrupt."""
        running.killed = True
        self._life.kill()
        running.end()
