"""The form of a prompt in its notebook (G50, G51): made in the run's kernel, kept true to the gate,
and taken away when the gate closes. What is said there comes back as the kernel's word, which is a
claim; or by a browser, which knows who has clicked.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import msgspec
from msgspec import Struct

from jupyter_flows.core import events as e
from jupyter_flows.core.commands import CastVote
from jupyter_flows.core.errors import (
    FlowsError,
    FormInvalid,
    KernelUnavailable,
    ReasonRequired,
    StaleDigest,
    TooMany,
)
from jupyter_flows.core.model import Digest, Gate, GateStatus, Json, Run, RunId, StepId, Voter
from jupyter_flows.core.policy import KERNEL, may_read
from jupyter_flows.core.records import gate_name, told
from jupyter_flows.engine.engine import Engine
from jupyter_flows.ports import Expression
from jupyter_flows.web.answer import Answer, answered
from jupyter_flows.web.clients import Clients
from jupyter_flows.web.posted import Posted
from jupyter_flows.web.prompt_kernel import CALL, LEARN, MISSING, NOT_PYTHON, lesson
from jupyter_flows.web.prompt_tree import about, form_node, prompt_tree, wrong
from jupyter_flows.web.tries import Tries
from jupyter_flows.web.urls import gate_key, link_urls

MOST_BYTES = 2**20
MOST_WAITING = 20
"""Words of one form that wait to be heard or answered; more than that no person says."""

NO_HURRY = 86400.0
"""An expression that takes longer is interrupted, and with it whatever else the kernel does: a cell
that its user runs meanwhile is not to be ended by a form."""

LOCK_SECONDS = 0.8
"""How long a run waits for its form to be locked; less than its driver would wait. A kernel that is
slow has been asked by then, and locks the form before it executes the next cell."""

PAUSE = 1.0
"""Seconds before a form is made for a run that shows in no notebook, which hardly anybody sees:
a gate that is answered at once, by other ways, costs its kernel nothing."""

CHANGED = "The outputs above have changed. Look again before you answer."
COUNTED = "Your answer is counted. More approvals are awaited."


_Work: TypeAlias = Callable[[], Awaitable[None]]


class Said(Struct, tag_field="kind", tag="answer", frozen=True):
    """What the form's buttons have the kernel say; as `Answer` of the browser's wire."""

    gate: str
    approved: bool
    entries: dict[str, list[str]]
    reason: str = ""
    digest: str | None = None


class Rows(Struct, tag_field="kind", tag="rows", frozen=True):
    """A row is to be added to the list of this name, or the row of this name removed."""

    gate: str
    what: str
    name: str
    entries: dict[str, list[str]]


@dataclass(eq=False, slots=True)
class _Shown:
    """A gate's form. What is done to it is done in turn."""

    step: StepId
    generation: int
    name: str
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    begun: bool = False
    made: bool = False
    digest: Digest | None = None
    has_news: bool = False
    errands: set[asyncio.Task[None]] = field(default_factory=set)
    votes: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def is_busy(self) -> bool:
        return len(self.errands) + len(self.votes) >= MOST_WAITING

    def gate_of(self, run: Run) -> Gate | None:
        """The gate, while it is open."""
        gate = run.gates.get((self.step, self.generation))
        return gate if gate is not None and gate.status is GateStatus.OPEN else None


