"""Any commands, in any order, at any time: what must hold of a run nevertheless."""

import math
import sys
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import Struct
from msgspec.structs import replace

from jupyter_flows.core import codec, errors, policy
from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.audit import verify
from jupyter_flows.core.bindings import bindings
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.checkpoint import Checkpoint, Choice, Unsaved
from jupyter_flows.core.machine import (
    WAITS,
    AskCondition,
    BeginRun,
    Done,
    ExecuteStep,
    RebuildKernel,
    StartStep,
    Wait,
    attempts,
    choices,
    created,
    decide,
    evolve,
    plan,
    replay,
    stand_in,
    steps_behind,
    tried,
    usable,
)
from jupyter_flows.core.model import (
    Digest,
    EarlyStop,
    Failure,
    Gate,
    GateOptions,
    GateStatus,
    GroupNeed,
    LinkId,
    Purpose,
    Retry,
    Run,
    RunId,
    RunStatus,
    Section,
    Step,
    StepId,
    StepSpec,
    StepStatus,
    Vote,
    Voter,
    plain_name,
)
from jupyter_flows.core.receipt import summary

from .conftest import chained_rows

REACHED: Counter[str] = Counter()
"""Event kinds, statuses, refusals and situations that the runs below came to."""

FORM = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}
CLOSED = (GateStatus.APPROVED, GateStatus.REJECTED, GateStatus.TIMED_OUT)
GROUPS_OF = {
    "bob": ("finance",),
    "Bob": ("finance",),
    "alice": ("risk",),
    "carol": ("risk", "finance"),
    "dave": (),
    "eve": ("risk",),
    "owner": ("finance",),
}
PEOPLE = st.sampled_from(list(GROUPS_OF))
SPANS = st.sampled_from([0.0, 0.5, 1.0, 10.0, 59.0, 60.0, 61.0, 600.0])
PAYLOADS = st.sampled_from([None, None, {"n": 1}, {"n": 1}, {"n": 2}, {"n": "x"}, {"m": 1}])
DIGESTS = st.sampled_from([None, "current", "current", "old"])
APPROVED = st.sampled_from([True, True, True, True, False])
seldom = st.sampled_from([False] * 9 + [True])
CHOSEN = st.sampled_from([None, *(choice for choice in Choice if choice is not Choice.CHANGED)])
at_times = st.sampled_from([False] * 3 + [True])
NEEDS = ((GroupNeed("finance"),), (GroupNeed("finance"), GroupNeed("risk", 2)))


def gate_options(**said) -> GateOptions:
    """A gate that can be approved: as many as must are allowed to."""
    gate = GateOptions(**said)
    if gate.groups:
        required = sum(need.required for need in gate.groups)
        return replace(gate, required_events=required, approvers=())
    if not gate.approvers:
        return replace(gate, sequential=False)
    most = len(gate.approvers)
    return replace(
        gate, required_events=most if gate.sequential else min(gate.required_events, most)
    )


RULES = {
    "required_events": st.sampled_from([1, 2, 2, 3]),
    "timeout": st.sampled_from([None, 60.0, 60.0, 600.0]),
    "form": st.sampled_from([None, None, FORM]),
    "default_args": st.sampled_from([{}, {}, {"n": 5}]),
    "hide_cancel": at_times,
    "require_reason": st.booleans(),
    "continue_on_disapprove_timeout": st.booleans(),
    "on_timeout": st.sampled_from([None, None, None, {"resume": {"n": 0}}]),
    "pre_approvals": st.sampled_from([True, True, True, False]),
}
FOR_ANYBODY = st.builds(GateOptions, **RULES)
FOR_SOME = st.builds(
    gate_options,
    **RULES,
    self_approval_disabled=st.booleans(),
    user_auth_required=seldom,
    user_groups_required=st.sampled_from([()] * 6 + [("risk",)]),
    approvers=st.sampled_from([(), ("alice", "bob"), ("bob", "owner", "eve")]),
    groups=st.sampled_from([()] * 3 + list(NEEDS)),
    sequential=st.booleans(),
    validate=st.sampled_from([None] * 9 + ["check"]),
)
GATES = st.one_of(FOR_ANYBODY, FOR_SOME)
RESULTS = st.sampled_from(
    [None] * 6 + [
        {"schema": FORM}, 1, {"resume": "url"}, {"schema": FORM}, {"default_args": {"n": 7}},
        {"schema": FORM, "default_args": {"n": 7}}, {"schema": 5}, {"approvers": ["bob", "alice"]},
        {"approvers": []}, {"user_groups_required": ["finance"]},
    ]
)  # fmt: skip
RETRIES = st.sampled_from(
    [None, None, None, Retry(1), Retry(1, 5.0), Retry(1, 0.0, 1, 3.0, 2.0, 50.0, retry_if="x"),
     Retry(exponential_attempts=2, exponential_seconds=60.0)]
)  # fmt: skip
STOPS = st.sampled_from([None] * 6 + [EarlyStop("x"), EarlyStop("x", error_message="enough")])


class Outcome(Struct, frozen=True):
    """What becomes of a cell, or of a condition that is asked."""

    result: object = None
    fails: bool = False
    skip: bool = False
    broken: bool = False
    stop: bool = False
    retry: bool = True
    chance: float = 0.5
    pause: c.Pause | None = None


