"""The tables along which statuses move, and no other way.

An event that a table does not name for the present status is an error in this package, never a
silent change. The diagram in `docs/architecture.md` is printed from these tables
(`python -m jupyter_flows.core.diagram`).
"""

from collections.abc import Mapping
from typing import Any

from jupyter_flows.core import events as e
from jupyter_flows.core.model import GateStatus, RunStatus, StepStatus

Q, R, S, I = RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.SUSPENDED, RunStatus.INTERRUPTED  # noqa: E741
Z = RunStatus.SLEEPING
OK, BAD, CUT = RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED

RUN_TRANSITIONS: Mapping[tuple[RunStatus, type[e.Event]], RunStatus] = {
    (Q, e.RunWoken): Q,
    (Q, e.RunStarted): R,
    (R, e.GateOpened): S,
    (S, e.GateApproved): R,
    (S, e.GateRejected): R,
    (S, e.GateTimedOut): R,
    (R, e.RunSlept): Z,
    (Z, e.RunWoken): R,
    (S, e.RunFailing): R,
    (Z, e.RunFailing): R,
    (R, e.RunInterrupted): I,
    (I, e.RunResumed): R,
    (BAD, e.RunResumed): R,
    (R, e.RunSucceeded): OK,
    (R, e.RunFailed): BAD,
    (S, e.RunFailed): BAD,
    (Z, e.RunFailed): BAD,
    (Q, e.RunFailed): BAD,
    (Q, e.RunCancelled): CUT,
    (R, e.RunCancelled): CUT,
    (S, e.RunCancelled): CUT,
    (Z, e.RunCancelled): CUT,
    (I, e.RunCancelled): CUT,
}
"""The events that move a run. `RunCreated` makes it, as queued."""

RUN_UNMOVED: Mapping[type[e.Event], frozenset[RunStatus]] = {
    e.StepStarted: frozenset({R}),
    e.StepSkipped: frozenset({R}),
    e.StepSucceeded: frozenset({R}),
    e.SectionEntered: frozenset({R}),
    e.StepFailed: frozenset({R}),
    e.StepRetried: frozenset({R}),
    e.StepPaused: frozenset({R}),
    e.InnerStepKept: frozenset({R}),
    e.InnerGateExpected: frozenset({R}),
    e.RunStopped: frozenset({R}),
    e.RunFailing: frozenset({R}),
    e.KernelRebuilt: frozenset({R}),
    e.CheckpointSaved: frozenset({R, S, Z}),
    e.CheckpointFailed: frozenset({S, Z}),
    e.CheckpointDoubted: frozenset({R, S, Z, I}),
    e.KernelReleased: frozenset({S, Z}),
    e.KernelRestored: frozenset({R, S, Z}),
    e.WidgetsSaved: frozenset({R, S, Z, I}),
    e.OutputsAmended: frozenset({R, S, Z, I}),
    e.GateShown: frozenset({S}),
    e.VoteCast: frozenset({Q, R, S, Z, I}),
    e.VoteWithdrawn: frozenset({R, S}),
    e.PreVoteCounted: frozenset({S}),
    e.VoteDismissed: frozenset({S}),
    e.LinkMinted: frozenset({Q, R, S, Z, I}),
    e.LinkRevoked: frozenset(RunStatus),
    e.NotebookMoved: frozenset(RunStatus),
}
"""The other events, and the statuses in which they may come; they leave the status as it is."""

PENDING, RUNNING = StepStatus.PENDING, StepStatus.RUNNING
STEP_TRANSITIONS: Mapping[tuple[StepStatus, type[e.Event]], StepStatus] = {
    (PENDING, e.StepStarted): RUNNING,
    (PENDING, e.StepSkipped): StepStatus.SKIPPED,
    (PENDING, e.SectionEntered): StepStatus.SKIPPED,
    (PENDING, e.RunStopped): StepStatus.SKIPPED,
    (PENDING, e.RunSucceeded): StepStatus.SKIPPED,
    (PENDING, e.StepFailed): StepStatus.FAILED,
    (RUNNING, e.StepSucceeded): StepStatus.SUCCEEDED,
    (RUNNING, e.StepFailed): StepStatus.FAILED,
    (RUNNING, e.StepRetried): PENDING,
    (RUNNING, e.StepPaused): PENDING,
    (RUNNING, e.RunFailing): StepStatus.CANCELLED,
    (RUNNING, e.RunInterrupted): PENDING,
    (RUNNING, e.RunCancelled): StepStatus.CANCELLED,
    (RUNNING, e.RunFailed): StepStatus.CANCELLED,
    (StepStatus.SUCCEEDED, e.RunResumed): PENDING,
    (StepStatus.FAILED, e.RunResumed): PENDING,
    (StepStatus.SKIPPED, e.RunResumed): PENDING,
    (StepStatus.CANCELLED, e.RunResumed): PENDING,
    (PENDING, e.RunResumed): PENDING,
}
"""`RunResumed` concerns the step that is resumed from, those behind it, and the `failure` steps.
`RunSucceeded` skips the `failure` steps, which had nothing to do.
"""

EXPECTED, OPEN = GateStatus.EXPECTED, GateStatus.OPEN
GATE_TRANSITIONS: Mapping[tuple[GateStatus, type[e.Event]], GateStatus] = {
    (EXPECTED, e.GateOpened): OPEN,
    (EXPECTED, e.StepSucceeded): GateStatus.SUPERSEDED,
    (EXPECTED, e.StepFailed): GateStatus.SUPERSEDED,
    (EXPECTED, e.StepRetried): GateStatus.SUPERSEDED,
    (EXPECTED, e.StepPaused): GateStatus.SUPERSEDED,
    (EXPECTED, e.RunStopped): GateStatus.SUPERSEDED,
    (EXPECTED, e.RunFailing): GateStatus.SUPERSEDED,
    (EXPECTED, e.RunInterrupted): GateStatus.SUPERSEDED,
    (EXPECTED, e.RunCancelled): GateStatus.SUPERSEDED,
    (EXPECTED, e.RunFailed): GateStatus.SUPERSEDED,
    (EXPECTED, e.RunResumed): GateStatus.SUPERSEDED,
    (OPEN, e.GateApproved): GateStatus.APPROVED,
    (OPEN, e.GateRejected): GateStatus.REJECTED,
    (OPEN, e.GateTimedOut): GateStatus.TIMED_OUT,
    (OPEN, e.RunCancelled): GateStatus.SUPERSEDED,
    (OPEN, e.RunFailing): GateStatus.SUPERSEDED,
    (OPEN, e.RunFailed): GateStatus.SUPERSEDED,
}
"""`StepStarted` of a suspend step makes its gate, as expected; `InnerGateExpected` one by which a
cell's code asks, which outlives a try of the step and an interruption, and ends with the step if it
was not asked by (`StepSucceeded` ends no other). `RunResumed` ends those of the cells that begin
anew.
"""


class IllegalEventError(AssertionError):
    """The tables do not allow this event here: a defect of this package."""


def moved(table: Mapping[Any, Any], status: Any, event: e.Event) -> Any:
    try:
        return table[status, type(event)]
    except KeyError:
        raise IllegalEventError(f"{type(event).__name__} while {status}") from None
