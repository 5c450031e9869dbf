"""The REST of gates, for logged-in users: votes on them, and the inbox."""

from http import HTTPStatus

from jupyter_server.auth.decorator import authorized
from msgspec import Struct
from tornado import web

from jupyter_flows.core import commands as c
from jupyter_flows.core import policy
from jupyter_flows.core.errors import BadInput, FlowsError, UnknownGate
from jupyter_flows.core.model import (
    Digest,
    Gate,
    Json,
    Run,
    RunId,
    StepId,
)
from jupyter_flows.core.records import gate_name
from jupyter_flows.web import views
from jupyter_flows.web.answer import Answer
from jupyter_flows.web.awaiting import awaiting, open_gates, readable_by
from jupyter_flows.web.doors import ApiDoor
from jupyter_flows.web.prompt import answered_by
from jupyter_flows.web.urls import keyed_gate


class SentVote(Struct, forbid_unknown_fields=True):
    """`digest` is the gate's, as it was shown to the voter (G70). `entries`, in the place of a
    payload, are what was typed into the gate's form, by the names of its fields; `inline` says that
    it was the form in the notebook, which then also shows what is wrong.
    """

    approved: bool
    payload: Json = None
    reason: str | None = None
    digest: str | None = None
    entries: dict[str, list[str]] | None = None
    inline: bool = False


class VotesDoor(ApiDoor):
    """`gate` is a step's id (its newest generation), or a gate's own id."""

    @web.authenticated
    @authorized
    async def post(self, run: str, gate: str) -> None:
        sent = self.read_json(SentVote)
        if sent.entries is not None and sent.payload is not None:
            raise BadInput("Give either `payload` or `entries`.")
        before = await self.engine.run(RunId(run))
        step, generation = _gate_of(before, gate)
        asked = before.gates[step, generation]
        if sent.inline or sent.entries is not None:
            self._check_may_read_form(before, asked)
        if sent.inline:
            state, new = await self._vote_inline(before.id, sent, asked, gate_name(before, asked))
        else:
            state, new = await self.engine.vote(
                before.id, self._vote(sent, asked, _typed(sent, asked))
            )
        status = HTTPStatus.CREATED if new else HTTPStatus.OK
        self.answer(views.voted(state, step, generation), status)

    def _check_may_read_form(self, run: Run, gate: Gate) -> None:
        """G45: what is wrong with entries tells of the form's fields. And what the form is made to
        say is for its owner, whoever may not vote has no say in it.
        """
        refusal = policy.why_never(run.owner, gate.options, self.voter)
        if refusal is not None and not policy.may_read(run.owner, gate, self.voter):
            raise refusal

    async def _vote_inline(
        self, run: RunId, sent: SentVote, gate: Gate, name: str
    ) -> tuple[Run, bool]:
        """What comes of it is shown in the form too."""
        answer = answered_by(gate, sent.entries or {}, sent.reason)
        try:
            voted = await self.engine.vote(run, self._vote(sent, gate, answer))
        except FlowsError as error:
            self.doors.prompts.refused(run, name, answer, error)
            raise
        self.doors.prompts.counted(run, name)
        return voted

    def _vote(self, sent: SentVote, gate: Gate, answer: Answer | None) -> c.CastVote:
        """Raises FormInvalid."""
        typed = sent.approved and sent.entries is not None
        return c.CastVote(
            gate=gate.step,
            generation=gate.generation,
            voter=self.user_by("notebook") if sent.inline else self.voter,
            approved=sent.approved,
            payload=answer.payload() if answer and typed else sent.payload,
            reason=sent.reason,
            digest=Digest(sent.digest) if sent.digest else None,
        )

    @web.authenticated
    @authorized
    async def delete(self, run: str, gate: str) -> None:
        step, generation = _gate_of(await self.engine.run(RunId(run)), gate)
        state = await self.engine.votes.withdraw(RunId(run), step, generation, self.voter)
        self.answer(views.voted(state, step, generation))


def _typed(sent: SentVote, gate: Gate) -> Answer | None:
    """To read entries takes the form; a payload is judged with the vote."""
    return None if sent.entries is None else answered_by(gate, sent.entries, sent.reason)


def _gate_of(run: Run, said: str) -> tuple[StepId, int]:
    keyed = keyed_gate(run, said)
    if keyed is not None:
        return keyed.step, keyed.generation
    newest = run.gate(StepId(said))
    if newest is None or newest.opened_at is None:
        raise UnknownGate(f"The run has no gate {said!r}.")
    return newest.step, newest.generation


class GatesDoor(ApiDoor):
    """The inbox: open gates, and with `awaiting=me` those that I have not voted on."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        mine = self.get_query_argument("awaiting", None)
        if mine not in (None, "me"):
            raise BadInput(f"awaiting must be `me`; it is {mine!r}")
        page = await open_gates(
            self.engine,
            awaiting(self.voter) if mine else readable_by(self.voter),
            limit=self.limit(),
            cursor=self.get_query_argument("cursor", None),
            log=self.log,
        )
        self.answer(views.GatePage([views.gate_summary(gate) for gate in page.gates], page.cursor))
