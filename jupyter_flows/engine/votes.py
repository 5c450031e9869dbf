"""Votes of all ways: their size, the author's own check, and the machine's decision."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core import forms, machine
from jupyter_flows.core.errors import (
    FormInvalid,
    KernelUnavailable,
    Mistake,
    TooLarge,
    Unchecked,
    ValidatorUnavailable,
)
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.links import Claims
from jupyter_flows.core.model import (
    Digest,
    Gate,
    GateStatus,
    Json,
    Run,
    RunId,
    RunStatus,
    StepId,
    Voter,
)
from jupyter_flows.core.plain import plain_json
from jupyter_flows.core.sentences import sentence
from jupyter_flows.engine.asked import Limits
from jupyter_flows.engine.tell import TRIES, Teller, Told
from jupyter_flows.ports import Clock, Dispatcher, Evaluation, Expression

VALIDATOR = "__import__('sys').modules['jupyter_flows.client.flows'].mistakes({name}, payload)"


@dataclass(frozen=True, slots=True)
class Votes:
    teller: Teller
    dispatcher: Dispatcher
    evaluate: Callable[[RunId, Expression], Awaitable[Evaluation]]
    clock: Clock
    limits: Limits

    async def cast(self, run: RunId, vote: c.CastVote) -> tuple[Run, bool]:
        """Cast a vote, durably, and have the run driven; the run, and whether the vote is new.
        Whoever has the run, perhaps another server, shows the vote also where the gate stays open.

        Raises what `machine.decide` raises, TooLarge (G63), and for a gate with a validator
        FormInvalid and ValidatorUnavailable (G62).
        """
        size = len(plain_json(vote.payload, sentence("payload"))) + len(
            (vote.reason or "").encode()
        )
        if size > self.limits.payload_bytes:
            raise TooLarge(
                sentence(
                    "The vote has {size} bytes; at most {most}.",
                    size=size,
                    most=self.limits.payload_bytes,
                )
            )
        state, events = await self._told(run, vote)
        if events or state.status is RunStatus.RUNNING or state.finished:
            await self.dispatcher.committed(run)
        return state, bool(events)

    async def by_link(
        self,
        claims: Claims,
        *,
        approved: bool,
        payload: Json,
        reason: str | None,
        digest: str | None,
        user: Voter | None = None,
    ) -> tuple[Run, bool]:
        """A vote by a genuine link. Its approver is claimed, not verified, unless `user` is logged
        in; then the link's name stands beside the user's (G41).
        """
        return await self.cast(
            claims.run,
            c.CastVote(
                gate=claims.gate,
                generation=claims.generation,
                voter=link_voter(claims, user),
                approved=approved,
                payload=payload,
                reason=reason,
                digest=None if digest is None else Digest(digest),
                purpose=claims.purpose,
            ),
        )

    async def withdraw(self, run: RunId, gate: StepId, generation: int, voter: Voter) -> Run:
        """G18. Raises NothingToWithdraw, GateClosed, GateSuperseded."""
        command = c.WithdrawVote(gate=gate, generation=generation, voter=voter)
        state = await self.teller.tell(run, command)
        await self.dispatcher.committed(run)
        return state

    async def _told(self, run: RunId, vote: c.CastVote) -> Told:
        """Between the check and the decision another gate may open, or this one: then again."""
        for _ in range(TRIES - 1):
            checked = await self._checked(run, vote)
            try:
                return await self.teller.told(run, checked)
            except Unchecked:
                continue
        return await self.teller.told(run, await self._checked(run, vote))

    async def _checked(self, run_id: RunId, vote: c.CastVote) -> c.CastVote:
        """G62: the author's own function, after all that costs less, and before the vote counts.
        The vote, as one that the gate which is open has accepted, if it checks its votes.
        """
        run = await self.teller.recent(run_id)
        if not vote.approved or not _validates(_gate_of(run, vote)):
            return vote  # where that is not so any more, the machine asks for the check
        run = await self.teller.fresh(run_id)
        gate = _gate_of(run, vote)
        if gate is None or not _validates(gate):
            return vote
        accepted = replace(vote, checked=(gate.step, gate.generation))
        for event in machine.decide(run, accepted, self.clock()):
            if isinstance(event, e.VoteCast):
                payload = forms.completed(gate.options, event.payload)
                await self._ask_validator(run_id, gate, payload)
        return accepted

    async def _ask_validator(self, run: RunId, gate: Gate, payload: Json) -> None:
        name = gate.options.validate
        asked = Expression(
            expr=VALIDATOR.format(name=name),
            names={"payload": payload},
            timeout=self.limits.validator_seconds,
        )
        try:
            found = await self.evaluate(run, asked)
        except KernelUnavailable as error:
            raise ValidatorUnavailable(
                sentence(
                    "The gate's validator {name} needs the run's kernel: {why}",
                    name=repr(name),
                    why=error.message,
                )
            ) from None
        if found.error is not None:
            raise ValidatorUnavailable(
                sentence(
                    "The gate's validator {name} failed: {error}: {message}",
                    name=repr(name),
                    error=found.error.name,
                    message=hide_tokens(found.error.message),
                )
            )
        if found.truth:
            pairs = found.value or [["", sentence("The answer was not accepted.")]]
            raise FormInvalid([Mistake(hide_tokens(at), hide_tokens(said)) for at, said in pairs])


def _gate_of(run: Run, vote: c.CastVote) -> Gate | None:
    return run.gates.get((vote.gate, vote.generation)) if vote.gate else run.open_gate


def _validates(gate: Gate | None) -> bool:
    return gate is not None and gate.status is GateStatus.OPEN and gate.options.validate is not None


def link_voter(claims: Claims, user: Voter | None = None) -> Voter:
    """Who votes by this link (G41)."""
    if user is None:
        return Voter(claims.approver, verified=False, route="link", link=claims.link)
    return Voter(
        user.name,
        verified=True,
        route="link",
        link=claims.link,
        claimed=claims.approver,
        groups=user.groups,
    )
