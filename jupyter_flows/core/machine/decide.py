"""What a command leads to: the events, or a refusal and no change."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import errors
from jupyter_flows.core import events as e
from jupyter_flows.core.digest import gate_digest
from jupyter_flows.core.machine import checkpoints, pausing, resuming, steps, votes
from jupyter_flows.core.machine.closing import timing_out
from jupyter_flows.core.machine.evolve import evolve
from jupyter_flows.core.machine.going_on import Events, after, ending, failing
from jupyter_flows.core.machine.shown import show_gate
from jupyter_flows.core.machine.steps import check_known, check_unfinished, known_step
from jupyter_flows.core.machine.tables import EXPECTED, OPEN
from jupyter_flows.core.model import (
    TIMED,
    Failure,
    Gate,
    Run,
    RunStatus,
    Step,
    StepId,
)

__all__ = ["after", "decide"]

MAX_APPROVER_CHARS = 200
"""Longer names would not fit into a link (`links.MAX_TOKEN_CHARS`)."""


def decide(run: Run, command: c.Command, now: float) -> Events:
    """The events that `command` leads to at `now` (POSIX seconds); none when there is nothing to
    do. Raises a refusal of `errors`, and then nothing has changed.
    """
    return _DECIDE[type(command)](run, command, now)


def _start(run: Run, _: c.Start, __: float) -> Events:
    may_begin = run.status is RunStatus.QUEUED and run.wake_at is None
    return (e.RunStarted(),) if may_begin else ()


def _check_deadline(run: Run, _: c.CheckDeadline, now: float) -> Events:
    """The time to begin, the whole run's, the end of a sleep (G81, G82), and the gate's deadline
    (G12).
    """
    if run.status is RunStatus.QUEUED:
        return (e.RunWoken(),) if run.wake_at is not None and now >= run.wake_at else ()
    if run.status not in TIMED:
        return ()
    if run.deadline is not None and now >= run.deadline:
        late = Failure("RunTimedOut", f"The run took longer than {run.timeout:g} s.")
        return failing(run, late, _present_step(run))
    if run.status is RunStatus.SLEEPING:
        if run.wake_at is None or now < run.wake_at:
            return ()
        woken = e.RunWoken()
        return (woken, *ending(evolve(run, woken, now)))
    return timing_out(run, now)


def _present_step(run: Run) -> StepId | None:
    """The step that runs, or whose gate is open."""
    step, gate = run.running_step, run.open_gate
    if step is not None:
        return step.id
    return None if gate is None else gate.step


def _mint_link(run: Run, command: c.MintLink, _: float) -> Events:
    """G30, G36: for a gate that is expected or open, or for the run as a whole."""
    check_unfinished(run)
    if len(command.approver or "") > MAX_APPROVER_CHARS:
        raise errors.BadInput(f"An approver's name has at most {MAX_APPROVER_CHARS} characters.")
    generation = 0
    expected: Events = ()
    if command.gate is not None:
        step = known_step(run, command.gate)
        gate = run.gate(step.id)
        if pausing.may_ask(run, step, command.key):
            expected, generation = pausing.to_be_asked(run, step.id, command.key)
        elif gate is None or gate.status not in (EXPECTED, OPEN):
            raise errors.NoGate(_why_no_gate(step, gate))
        else:
            generation = gate.generation
    return (
        *expected,
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
            f"The step {step.id!r} has no gate: tag its cell `suspend`, have its code wait for an"
            " approval (flows.wait_for_approval), or ask for flow-level links (flow_level=True)."
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
    """A run that fails anyway has its end, and one with nothing left to run has it too."""
    if run.status is not RunStatus.RUNNING:
        return ()
    check_known(run, command.outputs)
    if run.failing and run.error is not None:
        return (e.RunFailed(error=run.error),)
    lost = e.RunInterrupted(why=command.why, outputs=command.outputs, choices=command.choices)
    return ending(run) or (lost,)


def _finish_rebuild(run: Run, _: c.FinishRebuild, __: float) -> Events:
    return (e.KernelRebuilt(),) if run.rebuild and run.status is RunStatus.RUNNING else ()


def _amend_outputs(run: Run, command: c.AmendOutputs, now: float) -> Events:
    if run.finished or run.status is RunStatus.QUEUED or not command.outputs:
        return ()
    check_known(run, command.outputs)
    amended = e.OutputsAmended(outputs=command.outputs)
    gate = run.open_gate
    if gate is not None:
        digest = gate_digest(evolve(run, amended, now), gate.step, gate.options)
        amended = replace(amended, digest=digest)
    return (amended,)


def _fail_run(run: Run, command: c.FailRun, _: float) -> Events:
    """No kernel: then there is none for the `failure` steps either."""
    if run.status not in (RunStatus.QUEUED, RunStatus.RUNNING):
        return ()
    known = run.error if run.failing else None
    return (e.RunFailed(error=known or command.error),)


def _cancel(run: Run, command: c.Cancel, _: float) -> Events:
    if run.status is RunStatus.CANCELLED:
        return ()
    check_unfinished(run)
    return (e.RunCancelled(by=command.by, reason=command.reason),)


def _move_notebook(run: Run, command: c.MoveNotebook, _: float) -> Events:
    """A finished run is still what its notebook shows."""
    if not run.in_place or command.path == run.path:
        return ()
    return (e.NotebookMoved(path=command.path),)


_DECIDE: Mapping[type[c.Command], Callable[[Run, Any, float], Events]] = {
    c.Start: _start,
    c.Advance: steps.advance,
    c.DecideSkip: steps.decide_skip,
    c.FailStep: steps.fail_step,
    c.FinishStep: steps.finish_step,
    c.KeepInner: pausing.keep,
    c.CastVote: votes.cast_vote,
    c.WithdrawVote: votes.withdraw_vote,
    c.CheckDeadline: _check_deadline,
    c.MintLink: _mint_link,
    c.RevokeLink: _revoke_link,
    c.ShowGate: show_gate,
    c.LoseKernel: _lose_kernel,
    c.Resume: resuming.resume,
    c.SaveCheckpoint: checkpoints.save,
    c.MissCheckpoint: checkpoints.miss,
    c.DoubtCheckpoint: checkpoints.doubt,
    c.ReleaseKernel: checkpoints.release,
    c.FinishRestore: checkpoints.finish_restore,
    c.FinishRebuild: _finish_rebuild,
    c.AmendOutputs: _amend_outputs,
    c.FailRun: _fail_run,
    c.Cancel: _cancel,
    c.MoveNotebook: _move_notebook,
}
