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
from msgspec.structs import replace

from jupyter_flows.core import codec, errors
from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.audit import verify
from jupyter_flows.core.bindings import bindings
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.machine import (
    BeginRun,
    Done,
    ExecuteStep,
    RebuildKernel,
    StartStep,
    Wait,
    created,
    decide,
    evolve,
    plan,
    replay,
)
from jupyter_flows.core.model import (
    Failure,
    Gate,
    GateOptions,
    GateStatus,
    LinkId,
    Purpose,
    Run,
    RunId,
    RunStatus,
    StepId,
    StepSpec,
    StepStatus,
    Voter,
)
from jupyter_flows.core.receipt import summary

from .conftest import chained_rows

REACHED: Counter[str] = Counter()
"""Event kinds, statuses, refusals and situations that the runs below came to."""

FORM = {"properties": {"n": {"type": "integer"}}, "required": ["n"]}
CLOSED = (GateStatus.APPROVED, GateStatus.REJECTED, GateStatus.TIMED_OUT)
PEOPLE = st.sampled_from(["bob", "Bob", "alice", "carol", "dave", "eve"])
SPANS = st.sampled_from([0.0, 0.5, 1.0, 10.0, 59.0, 60.0, 61.0, 600.0])
PAYLOADS = st.sampled_from([None, None, {"n": 1}, {"n": 1}, {"n": 2}, {"n": "x"}, {"m": 1}])
DIGESTS = st.sampled_from([None, "current", "current", "old"])
APPROVED = st.sampled_from([True, True, True, True, False])
seldom = st.sampled_from([False] * 9 + [True])

GATES = st.builds(
    GateOptions,
    required_events=st.integers(1, 3),
    timeout=st.sampled_from([None, 60.0, 60.0, 600.0]),
    form=st.sampled_from([None, None, FORM]),
    default_args=st.sampled_from([{}, {}, {"n": 5}]),
    hide_cancel=seldom,
    require_reason=st.booleans(),
    continue_on_disapprove_timeout=st.booleans(),
    on_timeout=st.sampled_from([None, None, None, {"resume": {"n": 0}}]),
    pre_approvals=st.sampled_from([True, True, True, False]),
)
RESULTS = st.sampled_from(
    [None, {"schema": FORM}, 1, {"resume": "url"}, {"schema": FORM}, {"default_args": {"n": 7}},
     {"schema": FORM, "default_args": {"n": 7}}, {"schema": 5}]
)  # fmt: skip


@st.composite
def specs(draw) -> tuple[StepSpec, ...]:
    gates = draw(st.lists(st.one_of(st.none(), GATES, GATES), min_size=1, max_size=5))
    return tuple(
        StepSpec(
            StepId(f"s{index}"),
            index,
            sha256(bytes([index])),
            gate=gate,
            evidence=draw(st.booleans()),
            skipped=draw(seldom),
        )
        for index, gate in enumerate(gates)
    )


