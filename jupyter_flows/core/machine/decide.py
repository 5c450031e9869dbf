"""What a command leads to: the events, or a refusal and no change."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors, forms, policy
from jupyter_flows.core import events as e
from jupyter_flows.core.digest import gate_digest
from jupyter_flows.core.machine import gates
from jupyter_flows.core.machine.evolve import evolve
from jupyter_flows.core.machine.shown import show_gate
from jupyter_flows.core.machine.tables import EXPECTED, OPEN, RUNNING
from jupyter_flows.core.model import (
    Failure,
    Gate,
    GateOptions,
    Run,
    RunStatus,
    Step,
    StepId,
    StepStatus,
)
from jupyter_flows.core.options import configured_gate, is_prompt

Events: TypeAlias = tuple[e.Event, ...]

MAX_APPROVER_CHARS = 200
"""Longer names would not fit into a link (`links.MAX_TOKEN_CHARS`)."""


def decide(run: Run, command: c.Command, now: float) -> Events:
    """The events that `command` leads to at `now` (POSIX seconds); none when there is nothing to
    do. Raises a refusal of `errors`, and then nothing has changed.
    """
    return _DECIDE[type(command)](run, command, now)


def after(run: Run, events: Iterable[e.Event], now: float) -> Run:
    """The run after all of these events."""
    for event in events:
        run = evolve(run, event, now)
    return run


def _unfinished(run: Run) -> None:
    if run.finished:
        raise errors.RunFinished(f"The run has ended: it is {run.status}.")


def _start(run: Run, _: c.Start, __: float) -> Events:
    return (e.RunStarted(),) if run.status is RunStatus.QUEUED else ()


def _advance(run: Run, _: c.Advance, now: float) -> Events:
    events: list[e.Event] = []
    while run.status is RunStatus.RUNNING and run.running_step is None and not run.rebuild:
        step = run.next_step
        if step is None:
            break
        event: e.Event = (
            e.StepSkipped(step=step.id)
            if step.spec.skipped
            else e.StepStarted(step=step.id, attempt=step.attempts + 1)
        )
        events.append(event)
        run = evolve(run, event, now)
    return (*events, *_ending(run))


def _ending(run: Run) -> Events:
    """The run's end, when its last step is done and nothing is awaited."""
    if run.status is not RunStatus.RUNNING or run.running_step or run.next_step:
        return ()
    ended = [s for s in run.steps.values() if s.status is StepStatus.SUCCEEDED]
    return (e.RunSucceeded(result=ended[-1].result if ended else None),)


def _finish_step(run: Run, command: c.FinishStep, now: float) -> Events:
    _unfinished(run)
    step = _step(run, command.step)
    if step.status is not RUNNING:
        raise errors.Refused(f"The step {step.id!r} is not running; it is {step.status}.")
    aside: tuple[e.Event, ...] = ()
    _known(run, command.amended)
    if command.amended:
        aside += (e.OutputsAmended(outputs=command.amended),)
    if command.widgets:
        aside += (e.WidgetsSaved(widgets=command.widgets),)
    return (*aside, *_outcome(after(run, aside, now), step, command, now))


def _outcome(run: Run, step: Step, command: c.FinishStep, now: float) -> Events:
    if command.error:
        return _failing(step.id, command.error, command)
    try:
        options = configured_gate(step.spec.gate, command.result) if step.spec.gate else None
    except errors.BadInput as mistake:
        return _failing(step.id, Failure("GateConfigInvalid", str(mistake)), command)
    succeeded = e.StepSucceeded(
        step=step.id,
        result=command.result,
        notice=command.notice,
        outputs=command.outputs,
        execution_count=command.execution_count,
    )
    run = evolve(run, succeeded, now)
    if options is None:
        return (succeeded, *_ending(run))
    return (succeeded, *_opening(run, step.id, options, command, now))


def _failing(step: StepId, error: Failure, command: c.FinishStep) -> Events:
    failed = e.StepFailed(
        step=step, error=error, outputs=command.outputs, execution_count=command.execution_count
    )
    return (failed, e.RunFailed(error=error))


def _opening(
    run: Run, step: StepId, options: GateOptions, command: c.FinishStep, now: float
) -> Events:
    """G2, G4, G12, G36: open, count the early votes and pre-approvals, close if they suffice."""
    generation = run.steps[step].attempts
    opened = e.GateOpened(
        gate=step,
        generation=generation,
        options=options,
        deadline=now + (run.default_timeout if options.timeout is None else options.timeout),
        prompt=is_prompt(command.result),
        digest=gate_digest(run, step, options),
    )
    minted = e.LinkMinted(link=command.link, gate=step, generation=generation)
    events: list[e.Event] = [opened, minted]
    run = after(run, events, now)
    for event in gates.counted_at_opening(run, _gate(run, step, generation)):
        events.append(event)
        run = evolve(run, event, now)
    return (*events, *_closing(run, step, generation, now))


