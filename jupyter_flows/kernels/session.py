"""One run's kernel: two readers for as long as it is held, and at most one cell at a time."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import zmq
import zmq.asyncio
from jupyter_core.utils import ensure_async

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.model import Failure, Json, RunId, StepId
from jupyter_flows.core.sentences import sentence
from jupyter_flows.kernels import prelude
from jupyter_flows.kernels.identity import Identity
from jupyter_flows.kernels.kernel import Kernel
from jupyter_flows.kernels.late import Late
from jupyter_flows.kernels.outcome import (
    Running,
    count_of,
    died,
    evaluation_of,
    failure_of,
    notices_of,
    result_of,
)
from jupyter_flows.kernels.outputs import MAX_OUTPUT_BYTES, Message, RunOutputs
from jupyter_flows.kernels.reader import read, send
from jupyter_flows.kernels.requests import Requests, silent
from jupyter_flows.kernels.telling import Telling
from jupyter_flows.kernels.widgets import Widgets
from jupyter_flows.kernels.words import Words
from jupyter_flows.ports import Cell, CellOutcome, Evaluation, Expression, Outputs, Shown

START_TIMEOUT = 60.0
NUDGE = 0.5
LIFE_CHECK = 0.5
IDLE_GRACE = 4.0
INTERRUPT_GRACE = 5.0
FAREWELL = 0.5
OWN_REQUESTS = 50
"""How many of our newest ones are remembered: what they do is done soon."""

NO_PYTHON = "Expressions need a Python kernel."


class DiedAtStart(KernelUnavailable):
    """The kernel died while it started; another may have better luck with its ports."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a cell's outputs, and of its result as JSON."""

    max_output_bytes: int = MAX_OUTPUT_BYTES
    max_result_bytes: int = 2**20


