"""The engine's face: what the doors and the command line may ask for."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence

import msgspec

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core import machine, windmill
from jupyter_flows.core.checkpoint import Choice
from jupyter_flows.core.errors import (
    FlowsError,
    KernelUnavailable,
)
from jupyter_flows.core.links import (
    Keyring,
    kernel_token,
)
from jupyter_flows.core.model import (
    Gate,
    Json,
    Run,
    RunId,
    StepId,
    Voter,
)
from jupyter_flows.core.sentences import sentence
from jupyter_flows.engine import beginning
from jupyter_flows.engine.asked import Limits, NewRun
from jupyter_flows.engine.audit import Auditor
from jupyter_flows.engine.boards import Boards
from jupyter_flows.engine.drive import Look
from jupyter_flows.engine.families import Families
from jupyter_flows.engine.feed import Feed
from jupyter_flows.engine.inner import InnerSteps
from jupyter_flows.engine.keep import Keeper
from jupyter_flows.engine.links import Links
from jupyter_flows.engine.reading import Reading
from jupyter_flows.engine.releasing import PLENTY, Memory
from jupyter_flows.engine.scribe import Scribe
from jupyter_flows.engine.showing import Showing
from jupyter_flows.engine.tell import Teller
from jupyter_flows.engine.tokens import Tokens
from jupyter_flows.engine.told import DocumentsTold
from jupyter_flows.engine.votes import Votes
from jupyter_flows.engine.works import Works
from jupyter_flows.ports import (
    Chance,
    Checkpoints,
    Clock,
    Collected,
    Documents,
    Evaluation,
    Expression,
    GatePlace,
    GateRow,
    Jobs,
    Kernels,
    Listener,
    Lost,
    Notebooks,
    Outputs,
    Page,
    Peers,
    ReceiptKeys,
    RunFilter,
    RunRow,
    Store,
    Word,
)

STOPPED = "The server was stopped while this cell ran."


class Engine:
    """One a process. `adopts` says whether it also takes over the runs of servers that died, those
    of `owners` if any are named; with `drives` false it only asks and tells, and leaves the cells
    to the other servers. `jobs` is a queue that servers share, of which this one drives the classes
    in `queues`; `is_sure` says whether nobody else can have taken what it drives.

    Start it with `start` in the running loop, end it with `stop`.
    """

    def __init__(
        self,
        *,
        server: str,
        store: Store,
        kernels: Kernels,
        checkpoints: Checkpoints,
        documents: Documents,
        notebooks: Notebooks | None = None,
        peers: Peers,
        keyring: Callable[[], Keyring],
        receipt_keys: Callable[[], ReceiptKeys],
        address: Callable[[], str],
        certificate: str = "",
        clock: Clock,
        chance: Chance,
        limits: Limits,
        memory: Callable[[], Memory] = lambda: PLENTY,
        adopts: bool = True,
        owners: Collection[str] = (),
        drives: bool = True,
        jobs: Jobs | None = None,
        queues: Collection[str] = (),
        is_sure: Callable[[], bool] = lambda: True,
        log: logging.Logger,
    ) -> None:
        self._background: set[asyncio.Task[None]] = set()
        self.limits = limits
        self.clock = clock
        self.feed = Feed(store)
        self.audit = Auditor(store, receipt_keys, clock)
        self._store = store
        self._kernels = kernels
        self.reading = Reading(documents, store)
        self._peers = peers
        self._keyring = keyring
        self.tokens = Tokens(keyring)
        self._address = address
        self._certificate = certificate
        self._chance = chance
        self._adopts = adopts
        self._drives = drives
        self._log = log
        self._server = server
        self._teller = Teller(store, self.feed, clock)
        self._keeper = Keeper(store, documents, clock, chance, log)
        self.showing = Showing(store, self._keeper, self._teller, clock, log)
        self.documents_told = DocumentsTold()
        self.boards = Boards(
            store=store,
            kernels=kernels,
            keeper=self._keeper,
            feed=self.feed,
            clock=clock,
            log=log,
        )
        self._families = Families(store, self.cancel, self._spawn, log)
        self.feed.listen(self._families.committed)
        works = Works(
            server=server,
            store=store,
            kernels=kernels,
            checkpoints=checkpoints,
            peers=peers,
            teller=self._teller,
            keeper=self._keeper,
            feed=self.feed,
            cancel_orphans=self._families.cancel_orphans,
            failed=self._driver_failed,
            after_telling=self._after_telling,
            spawn=self._spawn,
            env=self._env,
            clock=clock,
            limits=limits,
            memory=memory,
            adopts=adopts,
            owners=owners,
            drives=drives,
            jobs=jobs,
            queues=queues,
            is_sure=is_sure,
            log=log,
        )
        self._recovery = works.recovery
        self._waits = works.waits
        self._driver = works.driver
        self._dispatcher = works.dispatcher
        self._due = works.due
        self._cut_off = works.cut_off
        self.votes = Votes(self._teller, self._dispatcher, self.evaluate, clock, limits)
        self.links = Links(
            store=store,
            teller=self._teller,
            dispatcher=self._dispatcher,
            keyring=keyring,
            clock=clock,
            chance=chance,
            limits=limits,
        )
        self.inner = InnerSteps(store, self._teller, clock)
        kernels.on_amended(self._amended)
        self._scribe = None if notebooks is None else self._with(notebooks)

    def _with(self, notebooks: Notebooks) -> Scribe:
        self.boards.root = notebooks.root
        return Scribe(
            notebooks=notebooks,
            boards=self.boards,
            store=self._store,
            feed=self.feed,
            told=self.documents_told,
            move=self.move,
            is_ours=self._recovery.is_ours,
            clock=self.clock,
            log=self._log,
        )

    def _env(self, run: Run) -> Mapping[str, str]:
        """What a run's kernel is told: where the server is, and a token for this run (G46)."""
        address, token = self._address(), kernel_token(self._keyring(), run.id)
        return {
            "FLOWS_URL": address,
            "FLOWS_RUN_ID": run.id,
            "FLOWS_TOKEN": token,
            "FLOWS_CERTIFICATE": self._certificate,
            **windmill.environment(run, address, token),
        }

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Recover what a server left behind that died, then see to due times."""
        await self._dispatcher.start()
        self._spawn(self._due.waiting.forever(), "jupyter-flows due times")
        self._waits.start(collects=self._adopts)
        await self._recovery.reconcile()

    def show_in_place(self) -> None:
        """Write what runs show into their notebooks, from now on."""
        if self._scribe is not None:
            self._scribe.start()

    async def see_to_due(self) -> None:
        """Do at once what is due by the clock: for one that was moved."""
        await self._due.tick()

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def is_served(self, run: RunId) -> bool:
        """Whether a living server carries the run on when its wait is over. Raises UnknownRun."""
        return await self._recovery.is_served(run)

    async def adopt(self, run_id: RunId) -> Run:
        """As `Recovery.adopt`; the run as it is then."""
        await self._recovery.adopt(run_id)
        return await self.run(run_id)

    async def _driver_failed(self, run: RunId, error: Exception) -> None:
        """A defect of ours, not of the notebook: the run says so and can be resumed."""
        why = f"The server failed while it drove this run: {type(error).__name__}: {error}"
        try:
            await self._driver.interrupted(run, why, self._kernels.partial(run))
            await self._kernels.close(run)
        except FlowsError as also:
            self._log.warning("run %s: %s", run, also)

    async def stop(self) -> None:
        """End in order, within about 4 s: running cells are marked interrupted with what they have
        put out (where others may take them, they go on there), suspended runs stay as they are, all
        kernels go.
        """
        await self._waits.settle()
        for task in list(self._background):
            task.cancel()
        driving = self._dispatcher.driving()
        partial = {run: dict(self._kernels.partial(run)) for run in driving}
        await self._dispatcher.stop()
        for run in driving:
            try:
                await self._recovery.interrupt(run, STOPPED, partial[run])
            except FlowsError as error:
                self._log.warning("run %s: %s", run, error)
        await asyncio.gather(self._kernels.stop(), self._stop_showing())
        await self.boards.stop()
        await self._store.close()

    async def _stop_showing(self) -> None:
        if self._scribe is not None:
            await self._scribe.stop()

    # ------------------------------------------------------------ runs

    async def create(self, new: NewRun) -> Run:
        """Start a run of a snapshot of the notebook. With a key that was used, the earlier run.

        Raises BadInput, FlowInvalid, ParametersInvalid.
        """
        if new.completion is not None:
            self.limits.webhooks.check(new.completion.url)
        prepared, kernel_name, flow = self.reading.read(
            new.notebook, new.parameters, new.kernel_name
        )
        snapshot = await self.reading.kept(prepared)
        created = beginning.created(
            new, flow, snapshot, kernel_name, limits=self.limits, root=self.boards.root
        )
        now = self.clock()
        run = machine.created(RunId(f"run_{self._chance()[-20:]}"), created, now)
        recorded = [e.Recorded(1, now, created)]
        pinned = new.kernel_id is not None or new.in_place
        home = self._dispatcher.home(run.queue, pinned=pinned)
        stored = await self._store.create(run, recorded, new.idempotency_key, home)
        if stored != run.id:
            return await self.run(stored)
        self.feed.committed(run, recorded)
        if home == self._server:
            await self._dispatcher.here(run.id)
        return run

    async def run(self, run: RunId) -> Run:
        """Raises UnknownRun."""
        return await self._teller.fresh(run)

    async def row(self, run: RunId) -> RunRow:
        """Raises UnknownRun."""
        return await self._store.row(run)

    async def runs(self, wanted: RunFilter, cursor: str | None, limit: int) -> Page:
        """Raises BadInput for a cursor that was not given out."""
        return await self._store.runs(wanted, cursor, limit)

    def follow(self, run: RunId, after: int = 0) -> AsyncIterator[Sequence[e.Recorded]]:
        return self.feed.follow(run, after)

    def listen(self, listener: Listener) -> Callable[[], None]:
        return self.feed.listen(listener)

    async def notebook(self, run_id: RunId) -> dict[str, Json]:
        """The executed notebook so far. Raises UnknownRun."""
        run = await self.run(run_id)
        return await self._keeper.executed(run, await self.snapshot(run))

    async def snapshot(self, run: Run) -> dict[str, Json]:
        """The notebook as it was when the run was started."""
        try:
            found: dict[str, Json] = msgspec.json.decode(await self._store.get(run.snapshot))
        except KeyError:
            raise FlowsError(f"The snapshot of run {run.id} is lost from the store.") from None
        return found

    async def outputs(self, run: Run) -> dict[StepId, Outputs]:
        return await self._keeper.outputs(run)

    async def move(self, run: RunId, path: str) -> Run:
        """The notebook that shows the run is at this path now, as the contents API writes it."""
        return await self._teller.tell(run, c.MoveNotebook(path=path))

    async def cancel(self, run: RunId, by: str, reason: str | None = None) -> Run:
        """G17. The running cell is interrupted, and killed if it does not heed that in 3 s."""
        state = await self._teller.tell(run, c.Cancel(by=by, reason=reason))
        await self._after_telling(run)
        return state

    async def resume(
        self,
        run: RunId,
        by: str,
        notebook: Mapping[str, Json] | None = None,
        kernel_id: str | None = None,
        choice: Choice | None = None,
    ) -> Run:
        """Go on after a crash or a failure; with a notebook, as that is now: what has run already
        must stand in it as it was. On this kernel, else on the run's own if it is still there, else
        on a new one. `choice` None restores the newest checkpoint if there is one, and else runs
        the earlier cells again.

        Raises RunNotResumable, and for the notebook BadInput, FlowInvalid, ParametersInvalid.
        """
        edited = None
        if notebook is not None:
            edited = await self.reading.edited(await self.run(run), notebook)
        state = await self._teller.tell(
            run, c.Resume(by=by, edited=edited, kernel_id=kernel_id, choice=choice)
        )
        await self._after_telling(run)
        return state

    async def _after_telling(self, run: RunId) -> None:
        """The run may have something to do now, or have ended under its driver's hands."""
        await self._dispatcher.committed(run)
        self._cut_off_if_over(run)

    def _cut_off_if_over(self, run: RunId) -> None:
        if run in self._dispatcher.driving():
            self._spawn(self._cut_off.cell_if_over(run), f"jupyter-flows cancel {run}")

    def _amended(self, run: RunId, outputs: Mapping[StepId, Outputs]) -> None:
        self._spawn(self._amend(run, outputs), f"jupyter-flows late outputs of {run}")

    async def _amend(self, run: RunId, outputs: Mapping[StepId, Outputs]) -> None:
        try:
            await self._driver.amend(run, outputs)
        except FlowsError as error:
            self._log.warning(
                "run %s: late outputs of its cells are not in the log: %s", run, error
            )

    async def poked(self, run: RunId) -> None:
        """Another process on this store has changed the run: look at it, and drive it."""
        try:
            now = await self._teller.fresh(run)
        finally:
            await self._dispatcher.here(run)
        self._cut_off_if_over(run)
        await self._families.cancel_children(now)

    def heard(self, run: RunId, seq: int) -> None:
        """Another server says that the run's log goes up to this event."""
        if self.feed.heard(run, seq) and self._driver.holds(run):
            self._spawn(self._look_again(run), f"jupyter-flows news of {run}")

    async def _look_again(self, run: RunId) -> None:
        try:
            await self.poked(run)
        except FlowsError as error:
            self._log.warning("run %s: what another server did is not seen to: %s", run, error)

    def holds(self, run: RunId) -> bool:
        """Whether it is driven here, or waits here with its kernel."""
        return self._driver.holds(run)

    def held(self) -> list[RunId]:
        """The runs that are driven here, or wait here with their kernels."""
        return self._driver.held()

    def drain(self) -> None:
        """Let the kernels of waiting runs go as soon as that is harmless, for others to go on."""
        self._waits.releases.hurry()

    async def check_held(self) -> None:
        """As `Recovery.check_held`: this server may have slept, or lost the store, for long."""
        await self._recovery.check_held()

    async def settled(self, run: RunId) -> Run:
        """Wait until the run is not driven here any more; the run as it is then."""
        await self._dispatcher.settled(run)
        return await self.run(run)

    async def saved(self, run: RunId) -> Run:
        """Wait until none of the run's variables are being saved; the run as it is then."""
        await self._waits.under_way.ended(run)
        return await self.run(run)

    async def collect(self) -> Collected:
        """Remove at once what was saved and no run needs any more."""
        return await self._waits.collecting.collect()

    # ------------------------------------------------------------ gates

    async def vote(self, run: RunId, vote: c.CastVote) -> tuple[Run, bool]:
        """As `Votes.cast`."""
        return await self.votes.cast(run, vote)

    async def evaluate(self, run: RunId, expression: Expression) -> Evaluation:
        """In the run's kernel, here or with the server that has it. Raises KernelUnavailable."""
        if self._kernels.holds(run):
            return await self._kernels.evaluate(run, expression)
        row = await self._store.row(run)
        if row.server in (None, self._server) or not await self._peers.alive(row.server or ""):
            if self._drives and await self._driver.revive(run):
                return await self._kernels.evaluate(run, expression)
            raise KernelUnavailable(sentence("It is gone; resume the run first."))
        return await self._peers.evaluate(row.server or "", run, expression)

    # ------------------------------------------------------------ forms in the notebook

    def on_word(self, listener: Word) -> None:
        """Who is told of what the kernels of runs say of themselves."""
        self._kernels.on_word(listener)

    def on_kernel_lost(self, listener: Lost) -> None:
        """Who is told when a kernel is gone that its run still needs."""
        self._kernels.on_lost(listener)

    def has_kernel(self, run: RunId) -> bool:
        """Whether the run's kernel is here and alive."""
        return self._kernels.holds(run)

    def before_going_on(self, look: Look) -> None:
        """Who is asked, and waited for, each time that a run is about to be driven here: before its
        next step begins, and before its kernel is let go.
        """
        self._driver.looks.append(look)

    def spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        """Work in the background, until this server stops."""
        return self._spawn(work, name)

    @property
    def log(self) -> logging.Logger:
        return self._log

    # ------------------------------------------------------------ pages

    def shown(self, run: Run, gate: Gate, voter: Voter) -> None:
        """The page of this gate was shown to this reader (G71). It is told in the background, for
        a store that is away must not keep a page from its reader; nothing is driven by it.
        """
        telling = self.showing.telling(run, gate, voter)
        if telling is not None:
            self._spawn(telling, f"jupyter-flows shown {run.id}")

    async def open_gates(self, limit: int, after: GatePlace | None = None) -> list[GateRow]:
        """As `Store.open_gates`."""
        return await self._store.open_gates(limit, after)