def _closing(run: Run, step: StepId, generation: int, now: float) -> Events:
    """G10, G11: a rejection closes, and so do enough approvals; then what follows from it."""
    gate = _gate(run, step, generation)
    closing = gates.decision(gate)
    if gate.status is not OPEN or closing is None:
        return ()
    closed = closing(gate=step, generation=generation)
    return (closed, *_consequence(evolve(run, closed, now), step, generation))


def _consequence(run: Run, step: StepId, generation: int) -> Events:
    """G13, G14: a rejection or timeout fails the run, unless the author let it go on."""
    gate = _gate(run, step, generation)
    error = gates.gate_error(gate)
    if error is None or gate.options.continue_on_disapprove_timeout:
        return _ending(run)
    return (e.RunFailed(error=error),)


def _cast_vote(run: Run, command: c.CastVote, now: float) -> Events:
    if command.gate is None:
        return _cast_pre_vote(run, command, now)
    gate = _gate(run, command.gate, command.generation)
    policy.checked_link(run, command.voter.link, gate, now)
    policy.check_purpose(command)
    if run.gate(gate.step) is not gate:
        raise errors.GateSuperseded
    if policy.is_repeated(gate, command):
        return ()
    policy.check_vote(gate, command, now)
    payload = command.payload
    if command.approved and gate.status is OPEN:
        payload = forms.completed(gate.options, payload)
        forms.check(gate.options, payload)
    cast = e.VoteCast(
        gate=gate.step,
        generation=gate.generation,
        voter=command.voter,
        approved=command.approved,
        payload=payload,
        reason=command.reason,
        digest=command.digest,
    )
    return (cast, *_closing(evolve(run, cast, now), gate.step, gate.generation, now))


def _cast_pre_vote(run: Run, command: c.CastVote, now: float) -> Events:
    """G36: a flow-level link's vote is counted by the open gate, or kept for the next one."""
    link = policy.checked_link(run, command.voter.link, None, now)
    if link is None:
        raise errors.UnknownGate("A vote without a link must name its gate.")
    policy.check_purpose(command)
    earlier = gates.vote_by_link(run, link.id)
    if earlier and policy.says_the_same(earlier[0], command, earlier[1]):
        return ()
    if earlier or link.consumed_by:
        raise errors.LinkConsumed
    _unfinished(run)
    cast = e.VoteCast(
        gate=None,
        generation=0,
        voter=command.voter,
        approved=command.approved,
        payload=command.payload,
        reason=command.reason,
        digest=command.digest,
    )
    gate = run.open_gate
    if gate is None or not gate.options.pre_approvals:
        if command.digest is not None:
            raise errors.StaleDigest
        return (cast,)
    policy.check_vote(gate, command, now)
    if command.approved:
        forms.check(gate.options, forms.completed(gate.options, command.payload))
    counted = e.PreVoteCounted(gate=gate.step, generation=gate.generation, link=link.id)
    run = after(run, (cast, counted), now)
    return (cast, counted, *_closing(run, gate.step, gate.generation, now))


def _check_deadline(run: Run, _: c.CheckDeadline, now: float) -> Events:
    """G12, G13."""
    gate = run.open_gate
    if gate is None or gate.deadline is None or now < gate.deadline:
        return ()
    events: tuple[e.Event, ...] = ()
    answer = gate.options.on_timeout
    if answer is not None:
        events = (
            e.VoteCast(
                gate=gate.step,
                generation=gate.generation,
                voter=gates.TIMEOUT_VOTER,
                approved=True,
                payload=answer["resume"],
            ),
        )
    closed = e.GateTimedOut(gate=gate.step, generation=gate.generation)
    run = after(run, (*events, closed), now)
    return (*events, closed, *_consequence(run, gate.step, gate.generation))


def _mint_link(run: Run, command: c.MintLink, _: float) -> Events:
    """G30, G36: for a gate that is expected or open, or for the run as a whole."""
    _unfinished(run)
    if len(command.approver or "") > MAX_APPROVER_CHARS:
        raise errors.BadInput(f"An approver's name has at most {MAX_APPROVER_CHARS} characters.")
    generation = 0
    if command.gate is not None:
        step = _step(run, command.gate)
        gate = run.gate(step.id)
        if gate is None or gate.status not in (EXPECTED, OPEN):
            raise errors.NoGate(_why_no_gate(step, gate))
        generation = gate.generation
    return (
        e.LinkMinted(
            link=command.link,
            gate=command.gate,
            generation=generation,
            approver=command.approver,
            expires_at=command.expires_at,
        ),
    )