PAUSES = st.sampled_from(
    [None] * 30 + [
        c.Pause(key="sleep", seconds=5.0), c.Pause(key="approval", ask={}),
        c.Pause(key="b", ask={"timeout": 60, "self_approval": False}),
        c.Pause(key="b", ask={"form": FORM}), c.Pause(key="", ask={}),
    ]
)  # fmt: skip
OUTCOMES = st.builds(
    Outcome,
    result=RESULTS,
    fails=st.sampled_from([False, False, True]),
    skip=at_times,
    broken=seldom,
    stop=st.booleans(),
    retry=st.sampled_from([True] * 4 + [False]),
    chance=st.sampled_from([0.0, 0.5, 1.0]),
    pause=PAUSES,
)
CHANGES = st.sampled_from(["none"] * 8 + ["outer", "outer", "inner", "inner", "end"])


@st.composite
def specs(draw) -> tuple[StepSpec, ...]:
    """Steps in sections that begin and end as headings would have it."""
    made: list[StepSpec] = []
    sections: tuple[Section, ...] = ()
    for index in range(draw(st.integers(2, 6))):
        change = draw(CHANGES)
        new = (Section(f"h{index}", "x"),)
        sections = {"outer": new, "inner": sections[:1] + new, "end": ()}.get(change, sections)
        made.append(draw(step_spec(index, sections)))
    return tuple(made)


@st.composite
def step_spec(draw, index: int, sections: tuple[Section, ...]) -> StepSpec:
    spec = StepSpec(
        StepId(f"s{index}"),
        index,
        sha256(bytes([index])),
        evidence=draw(st.booleans()),
        skipped=draw(seldom),
        skip_if=draw(st.sampled_from([None] * 9 + ["x"])),
        retry=draw(RETRIES),
        asks=draw(st.booleans()),
    )
    if draw(st.sampled_from([False] * 4 + [True])):
        return replace(spec, failure=True)
    return replace(
        spec,
        gate=draw(st.one_of(st.none(), GATES, GATES)),
        sections=sections,
        stop_after_if=draw(STOPS),
        sleep=draw(st.sampled_from([None, None, None, 5.0, 60.0])),
        continue_on_error=draw(st.booleans()),
    )


