"""One run's kernel, from the first word to the last: what it is asked, and what is heard of it."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import zmq.asyncio

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import Failure, Json, RunId, StepId
from jupyter_flows.core.sentences import sentence
from jupyter_flows.kernels import prelude
from jupyter_flows.kernels.checkpointing import Checkpointing
from jupyter_flows.kernels.executing import Executing
from jupyter_flows.kernels.greeting import Greeting
from jupyter_flows.kernels.kernel import Kernel
from jupyter_flows.kernels.late import Late
from jupyter_flows.kernels.life import Life
from jupyter_flows.kernels.line import Line, within
from jupyter_flows.kernels.outcome import (
    KEY,
    Running,
    count_of,
    died,
    evaluation_of,
    failure_of,
    notices_of,
    pause_of,
    result_of,
    told,
)
from jupyter_flows.kernels.outputs import MAX_OUTPUT_BYTES, Message, RunOutputs
from jupyter_flows.kernels.requests import Requests, silent
from jupyter_flows.kernels.telling import Telling
from jupyter_flows.kernels.turns import Busy, Turns
from jupyter_flows.kernels.widgets import Widgets
from jupyter_flows.kernels.words import Words
from jupyter_flows.ports import Cell, CellOutcome, Evaluation, Expression, Outputs, Shown, Where

FAREWELL = 0.5
VISIT = 10.0
"""Seconds in which a kernel says who was there; one that takes longer is at work."""

NO_PYTHON = "Expressions need a Python kernel."


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a cell's outputs, and of its result as JSON; seconds for what a checkpoint takes."""

    max_output_bytes: int = MAX_OUTPUT_BYTES
    max_result_bytes: int = 2**20
    checkpoint_seconds: float = 600.0


