"""What changes on a gate's page while it is open: how the gate stands, its votes, the time left."""

from dataclasses import dataclass

from msgspec.structs import replace

from jupyter_flows.core import machine, policy, saved
from jupyter_flows.core.errors import FlowsError
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Digest, Gate, GroupNeed, Run, Vote
from jupyter_flows.core.sentences import sentence
from jupyter_flows.web.states import Standing, standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """`gate` None is a flow-level link whose gate is to come. `own_vote` is the reader's, `refusal`
    says why they can't vote, and `changed` that the gate shows other things than their page does.
    `address` is where the page asks for all this again, as seen from itself. `saved` is what the
    reader is told of the run's variables.
    """

    run: Run
    gate: Gate | None
    standing: Standing
    own_vote: Vote | None
    refusal: str
    now: float
    address: str
    changed: bool = False
    saved: tuple[str, ...] = ()

    @property
    def may_vote(self) -> bool:
        return self.standing.is_open and self.own_vote is None and not self.refusal

    @property
    def may_withdraw(self) -> bool:
        is_in = self.own_vote is not None and self.own_vote.approved
        return is_in and self.standing.is_open and self.gate is not None

    @property
    def votes(self) -> tuple[Vote, ...]:
        return self.gate.votes if self.gate else ()

    @property
    def missing(self) -> tuple[GroupNeed, ...]:
        return policy.missing(self.gate) if self.gate else ()

    @property
    def left(self) -> float:
        """The seconds to the deadline; 0 where it is over, or there is none."""
        if self.gate is None or self.gate.deadline is None or not self.standing.is_open:
            return 0
        return max(self.gate.deadline - self.now, 0)

    @property
    def on_timeout(self) -> str:
        """What happens when the deadline passes (G13, G14)."""
        if self.gate is None:
            return ""
        if self.gate.options.on_timeout is not None:
            return sentence(
                "Nobody's answer by then counts as an approval, as the author has set it."
            )
        if self.gate.options.continue_on_disapprove_timeout:
            return sentence(
                "The run goes on without an approval then, and its next steps see that."
            )
        return sentence("The run fails then.")


def live_of(
    run: Run,
    gate: Gate | None,
    *,
    own_vote: Vote | None,
    refusal: FlowsError | None,
    served: bool,
    now: float,
    address: str,
    seen: Digest | None = None,
    is_owner: bool = False,
) -> Live:
    """`seen` is the digest on the reader's page: empty for one from before the gate was there, None
    for a page that is drawn just now. `is_owner` says that the reader, logged in, is the run's.
    """
    shown = replace(gate, votes=tuple(map(_hidden, gate.votes))) if gate else None
    stands = standing(run, shown, served=served)
    against = refusal.message if refusal and stands.is_open and own_vote is None else ""
    return Live(
        run=run,
        gate=shown,
        standing=stands,
        own_vote=own_vote,
        refusal=against,
        now=now,
        address=address,
        changed=seen is not None and stands.is_open and _is_other(gate, seen),
        saved=_saved(run, is_owner=is_owner) if stands.state == "open" else (),
    )


def _saved(run: Run, *, is_owner: bool) -> tuple[str, ...]:
    """Names of variables are for the owner alone; others hear only what is good."""
    if run.status not in machine.WAITS:
        return ()
    if is_owner:
        return saved.sentences(run)
    if machine.stand_in(run) is None:
        return ()
    if run.released_at is None:
        return (sentence("The run's data are saved."),)
    return (sentence("The run's data are saved; it waits for you without its kernel."),)


def _is_other(gate: Gate | None, seen: Digest) -> bool:
    return gate is not None and gate.digest is not None and gate.digest != seen


def _hidden(vote: Vote) -> Vote:
    return replace(vote, reason=vote.reason and hide_tokens(vote.reason))
