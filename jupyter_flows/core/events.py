"""What has happened to a run: past tense, frozen, one class a row of the log.

A kind's name is its class's name. Fields may be added with a default and never renamed: old rows
must always read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, get_args

from jupyter_flows.core.model import (
    Digest,
    Failure,
    GateOptions,
    Json,
    LinkId,
    StepId,
    StepSpec,
    Voter,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCreated:
    path: str
    owner: str
    parameters: Mapping[str, Json]
    snapshot: Digest
    steps: tuple[StepSpec, ...]
    kernel_name: str
    default_timeout: float
    kernel_id: str | None = None
    folder: str | None = None
    output: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    step: StepId
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSkipped:
    step: StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSucceeded:
    step: StepId
    result: Json = None
    notice: str | None = None
    outputs: Digest | None = None
    execution_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed:
    step: StepId
    error: Failure
    outputs: Digest | None = None
    execution_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputsAmended:
    """Outputs of finished steps changed later: a display updated, a thread that still prints.

    `digest` is what the open gate's digest has become (G70).
    """

    outputs: Mapping[StepId, Digest]
    digest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WidgetsSaved:
    """The state of the notebook's widgets, so that the saved notebook can draw them."""

    widgets: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOpened:
    gate: StepId
    generation: int
    options: GateOptions
    deadline: float
    prompt: bool
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteCast:
    """`gate` None: a vote by a flow-level link that no gate has counted yet (G36)."""

    gate: StepId | None
    generation: int
    voter: Voter
    approved: bool
    payload: Json = None
    reason: str | None = None
    digest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreVoteCounted:
    """A vote by a flow-level link was consumed by this gate, and by no other after it (G36)."""

    gate: StepId
    generation: int
    link: LinkId


@dataclass(frozen=True, slots=True, kw_only=True)
class VoteDismissed:
    """A vote from before the opening doesn't fit the form that the gate opened with."""

    gate: StepId
    generation: int
    voter: Voter
    why: str
    approved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GateApproved:
    gate: StepId
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRejected:
    gate: StepId
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTimedOut:
    gate: StepId
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMinted:
    link: LinkId
    gate: StepId | None
    generation: int
    approver: str | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRevoked:
    link: LinkId
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInterrupted:
    """The kernel is gone, and with it the cell that ran, if one did."""

    why: str
    outputs: Mapping[StepId, Digest] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed:
    by: str
    step: StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelRebuilt:
    """The earlier cells ran again in a fresh kernel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSucceeded:
    result: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed:
    error: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelled:
    by: str
    reason: str | None = None


Event: TypeAlias = (
    RunCreated
    | RunStarted
    | StepStarted
    | StepSkipped
    | StepSucceeded
    | StepFailed
    | OutputsAmended
    | WidgetsSaved
    | GateOpened
    | VoteCast
    | PreVoteCounted
    | VoteDismissed
    | GateApproved
    | GateRejected
    | GateTimedOut
    | LinkMinted
    | LinkRevoked
    | RunInterrupted
    | RunResumed
    | KernelRebuilt
    | RunSucceeded
    | RunFailed
    | RunCancelled
)

KINDS: Mapping[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event in its place in the log: `seq` counts from 1 in the run, `at` is POSIX seconds."""

    seq: int
    at: float
    event: Event