class Runs(RuleBasedStateMachine):
    """Rules mostly make sensible commands; `model` facts are kept apart from the run's own."""

    run: Run

    @initialize(steps=specs(), begun=st.booleans())
    def create(self, steps: tuple[StepSpec, ...], begun: bool) -> None:
        self.now = 1000.0
        self.minted = 0
        first = e.RunCreated(
            path="a.ipynb",
            owner="owner",
            parameters={"n": 1},
            snapshot=sha256(b""),
            steps=steps,
            kernel_name="python3",
            default_timeout=600.0,
        )
        self.log = [e.Recorded(1, self.now, first)]
        self.run = created(RunId("r"), first, self.now)
        self.votes: list[c.CastVote] = []
        self.closed: dict[tuple[StepId, int], Gate] = {}
        self.counted: Counter[LinkId] = Counter()
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
            assert self.run.gate(gate.step) is gate
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
        if isinstance(event, e.StepStarted | e.StepSkipped | e.RunSucceeded):
            self._check_passed(event)

    def _check_by_whom(self, gate: Gate, voter: Voter, approved: bool) -> None:
        """G10: never two approvals by one person, or by one link that was not logged in."""
        for vote in gate.approvals if approved else ():
            assert vote.voter.key != voter.key
            both_logged_in = vote.voter.verified and voter.verified
            assert voter.link is None or vote.voter.link != voter.link or both_logged_in

    def _check_passed(self, event: e.Event) -> None:
        """G10, G13, G14: nothing runs behind a gate that did not let the run go on."""
        starting = getattr(event, "step", None)
        for step in self.run.steps.values():
            if step.id == starting:
                return
            if step.spec.gate is None or step.status is StepStatus.SKIPPED:
                continue
            gate = self.run.gate(step.id)
            assert gate is not None
            approvers = {vote.voter.key for vote in gate.approvals}
            if gate.status is GateStatus.APPROVED:
                assert all(vote.approved for vote in gate.votes)
                assert len(approvers) >= gate.options.required_events
            else:
                assert gate.status in CLOSED
                by_clock = gate.status is GateStatus.TIMED_OUT and gate.options.on_timeout
                assert gate.options.continue_on_disapprove_timeout or by_clock
                REACHED[f"went on after {gate.status}"] += 1

    # ------------------------------------------------------------ drivers

    def drive(self, result: object, fails: bool) -> None:
        match plan(self.run):
            case BeginRun():
                self.tell(c.Start())
            case StartStep():
                self.tell(c.Advance())
            case ExecuteStep(step):
                error = Failure("ValueError", "no") if fails else None
                outputs = sha256(repr(result).encode())
                self.tell(
                    c.FinishStep(
                        step=step, link=self.link(), result=result, error=error, outputs=outputs
                    )
                )
            case RebuildKernel():
                self.tell(c.FinishRebuild())
            case Wait() | Done():
                self.tell(c.Advance())

    @precondition(lambda self: not isinstance(plan(self.run), Wait | Done))
    @rule(results=st.lists(st.tuples(RESULTS, seldom), min_size=1, max_size=6))
    def drive_on(self, results: list[tuple[object, bool]]) -> None:
        for result, fails in results:
            if not isinstance(plan(self.run), Wait | Done):
                self.drive(result, fails)

    @rule(result=RESULTS, fails=seldom)
    def drive_one(self, result: object, fails: bool) -> None:
        self.drive(result, fails)

    @rule(step=st.sampled_from(["s0", "s1", "nope"]), really=seldom)
    def finish_out_of_turn(self, step: str, really: bool) -> None:
        if really:
            self.tell(c.FinishStep(step=StepId(step), link=self.link()))

    @precondition(lambda self: self.run.started_at is not None)
    @rule(step=st.integers(0, 2), content=st.binary(max_size=2))
    def amend(self, step: int, content: bytes) -> None:
        self.tell(c.AmendOutputs(outputs={StepId(f"s{step}"): sha256(content)}))

    @precondition(lambda self: self.run.status is RunStatus.RUNNING)
    @rule(often=st.integers(0, 2))
    def lose_kernel(self, often: int) -> None:
        if often == 0:
            self.tell(c.LoseKernel(why="killed"))

    @precondition(lambda self: self.run.status in (RunStatus.FAILED, RunStatus.INTERRUPTED))
    @rule()
    def resume(self) -> None:
        self.tell(c.Resume(by="owner"))

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
        self.tell(vote)

    def digest(self, said: str | None, gate: Gate | None) -> str | None:
        if said == "current":
            return gate.digest if gate else None
        return said

    @precondition(lambda self: self.expected)
    @rule(who=PEOPLE, approved=APPROVED, payload=st.sampled_from([None, {"n": 1}, {"n": "x"}]))
    def vote_early(self, who: str, approved: bool, payload: object) -> None:
        REACHED["a vote before the opening"] += 1
        self.vote_logged_in(who, approved, payload, None, True)

    @property
    def expected(self) -> bool:
        return any(gate.status is GateStatus.EXPECTED for gate in self.run.gates.values())

    @precondition(lambda self: self.run.open_gate)
    @rule(people=st.lists(PEOPLE, min_size=1, max_size=3), payload=PAYLOADS)
    def several_approve(self, people: list[str], payload: object) -> None:
        for who in people:
            self.vote_logged_in(who, True, payload, "current", False)

    @precondition(lambda self: self.run.open_gate)
    @rule(who=PEOPLE, approved=APPROVED)
    def vote_by_a_flow_level_link(self, who: str, approved: bool) -> None:
        self.flow_level(who, 1e6, approved, {"n": 1})

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
                voter=Voter(who, verified=True, route="api"),
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
        logged_in=st.sampled_from([None, None, None, "alice", "dave"]),
        purpose=st.sampled_from([None, Purpose.APPROVE, Purpose.RESUME, Purpose.CANCEL]),
    )
    def vote_by_link(self, data, approved, payload, logged_in, purpose) -> None:
        links = list(self.run.links.values())
        link = data.draw(st.sampled_from(links[-4:] if data.draw(st.booleans()) else links))
        self.cast(
            c.CastVote(
                gate=link.gate,
                generation=link.generation,
                voter=Voter(logged_in or link.approver, logged_in is not None, "link", link.id),
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
        """G71: no log that the machine tells is found broken, and each has its summary."""
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

    @invariant()
    def the_log_tells_the_whole_run(self) -> None:
        assert replay(self.run.id, self.log) == self.run
        stored = [(row.seq, row.at, *codec.encode(row.event)) for row in self.log]
        read = [e.Recorded(seq, at, codec.decode(kind, body)) for seq, at, kind, body in stored]
        assert replay(self.run.id, read) == self.run
        assert self.run.seq == len(self.log)

    @invariant()
    def at_most_one_gate_is_open_and_one_step_runs(self) -> None:
        run = self.run
        unfinished = [g for g in run.gates.values() if g.status is GateStatus.OPEN]
        expected = [g for g in run.gates.values() if g.status is GateStatus.EXPECTED]
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
        assert in_gates == self.counted
        kept = [vote.voter.link for vote in self.run.pre_votes]
        assert len(kept) == len(set(kept))
        assert not set(kept) & set(self.counted)

    @invariant()
    def an_open_gate_still_needs_somebody(self) -> None:
        gate = self.run.open_gate
        if gate:
            assert all(vote.approved for vote in gate.votes)
            approvers = {vote.voter.key for vote in gate.approvals}
            assert len(approvers) < gate.options.required_events

    @invariant()
    def what_is_derived_agrees(self) -> None:
        run = self.run
        gate = run.open_gate
        assert run.due_at == (gate.deadline if gate else None)
        assert run.finished == (run.finished_at is not None) == isinstance(plan(run), Done)
        assert (run.error is not None) == (
            run.status in (RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED)
        )
        assert bindings(run)["flow_input"] == {"n": 1}
        for (step, generation), found in run.gates.items():
            assert (found.step, found.generation) == (step, generation)
            assert generation <= run.steps[step].attempts
        for link in run.links.values():
            assert link.gate is None or (link.gate, link.generation) in run.gates
        for step in run.steps.values():
            REACHED[f"step {step.status}"] += 1


def test_what_holds_of_a_run_holds_after_any_commands() -> None:
    REACHED.clear()
    run_state_machine_as_test(
        Runs,
        settings=settings(
            max_examples=400,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


SITUATIONS = [
    *(kind for kind in e.KINDS if kind not in ("RunCreated", "WidgetsSaved")),
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
            errors.UnknownStep,
        )
    ),
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
