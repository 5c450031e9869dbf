"""What an event makes of a run."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, assert_never

from msgspec.structs import replace

from jupyter_flows.core import events as e
from jupyter_flows.core import forms
from jupyter_flows.core.machine import kept
from jupyter_flows.core.machine.shown import with_shown
from jupyter_flows.core.machine.tables import (
    GATE_TRANSITIONS,
    RUN_TRANSITIONS,
    RUN_UNMOVED,
    STEP_TRANSITIONS,
    IllegalEventError,
    moved,
)
from jupyter_flows.core.model import (
    Failure,
    Gate,
    GateOptions,
    GateStatus,
    Link,
    Run,
    RunId,
    RunStatus,
    Step,
    StepId,
    StepSpec,
    StepStatus,
    Vote,
)


def created(run: RunId, event: e.RunCreated, at: float) -> Run:
    """The run that this first event makes."""
    return Run(
        id=run,
        seq=1,
        status=RunStatus.QUEUED,
        path=event.path,
        owner=event.owner,
        parameters=event.parameters,
        snapshot=event.snapshot,
        kernel_name=event.kernel_name,
        kernel_id=event.kernel_id,
        folder=event.folder,
        output=event.output,
        default_timeout=event.default_timeout,
        created_at=at,
        steps={spec.id: Step(spec) for spec in event.steps},
        name=event.name,
        timeout=event.timeout,
        concurrency=event.concurrency,
        in_place=event.in_place,
        root=event.root,
        checkpointing=event.checkpointing,
    )


def replay(run: RunId, recorded: Iterable[e.Recorded]) -> Run:
    """The run that its log tells of, from the first event on. Raises ValueError for an empty or
    headless log.
    """
    rows = iter(recorded)
    first = next(rows, None)
    if first is None or not isinstance(first.event, e.RunCreated):
        raise ValueError(f"the log of run {run} does not begin with RunCreated")
    state = created(run, first.event, first.at)
    state = replace(state, steps=_Draft(state.steps))
    for row in rows:
        state = evolve(state, row.event, row.at)
    return replace(state, steps=dict(state.steps))


class _Draft(dict[StepId, Step]):
    """The steps of a run that nobody sees before its replay has ended: changed in place, so that a
    long notebook's log is not read in time that grows with its square.
    """


def _with_steps(run: Run, changed: Mapping[StepId, Step], **more: Any) -> Run:
    if isinstance(run.steps, _Draft):
        run.steps.update(changed)
        return replace(run, **more) if more else run
    return replace(run, steps={**run.steps, **changed}, **more)


def evolve(  # noqa: C901, PLR0911, PLR0912 (a table: one case for each event)
    run: Run, event: e.Event, at: float
) -> Run:
    """The run after the event. Raises IllegalEventError for one that the tables don't allow."""
    run = replace(run, seq=run.seq + 1, status=_run_status(run, event))
    if run.finished and run.released_at is not None:
        run = replace(run, released_at=None)
    match event:
        case e.RunCreated():
            raise IllegalEventError("RunCreated in the middle of a log")
        case e.RunStarted():
            return replace(run, started_at=at, deadline=_deadline(run, at))
        case e.StepStarted():
            return _step_started(run, event, at)
        case e.StepSkipped():
            return _with_step(run, event.step, event, finished_at=at)
        case e.SectionEntered():
            return _section_entered(run, event, at)
        case e.StepSucceeded():
            return _step_succeeded(run, event, at)
        case e.StepFailed():
            return _step_failed(run, event, at)
        case e.StepRetried():
            return _step_failed(run, event, at)
        case e.RunSlept():
            return replace(run, wake_at=event.until)
        case e.RunWoken():
            return replace(run, wake_at=None)
        case e.RunStopped():
            return _stopped(run, event, at)
        case e.RunFailing():
            return _failing(run, event, at)
        case e.OutputsAmended():
            return _outputs_amended(run, event)
        case e.WidgetsSaved():
            return replace(run, widgets=event.widgets)
        case e.GateOpened():
            return _gate_opened(run, event, at)
        case e.GateShown():
            return _with_gate(run, with_shown(run.gates[event.gate, event.generation], event))
        case e.VoteCast():
            return _vote_cast(run, event, at)
        case e.PreVoteCounted():
            return _pre_vote_counted(run, event)
        case e.VoteDismissed():
            return _without_vote(run, event, approved=event.approved)
        case e.VoteWithdrawn():
            return _without_vote(run, event, approved=True)
        case e.GateApproved() | e.GateRejected() | e.GateTimedOut():
            gate = run.gates[event.gate, event.generation]
            return _with_gate(run, _gate_moved(gate, event, at))
        case e.LinkMinted():
            return _link_minted(run, event, at)
        case e.LinkRevoked():
            revoked = replace(run.links[event.link], revoked_at=at)
            return replace(run, links={**run.links, event.link: revoked})
        case e.RunInterrupted():
            return _interrupted(_with_outputs(run, event.outputs), event, at)
        case e.RunResumed():
            return _resumed(run, event, at)
        case e.NotebookMoved():
            return replace(run, path=event.path)
        case e.KernelRebuilt():
            return replace(run, rebuild=False, restore=None, changed=False)
        case e.CheckpointSaved():
            return kept.saved(run, event)
        case e.CheckpointFailed():
            return replace(run, unsaved=event.why)
        case e.CheckpointDoubted():
            return kept.doubted(run, event)
        case e.KernelReleased():
            return replace(run, released_at=at)
        case e.KernelRestored():
            return replace(run, released_at=None, changed=run.changed and run.rebuild)
        case e.RunSucceeded():
            run = _skipped(run, event, at, lambda step: step.spec.failure)
            return replace(run, finished_at=at, result=event.result)
        case e.RunFailed():
            run = _gates_ended(_step_cut_off(run, event, at), event, at)
            return replace(run, finished_at=at, error=event.error, wake_at=None, failing=False)
        case e.RunCancelled():
            return _cancelled(run, event, at)
        case _:
            assert_never(event)


