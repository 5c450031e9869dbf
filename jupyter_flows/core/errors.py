"""The tree of refusals. A class says what the asker can do; its docstring is the message's theme.

FlowsError
├── BadInput            mend what you sent
│   ├── FlowInvalid         mistakes in a notebook's flow options, all of them
│   ├── AnswersInvalid      recorded answers that don't fit their gates, all of them
│   ├── FormInvalid         a payload that the gate's form refuses, field by field
│   ├── ScheduleInvalid     a cron expression, a time zone and what else a schedule has (G84)
│   ├── ReasonRequired      a rejection without its reason (G15)
│   └── ParametersInvalid
├── NotFound            there is no such thing, or you may not know
│   ├── UnknownRun · UnknownGate · UnknownLink · UnknownStep · UnknownSchedule · UnknownFlow
│   ├── UnknownDelivery
│   └── UnknownJob · UnknownPath   in Windmill's words
├── NotAllowed          not by you, or not here
│   ├── CancelHidden        the gate takes no rejection (G16)
│   ├── SelfApproval        not by the run's owner (G42)
│   ├── LoginNeeded         only by a logged-in user (G43)
│   ├── NotAnApprover       not one of those who are named (G44)
│   └── NotYourTurn         others vote before you (G44)
├── Refused             the state does not allow it (any more)
│   ├── GateClosed · GateSuperseded · AlreadyVoted · StaleDigest · LinkConsumed
│   ├── RunFinished · RunNotResumable · NoGate · NothingToWithdraw
│   └── LogBroken           no receipt is given of a log that does not stand as it was written
├── Gone                it was there, and is over
│   ├── LinkExpired · LinkRevoked
├── NotOffered          not by this server, or not as it is installed
├── TooLarge
├── TooMany             wait, then try again
├── LogUnreadable       a newer version wrote it, or it is damaged
├── KeyUnusable         a key file is damaged, or holds another kind of key
└── Unavailable         try again; nothing was changed
    ├── Conflict            another writer was faster (the version moved)
    ├── Fenced              another driver has the run
    ├── StoreUnavailable
    ├── VariablesLocked     the key of the variables is missing, damaged or another one
    ├── StorageUnavailable  the storage of objects can't be reached, or fails
    ├── NotifyFailed        a message was not taken where it was sent
    ├── KernelUnavailable
    ├── ValidatorUnavailable  the gate's own check can't be made now (G62)
    ├── Unchecked           a gate opened that checks answers, and this one was not (G62)
    └── FlowBusy            as many runs of this flow as it allows are at work
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_flows.core.sentences import Sentence


class FlowsError(Exception):
    """Anything that this package refuses or can't do."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or self.theme()
        super().__init__(str(self.message))

    @classmethod
    def theme(cls) -> Sentence:
        """What the docstring says."""
        return Sentence((cls.__doc__ or "").strip(), "", {})


class BadInput(FlowsError):
    """What was sent can't be used."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong: `where` names cell and key (or a field's path), `message` says what.

    `path` is a field's path in its parts, which may have dots themselves.
    """

    where: str
    message: str
    path: tuple[str | int, ...] | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class _Mistakes(BadInput):
    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


class FlowInvalid(_Mistakes):
    """The notebook's flow options have mistakes."""


class AnswersInvalid(_Mistakes):
    """The recorded answers don't fit their gates."""


class FormInvalid(_Mistakes):
    """The payload does not fit the gate's form."""


class ScheduleInvalid(_Mistakes):
    """The schedule has mistakes."""


class ParametersInvalid(BadInput):
    """The parameters can't be used."""


class ReasonRequired(BadInput):
    """A rejection needs a reason here."""


class NotFound(FlowsError):
    """There is no such thing."""


class UnknownRun(NotFound):
    """There is no such run."""


class UnknownStep(NotFound):
    """The run has no such step."""


class UnknownGate(NotFound):
    """The run has no such gate."""


class UnknownLink(NotFound):
    """This link is not known."""


class UnknownSchedule(NotFound):
    """There is no such schedule."""


class UnknownDelivery(NotFound):
    """There is no such delivery."""


class UnknownFlow(NotFound):
    """No flow is registered by this name."""


class UnknownJob(NotFound):
    """There is no such job."""


class UnknownPath(NotFound):
    """Nothing is kept at this path."""


class NotOffered(FlowsError):
    """This server does not offer that."""


class NotAllowed(FlowsError):
    """You may not do this."""


class CancelHidden(NotAllowed):
    """This gate takes no rejection."""


class SelfApproval(NotAllowed):
    """The run's owner can't vote here."""


class LoginNeeded(NotAllowed):
    """Only a logged-in user can vote here."""


class NotAnApprover(NotAllowed):
    """The approvers are named here, and you are none of them."""


class NotYourTurn(NotAllowed):
    """This gate's approvers vote in turn, and others come before you."""


class Refused(FlowsError):
    """The state does not allow this."""


class GateClosed(Refused):
    """This gate is closed; it takes no votes any more."""


class GateSuperseded(Refused):
    """A newer opening of this gate took its place, or its run has ended."""


class AlreadyVoted(Refused):
    """This approver has already voted differently here."""


class StaleDigest(Refused):
    """What was approved is not what the gate shows now; look at it again."""


class LinkConsumed(Refused):
    """This link's vote was already counted by a gate."""


class NoGate(Refused):
    """No gate is open."""


class RunFinished(Refused):
    """The run has ended."""


class RunNotResumable(Refused):
    """Only an interrupted or failed run can be resumed."""


class NothingToWithdraw(Refused):
    """There is no approval of yours here that you could withdraw."""


class LogBroken(Refused):
    """The log of this run does not stand as it was written."""


class Gone(FlowsError):
    """It is over."""


class LinkExpired(Gone):
    """This link has expired."""


class LinkRevoked(Gone):
    """This link was revoked."""


class TooLarge(FlowsError):
    """What was sent is too large."""


class TooMany(FlowsError):
    """Too many tries; wait a minute."""


class LogUnreadable(FlowsError):
    """The log of this run can't be read."""


class KeyUnusable(FlowsError):
    """A key can't be used."""


class Unavailable(FlowsError):
    """Not possible just now; nothing was changed."""


class Conflict(Unavailable):
    """Another writer was faster."""


class Fenced(Unavailable):
    """Another driver has this run."""


class StoreUnavailable(Unavailable):
    """The store can't be reached."""


class VariablesLocked(Unavailable):
    """The variables can't be decrypted."""


class StorageUnavailable(Unavailable):
    """The storage of objects can't be used now."""


class NotifyFailed(Unavailable):
    """The message was not delivered."""


class KernelUnavailable(Unavailable):
    """No kernel can be had."""


class ValidatorUnavailable(Unavailable):
    """This gate's own check of the answer can't be made now."""


class Unchecked(Unavailable):
    """This gate checks each answer, and has just opened; send it again."""


class FlowBusy(Unavailable):
    """As many runs of this flow as it allows are at work."""


class CheckpointRefused(Unavailable):
    """The variables of the run's kernel can't be saved now."""


class CheckpointUnusable(FlowsError):
    """What was saved of the run's variables can't be restored."""

    def __init__(self, message: str | None = None, variable: str | None = None) -> None:
        """`variable` names the one at fault."""
        super().__init__(message)
        self.variable = variable