def _why_no_gate(step: Step, gate: Gate | None) -> str:
    if step.spec.gate is None:
        return (
            f"The step {step.id!r} has no gate: tag its cell `suspend`,"
            " or ask for flow-level links (flow_level=True)."
        )
    if gate is None:
        return f"The gate of step {step.id!r} is not open yet: its cell has not started."
    return f"The gate of step {step.id!r} is {gate.status}; no links are given out for it."


def _revoke_link(run: Run, command: c.RevokeLink, _: float) -> Events:
    link = run.links.get(command.link)
    if link is None:
        raise errors.UnknownLink
    return () if link.revoked_at is not None else (e.LinkRevoked(link=link.id, by=command.by),)


def _lose_kernel(run: Run, command: c.LoseKernel, _: float) -> Events:
    if run.status is not RunStatus.RUNNING:
        return ()
    _known(run, command.outputs)
    return (e.RunInterrupted(why=command.why, outputs=command.outputs),)


def _resume(run: Run, command: c.Resume, _: float) -> Events:
    if run.status not in (RunStatus.INTERRUPTED, RunStatus.FAILED):
        raise errors.RunNotResumable(
            f"Only an interrupted or failed run can be resumed; this one is {run.status}."
        )
    step = _step_to_resume(run)
    if step is None:
        raise errors.RunNotResumable("Every step of this run has finished; start it anew.")
    return (e.RunResumed(by=command.by, step=step),)


def _step_to_resume(run: Run) -> StepId | None:
    """The first step that did not succeed, or whose gate did not let the run go on."""
    for step in run.steps.values():
        gate = run.gate(step.id)
        unhappy = gate is not None and gates.gate_error(gate) is not None
        let_on = gate is not None and gate.options.continue_on_disapprove_timeout
        if step.status not in (StepStatus.SUCCEEDED, StepStatus.SKIPPED) or (
            unhappy and not let_on
        ):
            return step.id
    return None


def _finish_rebuild(run: Run, _: c.FinishRebuild, __: float) -> Events:
    return (e.KernelRebuilt(),) if run.rebuild and run.status is RunStatus.RUNNING else ()


def _amend_outputs(run: Run, command: c.AmendOutputs, now: float) -> Events:
    if run.finished or run.status is RunStatus.QUEUED or not command.outputs:
        return ()
    _known(run, command.outputs)
    amended = e.OutputsAmended(outputs=command.outputs)
    gate = run.open_gate
    if gate is not None:
        digest = gate_digest(evolve(run, amended, now), gate.step, gate.options)
        amended = replace(amended, digest=digest)
    return (amended,)


def _fail_run(run: Run, command: c.FailRun, _: float) -> Events:
    return (
        (e.RunFailed(error=command.error),)
        if run.status in (RunStatus.QUEUED, RunStatus.RUNNING)
        else ()
    )


def _cancel(run: Run, command: c.Cancel, _: float) -> Events:
    if run.status is RunStatus.CANCELLED:
        return ()
    _unfinished(run)
    return (e.RunCancelled(by=command.by, reason=command.reason),)


_DECIDE: Mapping[type[c.Command], Callable[[Run, Any, float], Events]] = {
    c.Start: _start,
    c.Advance: _advance,
    c.FinishStep: _finish_step,
    c.CastVote: _cast_vote,
    c.CheckDeadline: _check_deadline,
    c.MintLink: _mint_link,
    c.RevokeLink: _revoke_link,
    c.ShowGate: show_gate,
    c.LoseKernel: _lose_kernel,
    c.Resume: _resume,
    c.FinishRebuild: _finish_rebuild,
    c.AmendOutputs: _amend_outputs,
    c.FailRun: _fail_run,
    c.Cancel: _cancel,
}


def _step(run: Run, step: StepId) -> Step:
    try:
        return run.steps[step]
    except KeyError:
        raise errors.UnknownStep(f"The run has no step {step!r}.") from None


def _known(run: Run, steps: Iterable[StepId]) -> None:
    for step in steps:
        _step(run, step)


def _gate(run: Run, step: StepId, generation: int) -> Gate:
    try:
        return run.gates[step, generation]
    except KeyError:
        raise errors.UnknownGate(
            f"The run has no gate {step!r} of generation {generation}."
        ) from None