def _run_status(run: Run, event: e.Event) -> RunStatus:
    if run.status in RUN_UNMOVED.get(type(event), ()):
        return run.status
    status: RunStatus = moved(RUN_TRANSITIONS, run.status, event)
    return status


def _with_step(run: Run, step: StepId, event: e.Event, **changes: Any) -> Run:
    before = run.steps[step]
    status = moved(STEP_TRANSITIONS, before.status, event)
    running = run.running
    if status is StepStatus.RUNNING:
        running = step
    elif running == step:
        running = None
    changed = replace(before, status=status, **changes)
    return _with_steps(run, {step: changed}, running=running)


def _skipped(run: Run, event: e.Event, at: float, which: Callable[[Step], bool]) -> Run:
    """All pending steps for which `which` is true, as skipped by this event."""
    for step in list(run.steps.values()):
        if step.status is StepStatus.PENDING and which(step):
            run = _with_step(run, step.id, event, finished_at=at)
    return run


def _section_entered(run: Run, event: e.SectionEntered, at: float) -> Run:
    run = replace(run, skips={**run.skips, event.section: event.skipped})
    if not event.skipped:
        return run
    return _skipped(run, event, at, lambda step: _stands_in(step, event.section))


def _stands_in(step: Step, section: str) -> bool:
    return any(each.id == section for each in step.spec.sections)


def _stopped(run: Run, event: e.RunStopped, at: float) -> Run:
    run = _skipped(run, event, at, lambda step: not step.spec.failure)
    return replace(_gates_ended(run, event, at), stopped=event.step)


def _failing(run: Run, event: e.RunFailing, at: float) -> Run:
    """The whole run's deadline doesn't bind the `failure` steps."""
    run = _gates_ended(_step_cut_off(run, event, at), event, at)
    return replace(
        run, failing=True, failed_step=event.step, error=event.error, wake_at=None, deadline=None
    )


def _deadline(run: Run, at: float) -> float | None:
    return None if run.timeout is None else at + run.timeout


def _with_gate(run: Run, gate: Gate) -> Run:
    return replace(run, gates={**run.gates, (gate.step, gate.generation): gate})