class Runs(RuleBasedStateMachine):
    """Rules mostly make sensible commands; `model` facts are kept apart from the run's own."""

    run: Run

    @initialize(
        steps=specs(),
        begun=st.sampled_from([True] * 5 + [False]),
        timeout=st.sampled_from([None, None, None, None, 100.0, 1000.0]),
    )
    def create(self, steps: tuple[StepSpec, ...], begun: bool, timeout: float | None) -> None:
        self.now = 1000.0
        self.minted = 0
        self.saves = 0
        self.holds: dict[Digest, dict[StepId, int]] = {}
        first = e.RunCreated(
            path="a.ipynb",
            owner="owner",
            parameters={"n": 1},
            snapshot=sha256(b""),
            steps=steps,
            kernel_name="python3",
            default_timeout=600.0,
            timeout=timeout,
        )
        self.log = [e.Recorded(1, self.now, first)]
        self.run = created(RunId("r"), first, self.now)
        self.votes: list[c.CastVote] = []
        self.closed: dict[tuple[StepId, int], Gate] = {}
        self.counted: Counter[LinkId] = Counter()
        self.withdrawn: Counter[LinkId] = Counter()
        self.may_begin: set[StepId] = set()
        self.timed_from = 0.0
        if begun:
            self.tell(c.Start())
            self.tell(c.Advance())

    # ------------------------------------------------------------ telling

    def tell(self, command: c.Command) -> None:
        before = self.run
        try:
            events = decide(before, command, self.now)
        except errors.FlowsError as refusal:
            REACHED[f"refused {type(refusal).__name__}"] += 1
            assert self.run is before
            return
        if not events:
            REACHED[f"nothing to do {type(command).__name__}"] += 1
        for event in events:
            self._check(event)
            self.run = evolve(self.run, event, self.now)
            self.log.append(e.Recorded(self.run.seq, self.now, event))
            REACHED[type(event).__name__] += 1
        REACHED[f"run {self.run.status}"] += 1

    def _check(self, event: e.Event) -> None:
        """What must hold of the run at the moment that an event comes to it."""
        if isinstance(event, e.VoteCast) and event.gate is not None:
            gate = self.run.gates[event.gate, event.generation]
            by_clock = event.voter.route == "timeout"
            assert gate.status in (GateStatus.EXPECTED, GateStatus.OPEN)
            assert gate.key is not None or self.run.gate(gate.step) is gate
            assert by_clock or self.now < (gate.deadline or math.inf)
            assert not (by_clock and gate.options.on_timeout is None)
            self._check_by_whom(gate, event.voter, event.approved)
        if isinstance(event, e.PreVoteCounted):
            gate = self.run.gates[event.gate, event.generation]
            assert gate.status is GateStatus.OPEN
            assert gate.options.pre_approvals
            assert gate.deadline is not None
            assert self.now < gate.deadline
            self.counted[event.link] += 1
            opening = type(self.log[-1].event) is not e.VoteCast
            REACHED["a pre-vote counted " + ("at the opening" if opening else "at once")] += 1
        if isinstance(event, e.VoteWithdrawn):
            self._check_withdrawn(event)
        if isinstance(event, e.StepStarted):
            self._check_begins(self.run.steps[event.step])
        if isinstance(event, e.RunStarted | e.RunResumed):
            self.timed_from = self.now
            self.may_begin.clear()
        if isinstance(event, e.StepStarted | e.StepSkipped | e.RunSucceeded):
            self._check_passed(event)

    def _check_withdrawn(self, event: e.VoteWithdrawn) -> None:
        """G18: an approval that is there, until the gate closes; a claim undoes no login."""
        gate = self.run.gates[event.gate, event.generation]
        assert gate.status in (GateStatus.EXPECTED, GateStatus.OPEN)
        assert self.now < (gate.deadline or math.inf)
        assert event.voter in [vote.voter for vote in gate.approvals]
        link = self.run.links.get(event.voter.link) if event.voter.link else None
        if link is not None and link.gate is None:
            self.withdrawn[link.id] += 1
            REACHED["a flow-level vote was withdrawn"] += 1

    def _check_begins(self, step: Step) -> None:
        """G83: what a step needs to begin."""
        spec = step.spec
        assert spec.failure is self.run.failing
        assert not spec.skipped
        for section in spec.sections:
            assert self.run.skips[section.id] is False
        assert spec.skip_if is None or step.tries or step.id in self.may_begin
        if spec.failure:
            REACHED["a failure step began"] += 1
        if step.tries:
            REACHED["a step was tried again"] += 1

    def _check_by_whom(self, gate: Gate, voter: Voter, approved: bool) -> None:
        """G10: never two approvals by one person, or by one link that was not logged in."""
        for vote in gate.approvals if approved else ():
            assert vote.voter.key != voter.key
            both_logged_in = vote.voter.verified and voter.verified
            assert voter.link is None or vote.voter.link != voter.link or both_logged_in

    def _check_passed(self, event: e.Event) -> None:
        """G10, G13, G14: nothing runs behind a gate that did not let the run go on."""
        starting = getattr(event, "step", None)
        if self.run.failing:
            return
        for step in self.run.steps.values():
            if step.id == starting:
                return
            skipped = step.status is StepStatus.SKIPPED or step.id == self.run.stopped
            if step.spec.gate is None or skipped:
                continue
            gate = self.run.gate(step.id)
            assert gate is not None
            assert gate.generation == step.attempts
            assert step.tries > 0
            if step.status is StepStatus.FAILED:
                REACHED["went on after an allowed error and its gate"] += 1
            if gate.status is GateStatus.APPROVED:
                self._check_approved(gate.options, gate.votes)
            else:
                assert gate.status in CLOSED
                by_clock = gate.status is GateStatus.TIMED_OUT and gate.options.on_timeout
                assert gate.options.continue_on_disapprove_timeout or by_clock
                REACHED[f"went on after {gate.status}"] += 1

    def _check_approved(self, options: GateOptions, votes: tuple[Vote, ...]) -> None:
        """G10, G42 to G44: enough people, all of whom might vote."""
        voters = [vote.voter for vote in votes]
        assert all(vote.approved for vote in votes)
        assert len({voter.key for voter in voters}) >= options.required_events
        names = {plain_name(voter.name) for voter in voters}
        if options.self_approval_disabled:
            assert not names & {"", "owner"}
        if options.user_auth_required or options.groups or options.user_groups_required:
            assert all(voter.verified for voter in voters)
        if options.approvers:
            allowed = {plain_name(name) for name in options.approvers}
            in_turn = options.sequential and not options.groups
            assert names == allowed if in_turn else names <= allowed
            assert all(v.verified or self.run.links[v.link].gate for v in voters)
            REACHED["approved by those who are named"] += 1
        for group in options.user_groups_required:
            assert options.groups or all(group in voter.groups for voter in voters)
        for need in options.groups:
            of_it = {voter.key for voter in voters if need.group in voter.groups}
            assert len(of_it) >= need.required
            REACHED["approved by groups"] += 1

    # ------------------------------------------------------------ drivers

    def drive(self, outcome: Outcome) -> None:
        match plan(self.run):
            case BeginRun():
                self.tell(c.Start())
            case StartStep():
                self.tell(c.Advance())
            case AskCondition(step, section):
                self.answer(step, section, outcome)
            case ExecuteStep(step):
                self.tell(self.finished(step, outcome))
            case RebuildKernel():
                self.tell(c.FinishRebuild())
            case Wait() | Done():
                self.tell(c.Advance())

    def answer(self, step: StepId, section: str | None, outcome: Outcome) -> None:
        if outcome.broken:
            self.tell(c.FailStep(step=step, error=Failure("ExpressionError", "no")))
            return
        if section is None and not outcome.skip:
            self.may_begin.add(step)
        self.tell(c.DecideSkip(step=step, skip=outcome.skip, section=section))

    def finished(self, step: StepId, outcome: Outcome) -> c.FinishStep:
        return c.FinishStep(
            step=step,
            link=self.link(),
            result=outcome.result,
            error=Failure("ValueError", "no") if outcome.fails else None,
            outputs=sha256(repr(outcome.result).encode()),
            stop=outcome.stop,
            retry=outcome.retry,
            chance=outcome.chance,
            pause=outcome.pause,
        )

    @precondition(lambda self: self.run.running is not None)
    @rule(key=st.sampled_from(["x", "y"]), failed=st.booleans(), really=at_times)
    def keep_inner(self, key: str, failed: bool, really: bool) -> None:
        """What is kept stays, until the step begins anew or what failed is tried again."""
        step = self.run.running
        if really and step is not None:
            before = self.run.inner.get(step, {}).get(key)
            outcome = sha256(f"{key}{self.minted}".encode())
            self.tell(c.KeepInner(step=step, key=key, result=outcome, failed=failed))
            assert before is None or self.run.inner[step][key] == before

    @precondition(lambda self: self.run.running is not None)
    @rule(key=st.sampled_from([None, "approval", "b"]), really=at_times)
    def mint_for_a_call(self, key: str | None, really: bool) -> None:
        step = self.run.running
        if really and step is not None:
            self.tell(c.MintLink(link=self.link(), gate=step, key=key))

    @precondition(lambda self: not isinstance(plan(self.run), Wait | Done))
    @rule(outcomes=st.lists(OUTCOMES, min_size=1, max_size=6))
    def drive_on(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            if not isinstance(plan(self.run), Wait | Done):
                self.drive(outcome)

    @precondition(lambda self: not isinstance(plan(self.run), Wait | Done))
    @rule(outcomes=st.lists(OUTCOMES, min_size=3, max_size=6))
    def drive_to_a_gate(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            if not isinstance(plan(self.run), Wait | Done):
                step = self.run.running_step
                may = step is not None and (step.spec.continue_on_error or step.spec.retry)
                fails = outcome.fails and bool(may)
                self.drive(replace(outcome, fails=fails, broken=False, stop=False))

    @precondition(lambda self: not isinstance(plan(self.run), Wait | Done))
    @rule()
    def drive_until_a_gates_cell_runs(self) -> None:
        while not isinstance(plan(self.run), Wait | Done) and not self.expected:
            self.drive(Outcome())

    @rule(outcome=OUTCOMES)
    def drive_one(self, outcome: Outcome) -> None:
        self.drive(outcome)

    @rule(
        step=st.sampled_from(["s0", "s1", "s2"]),
        section=st.sampled_from([None, "h0", "h1"]),
        outcome=OUTCOMES,
        really=seldom,
    )
    def answer_out_of_turn(self, step: str, section: str | None, outcome, really: bool) -> None:
        for told in (outcome, Outcome(broken=True)) if really else ():
            asked = plan(self.run)
            sought = isinstance(asked, AskCondition) and asked.step == step
            if step in self.run.steps and not sought:
                self.answer(StepId(step), section, told)
                self.may_begin.discard(StepId(step))

    @rule(step=st.sampled_from(["s0", "s1", "nope"]), really=seldom)
    def finish_out_of_turn(self, step: str, really: bool) -> None:
        if really:
            self.tell(c.FinishStep(step=StepId(step), link=self.link()))

    @precondition(lambda self: self.run.started_at is not None and not self.run.finished)
    @rule(step=st.integers(0, 2), content=st.binary(max_size=2))
    def amend(self, step: int, content: bytes) -> None:
        self.tell(c.AmendOutputs(outputs={StepId(f"s{step}"): sha256(content)}))

    @precondition(lambda self: self.run.status is RunStatus.RUNNING)
    @rule(often=st.integers(0, 2))
    def lose_kernel(self, often: int) -> None:
        if often == 0:
            self.tell(c.LoseKernel(why="killed"))

    @precondition(lambda self: self.run.status in (RunStatus.FAILED, RunStatus.INTERRUPTED))
    @rule(which=st.integers(0, 5))
    def resume(self, which: int) -> None:
        """As one of what may be chosen, or, half of the times, without a choice."""
        found = choices(self.run)
        chosen = found[which] if which < len(found) else None
        self.tell(c.Resume(by="owner", choice=chosen))
        REACHED[f"resumed with {chosen}"] += 1

    # ------------------------------------------------------------ what is saved

    @precondition(lambda self: self.run.status in (*WAITS, RunStatus.RUNNING))
    @rule(
        what=st.sampled_from(
            ["save"] * 4 + ["release", "release", "back", "back", "doubt", "miss", "visit"]
        ),
        whole=at_times,
    )
    def save_and_release(self, what: str, whole: bool) -> None:
        found = stand_in(self.run)
        waits, running = self.run.status in WAITS, self.run.running_step
        if what == "save" and not self.run.rebuild:
            self.save(drops=whole)
        elif what == "miss" and waits:
            self.tell(c.MissCheckpoint(why="the disk is full"))
        elif what == "visit" and not waits and not self.run.rebuild:
            both = (Choice.KERNEL, Choice.RERUN)
            self.tell(c.LoseKernel(why="visited", choices=both))
        elif found is None:
            return
        elif what == "release":
            self.tell(c.ReleaseKernel(checkpoint=found.digest))
        elif what == "doubt":
            self.tell(c.DoubtCheckpoint(checkpoint=found.digest, why="it does not load"))
        elif what == "back" and running is None:
            self.tell(c.FinishRestore(checkpoint=found.digest))

    @precondition(lambda self: not isinstance(plan(self.run), Wait | Done))
    @rule(chosen=CHOSEN, really=st.booleans(), back=st.booleans())
    def a_kernel_dies_after_saving(self, chosen: Choice | None, really: bool, back: bool) -> None:
        """Between two cells the variables are saved; in the next cell the kernel dies, or somebody
        else was found to have used it.
        """
        if not really:
            return
        while not isinstance(found := plan(self.run), Wait | Done):
            if isinstance(found, StartStep) and steps_behind(self.run):
                break
            self.drive(Outcome())
        self.save(drops=True)
        self.drive(Outcome())
        both = (Choice.KERNEL, Choice.RERUN)
        self.tell(c.LoseKernel(why="lost", choices=both if chosen in both else ()))
        lost = self.run.status is RunStatus.INTERRUPTED
        self.tell(c.Resume(by="owner", choice=chosen))
        if lost and self.run.status is RunStatus.RUNNING:
            REACHED[f"resumed with {chosen}"] += 1
        if back and self.run.restore is not None:
            self.tell(c.FinishRestore(checkpoint=self.run.restore))

    def save(self, *, drops: bool) -> None:
        """What the kernel holds is kept apart: how often each of its steps had been begun."""
        self.saves += 1
        digest = sha256(f"checkpoint {self.saves}".encode())
        covers = steps_behind(self.run)
        self.holds[digest] = {step: self.run.steps[step].attempts for step in covers}
        lost = (Unsaved("con", "Connection", "con", "no", None),)
        unsaved = lost if self.saves % 4 == 0 else ()
        counts, tries = attempts(self.run, covers), tried(self.run)
        saved = Checkpoint(digest, self.now, covers, counts, tries, 1, 8, 8, 0.1, unsaved, drops)
        self.tell(c.SaveCheckpoint(checkpoint=saved))

    @invariant()
    def what_a_run_could_go_on_with_is_what_its_kernel_held(self) -> None:
        """Each step that it covers was begun no more since: nothing goes on with other data."""
        run = self.run
        found = usable(run, steps_behind(run))
        if found is not None:
            assert found.complete
            assert found.doubt is None
            assert self.holds[found.digest] == {s: run.steps[s].attempts for s in found.covers}
            REACHED["a checkpoint is of use"] += 1
        restored = next((x for x in run.checkpoints if x.digest == run.restore), None)
        if run.restore is not None:
            assert restored is not None
            assert set(restored.covers) <= set(steps_behind(run))
            REACHED["a run is resumed from a checkpoint"] += 1
        assert run.released_at is None or run.status in (*WAITS, RunStatus.RUNNING)
        assert not run.choices or run.status is RunStatus.INTERRUPTED

    @precondition(lambda self: self.run.running_step)
    @rule(really=seldom, cancelled=st.booleans())
    def cut_off(self, really: bool, cancelled: bool) -> None:
        if really:
            error = Failure("KernelUnavailable", "none")
            self.tell(c.Cancel(by="owner") if cancelled else c.FailRun(error=error))

    @rule(really=seldom, what=st.sampled_from(["cancel", "fail", "resume"]))
    def end(self, really: bool, what: str) -> None:
        if not really:
            return
        commands = {
            "cancel": c.Cancel(by="owner"),
            "fail": c.FailRun(error=Failure("KernelUnavailable", "none")),
            "resume": c.Resume(by="owner"),
        }
        self.tell(commands[what])

    # ------------------------------------------------------------ the clock

    @rule(span=SPANS, tick=st.booleans())
    def time_passes(self, span: float, tick: bool) -> None:
        self.now += span
        if tick:
            self.tell(c.CheckDeadline())
        elif self.run.due_at is not None and self.now >= self.run.due_at:
            REACHED["a deadline passed without a tick"] += 1

    @precondition(lambda self: self.run.due_at is not None)
    @rule(span=st.sampled_from([-0.5, 0.0, 0.5]), tick=seldom)
    def the_deadline_comes(self, span: float, tick: bool) -> None:
        self.now = max(self.now, (self.run.due_at or 0.0) + span)
        if tick:
            self.tell(c.CheckDeadline())

    @precondition(lambda self: self.run.status is RunStatus.SLEEPING)
    @rule()
    def it_wakes(self) -> None:
        self.now = max(self.now, self.run.due_at or 0.0)
        self.tell(c.CheckDeadline())

    # ------------------------------------------------------------ links and votes

    def link(self) -> LinkId:
        self.minted += 1
        return LinkId(f"l{self.minted}")

    def newest_gate(self) -> Gate | None:
        waiting = [g for g in self.run.gates.values() if g.status not in CLOSED]
        return waiting[-1] if waiting else next(iter(self.run.gates.values()), None)

    @precondition(lambda self: not self.run.finished)
    @rule(who=st.one_of(st.none(), PEOPLE), span=st.sampled_from([None, 5.0, 100.0]))
    def mint(self, who: str | None, span: float | None) -> None:
        gate = self.newest_gate()
        expires = None if span is None else self.now + span
        step = StepId("s0") if gate is None else gate.step
        self.tell(c.MintLink(link=self.link(), gate=step, approver=who, expires_at=expires))

    @precondition(lambda self: not self.run.finished)
    @rule(
        who=st.one_of(st.none(), PEOPLE),
        span=st.sampled_from([5.0, 1e6, 1e6]),
        votes=st.booleans(),
        approved=APPROVED,
        payload=PAYLOADS,
    )
    def mint_flow_level(self, who, span, votes, approved, payload) -> None:
        self.flow_level(who, span, approved if votes else None, payload)

    def flow_level(self, who, span, approved, payload) -> None:
        link = self.link()
        self.tell(c.MintLink(link=link, gate=None, approver=who, expires_at=self.now + span))
        if approved is not None:
            voter = Voter(who, verified=False, route="link", link=link)
            self.cast(
                c.CastVote(gate=None, generation=0, voter=voter, approved=approved, payload=payload)
            )

    @precondition(lambda self: self.run.links)
    @rule(data=st.data(), really=seldom)
    def revoke(self, data: st.DataObject, really: bool) -> None:
        if really:
            link = data.draw(st.sampled_from(sorted(self.run.links)))
            self.tell(c.RevokeLink(link=link, by="owner"))

    def cast(self, vote: c.CastVote) -> None:
        self.votes.append(vote)
        gate = self.run.open_gate
        named = (vote.gate, vote.generation) if vote.gate else gate and (gate.step, gate.generation)
        self.tell(replace(vote, checked=named))

    def digest(self, said: str | None, gate: Gate | None) -> str | None:
        if said == "current":
            return gate.digest if gate else None
        return said

    @precondition(lambda self: self.expected)
    @rule(who=PEOPLE, approved=APPROVED, payload=st.sampled_from([None, {"n": 1}, {"n": "x"}]))
    def vote_early(self, who: str, approved: bool, payload: object) -> None:
        REACHED["a vote before the opening"] += 1
        self.vote_logged_in(who, approved, payload, None, True)

    @precondition(lambda self: self.expected)
    @rule(who=PEOPLE, misfit=st.booleans(), flow_level=st.booleans())
    def vote_and_then_the_gate_opens(self, who: str, misfit: bool, flow_level: bool) -> None:
        payload = {"n": "x"} if misfit else {"n": 1}
        if flow_level:
            self.flow_level(who, 1e6, approved=True, payload=payload)
        else:
            self.vote_logged_in(who, True, payload, None, False)
        self.drive(Outcome({"schema": FORM}))

    @property
    def expected(self) -> bool:
        return any(gate.status is GateStatus.EXPECTED for gate in self.run.gates.values())

    @precondition(lambda self: self.run.open_gate)
    @rule(people=st.lists(PEOPLE, min_size=1, max_size=3), payload=PAYLOADS)
    def several_approve(self, people: list[str], payload: object) -> None:
        for who in people:
            self.vote_logged_in(who, True, payload, "current", False)

    @precondition(lambda self: self.run.open_gate)
    @rule(people=st.permutations(sorted(GROUPS_OF)), really=st.booleans())
    def everybody_approves(self, people: list[str], really: bool) -> None:
        for who in people * 2 if really else ():
            if self.run.open_gate:
                self.vote_logged_in(who, True, {"n": 1}, "current", False)

    @precondition(lambda self: self.run.gates)
    @rule(data=st.data(), who=PEOPLE, really=at_times, verified=st.booleans())
    def withdraw(self, data: st.DataObject, who: str, really: bool, verified: bool) -> None:
        gate = self.newest_gate()
        assert gate is not None
        if not really and gate.status not in (GateStatus.EXPECTED, GateStatus.OPEN):
            return
        voter = Voter(who, verified=True, route="api")
        if gate.votes and data.draw(st.sampled_from([True] * 3 + [False])):
            voter = data.draw(st.sampled_from(gate.votes)).voter
            voter = replace(voter, verified=verified and voter.verified)
        self.tell(c.WithdrawVote(gate=gate.step, generation=gate.generation, voter=voter))

    @precondition(lambda self: self.run.open_gate)
    @rule(who=PEOPLE, approved=APPROVED)
    def vote_by_a_flow_level_link(self, who: str, approved: bool) -> None:
        self.flow_level(who, 1e6, approved, {"n": 1})

    @precondition(lambda self: self.run.open_gate and policy.lacking(self.run.open_gate) > 1)
    @rule(people=st.permutations(["bob", "alice", "dave", None]))
    def vote_by_a_flow_level_link_and_withdraw(self, people: list[str | None]) -> None:
        """By whom the gate takes it: most are refused by one rule or another."""
        gate = self.run.open_gate
        assert gate is not None
        for who in people:
            self.flow_level(who, 1e6, approved=True, payload={"n": 1})
            voter = Voter(who, verified=False, route="link", link=LinkId(f"l{self.minted}"))
            self.tell(c.WithdrawVote(gate=gate.step, generation=gate.generation, voter=voter))

    @precondition(lambda self: self.run.gates)
    @rule(who=PEOPLE, by_link=st.booleans())
    def look(self, who: str, by_link: bool) -> None:
        gate = self.newest_gate()
        assert gate is not None
        voter = Voter(who, not by_link, "link", gate.link if by_link else None)
        show = c.ShowGate(
            gate=gate.step, generation=gate.generation, voter=voter, digest=gate.digest
        )
        self.tell(show)
        before = self.run
        self.tell(show)
        assert self.run is before

    @precondition(lambda self: self.run.open_gate)
    @rule(who=PEOPLE, reason=st.booleans())
    def reject(self, who: str, reason: bool) -> None:
        self.vote_logged_in(who, False, None, None, reason)

    @precondition(lambda self: self.run.gates)
    @rule(who=PEOPLE, approved=APPROVED, payload=PAYLOADS, digest=DIGESTS, reason=st.booleans())
    def vote_by_name(self, who, approved, payload, digest, reason) -> None:
        self.vote_logged_in(who, approved, payload, digest, reason)

    def vote_logged_in(self, who, approved, payload, digest, reason) -> None:
        gate = self.newest_gate()
        assert gate is not None
        self.cast(
            c.CastVote(
                gate=gate.step,
                generation=gate.generation,
                voter=Voter(who, verified=True, route="api", groups=GROUPS_OF[who]),
                approved=approved,
                payload=payload,
                reason="because" if reason else None,
                digest=self.digest(digest, gate),
            )
        )

    @precondition(lambda self: self.run.links)
    @rule(
        data=st.data(),
        approved=APPROVED,
        payload=PAYLOADS,
        logged_in=st.sampled_from([None, None, None, "alice", "dave", "owner"]),
        purpose=st.sampled_from([None, Purpose.APPROVE, Purpose.RESUME, Purpose.CANCEL]),
    )
    def vote_by_link(self, data, approved, payload, logged_in, purpose) -> None:
        links = list(self.run.links.values())
        link = data.draw(st.sampled_from(links[-4:] if data.draw(st.booleans()) else links))
        self.cast(
            c.CastVote(
                gate=link.gate,
                generation=link.generation,
                voter=Voter(
                    logged_in or link.approver,
                    verified=logged_in is not None,
                    route="link",
                    link=link.id,
                    groups=GROUPS_OF.get(logged_in, ()),
                ),
                approved=approved,
                payload=payload,
                reason="because",
                purpose=purpose,
            )
        )

    @precondition(lambda self: self.votes)
    @rule(data=st.data(), approved=st.sampled_from([True, True, False]))
    def vote_again(self, data: st.DataObject, approved: bool) -> None:
        vote = data.draw(st.sampled_from(self.votes))
        self.tell(vote if approved else replace(vote, approved=not vote.approved))

    @precondition(lambda self: self.run.links and self.run.gates)
    @rule(data=st.data())
    def vote_by_a_link_of_something_else(self, data: st.DataObject) -> None:
        link = data.draw(st.sampled_from(list(self.run.links.values())))
        gate = data.draw(st.sampled_from(list(self.run.gates.values())))
        self.tell(
            c.CastVote(
                gate=gate.step,
                generation=gate.generation,
                voter=Voter(link.approver, verified=False, route="link", link=link.id),
                approved=True,
            )
        )

    # ------------------------------------------------------------ what always holds

    def teardown(self) -> None:
        """The log tells the whole run, also as it is stored; it is found unbroken, and has its
        summary (G71).
        """
        if not hasattr(self, "run"):
            return
        rows = chained_rows(self.log)
        verdict = verify(self.run.id, rows)
        assert verdict.findings == ()
        assert verdict.run == self.run
        told = summary(self.run.id, [row[:4] for row in rows])
        for gate in told.gates:
            standing = [vote for vote in gate.votes if vote.counts]
            of_run = self.run.gates[StepId(gate.step), gate.generation]
            assert len(standing) == len(of_run.votes)
            assert gate.outcome.status == of_run.status
            assert (gate.outcome.seq is None) == (of_run.status is GateStatus.OPEN)
        assert len(told.early_votes) == len(self.run.pre_votes)
        assert replay(self.run.id, self.log) == self.run
        stored = [(row.seq, row.at, *codec.encode(row.event)) for row in self.log]
        read = [e.Recorded(seq, at, codec.decode(kind, body)) for seq, at, kind, body in stored]
        assert replay(self.run.id, read) == self.run

    @invariant()
    def every_event_is_in_the_log(self) -> None:
        assert self.run.seq == len(self.log)

    @invariant()
    def at_most_one_gate_is_open_and_one_step_runs(self) -> None:
        run = self.run
        unfinished = [g for g in run.gates.values() if g.status is GateStatus.OPEN]
        expected = [
            g for g in run.gates.values() if g.status is GateStatus.EXPECTED and g.key is None
        ]
        running = [s for s in run.steps.values() if s.status is StepStatus.RUNNING]
        assert len(unfinished) + len(running) <= 1
        assert (len(unfinished) == 1) == (run.status is RunStatus.SUSPENDED)
        assert not running or run.status is RunStatus.RUNNING
        assert [g.step for g in expected] == [s.id for s in running if s.spec.gate]

    @invariant()
    def a_gate_that_is_over_never_changes(self) -> None:
        for at, gate in self.run.gates.items():
            if at in self.closed:
                assert gate == self.closed[at]
            elif gate.status in (*CLOSED, GateStatus.SUPERSEDED):
                self.closed[at] = gate
                REACHED[f"gate {gate.status}"] += 1
        assert set(self.closed) <= set(self.run.gates)

    @invariant()
    def a_pre_vote_is_counted_at_most_once(self) -> None:
        assert all(count == 1 for count in self.counted.values())
        in_gates = Counter(
            v.voter.link
            for gate in self.run.gates.values()
            for v in gate.votes
            if v.voter.link and self.run.links[v.voter.link].gate is None
        )
        assert in_gates + self.withdrawn == self.counted
        kept = [vote.voter.link for vote in self.run.pre_votes]
        assert len(kept) == len(set(kept))
        assert not set(kept) & set(self.counted)

    @invariant()
    def an_open_gate_still_needs_somebody(self) -> None:
        gate = self.run.open_gate
        if gate:
            assert all(vote.approved for vote in gate.votes)
            assert policy.lacking(gate) > 0

    @invariant()
    def only_a_sleeping_run_wakes_and_only_a_failing_one_mends(self) -> None:
        run = self.run
        assert (run.status is RunStatus.SLEEPING) == (run.wake_at is not None)
        if run.failing:
            assert run.status in (RunStatus.RUNNING, RunStatus.SLEEPING)
            assert run.deadline is None
            running = run.running_step
            assert running is None or running.spec.failure
            REACHED[f"failing and {run.status}"] += 1

    @invariant()
    def a_step_is_tried_no_more_often_than_it_says(self) -> None:
        for step in self.run.steps.values():
            retry = step.spec.retry or Retry()
            assert (
                step.tries - step.pauses <= 1 + retry.constant_attempts + retry.exponential_attempts
            )
            assert step.tries <= step.attempts

    @invariant()
    def the_steps_of_a_skipped_section_are_skipped(self) -> None:
        """But for one at which the condition itself had raised, and that was allowed to fail."""
        for step in self.run.steps.values():
            if any(self.run.skips.get(section.id) for section in step.spec.sections):
                raised = step.status is StepStatus.FAILED and step.spec.continue_on_error
                assert step.status is StepStatus.SKIPPED or (raised and not step.tries)
                REACHED["a section was skipped"] += 1

    @invariant()
    def an_unfinished_run_never_hangs(self) -> None:
        """It has something to do, which moves it on whatever comes of it; or the clock will move
        it; or it is interrupted, and its owner can.
        """
        run, effect = self.run, plan(self.run)
        if run.status in (RunStatus.SUSPENDED, RunStatus.SLEEPING):
            assert isinstance(effect, Wait)
            assert effect.until is not None
            assert decide(run, c.CheckDeadline(), effect.until)
        elif not run.finished or run.status is RunStatus.FAILED:
            for command in self.to_move(effect):
                assert decide(run, command, self.now)

    def to_move(self, effect: object) -> list[c.Command]:
        """Whatever a driver may tell of the effect, or the owner where there is none."""
        match effect:
            case BeginRun():
                return [c.Start()]
            case StartStep():
                return [c.Advance()]
            case AskCondition(step, section):
                answers = [c.DecideSkip(step=step, skip=s, section=section) for s in (True, False)]
                return [*answers, c.FailStep(step=step, error=Failure("X", "x"))]
            case ExecuteStep(step):
                outcomes = (Outcome(), Outcome(fails=True), Outcome(stop=True))
                return [self.finished(step, outcome) for outcome in outcomes]
            case RebuildKernel():
                return [c.FinishRebuild()]
            case _:
                plain = any(not step.spec.failure for step in self.run.steps.values())
                ways = [c.Resume(by="owner", choice=choice) for choice in choices(self.run)]
                return ways if plain else []

    @invariant()
    def what_is_derived_agrees(self) -> None:
        run = self.run
        gate = run.open_gate
        timed = run.status in (RunStatus.RUNNING, RunStatus.SUSPENDED, RunStatus.SLEEPING)
        whole = run.timeout is not None and timed and not run.failing
        times = [
            gate.deadline if gate else None,
            run.wake_at,
            self.timed_from + (run.timeout or 0.0) if whole else None,
        ]
        assert run.due_at == min((at for at in times if at is not None), default=None)
        assert run.finished == (run.finished_at is not None) == isinstance(plan(run), Done)
        bad = (RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED)
        assert (run.error is not None) == (run.status in bad or run.failing)
        if run.error is not None:
            REACHED[f"error {run.error.name}"] += 1
        assert bindings(run)["flow_input"] == {"n": 1}
        for (step, generation), found in run.gates.items():
            assert (found.step, found.generation) == (step, generation)
            assert found.key is not None or generation <= run.steps[step].attempts
        for link in run.links.values():
            assert link.gate is None or (link.gate, link.generation) in run.gates
        for step in run.steps.values():
            REACHED[f"step {step.status}"] += 1


@pytest.mark.timeout(400)
def test_what_holds_of_a_run_holds_after_any_commands() -> None:
    REACHED.clear()
    run_state_machine_as_test(
        Runs,
        settings=settings(
            max_examples=700,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


SITUATIONS = [
    *(kind for kind in e.KINDS if kind not in ("RunCreated", "WidgetsSaved", "NotebookMoved")),
    *(f"run {status}" for status in RunStatus),
    *(f"step {status}" for status in StepStatus),
    *(f"gate {status}" for status in (*CLOSED, GateStatus.SUPERSEDED)),
    *(
        f"refused {refusal.__name__}"
        for refusal in (
            errors.AlreadyVoted, errors.CancelHidden, errors.FormInvalid, errors.GateClosed,
            errors.GateSuperseded, errors.LinkConsumed, errors.LinkExpired, errors.LinkRevoked,
            errors.NoGate, errors.NotAllowed, errors.ReasonRequired, errors.Refused,
            errors.RunFinished, errors.RunNotResumable, errors.StaleDigest, errors.UnknownLink,
            errors.UnknownStep, errors.SelfApproval, errors.LoginNeeded, errors.NotAnApprover,
            errors.NotYourTurn, errors.NothingToWithdraw,
        )
    ),
    *(
        f"error {name}"
        for name in ("ValueError", "ExpressionError", "EarlyStopError", "GateConfigInvalid",
                     "RunTimedOut", "SuspendedDisapproved", "SuspendedTimedOut")
    ),
    "a checkpoint is of use",
    "a run is resumed from a checkpoint",
    *(f"resumed with {choice}" for choice in Choice if choice is not Choice.CHANGED),
    "a failure step began",
    "failing and running",
    "failing and sleeping",
    "a step was tried again",
    "a section was skipped",
    "a flow-level vote was withdrawn",
    "approved by those who are named",
    "approved by groups",
    "went on after an allowed error and its gate",
    "nothing to do DecideSkip",
    "nothing to do FailStep",
    "nothing to do CastVote",
    "a vote before the opening",
    "a pre-vote counted at once",
    "a pre-vote counted at the opening",
    "a deadline passed without a tick",
    "went on after rejected",
    "went on after timed_out",
]  # fmt: skip


def test_everything_that_matters_was_reached(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write("\n" + "  ".join(f"{n}: {REACHED[n]}" for n in sorted(REACHED)) + "\n")
    assert [name for name in SITUATIONS if not REACHED[name]] == []
