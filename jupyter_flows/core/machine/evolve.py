"""What an event makes of a run."""

from collections.abc import Iterable
from typing import assert_never

from msgspec.structs import replace

from jupyter_flows.core import events as e
from jupyter_flows.core.machine import inner, interrupting, kept, parts, voting
from jupyter_flows.core.machine.shown import with_shown
from jupyter_flows.core.machine.tables import (
    RUN_TRANSITIONS,
    RUN_UNMOVED,
    IllegalEventError,
    moved,
)
from jupyter_flows.core.model import (
    Failure,
    Gate,
    Run,
    RunId,
    RunStatus,
    Step,
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
        parent_job=event.parent_job,
        root_job=event.root_job,
        started_by=event.started_by,
        at_once=event.at_once,
        wake_at=event.wake_at,
        queue=event.queue,
        completion=event.completion,
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
    state = replace(state, steps=parts.Draft(state.steps))
    for row in rows:
        state = evolve(state, row.event, row.at)
    return replace(state, steps=dict(state.steps))


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
            return replace(run, started_at=at, deadline=parts.deadline(run, at))
        case e.StepStarted():
            return _step_started(run, event, at)
        case e.StepSkipped():
            return parts.with_step(run, event.step, event, finished_at=at)
        case e.SectionEntered():
            return _section_entered(run, event, at)
        case e.StepSucceeded():
            return _step_succeeded(run, event, at)
        case e.StepFailed():
            return _step_failed(run, event, at)
        case e.StepRetried():
            return _step_failed(run, event, at)
        case e.StepPaused():
            return inner.paused(run, event, at)
        case e.InnerStepKept():
            return inner.kept(run, event)
        case e.InnerGateExpected():
            return inner.gate_expected(run, event)
        case e.RunSlept():
            return replace(run, wake_at=event.until)
        case e.RunWoken():
            return replace(run, wake_at=None)
        case e.RunStopped():
            return _stopped(run, event, at)
        case e.RunFailing():
            return _failing(run, event, at)
        case e.OutputsAmended():
            return voting.outputs_amended(run, event)
        case e.WidgetsSaved():
            return replace(run, widgets=event.widgets)
        case e.GateOpened():
            return voting.gate_opened(run, event, at)
        case e.GateShown():
            return parts.with_gate(run, with_shown(run.gates[event.gate, event.generation], event))
        case e.VoteCast():
            return voting.vote_cast(run, event, at)
        case e.PreVoteCounted():
            return voting.pre_vote_counted(run, event)
        case e.VoteDismissed():
            return voting.without_vote(run, event, approved=event.approved)
        case e.VoteWithdrawn():
            return voting.without_vote(run, event, approved=True)
        case e.GateApproved() | e.GateRejected() | e.GateTimedOut():
            gate = run.gates[event.gate, event.generation]
            return parts.with_gate(run, parts.gate_moved(gate, event, at))
        case e.LinkMinted():
            return voting.link_minted(run, event, at)
        case e.LinkRevoked():
            revoked = replace(run.links[event.link], revoked_at=at)
            return replace(run, links={**run.links, event.link: revoked})
        case e.RunInterrupted():
            return interrupting.interrupted(parts.with_outputs(run, event.outputs), event, at)
        case e.RunResumed():
            return interrupting.resumed(run, event, at)
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
            run = parts.skipped(run, event, at, lambda step: step.spec.failure)
            return replace(run, finished_at=at, result=event.result)
        case e.RunFailed():
            run = parts.gates_ended(parts.step_cut_off(run, event, at), event, at)
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


def _section_entered(run: Run, event: e.SectionEntered, at: float) -> Run:
    run = replace(run, skips={**run.skips, event.section: event.skipped})
    if not event.skipped:
        return run
    return parts.skipped(run, event, at, lambda step: _stands_in(step, event.section))


def _stands_in(step: Step, section: str) -> bool:
    return any(each.id == section for each in step.spec.sections)


def _stopped(run: Run, event: e.RunStopped, at: float) -> Run:
    run = parts.skipped(run, event, at, lambda step: not step.spec.failure)
    return replace(parts.gates_ended(run, event, at), stopped=event.step)


def _failing(run: Run, event: e.RunFailing, at: float) -> Run:
    """The whole run's deadline doesn't bind the `failure` steps."""
    run = parts.gates_ended(parts.step_cut_off(run, event, at), event, at)
    return replace(
        run, failing=True, failed_step=event.step, error=event.error, wake_at=None, deadline=None
    )


def _step_started(run: Run, event: e.StepStarted, at: float) -> Run:
    run = parts.with_step(
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
    return run if gate is None else parts.with_gate(run, Gate(event.step, event.attempt, gate))


def _step_succeeded(run: Run, event: e.StepSucceeded, at: float) -> Run:
    run = inner.never_asked(run, event, at)
    return parts.with_step(
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
    run = parts.with_step(
        run,
        event.step,
        event,
        finished_at=at,
        result={"error": event.error.as_json()} if goes_on else None,
        error=event.error,
        outputs=event.outputs,
        execution_count=event.execution_count,
    )
    if isinstance(event, e.StepRetried):
        run = inner.without_failed(run, event.step)
    return inner.never_asked(run, event, at) if goes_on else parts.gates_ended(run, event, at)


def _cancelled(run: Run, event: e.RunCancelled, at: float) -> Run:
    run = parts.step_cut_off(run, event, at)
    by = f"Cancelled by {event.by}."
    error = Failure("RunCancelled", by, event.reason)
    run = parts.gates_ended(run, event, at)
    return replace(run, finished_at=at, error=error, wake_at=None, failing=False, choices=())