def _gate_moved(gate: Gate, event: e.Event, at: float) -> Gate:
    return replace(gate, status=moved(GATE_TRANSITIONS, gate.status, event), closed_at=at)


def _gates_ended(run: Run, event: e.Event, at: float) -> Run:
    """The gates that still waited are superseded by the run's end (or its interruption)."""
    for gate in run.gates.values():
        if (gate.status, type(event)) in GATE_TRANSITIONS:
            run = _with_gate(run, _gate_moved(gate, event, at))
    return run


def _step_started(run: Run, event: e.StepStarted, at: float) -> Run:
    run = _with_step(
        run,
        event.step,
        event,
        attempts=event.attempt,
        tries=run.steps[event.step].tries + 1,
        started_at=at,
        finished_at=None,
        result=None,
        notice=None,
        error=None,
    )
    run = replace(run, released_at=None) if run.released_at is not None else run
    gate = run.steps[event.step].spec.gate
    return run if gate is None else _with_gate(run, Gate(event.step, event.attempt, gate))


def _step_succeeded(run: Run, event: e.StepSucceeded, at: float) -> Run:
    return _with_step(
        run,
        event.step,
        event,
        finished_at=at,
        result=event.result,
        notice=event.notice,
        outputs=event.outputs,
        execution_count=event.execution_count,
    )


def _step_failed(run: Run, event: e.StepFailed | e.StepRetried, at: float) -> Run:
    """A gate of a step that may fail opens all the same (G3)."""
    goes_on = isinstance(event, e.StepFailed) and event.goes_on
    run = _with_step(
        run,
        event.step,
        event,
        finished_at=at,
        result={"error": event.error.as_json()} if goes_on else None,
        error=event.error,
        outputs=event.outputs,
        execution_count=event.execution_count,
    )
    return run if goes_on else _gates_ended(run, event, at)


def _with_outputs(run: Run, outputs: Mapping[StepId, Any]) -> Run:
    changed = {step: replace(run.steps[step], outputs=d) for step, d in outputs.items()}
    return _with_steps(run, changed)


def _outputs_amended(run: Run, event: e.OutputsAmended) -> Run:
    run = _with_outputs(run, event.outputs)
    gate = run.open_gate
    if gate is None or event.digest is None:
        return run
    return _with_gate(run, replace(gate, digest=event.digest))


def _gate_opened(run: Run, event: e.GateOpened, at: float) -> Run:
    """The votes from before are completed by the form that they did not know yet (G4)."""
    gate = run.gates[event.gate, event.generation]
    opened = replace(
        gate,
        status=moved(GATE_TRANSITIONS, gate.status, event),
        options=event.options,
        opened_at=at,
        deadline=event.deadline,
        prompt=event.prompt,
        digest=event.digest,
        votes=tuple(_completed(vote, event.options) for vote in gate.votes),
    )
    return _with_gate(run, opened)


def _completed(vote: Vote, options: GateOptions) -> Vote:
    return replace(vote, payload=forms.completed(options, vote.payload)) if vote.approved else vote


def _vote_cast(run: Run, event: e.VoteCast, at: float) -> Run:
    vote = Vote(event.voter, event.approved, at, event.payload, event.reason, event.digest)
    if event.gate is None:
        return replace(run, pre_votes=(*run.pre_votes, vote))
    gate = run.gates[event.gate, event.generation]
    return _with_gate(run, replace(gate, votes=(*gate.votes, vote)))


def _pre_vote_counted(run: Run, event: e.PreVoteCounted) -> Run:
    vote = next(v for v in run.pre_votes if v.voter.link == event.link)
    gate = run.gates[event.gate, event.generation]
    run = _with_gate(run, replace(gate, votes=(*gate.votes, _completed(vote, gate.options))))
    link = replace(run.links[event.link], consumed_by=event.gate)
    return replace(
        run,
        pre_votes=tuple(v for v in run.pre_votes if v is not vote),
        links={**run.links, link.id: link},
    )


def _without_vote(run: Run, event: e.VoteDismissed | e.VoteWithdrawn, *, approved: bool) -> Run:
    gate = run.gates[event.gate, event.generation]
    gone = (event.voter, approved)
    kept = tuple(vote for vote in gate.votes if (vote.voter, vote.approved) != gone)
    return _with_gate(run, replace(gate, votes=kept))