class Prompts:
    """The forms of all runs whose kernels are here. `clients` are the sessions of the browsers that
    are connected: the words of those who may vote they bring themselves, with their login.
    """

    def __init__(self, engine: Engine, public_url: Callable[[], str], clients: Clients) -> None:
        self._engine = engine
        self._public_url = public_url
        self._clients = clients
        self._log = engine.log
        self._forms: dict[RunId, _Shown] = {}
        self._grumbles = Tries(1, engine.clock)
        engine.listen(self._committed)
        engine.on_word(self._heard)
        engine.on_kernel_lost(self._lost)
        engine.before_going_on(self._look)

    # ------------------------------------------------------------ what happens to the run

    def _committed(self, run: Run, events: Sequence[e.Recorded]) -> None:
        for recorded in events:
            if isinstance(recorded.event, e.GateOpened):
                self._opened(run)
            elif isinstance(recorded.event, e.KernelReleased):
                self._lost(run.id)
        form = self._forms.get(run.id)
        if form is None:
            return
        if run.finished:  # perhaps nobody drives it any more
            self._engine.spawn(self._look(run), f"jupyter-flows last look at the form of {run.id}")
        if form.gate_of(run) is None:
            self._engine.boards.set_widget(run.id, form.step, None)
        elif any(isinstance(recorded.event, _NEWS) for recorded in events):
            self._news(run.id, form)

    def _opened(self, run: Run) -> None:
        gate = run.open_gate
        if gate is None or not gate.prompt or gate.options.self_approval_disabled:
            return
        if self._engine.has_kernel(run.id):
            form = _Shown(gate.step, gate.generation, gate_name(run, gate))
            self._forms[run.id] = form
            self._errand(run.id, form, partial(self._make, run.id, form))

    async def _look(self, run: Run) -> None:
        """Before the run goes on: its form says how the gate was closed, or what is new."""
        form = self._forms.get(run.id)
        if form is None:
            return
        if form.gate_of(run) is not None:
            self._news(run.id, form)
            return
        for errand in form.errands:
            errand.cancel()
        try:
            async with asyncio.timeout(LOCK_SECONDS), form.turn:
                await self._end(run, form)
        except TimeoutError:
            self._log.info("run %s: it goes on before its form is known to be locked", run.id)
        finally:
            if run.finished:
                self._forget(run.id, form)

    async def _end(self, run: Run, form: _Shown) -> None:
        if self._forms.get(run.id) is form:
            if form.begun:
                await self._lock(run, form)
            self._forget(run.id, form)

    async def _lock(self, run: Run, form: _Shown) -> None:
        telling = told(run, run.gates[form.step, form.generation])
        words = "\n".join((telling.heading, *telling.lines))
        await self._ask(run.id, "lock", form.name, words)

    def _forget(self, run: RunId, form: _Shown) -> None:
        if self._forms.get(run) is form:
            del self._forms[run]

    def _lost(self, run: RunId) -> None:
        form = self._forms.pop(run, None)
        if form is not None:
            self._engine.boards.set_widget(run, form.step, None)

    def _news(self, run: RunId, form: _Shown) -> None:
        """They are told as they are when it is their turn, and so once, however many come."""
        if not form.has_news:
            form.has_news = True
            self._errand(run, form, partial(self._tell_news, run, form))

    def _answered(self, run: RunId, form: _Shown, work: _Work) -> None:
        """What people, or code, have the form say, as often as they like; not so we."""
        if not form.is_busy:
            self._errand(run, form, work)

    def _errand(self, run: RunId, form: _Shown, work: _Work) -> None:
        task = self._engine.spawn(self._done(run, form, work), f"jupyter-flows form of {run}")
        form.errands.add(task)
        task.add_done_callback(form.errands.discard)

    async def _done(self, run: RunId, form: _Shown, work: _Work) -> None:
        """One after the other; what fails leaves the page, where all can be answered."""
        try:
            async with form.turn:
                await work()
        except FlowsError as error:
            self._log.warning("run %s: its form in the notebook: %s", run, error)

    # ------------------------------------------------------------ the kernel

    async def _make(self, run_id: RunId, form: _Shown) -> None:
        run = await self._engine.run(run_id)
        if not run.in_place:
            await asyncio.sleep(PAUSE)
            run = await self._engine.run(run_id)
        gate = form.gate_of(run)
        if gate is None:
            return
        form.begun = True
        most = min(self._engine.limits.payload_bytes, MOST_BYTES)
        tree = prompt_tree(run, gate, self._page(run, gate), most)
        made = await self._ask(run_id, "make", tree)
        view = made.get("view") if isinstance(made, Mapping) else None
        if not view:
            self._forget(run_id, form)
            return
        form.made, form.digest = True, gate.digest
        if form.gate_of(await self._engine.run(run_id)) is not None:
            self._engine.boards.set_widget(run_id, form.step, view)

    def _page(self, run: Run, gate: Gate) -> str:
        """For those who see the form's words alone."""
        link = run.links.get(gate.link) if gate.link else None
        if link is not None:
            return link_urls(self._engine, self._public_url, run, link)["approvalPage"]
        key = gate_key(run.id, gate.step, gate.generation)
        return f"{self._public_url().rstrip('/')}/page/{key}"

    async def _ask(self, run: RunId, what: str, *said: Json) -> Json:
        """Call the function of this name in the kernel, which is taught it if it has to be; None
        where that can't be done.
        """
        names: dict[str, Json] = {"what_": what, "said_": list(said)}
        found = await self._evaluated(run, CALL, names)
        if found == MISSING and what == "make":
            await self._evaluated(run, LEARN, lesson())
            found = await self._evaluated(run, CALL, names)
        return None if found == MISSING else found

    async def _evaluated(self, run: RunId, expr: str, names: Mapping[str, Json]) -> Json:
        try:
            asked = Expression(expr=expr, names=names, timeout=NO_HURRY)
            found = await self._engine.evaluate(run, asked)
        except KernelUnavailable as error:
            self._log.info("run %s: its form in the notebook waits: %s", run, error)
            return None
        if found.error is not None and found.error.name != NOT_PYTHON:
            self._log.warning("run %s: its form in the notebook: %s", run, found.error.message)
        return found.value

    # ------------------------------------------------------------ what is told to the form

    async def _tell_news(self, run_id: RunId, form: _Shown) -> None:
        """Who has voted meanwhile; and that something else is asked now."""
        form.has_news = False
        run = await self._engine.run(run_id)
        gate = form.gate_of(run)
        if gate is None or not form.made:
            return
        news: dict[str, Json] = {"about": about(run, gate), "digest": gate.digest}
        if gate.digest != form.digest:
            news["notice"] = CHANGED
        form.digest = gate.digest
        await self._ask(run_id, "update", form.name, news)

    def refused(self, run: RunId, name: str, answer: Answer, error: FlowsError) -> None:
        """An answer given in the form of this gate, by whichever way it came, was not counted."""
        form = self._forms.get(run)
        if form is not None and form.name == name:
            self._answered(run, form, partial(self._tell_refusal, run, form, answer, error))

    async def _tell_refusal(
        self, run_id: RunId, form: _Shown, answer: Answer, error: FlowsError
    ) -> None:
        run = await self._engine.run(run_id)
        gate = form.gate_of(run)
        if gate is None:
            return
        said = {"about": about(run, gate), "digest": gate.digest, **_wrong(gate, answer, error)}
        if gate.digest != form.digest and said["notice"] != CHANGED:
            said["notice"] = f"{said['notice']} {CHANGED}"
        form.digest = gate.digest
        await self._ask(run_id, "update", form.name, said)

    # ------------------------------------------------------------ what the kernel says

    def _heard(self, run: RunId, data: Mapping[str, Json], session: str) -> None:
        try:
            word = msgspec.convert(dict(data), Said | Rows)
        except msgspec.ValidationError as error:
            self._grumble(run, "its kernel said what has no meaning", str(error))
            return
        form = self._forms.get(run)
        if form is None or form.name != word.gate or form.is_busy:
            self._grumble(run, "its kernel was not heard when it spoke of", word.gate)
        elif isinstance(word, Rows):
            self._errand(run, form, partial(self._redraw, run, form, word))
        else:
            voting = self._vote(run, form, word, self._clients.users(session))
            task = self._engine.spawn(voting, f"jupyter-flows answer in {run}")
            form.votes.add(task)
            task.add_done_callback(form.votes.discard)

    def _grumble(self, run: RunId, about: str, said: str) -> None:
        """Not for each word: a kernel can say as many as it likes, and what it likes."""
        with contextlib.suppress(TooMany):
            self._grumbles.count(run)
            self._log.warning("run %s: %s: %.80r", run, about, said)

    async def _redraw(self, run_id: RunId, form: _Shown, rows: Rows) -> None:
        """The fields anew, with a row more or less."""
        gate = form.gate_of(await self._engine.run(run_id))
        if gate is None:
            return
        edit = "_add" if rows.what == "add" else "_remove"
        answer = answered(gate.options, Posted({**rows.entries, edit: [rows.name]}))
        drawn = form_node(gate.options, answer.typed)
        await self._ask(run_id, "update", form.name, {"drawn": drawn, "notice": ""})

    async def _vote(
        self, run_id: RunId, form: _Shown, said: Said, users: Collection[Voter]
    ) -> None:
        """A claim: whoever is at the notebook, or code in it. Unless it was said in the browser of
        one of these users, who bring it themselves: the owner, or somebody who may vote.
        """
        run = await self._engine.run(run_id)
        gate = form.gate_of(run)
        if gate is None or any(may_read(run.owner, gate, user) for user in users):
            return
        answer = answered_by(gate, said.entries, said.reason)
        try:
            await self._engine.vote(
                run_id,
                CastVote(
                    gate=gate.step,
                    generation=gate.generation,
                    voter=Voter(run.owner, verified=False, route=KERNEL),
                    approved=said.approved,
                    payload=answer.payload() if said.approved else None,
                    reason=said.reason.strip() or None,
                    digest=Digest(said.digest) if said.digest else None,
                ),
            )
        except FlowsError as error:
            self.refused(run_id, form.name, answer, error)
        else:
            self.counted(run_id, form.name)

    def counted(self, run: RunId, name: str) -> None:
        """An answer given in the form of this gate was counted; it may need others."""
        form = self._forms.get(run)
        if form is not None and form.name == name:
            self._answered(run, form, partial(self._tell_counted, run, form))

    async def _tell_counted(self, run_id: RunId, form: _Shown) -> None:
        run = await self._engine.run(run_id)
        gate = form.gate_of(run)
        if gate is not None:
            said = {"about": about(run, gate), "mistakes": {}, "notice": COUNTED}
            await self._ask(run_id, "update", form.name, said)


def answered_by(gate: Gate, entries: Mapping[str, Sequence[str]], reason: str | None) -> Answer:
    """What was typed into the form, as the page would have sent it."""
    fields = {name: texts for name, texts in entries.items() if not name.startswith("_")}
    return answered(gate.options, Posted({**fields, "reason": [reason or ""]}))


def _wrong(gate: Gate, answer: Answer, error: FlowsError) -> dict[str, Json]:
    """Beside the fields, where it belongs to one; else on top."""
    if isinstance(error, FormInvalid):
        return wrong(gate.options, answer.wrong(error.mistakes))
    if isinstance(error, StaleDigest):
        return {"mistakes": {}, "notice": CHANGED}
    if isinstance(error, ReasonRequired):
        return {"mistakes": {}, "notice": str(error.message)}
    return {"mistakes": {}, "notice": f"Your answer was not counted. {error.message}"}


_NEWS = (e.VoteCast, e.VoteWithdrawn, e.PreVoteCounted, e.OutputsAmended)
