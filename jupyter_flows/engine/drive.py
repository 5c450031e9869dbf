"""Driving a run from one wait to the next: plan, do the effect, tell what came of it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TypeAlias, assert_never

import msgspec

from jupyter_flows.core import commands as c
from jupyter_flows.core import machine
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.errors import (
    Conflict,
    Fenced,
    FlowBusy,
    Refused,
    StoreUnavailable,
)
from jupyter_flows.core.model import (
    Digest,
    Run,
    RunId,
    Step,
    StepId,
)
from jupyter_flows.engine.cells import Driving, cell_of
from jupyter_flows.engine.conditions import Conditions, Ended
from jupyter_flows.engine.keep import Keeper
from jupyter_flows.engine.ready import KERNEL_GONE, Ready
from jupyter_flows.engine.restoring import Restoring
from jupyter_flows.engine.saving import Saving
from jupyter_flows.engine.tell import Teller
from jupyter_flows.engine.under_way import UnderWay
from jupyter_flows.ports import (
    Cell,
    CellOutcome,
    Checkpoints,
    KernelRequest,
    Kernels,
    Outputs,
    Peers,
    RunRow,
    Store,
)

PARTIAL_SECONDS = 1.0
"""How often the outputs of a running cell are kept, should the server die in it."""

PATIENCE = 2.0
"""How long a run that may go on waits for its variables to be saved, before that is given up."""

TAKEOVER = "another server took over"
"""Who resumes a run whose server died."""

LOOK_SECONDS = 1.0
"""How long others may hold a run up that is about to be driven."""

Look: TypeAlias = Callable[[Run], Awaitable[None]]
"""Asked before a run is driven on, or let go."""


class Driver:
    """Drives runs in this process. At most one call a run is at work at a time (the dispatcher
    sees to it here, the epoch everywhere).
    """

    def __init__(
        self,
        *,
        server: str,
        store: Store,
        kernels: Kernels,
        peers: Peers,
        teller: Teller,
        keeper: Keeper,
        checkpoints: Checkpoints,
        saving: Saving,
        under_way: UnderWay,
        is_ours: Callable[[RunRow], Awaitable[bool]],
        env: Callable[[Run], Mapping[str, str]],
        is_sure: Callable[[], bool],
        log: logging.Logger,
    ) -> None:
        self.server = server
        self._is_sure = is_sure
        self._store = store
        self._kernels = kernels
        self._peers = peers
        self._teller = teller
        self._keeper = keeper
        self._is_ours = is_ours
        self._log = log
        self._under_way = under_way
        self._saving = saving
        self._conditions = Conditions(kernels)
        self._ready = Ready(
            kernels=kernels,
            restoring=Restoring(kernels, checkpoints),
            teller=teller,
            store=store,
            tell=self._tell,
            executes=self._executes,
            env=env,
        )
        self._driving: dict[RunId, Driving] = {}
        self._cells: dict[RunId, tuple[StepId, asyncio.Event]] = {}  # those that execute
        self.looks: list[Look] = []
        self.place: Callable[[Run], AbstractContextManager[object]] = contextlib.nullcontext

    # ------------------------------------------------------------ the loop

    async def drive(self, run_id: RunId) -> None:
        """From the present state to the next wait or the end. Returns when another has the run."""
        await self._free(run_id)
        try:
            found = await self._known(run_id) or await self._claimed_anew(run_id)
            if found is None:
                return
            run, driving = found
            await self._read_snapshot(run, driving)
            await self._look(run)
            while not isinstance(effect := machine.plan(run), machine.Wait | machine.Done):
                run = await self._effect(run, effect, driving)
            if run.status in machine.WAITS:
                self._begin_waiting(run, driving)
            await self._keeper.write_document(run, driving.snapshot, final=True)
            if run.finished:
                await self.let_go(run_id)
        except FlowBusy:
            self._log.info("run %s waits: no place is free in its flow", run_id)
        except Fenced:
            self._log.warning("run %s: another server has taken it; stopping here", run_id)
            await self.let_go(run_id)
        finally:
            self._teller.forget(run_id)

    async def _known(self, run_id: RunId) -> tuple[Run, Driving] | None:
        """What is needed to go on with a run that waited here, as this process knows it. What
        others have written of it, or that one has taken it, comes out with the first word that is
        told of the next step, before that begins.
        """
        driving = self._driving.get(run_id)
        if driving is None or not (self._is_sure() and self._kernels.holds(run_id)):
            return None
        run = await self._teller.recent(run_id)
        if not isinstance(machine.plan(run), machine.StartStep):
            return None
        self._teller.keep_as(run)
        return run, driving

    async def _claimed_anew(self, run_id: RunId) -> tuple[Run, Driving] | None:
        driving = await self._claimed(run_id)
        return None if driving is None else (await self._teller.keep(run_id), driving)

    async def _free(self, run_id: RunId) -> None:
        """Wait for what is under way with its kernel. A long save is given up when the wait that it
        was for is over: the kernel itself holds all.
        """
        if await self._under_way.ended(run_id, PATIENCE):
            return
        if (await self._teller.state(run_id)).status not in machine.WAITS:
            await self._kernels.interrupt(run_id)
        await self._under_way.ended(run_id)

    async def _look(self, run: Run) -> None:
        """What fails there, or takes long, is no reason for the run to wait."""
        for look in self.looks:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await look(run)
            except Exception:  # noqa: BLE001 (a defect in what is shown must not end the run)
                self._log.exception("run %s: it goes on without what was to be done before", run.id)

    async def _claimed(self, run_id: RunId, *, at_a_wait: bool = False) -> Driving | None:
        """What is needed to drive the run, after making sure that it is ours; None if it isn't, or
        if there is nothing to do, unless it is wanted at a wait too.
        """
        row = await self._store.row(run_id)
        held = self._driving.get(run_id)
        if held is not None and held.epoch == row.epoch:
            return held
        if held is not None:  # another server had it meanwhile: what this kernel holds is old
            await self.let_go(run_id)
        if not await self._is_ours(row):
            if row.server and await self._peers.alive(row.server):
                await self._peers.poke(row.server, run_id)
            return None
        run = await self._store.load(run_id)
        if isinstance(machine.plan(run), machine.Wait | machine.Done) and not at_a_wait:
            return None
        if held is not None and run.running is not None:
            raise Fenced  # whoever finds it cut short says so first
        epoch = row.epoch
        if row.server != self.server:
            epoch = await self._store.claim(run_id, self.server, row.epoch)
        snapshot = msgspec.json.decode(await self._store.get(run.snapshot))
        self._driving[run_id] = driving = Driving(epoch, run.snapshot, snapshot)
        return driving

    async def _read_snapshot(self, run: Run, driving: Driving) -> None:
        """It is another one when the run was resumed with an edited notebook."""
        if driving.digest != run.snapshot:
            driving.snapshot = msgspec.json.decode(await self._store.get(run.snapshot))
            driving.digest = run.snapshot

    async def let_go(self, run_id: RunId) -> None:
        """Hold nothing of the run any more, its kernel included."""
        self._driving.pop(run_id, None)
        await self._kernels.close(run_id)

    def _begin_waiting(self, run: Run, driving: Driving) -> None:
        driving.waited = True
        if self._kernels.holds(run.id):
            self._saving.begin(run, driving)

    async def _effect(self, run: Run, effect: machine.Effect, driving: Driving) -> Run:
        match effect:
            case machine.BeginRun():
                with self.place(run):
                    return await self._tell(run, c.Start())
            case machine.StartStep():
                run, ready = await self._ready.with_kernel(run, driving)
                return await self._tell(run, c.Advance()) if ready else run
            case machine.AskCondition():
                run, ready = await self._ready.with_kernel(run, driving)
                return await self._ask_condition(run, effect) if ready else run
            case machine.ExecuteStep():
                return await self._execute_step(run, run.steps[effect.step], driving)
            case machine.RebuildKernel():
                await self._read_snapshot(run, driving)
                return await self._ready.rebuild(run, effect, driving)
            case machine.Wait() | machine.Done():
                return run
            case _:
                assert_never(effect)

    async def _tell(self, run: Run, *commands: c.Command) -> Run:
        """Tell as the driver. What the run's state no longer allows (it was cancelled meanwhile)
        is no error here: the next plan sees it.
        """
        try:
            return await self._teller.tell(run.id, *commands, epoch=self._driving[run.id].epoch)
        except Refused:
            return await self._teller.keep(run.id)

    # ------------------------------------------------------------ effects

    async def _ask_condition(self, run: Run, effect: machine.AskCondition) -> Run:
        key = "skip_if" if effect.section is None else f"skip_if of section {effect.section}"
        found = await self._conditions.skip(run, effect.step, key, effect.expr)
        if found.error is not None:
            return await self._tell(run, c.FailStep(step=effect.step, error=found.error))
        decided = c.DecideSkip(step=effect.step, skip=found.truth, section=effect.section)
        return await self._tell(run, decided)

    async def _execute_step(self, run: Run, step: Step, driving: Driving) -> Run:
        if not self._kernels.holds(run.id):
            return await self._tell(run, c.LoseKernel(why=KERNEL_GONE))
        await self._read_snapshot(run, driving)
        driving.saved = False
        run = await self._teller.state(run.id)
        if run.running != step.id:  # it was cancelled meanwhile, say
            return run
        await self._check_epoch(run.id, driving)
        with self._executes(run.id, step.id):
            begun = asyncio.get_running_loop().time()
            outcome = await self._watched(run, cell_of(run, step, driving.snapshot))
            driving.busy += asyncio.get_running_loop().time() - begun
            found = await self._conditions.behind(run, step, outcome)
        run = await self._tell_patiently(run, step.id, found)
        await self._keeper.write_document(run, driving.snapshot)
        if run.running is not None and run.running != step.id:
            await self._saving.between(run, driving)
            run = await self._teller.state(run.id)
        return run

    async def _check_epoch(self, run: RunId, driving: Driving) -> None:
        """A server that slept since it wrote that the cell begins may have lost the run by now.
        Raises Fenced.
        """
        if not self._is_sure() and (await self._store.row(run)).epoch != driving.epoch:
            raise Fenced

    @contextlib.contextmanager
    def _executes(self, run: RunId, step: StepId) -> Iterator[None]:
        """A cell that may have to be ended from outside."""
        ended = asyncio.Event()
        self._cells[run] = (step, ended)
        try:
            yield
        finally:
            ended.set()
            self._cells.pop(run, None)

    async def _watched(self, run: Run, cell: Cell) -> CellOutcome:
        """Execute; keep what it has put out so far every second, should this process die in it."""
        keeper: asyncio.Task[None] | None = None

        def begin() -> None:
            nonlocal keeper
            keeping = self._keep_partials(run.id)
            keeper = asyncio.create_task(keeping, name=f"jupyter-flows outputs of {run.id}")

        later = asyncio.get_running_loop().call_later(PARTIAL_SECONDS, begin)
        try:
            outcome = await self._kernels.execute(run.id, cell)
        finally:
            later.cancel()
            if keeper is not None:
                keeper.cancel()
        if keeper is not None:
            await asyncio.wait({keeper})
            await self._save_partial(run.id, None)
        return outcome

    async def _keep_partials(self, run: RunId) -> None:
        kept: object = None
        while True:
            data = msgspec.json.encode(self._kernels.partial(run))
            if data != kept and await self._save_partial(run, data):
                kept = data
            await asyncio.sleep(PARTIAL_SECONDS)

    async def _save_partial(self, run: RunId, data: bytes | None) -> bool:
        """Whether it was kept. The cell runs on without it."""
        try:
            await self._store.save_partial(run, data)
        except StoreUnavailable as error:
            self._log.warning("run %s: its outputs so far could not be kept: %s", run, error)
            return False
        return True

    async def _finish(self, step: StepId, ended: Ended) -> c.FinishStep:
        outcome = ended.outcome
        return c.FinishStep(
            step=step,
            link=self._keeper.new_link(),
            result=outcome.result,
            notice=outcome.notice,
            error=outcome.error,
            outputs=await self._keeper.put_outputs(outcome.outputs),
            execution_count=outcome.execution_count,
            amended=await self._amended(outcome.amended),
            widgets=await self._keeper.put_widgets(outcome.widgets),
            stop=ended.stop,
            retry=ended.retry,
            chance=self._keeper.new_chance(),
            pause=outcome.pause,
        )

    async def _amended(self, amended: Mapping[StepId, Outputs]) -> dict[StepId, Digest]:
        kept = {step: await self._keeper.put_outputs(outputs) for step, outputs in amended.items()}
        return {step: digest for step, digest in kept.items() if digest is not None}

    async def _tell_patiently(self, run: Run, step: StepId, ended: Ended) -> Run:
        """A finished cell is never run again because the store was away: wait for the store."""
        delay = 0.1
        while True:
            try:
                return await self._tell(run, await self._finish(step, ended), c.Advance())
            except (StoreUnavailable, Conflict) as error:
                self._log.warning("run %s: %s; trying again in %.1f s", run.id, error, delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)

    # ------------------------------------------------------------ from outside

    def executing(self, run: RunId) -> tuple[StepId, asyncio.Event] | None:
        """The step whose cell executes here, and what is set when it has ended."""
        return self._cells.get(run)

    async def revive(self, run_id: RunId) -> bool:
        """Have the kernel of a run that waits come back, for a question to it; whether it did."""
        await self._under_way.ended(run_id)
        if self._kernels.holds(run_id):
            return True
        ended = self._under_way.begin(run_id)
        try:
            run = await self._store.load(run_id)
            found = machine.stand_in(run)
            if run.status not in machine.WAITS or found is None:
                return False
            driving = await self._claimed(run_id, at_a_wait=True)
            return driving is not None and await self._ready.revived(run, found, driving)
        finally:
            ended()

    def request(self, run: Run) -> KernelRequest:
        """For a kernel such as the run's, but of nobody."""
        return self._ready.request(run, None)

    def epoch(self, run: RunId) -> int | None:
        """That of the driving here; None if it isn't driven here."""
        driving = self._driving.get(run)
        return None if driving is None else driving.epoch

    def holds(self, run: RunId) -> bool:
        return run in self._driving

    def held(self) -> list[RunId]:
        """The runs that this process has, at work or waiting."""
        return list(self._driving)

    async def amend(self, run_id: RunId, outputs: Mapping[StepId, Outputs]) -> None:
        """Outputs of ended steps have changed: an open gate's digest may be another now (G70)."""
        driving = self._driving.get(run_id)
        if driving is None:
            return
        async with driving.amending:
            amended = await self._amended(outputs)
            if amended:
                tell = c.AmendOutputs(outputs=amended)
                run = await self._teller.tell(run_id, tell, epoch=driving.epoch)
                await self._keeper.write_document(run, driving.snapshot)

    async def interrupted(
        self,
        run_id: RunId,
        why: str,
        outputs: Mapping[StepId, Outputs],
        epoch: int | None = None,
        choice: Choice | None = None,
    ) -> None:
        """Mark a run whose cell was cut short, with what it had put out; with a choice it is
        resumed so. Raises Fenced if the epoch (else that of the driving here) is not the run's any
        more.
        """
        lose = c.LoseKernel(why=why, outputs=await self._amended(outputs))
        again = [c.Resume(by=TAKEOVER, choice=choice)] if choice else []
        driving = self._driving.get(run_id)
        if epoch is None and driving is not None:
            epoch = driving.epoch
        run = await self._teller.tell(run_id, lose, *again, epoch=epoch)
        snapshot = msgspec.json.decode(await self._store.get(run.snapshot))
        await self._keeper.write_document(run, snapshot, final=True)
        await self._store.save_partial(run_id, None)