def _link_minted(run: Run, event: e.LinkMinted, at: float) -> Run:
    link = Link(
        id=event.link,
        gate=event.gate,
        generation=event.generation,
        approver=event.approver,
        created_at=at,
        expires_at=event.expires_at,
    )
    run = replace(run, links={**run.links, link.id: link})
    gate = run.gates[event.gate, event.generation] if event.gate else None
    if gate is None or gate.status is not GateStatus.OPEN or gate.link or event.approver:
        return run
    return _with_gate(run, replace(gate, link=link.id))


def _interrupted(run: Run, event: e.RunInterrupted, at: float) -> Run:
    error = Failure("RunInterrupted", event.why)
    run = replace(run, error=error, choices=event.choices, released_at=None)
    step = run.running_step
    if step is None:
        return run
    return _with_step(_gates_ended(run, event, at), step.id, event, finished_at=at)


def _resumed(run: Run, event: e.RunResumed, at: float) -> Run:
    """From this step on everything is to do again, and the sections that begin there are to be
    entered again; the steps before it are to be rebuilt.
    """
    if event.steps is not None:
        run = _with_edits(run, event, event.steps)
    reached, entered = False, set[str]()
    for step in run.steps.values():
        reached = reached or step.id == event.step
        if reached or step.spec.failure:
            run = _with_step(run, step.id, event, tries=0)
        elif step.status is not StepStatus.PENDING:
            entered |= {section.id for section in step.spec.sections}
    run = replace(
        run,
        rebuild=not event.live,
        restore=event.checkpoint,
        changed=event.changed,
        choices=(),
        released_at=None,
        unsaved=None,
        kernel_id=event.kernel_id or run.kernel_id,
        started_at=at if run.started_at is None else run.started_at,
        deadline=_deadline(run, at),
        finished_at=None,
        error=None,
        failing=False,
        failed_step=None,
        stopped=None,
        skips={section: skip for section, skip in run.skips.items() if section in entered},
    )
    return replace(run, checkpoints=()) if event.live else kept.still_of_use(run)


def _with_edits(run: Run, event: e.RunResumed, specs: Iterable[StepSpec]) -> Run:
    """What the run has behind it stays, wherever its cells stand now. A step behind that is the
    same keeps what became of it so far; a changed one begins anew. Votes ahead (G36) were for the
    cells as they were: they count no more, and can be given again.
    """
    steps: dict[StepId, Step] = {}
    reached = False
    for spec in specs:
        reached = reached or spec.id == event.step
        before = run.steps.get(spec.id)
        if before is None or before.spec.source_hash != spec.source_hash:
            steps[spec.id] = Step(spec, attempts=_attempts(run, spec.id))
        elif reached or spec.failure:
            steps[spec.id] = replace(before, spec=spec)
        else:
            steps[spec.id] = replace(before, spec=_moved_to(before.spec, spec))
    kept = type(run.steps)(steps)  # type: ignore[call-arg]
    return replace(run, steps=kept, snapshot=event.snapshot or run.snapshot, pre_votes=())


def _moved_to(spec: StepSpec, now: StepSpec) -> StepSpec:
    return replace(spec, index=now.index, cell=now.cell)


def _attempts(run: Run, step: StepId) -> int:
    """A number that none of its gates is above: the next one has a name of its own (G6)."""
    before = run.steps.get(step)
    generations = [generation for name, generation in run.gates if name == step]
    return max([before.attempts if before else 0, *generations])


def _step_cut_off(run: Run, event: e.Event, at: float) -> Run:
    step = run.running_step
    return run if step is None else _with_step(run, step.id, event, finished_at=at)


def _cancelled(run: Run, event: e.RunCancelled, at: float) -> Run:
    run = _step_cut_off(run, event, at)
    by = f"Cancelled by {event.by}."
    error = Failure("RunCancelled", by, event.reason)
    run = _gates_ended(run, event, at)
    return replace(run, finished_at=at, error=error, wake_at=None, failing=False, choices=())