class KernelSession:
    """Opened once, then told to execute."""

    def __init__(
        self,
        kernel: Kernel,
        limits: Limits,
        context: zmq.asyncio.Context,
        log: logging.Logger,
    ) -> None:
        self.kernel = kernel
        self._log = log
        self._line = Line(kernel, context, log)
        self._life = Life(kernel, log)
        self._greeting = Greeting(kernel, self._line, self._life, log)
        self._turns = Turns(self._line, self._life)
        self._requests = Requests(limits.max_result_bytes)
        self._widgets = Widgets(
            self._line.send_comm, limits.max_output_bytes, own=self._line.is_own
        )
        self._outputs = RunOutputs(limits.max_output_bytes, self._widgets.catcher)
        self._executing = Executing(self._line, self._life, self._requests, self._outputs)
        self._executed = False
        self.checkpoint = Checkpointing(self._turns, self._requests, limits.checkpoint_seconds)
        self._env: Mapping[str, str] = {}
        self._said_foreign = False
        self.language = ""
        self.in_place = False
        self.on_lost: Callable[[], None] = lambda: None
        self.late = Late(self._outputs)
        self.telling = Telling(self._outputs)
        self.words = Words(log)
        self._line.on_iopub = self._on_iopub
        self._line.on_gone = self._life.vanished
        self._life.on_lost = self._on_lost

    @property
    def speaks_flows(self) -> bool:
        return self._requests.speaks_flows

    @property
    def kernel_id(self) -> str:
        return self.kernel.id

    async def is_free(self) -> bool:
        """As `ports.Kernels.is_free`."""
        return self.kernel.ours and not await self.kernel.is_open_now()

    @property
    def lost(self) -> bool:
        return self._life.lost

    @property
    def gone(self) -> bool:
        """Whether the kernel that holds what the cells made is here no more."""
        return self._life.gone

    # ------------------------------------------------------------ opening

    async def open(self, env: Mapping[str, str], folder: str | None = None) -> None:
        """Connect, and tell a Python kernel of its flow. Raises KernelUnavailable."""
        met = await self._greeting.greet(env, folder)
        self.language, self._requests.speaks_flows = met.language, met.speaks_flows
        self._env = env
        if self.kernel.stay is not None:
            self.kernel.stay.met(met.nonce)

    async def open_again(self, nonce: str, env: Mapping[str, str]) -> None:
        """Go on with a kernel that an earlier server has left. Raises KernelUnavailable."""
        met = await self._greeting.meet_again(nonce, env)
        self.language, self._requests.speaks_flows = met.language, True
        self._requests.knows(met.digests)
        self._env, self._executed = env, True

    async def enter(self, env: Mapping[str, str], folder: str | None) -> None:
        """Give a kernel that was opened beforehand to a run. Raises KernelUnavailable."""
        await self._greeting.enter(env, folder)
        self._env = env

    # ------------------------------------------------------------ executing

    async def execute(self, run: RunId, cell: Cell) -> CellOutcome:
        """Execute one cell to its end; only a cancelled caller makes this raise."""
        if self._executing.running is not None:
            raise RuntimeError("this kernel executes a cell already")
        async with self._turns.next:
            if cell.replay and not self.lost:
                await self.checkpoint.bring()
            if self.lost:
                return CellOutcome(outputs=(), execution_count=None, error=died(""), lost=True)
            self._executed = True
            self.late.cell_begins()
            self._widgets.flush()
            return self._outcome(await self._executing.execute(run, cell))

    async def evaluate(self, expression: Expression) -> Evaluation:
        """As `ports.Kernels.evaluate`."""
        if self._executing.running is not None:
            raise KernelUnavailable(sentence("The kernel of this run is busy with a cell."))
        if not self.speaks_flows:
            return Evaluation(error=Failure("NotPython", NO_PYTHON))
        async with self._turns.turn(expression.timeout):
            asked = self._requests.expression(expression)
            reply = await self._turns.ask(asked, expression.timeout)
        if reply is not None:
            return evaluation_of(reply)
        late = f"did not end within {expression.timeout:g} s"
        return Evaluation(error=died("") if self.lost else Failure("TimedOut", late))

    async def restore(
        self, run: RunId, folder: Where, saved: Mapping[str, Json], replays: Sequence[Cell]
    ) -> None:
        """As `ports.Kernels.restore`."""
        await self.checkpoint.restore(folder, saved, replays, functools.partial(self.execute, run))

    async def visitors(self, run: RunId) -> int:
        """As `ports.Kernels.visitors`. Who keeps it busy now is one of them."""
        if not self.speaks_flows:
            return 0
        try:
            async with self._turns.turn(VISIT):
                reply = await self._turns.ask(
                    silent("", {KEY: prelude.IDENTITY}), VISIT, kills=False
                )
        except Busy:
            return 1
        if reply is None:
            raise KernelUnavailable(sentence("The kernel of this run does not answer."))
        met = told(reply)
        foreign = int(met.get("foreign", 1))
        ran = met.get("run")
        return foreign if ran == run or not (ran or self._executed) else max(1, foreign)

    async def interrupt(self) -> None:
        """Interrupt the running cell; nothing happens if none runs."""
        await self._executing.interrupt()

    def partial(self) -> Mapping[StepId, Outputs]:
        step = self._executing.step
        return {} if step is None else {step: self._outputs.show(step)}

    def shown(self) -> Mapping[StepId, Shown]:
        """As `ports.Kernels.shown`: what was not told yet is told before."""
        self.telling.now()
        return self._outputs.shown()

    def _outcome(self, running: Running) -> CellOutcome:
        if running.cell.rebuilding:
            self._outputs.settle(running.cell.step)
        self.telling.now()
        pause = pause_of(running)
        error = None if pause else failure_of(running, ours=self.kernel.ours)
        result: Json = None
        notices: list[str] = []
        if error is None and pause is None and running.reply is not None:
            result, notices = (
                result_of(running.reply) if self.speaks_flows else (None, self._say_foreign())
            )
        return CellOutcome(
            outputs=self._outputs.take(running.cell.step),
            execution_count=count_of(running),
            result=result,
            notice=" ".join([*notices, *notices_of(running)]) or None,
            error=error,
            lost=self.lost,
            amended=self._outputs.amended(),
            widgets=self._widgets.state(),
            pause=pause,
        )

    def _say_foreign(self) -> list[str]:
        if self._said_foreign:
            return []
        self._said_foreign = True
        kind = self.language or "another language"
        return [f"Results and bound names need a Python kernel; this one runs {kind}."]

    # ------------------------------------------------------------ hearing

    def _on_iopub(self, message: Message) -> None:
        if self._life.identity.hears_another(message):
            return
        kind = message["msg_type"]
        if kind == "status":
            self._on_status(message, message["content"]["execution_state"])
        elif kind.startswith("comm_"):
            if not self.words.takes(message):
                self._widgets.feed(message)
        else:
            self._outputs.feed(message)
            self.telling.came()
            if self._executing.running is None:
                self.late.came()

    def _on_status(self, message: Message, state: str) -> None:
        self.kernel.tell_activity(state)
        if state == "idle":
            self._widgets.flush()
            self._executing.idle(message["parent_header"].get("msg_id"))

    def _on_lost(self) -> None:
        self.late.stop()
        self.telling.now()
        self.on_lost()

    # ------------------------------------------------------------ closing

    async def close(self, *, now: bool = False) -> None:
        """Let the kernel go. A cell that still runs ends as lost. A kernel of ours that its user
        has open in the notebook is left to them, unless it is busy.
        """
        idle = self._executing.running is None and not self.lost
        if idle and not now and self.in_place and await self.kernel.is_open_now():
            self.kernel.give_up()
        farewell = idle and not self.kernel.ours
        if farewell and self.speaks_flows:
            await within(FAREWELL, self._line.tell(prelude.leaving(list(self._env))))
        self._life.lost = True
        self._executing.end(" (it was shut down)")
        await self._hang_up()
        self.kernel.disconnected()
        self.kernel.forget_callbacks()
        if self.kernel.ours:
            await self.kernel.shut_down(now=now, log=self._log)

    async def leave(self) -> None:
        """Let go of a kernel that is to outlive this server; any other one is closed."""
        if self.kernel.stay is None or self.gone:
            await self.close()
            return
        self._life.lost = True
        self._executing.end(" (its server stopped)")
        await self._hang_up()
        self.kernel.disconnected()
        self.kernel.leave()

    async def _hang_up(self) -> None:
        self.late.stop()
        self.telling.stop()
        self._life.identity.stop()
        await self._life.errands.stop()
        await self._line.disconnect()
