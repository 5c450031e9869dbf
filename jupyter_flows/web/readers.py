"""Who looks at a gate's page: the holder of a link, a logged-in user, or somebody who is both."""

from dataclasses import dataclass

from jupyter_flows.core import errors, policy
from jupyter_flows.core.links import Claims
from jupyter_flows.core.machine.gates import vote_by_link
from jupyter_flows.core.model import Gate, Purpose, Run, Vote, Voter
from jupyter_flows.engine.votes import link_voter


@dataclass(frozen=True, slots=True)
class Reader:
    """`secret` is what the page's form is bound to; `claims` are those of the link that the reader
    came by, and `user` the logged-in one, of which there is at least one.
    """

    secret: str
    claims: Claims | None
    user: Voter | None

    @property
    def name(self) -> str:
        """What tells this reader from others: the link, or the user."""
        return f"link {self.claims.link}" if self.claims else f"user {self.user and self.user.name}"

    @property
    def purpose(self) -> Purpose:
        return Purpose.APPROVE if self.claims is None else self.claims.purpose

    def voter(self, run: Run, gate: Gate | None) -> Voter:
        """As whom the reader votes: as the link claims, where that is good enough for the gate, and
        else as the logged-in user (G41 to G44).
        """
        if self.claims is None:
            if self.user is None:
                raise errors.UnknownLink
            return self.user
        claimed = link_voter(self.claims)
        if self.user is None or gate is None:
            return claimed
        refused = policy.why_never(run.owner, gate.options, claimed) or policy.why_not_by_link(
            run, gate, claimed
        )
        return link_voter(self.claims, self.user) if refused else claimed

    def is_owner(self, run: Run) -> bool:
        """Whether the reader is logged in as the run's owner; the name in a link proves nothing."""
        return self.user is not None and self.user.name == run.owner

    def own_vote(self, run: Run, gate: Gate | None) -> Vote | None:
        if self.claims is not None and self.claims.gate is None:
            found = vote_by_link(run, self.claims.link)
            return found and found[0]
        return gate.vote_of(self.voter(run, gate)) if gate else None


def shut_out(run: Run, gate: Gate | None, reader: Reader) -> errors.NotAllowed | None:
    """Why the reader may not even see what the gate shows (G45); None where it may."""
    if gate is None:
        return None
    voter = reader.voter(run, gate)
    if policy.may_read(run.owner, gate, voter):
        return None
    return policy.why_never(run.owner, gate.options, voter)


def login_may_help(refusal: errors.NotAllowed, reader: Reader) -> bool:
    """Whether the reader might be let in as a logged-in user."""
    return reader.user is None and isinstance(
        refusal, errors.LoginNeeded | errors.SelfApproval | errors.NotAnApprover
    )