class KernelSession:
    """Opened once, then told to execute; nobody else may read its channels."""

    def __init__(
        self,
        kernel: Kernel,
        limits: Limits,
        context: zmq.asyncio.Context,
        log: logging.Logger,
    ) -> None:
        self._kernel = kernel
        self._limits = limits
        self._log = log
        self._client = kernel.client(context)
        self._own: deque[str] = deque(maxlen=OWN_REQUESTS)
        self._widgets = Widgets(
            self._send_comm, limits.max_output_bytes, own=self._own.__contains__
        )
        self._outputs = RunOutputs(limits.max_output_bytes, self._widgets.catcher)
        self._readers: list[asyncio.Task[None]] = []
        self._errands: set[asyncio.Task[None]] = set()
        self._asked: dict[str, asyncio.Future[Mapping[str, Json]]] = {}
        self._running: Running | None = None
        self._turn = asyncio.Lock()
        self._heard = asyncio.Event()
        self._requests = Requests(limits.max_result_bytes)
        self._env: Mapping[str, str] = {}
        self._said_foreign = False
        self.language = ""
        self.lost = False
        self.in_place = False
        self.on_lost: Callable[[], None] = lambda: None
        self.late = Late(self._outputs)
        self.telling = Telling(self._outputs)
        self.words = Words(log)
        self._identity = Identity(kernel, self._restarted)

    @property
    def speaks_flows(self) -> bool:
        return self._requests.speaks_flows

    # ------------------------------------------------------------ opening

    async def open(self, env: Mapping[str, str], folder: str | None = None) -> None:
        """Connect, and tell a Python kernel of its flow. Raises KernelUnavailable."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                await ensure_async(
                    self._client.start_channels(stdin=False, hb=False, control=False)
                )
                self._start_readers()
                self._kernel.on_death(self._die_unwatched)
                self._kernel.connected()
                await self._greet()
                self._identity.greeted(names_itself=self.speaks_flows)
                await self._teach(prelude.opening(env, folder))
                self._kernel.take_watch()
        except TimeoutError:
            raise KernelUnavailable(
                f"The kernel did not answer within {START_TIMEOUT:g} s; it may be busy."
            ) from None
        self._env = env

    async def enter(self, env: Mapping[str, str], folder: str | None) -> None:
        """Give a kernel that was opened beforehand to a run. Raises KernelUnavailable."""
        try:
            async with asyncio.timeout(START_TIMEOUT):
                reply = await self._tell(prelude.entering(env, folder))
        except TimeoutError:
            raise KernelUnavailable("A warm kernel did not answer.") from None
        if reply.get("status") != "ok":
            raise KernelUnavailable(f"A kernel could not be made ready: {reply.get('evalue')}")
        self._env = env

    def _start_readers(self) -> None:
        channels = {"iopub": self._on_iopub, "shell": self._on_shell}
        for name, deliver in channels.items():
            channel = getattr(self._client, f"{name}_channel")
            task = asyncio.create_task(
                read(channel, deliver, self._log), name=f"{name} of kernel {self._kernel.id}"
            )
            self._readers.append(task)

    async def _greet(self) -> None:
        """Ask who it is until it answers, and until its iopub channel is heard too."""
        reply = await self._insist("kernel_info_request")
        while not self._heard.is_set():
            await self._insist("kernel_info_request")
            await _within(NUDGE, self._heard.wait())
        self.language = reply.get("language_info", {}).get("name", "")
        self._requests.speaks_flows = reply.get("implementation") == "ipython"

    async def _insist(self, kind: str) -> Mapping[str, Json]:
        asked = self._ask(kind, {})
        while not asked.done():
            await asyncio.wait((asked,), timeout=NUDGE)
            if not asked.done() and (self.lost or not await self._kernel.alive()):
                cause = await self._kernel.cause_of_death()
                raise DiedAtStart(f"The kernel died while it started{cause}.")
        return asked.result()

    async def _teach(self, code: str) -> None:
        if not self.speaks_flows:
            return
        reply = await self._tell(code)
        if reply.get("status") != "ok":
            self._requests.speaks_flows = False
            self._log.warning("Kernel %s took no prelude: %s", self._kernel.id, reply)

    # ------------------------------------------------------------ executing

    async def execute(self, run: RunId, cell: Cell) -> CellOutcome:
        """Execute one cell to its end; only a cancelled caller makes this raise."""
        if self._running is not None:
            raise RuntimeError("this kernel executes a cell already")
        async with self._turn:
            return await self._execute(run, cell)

    async def _execute(self, run: RunId, cell: Cell) -> CellOutcome:
        if self.lost:
            return CellOutcome(outputs=(), execution_count=None, error=died(""), lost=True)
        running = self._send_cell(run, cell)
        try:
            await running.ended
        finally:
            for timer in running.timers.values():
                timer.cancel()
            self._running = None
        return self._outcome(running)

    async def evaluate(self, expression: Expression) -> Evaluation:
        """As `ports.Kernels.evaluate`."""
        if self._running is not None:
            raise KernelUnavailable(sentence("The kernel of this run is busy with a cell."))
        if not self.speaks_flows:
            return Evaluation(error=Failure("NotPython", NO_PYTHON))
        await self._await_turn(expression.timeout)
        try:
            if self.lost:
                raise KernelUnavailable(sentence("The kernel of this run is gone."))
            return await self._evaluate(expression)
        finally:
            self._turn.release()

    async def _await_turn(self, seconds: float) -> None:
        """No longer than that: what goes before may wait for a cell that the kernel's user runs.
        Raises KernelUnavailable.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise KernelUnavailable(sentence("The kernel of this run is busy.")) from None

    async def _evaluate(self, expression: Expression) -> Evaluation:
        reply = self._ask("execute_request", self._requests.expression(expression))
        if await self._answered(reply, expression.timeout):
            return evaluation_of(reply.result())
        if not self.lost:
            await self._kernel.interrupt(self._client)
            if not await self._answered(reply, INTERRUPT_GRACE):
                await self._die()
        late = f"did not end within {expression.timeout:g} s"
        return Evaluation(error=died("") if self.lost else Failure("TimedOut", late))

    async def _answered(self, reply: asyncio.Future[Any], seconds: float) -> bool:
        """Whether the reply has come in time; not if the kernel dies meanwhile."""
        end = asyncio.get_running_loop().time() + seconds
        while not reply.done():
            left = end - asyncio.get_running_loop().time()
            if left <= 0 or self.lost:
                return False
            await asyncio.wait((reply,), timeout=min(left, LIFE_CHECK))
            if not reply.done() and not await self._kernel.alive():
                await self._die()
        return not reply.cancelled()

    def _send_cell(self, run: RunId, cell: Cell) -> Running:
        content, metadata = self._requests.cell(cell), self._requests.metadata(run, cell)
        message = self._client.session.msg("execute_request", content, metadata=metadata)
        loop = asyncio.get_running_loop()
        outputs = self._outputs.begin(
            cell.step, message["header"]["msg_id"], told=not cell.rebuilding
        )
        running = Running(message["header"]["msg_id"], cell, outputs, loop.create_future())
        self._running = running
        self.late.cell_begins()
        running.timers["life"] = loop.call_later(LIFE_CHECK, self._check_life, running)
        if cell.timeout is not None:
            running.timers["timeout"] = loop.call_later(cell.timeout, self._time_out, running)
        self._widgets.flush()
        send(self._client.shell_channel, message)
        return running

    async def interrupt(self) -> None:
        """Interrupt the running cell; nothing happens if none runs."""
        if self._running is not None:
            await self._kernel.interrupt(self._client)

    def partial(self) -> Mapping[StepId, Outputs]:
        step = self._running.cell.step if self._running else None
        return {} if step is None else {step: self._outputs.show(step)}

    @property
    def kernel_id(self) -> str:
        return self._kernel.id

    @property
    def gone(self) -> bool:
        """Whether the kernel that holds what the cells made is here no more."""
        return self.lost or self._identity.check()

    def shown(self) -> Mapping[StepId, Shown]:
        """As `ports.Kernels.shown`: what was not told yet is told before."""
        self.telling.now()
        return self._outputs.shown()

    # ------------------------------------------------------------ hearing

    def _on_iopub(self, message: Message) -> None:
        self._heard.set()
        if self._identity.hears_another(message):
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
            if self._running is None:
                self.late.came()

    def _on_status(self, message: Message, state: str) -> None:
        self._kernel.tell_activity(state)
        if state == "idle":
            self._on_idle(message["parent_header"].get("msg_id"))

    def _on_idle(self, parent: str | None) -> None:
        self._widgets.flush()
        running = self._running
        if running is not None and running.id == parent:
            running.idle = True
            if running.reply is not None:
                running.end()

    def _on_shell(self, message: Message) -> None:
        parent = message["parent_header"].get("msg_id")
        running = self._running
        if running is not None and running.id == parent:
            self._on_reply(running, message["content"])
            return
        asked = self._asked.pop(parent, None)
        if asked is not None and not asked.done():
            asked.set_result(message["content"])

    def _on_reply(self, running: Running, content: Mapping[str, Json]) -> None:
        running.reply = content
        if running.idle:
            running.end()
        else:
            loop = asyncio.get_running_loop()
            running.timers["idle"] = loop.call_later(IDLE_GRACE, running.end)

    # ------------------------------------------------------------ time and death

    def _check_life(self, running: Running) -> None:
        self._run_errand(self._look_for_life(running), "life check")

    async def _look_for_life(self, running: Running) -> None:
        if self._identity.check():
            return
        if not await self._kernel.alive():
            await self._die()
        elif not running.ended.done():
            loop = asyncio.get_running_loop()
            running.timers["life"] = loop.call_later(LIFE_CHECK, self._check_life, running)

    def _restarted(self) -> None:
        """Somebody has restarted the kernel, or ended it: it is theirs now, and not the run's."""
        if self.lost:
            return
        if self._running is not None:
            self._running.death = " (it was restarted or shut down)"
        self._kernel.give_up()
        self._lose()
        if self._running is not None:
            self._running.end()

    def _die_unwatched(self) -> None:
        """The kernel's own watch has found it dead."""
        self._lose()
        self._run_errand(self._die(), "farewell to a dead kernel")

    async def _die(self) -> None:
        self._lose()
        if self._running is not None and self._running.death is None:
            self._running.death = await self._kernel.cause_of_death()
            self._running.end()
        if self._kernel.ours:
            await self._kernel.shut_down(now=True, log=self._log)

    def _lose(self) -> None:
        if not self.lost:
            self.lost = True
            self.late.stop()
            self.telling.now()
            self.on_lost()

    def _time_out(self, running: Running) -> None:
        running.timed_out = True
        loop = asyncio.get_running_loop()
        running.timers["kill"] = loop.call_later(INTERRUPT_GRACE, self._give_up, running)
        self._run_errand(self._kernel.interrupt(self._client), "interrupt")

    def _give_up(self, running: Running) -> None:
        """The cell does not heed the interrupt."""
        running.killed = True
        self._lose()
        running.end()
        if self._kernel.ours:
            self._run_errand(self._kernel.shut_down(now=True, log=self._log), "kill")

    def _run_errand(self, errand: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(errand, name=f"{name} ({self._kernel.id})")
        self._errands.add(task)
        task.add_done_callback(self._end_errand)

    def _end_errand(self, task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("%s failed", task.get_name(), exc_info=task.exception())

    def _outcome(self, running: Running) -> CellOutcome:
        if running.cell.rebuilding:
            self._outputs.settle(running.cell.step)
        self.telling.now()
        error = failure_of(running, ours=self._kernel.ours)
        result: Json = None
        notices: list[str] = []
        if error is None and running.reply is not None:
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
        )

    def _say_foreign(self) -> list[str]:
        if self._said_foreign:
            return []
        self._said_foreign = True
        kind = self.language or "another language"
        return [f"Results and bound names need a Python kernel; this one runs {kind}."]

    # ------------------------------------------------------------ closing

    async def close(self, *, now: bool = False) -> None:
        """Let the kernel go. A cell that still runs ends as lost. A kernel of ours that its user
        has open in the notebook is left to them, unless it is busy.
        """
        idle = self._running is None and not self.lost
        if idle and not now and self.in_place and self._kernel.is_open_elsewhere:
            self._kernel.give_up()
        farewell = idle and not self._kernel.ours
        if farewell and self.speaks_flows:
            await _within(FAREWELL, self._tell(prelude.leaving(list(self._env))))
        self.lost = True
        if self._running is not None:
            self._running.death = " (it was shut down)"
            self._running.end()
        await self._close_channels()
        self._kernel.disconnected()
        self._kernel.forget_callbacks()
        if self._kernel.ours:
            await self._kernel.shut_down(now=now, log=self._log)

    async def _close_channels(self) -> None:
        self.late.stop()
        self.telling.stop()
        self._identity.stop()
        tasks = [*self._readers, *self._errands]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._readers = []
        for asked in self._asked.values():
            asked.cancel()
        await ensure_async(self._client.stop_channels())

    # ------------------------------------------------------------ saying

    def _ask(self, kind: str, content: dict[str, Json]) -> asyncio.Future[Mapping[str, Json]]:
        message = self._client.session.msg(kind, content)
        asked: asyncio.Future[Mapping[str, Json]] = asyncio.get_running_loop().create_future()
        self._own.append(message["header"]["msg_id"])
        self._asked[message["header"]["msg_id"]] = asked
        send(self._client.shell_channel, message)
        return asked

    async def _tell(self, code: str) -> Mapping[str, Json]:
        return await self._ask("execute_request", silent(code, {}))

    def _send_comm(self, content: dict[str, Json], parent: Mapping[str, Json]) -> None:
        message = self._client.session.msg("comm_msg", content, parent=dict(parent))
        send(self._client.shell_channel, message)


async def _within(seconds: float, coroutine: Coroutine[Any, Any, object]) -> None:
    """Wait, but not for long, and not for an answer."""
    try:
        async with asyncio.timeout(seconds):
            await coroutine
    except (TimeoutError, zmq.ZMQError):
        return
