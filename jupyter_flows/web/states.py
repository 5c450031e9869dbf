"""How a gate stands, in sentences for the reader of its page: each state has its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_flows.core.machine.gates import gate_error
from jupyter_flows.core.model import Gate, GateStatus, Run, RunStatus, StepStatus, Vote
from jupyter_flows.core.sentences import sentence


@dataclass(frozen=True, slots=True)
class Standing:
    """`state` is a word of the table below; `mood` is yes, no or "" (neither); `said` are the
    sentences, the first of which is the heading.
    """

    state: str
    mood: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether votes are taken."""
        return self.state in ("open", "early")


def standing(run: Run, gate: Gate | None, *, served: bool) -> Standing:
    """`served` says whether some server carries the run on once the gate is closed."""
    state = _state(run, gate)
    mood, heading = _HEADINGS.get(state, ("", ""))
    said = [heading] if heading else []
    if state in ("approved", "rejected", "timed_out", "closed"):
        said += _outcome(run, gate)
    if not served and not run.finished:
        said.append(_DOWN if state in ("open", "early") else _DOWN_SINCE)
    return Standing(state, mood, said)


def _state(run: Run, gate: Gate | None) -> str:
    """A gate's status; or what its run's end or its absence makes of it."""
    if run.status is RunStatus.CANCELLED and not (gate and gate.status in _DECIDED):
        return "cancelled"
    if gate is None:
        return "closed" if run.finished else "early"
    if gate.status is GateStatus.EXPECTED:
        return "early"
    return gate.status.value


_DECIDED = (GateStatus.APPROVED, GateStatus.REJECTED, GateStatus.TIMED_OUT)

_HEADINGS: Mapping[str, tuple[str, str]] = {
    "early": (
        "",
        sentence(
            "The notebook is not at this point yet. You can vote ahead; your vote counts as soon"
            " as it is."
        ),
    ),
    "approved": ("yes", sentence("Approved.")),
    "rejected": ("no", sentence("Rejected.")),
    "timed_out": ("no", sentence("The deadline has passed.")),
    "cancelled": ("no", sentence("The run was cancelled; nothing is awaited any more.")),
    "superseded": (
        "no",
        sentence(
            "This request was replaced by a newer one, or its run has ended. Use the newest link"
            " that you were sent."
        ),
    ),
    "closed": ("no", sentence("The run has ended.")),
}

_DOWN = sentence(
    "The server of this run is down. Your answer is kept all the same, and counts; the run goes on"
    " when the server is back."
)
_DOWN_SINCE = sentence("The server of this run is down; the run goes on when it is back.")


def _outcome(run: Run, gate: Gate | None) -> list[str]:
    """What the closing led to, for the reader who comes back."""
    said = []
    error = gate_error(gate) if gate else None
    if gate is not None and gate.status is GateStatus.REJECTED:
        said.append(_rejection(next(vote for vote in gate.votes if not vote.approved)))
    elif gate is not None and gate.status is GateStatus.TIMED_OUT and error is None:
        said.append(sentence("As the author has set it, that counts as an approval."))
    said.append(_GOES_ON.get(run.status, ""))
    if run.status is RunStatus.RUNNING:
        said.append(_progress(run))
    return [text for text in said if text]


def _rejection(vote: Vote) -> str:
    who = vote.voter.name
    if who and vote.reason:
        return sentence("{who} gave the reason: “{reason}”.", who=who, reason=vote.reason)
    if vote.reason:
        return sentence("The reason: “{reason}”.", reason=vote.reason)
    return sentence("It was rejected by {who}.", who=who) if who else ""


def _progress(run: Run) -> str:
    over = [s for s in run.steps.values() if s.done or s.status is StepStatus.SKIPPED]
    return sentence("{done} of {all} steps are done.", done=len(over), all=len(run.steps))


_GOES_ON: Mapping[RunStatus, str] = {
    RunStatus.RUNNING: sentence("The run goes on."),
    RunStatus.QUEUED: sentence("The run goes on soon."),
    RunStatus.SUCCEEDED: sentence("The run has ended well."),
    RunStatus.FAILED: sentence("The run has failed."),
    RunStatus.CANCELLED: sentence("The run was cancelled since."),
    RunStatus.INTERRUPTED: sentence("The run was interrupted; its owner has to resume it."),
    RunStatus.SUSPENDED: sentence("The run waits for another approval now."),
    RunStatus.SLEEPING: sentence("The run goes on after a pause."),
}
