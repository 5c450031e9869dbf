"""Recorded answers of gates: what people would have said, for the tests of a notebook.

An answer closes its gate through the machine, by the votes or the deadline that it tells of. So a
test sees what a run sees.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from msgspec import Struct

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core import forms, machine, options
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.errors import AnswersInvalid, FlowsError, FormInvalid, Mistake
from jupyter_flows.core.flow import Flow
from jupyter_flows.core.model import (
    Gate,
    GateOptions,
    GateStatus,
    Json,
    LinkId,
    Run,
    RunId,
    StepId,
    StepSpec,
    Voter,
)

SUFFIX = ".answers.yml"
"""The answers of NAME.ipynb stand beside it in NAME.answers.yml."""

ROUTE = "test"
EXAMPLE = "ask: {resume: {limit: 3}}"
DEFAULT_TIMEOUT = 30 * 86400.0
_SAMPLES: Mapping[str, Json] = {
    "string": "",
    "number": 0,
    "integer": 0,
    "boolean": False,
    "array": [],
    "object": {},
}


class RecordedVote(Struct, frozen=True):
    """One vote; `key` says where in the answer its payload stands. No approver is an anonymous
    link.
    """

    key: str
    approved: bool
    approver: str | None = None
    payload: Json = None
    reason: str | None = None

    def voter(self, link: LinkId, gate: Gate) -> Voter:
        """Whoever is named counts as logged in, and as a member of every group that the gate names;
        an anonymous one votes by this link (G10).
        """
        if self.approver is None:
            return Voter(None, verified=False, route=ROUTE, link=link)
        named = {need.group for need in gate.options.groups}
        groups = tuple(sorted({*gate.options.user_groups_required, *named}))
        return Voter(self.approver, verified=True, route=ROUTE, groups=groups)


class Answer(Struct, frozen=True):
    """What happens at a gate: these votes in order, or its deadline. `where` is for messages."""

    where: str
    votes: tuple[RecordedVote, ...] = ()
    timeout: bool = False


def read_answers(said: Mapping[str, Json], flow: Flow, where: str) -> dict[StepId, Answer]:
    """Answers by step, as a file or a test gives them. Raises AnswersInvalid with all mistakes."""
    places = {step: f"{where}, step {step!r}" for step in said}
    mistakes = [
        mistake for step, place in places.items() for mistake in _checked(said[step], place)
    ]
    mistakes += _homeless(places, flow)
    if mistakes:
        raise AnswersInvalid(mistakes)
    return {StepId(step): _answer(said[step], place) for step, place in places.items()}


def read_answer(said: Json, where: str) -> Answer:
    """One answer. Raises AnswersInvalid with all mistakes."""
    mistakes = list(_checked(said, where))
    if mistakes:
        raise AnswersInvalid(mistakes)
    return _answer(said, where)


def _checked(said: Json, where: str) -> Iterator[Mistake]:
    if isinstance(said, dict):
        return options.checked("answer", said, where)
    return iter([Mistake(where, f"must be an answer, as in `{EXAMPLE}`")])


def _homeless(places: Mapping[str, str], flow: Flow) -> Iterator[Mistake]:
    """The answers that no gate waits for."""
    gates = [step.id for step in flow.steps if step.gate is not None or step.asks]
    others = {step.id for step in flow.steps if step.gate is None and not step.asks}
    ask = {step.id for step in flow.steps if step.asks}
    for step, place in places.items():
        if step.partition("/")[0] in ask:
            continue
        if step in others:
            yield Mistake(place, "has no gate; tag its cell `suspend`")
        elif step not in gates:
            near = difflib.get_close_matches(step, gates, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            yield Mistake(place, f"there is none{hint}; gates: {', '.join(gates) or 'none'}")


def _answer(said: Mapping[str, Json], where: str) -> Answer:
    """Of an answer that the schema has let through."""
    votes: list[RecordedVote] = []
    if "resume" in said:
        votes.append(RecordedVote("resume", True, said.get("approver"), said["resume"]))
    for number, one in enumerate(said.get("resumes", ())):
        key = f"resumes.{number}.payload"
        votes.append(RecordedVote(key, True, one.get("approver"), one.get("payload")))
    if "reject" in said:
        no: dict[str, Json] = said["reject"] or {}
        votes.append(
            RecordedVote(
                "reject.payload", False, no.get("approver"), no.get("payload"), no.get("reason")
            )
        )
    return Answer(where, tuple(votes), timeout="timeout" in said)


def recorded(
    notebook: Mapping[str, Json], flow: Flow, file: str | None, name: str
) -> dict[StepId, Answer]:
    """The answers that are kept with a notebook: in its cells, under `test` of their flow options,
    and in the text of the file called `name`. The file wins: it is made for the tests.

    Raises AnswersInvalid with all mistakes.
    """
    said, mistakes = ({}, []) if file is None else options.yaml_mapping(file, name, EXAMPLE)
    of_file: dict[StepId, Answer] = {}
    try:
        of_file = read_answers(said, flow, name)
    except AnswersInvalid as error:
        mistakes += error.mistakes
    of_cells = dict(_of_cells(notebook, flow, mistakes))
    if mistakes:
        raise AnswersInvalid(mistakes)
    return {**of_cells, **of_file}


def _of_cells(
    notebook: Mapping[str, Json], flow: Flow, mistakes: list[Mistake]
) -> Iterator[tuple[StepId, Answer]]:
    for step in flow.steps:
        cell = notebook["cells"][step.index]
        lines, _ = options.option_lines(str(cell["source"]), "")
        said = {**cell.get("metadata", {}).get("flow", {}), **lines}.get("test")
        where = f"cell {step.index + 1} (id {cell['id']!r}), key 'test'"
        if said is not None and step.gate is None and not step.asks:
            mistakes.append(Mistake(where, "the cell has no gate; tag it `suspend`"))
        elif said is not None:
            yield step.id, _answer(said, where)


# ---------------------------------------------------------------- at the gate


def close(spec: StepSpec, result: Json, answer: Answer | None, file: str, now: float) -> Run:
    """A run of this step alone, whose gate has opened on the cell's result (G2) and was closed by
    the answer. The run has failed where the notebook's would have (G13).

    Raises AnswersInvalid with all mistakes; without an answer, with the line to add to `file`.
    """
    run = _opened(spec, result, now)
    gate = run.gate(spec.id)
    if gate is None or run.error is not None:
        why = str(run.error.message) if run.error else "the gate did not open"
        raise AnswersInvalid([Mistake(f"step {spec.id!r}", why)])
    if answer is None:
        raise AnswersInvalid([Mistake("", missing(gate, file))])
    run, mistakes = _voted(run, gate, answer, now)
    gate = run.gates[spec.id, gate.generation]
    if answer.timeout and gate.deadline is not None:
        run = _told(run, c.CheckDeadline(), gate.deadline)
    elif gate.status is GateStatus.OPEN and not mistakes:
        mistakes.append(Mistake(answer.where, too_few(gate)))
    if mistakes:
        raise AnswersInvalid(mistakes)
    return run


def _opened(spec: StepSpec, result: Json, now: float) -> Run:
    """What else the cell's options say (retries, say) is no matter of the gate."""
    alone = StepSpec(spec.id, spec.index, spec.source_hash, spec.summary, spec.gate)
    created = e.RunCreated(
        path="",
        owner="",
        parameters={},
        snapshot=sha256(b""),
        steps=(alone,),
        kernel_name="",
        default_timeout=DEFAULT_TIMEOUT,
    )
    run = machine.created(RunId(ROUTE), created, now)
    finish = c.FinishStep(step=spec.id, link=LinkId("opened"), result=result)
    for command in (c.Start(), c.Advance(), finish):
        run = _told(run, command, now)
    return run


def _told(run: Run, command: c.Command, now: float) -> Run:
    return machine.after(run, machine.decide(run, command, now), now)


def _voted(run: Run, gate: Gate, answer: Answer, now: float) -> tuple[Run, list[Mistake]]:
    mistakes: list[Mistake] = []
    for number, vote in enumerate(answer.votes):
        link = LinkId(f"{ROUTE}{number}")
        try:
            if vote.approver is None:
                run = _told(run, c.MintLink(link=link, gate=gate.step), now)
            run = _told(run, cast(gate, vote, vote.voter(link, gate)), now)
        except FlowsError as error:
            mistakes += refused(answer, vote, error)
    return run, mistakes


def cast(gate: Gate, vote: RecordedVote, voter: Voter) -> c.CastVote:
    """The command that this vote is. What was recorded had been accepted; an engine that has the
    gate's kernel asks its validator anew.
    """
    return c.CastVote(
        gate=gate.step,
        generation=gate.generation,
        voter=voter,
        approved=vote.approved,
        payload=vote.payload,
        reason=vote.reason,
        checked=(gate.step, gate.generation),
    )


def refused(answer: Answer, vote: RecordedVote, error: FlowsError) -> list[Mistake]:
    """Why a vote did not count, by its place in the answer and, with a form, by its fields."""
    if not isinstance(error, FormInvalid):
        return [Mistake(f"{answer.where}, key {vote.key.split('.payload')[0]!r}", str(error))]
    return [
        Mistake(f"{answer.where}, key {'.'.join(filter(None, (vote.key, m.where)))!r}", m.message)
        for m in error.mistakes
    ]


def too_few(gate: Gate) -> str:
    needed = gate.options.required_events
    approvers = len({vote.voter.key for vote in gate.approvals})
    return (
        f"{approvers} of {needed} approvals by different approvers; {needed - approvers} missing:"
        f" give `resumes` {needed} of `{{approver: NAME, payload: …}}`"
    )


# ---------------------------------------------------------------- what to add


def missing(gate: Gate, file: str) -> str:
    """That there is no answer, and what to write where."""
    return (
        f"No answer is recorded for the gate of step {gate.step!r}. Add this line to {file}:\n\n"
        f"    {line(gate)}\n\n"
        "It can be rejected too, `{reject: {reason: …}}`, or time out, `{timeout: true}`."
    )


def line(gate: Gate) -> str:
    """An answer that this gate takes, as far as its form's types tell, as one line of YAML."""
    payload = _sample(gate.options)
    needed = gate.options.required_events
    answer: dict[str, Json] = {"resume": payload}
    if needed > 1:
        names = (f"approver{number}@example.org" for number in range(1, needed + 1))
        answer = {"resumes": [{"approver": name, "payload": payload} for name in names]}
    dumped = yaml.dump(
        {str(gate.step): answer},
        Dumper=_Dumper,
        default_flow_style=True,
        sort_keys=False,
        allow_unicode=True,
        width=100_000,
    )
    return dumped.strip()[1:-1]


class _Dumper(yaml.SafeDumper):
    """YAML without aliases, which our loader refuses."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (its signature)
        return True


def _sample(gate: GateOptions) -> dict[str, Json]:
    """The form's defaults, and something for what it requires besides."""
    schema = forms.effective(gate) or {}
    properties: Mapping[str, Json] = schema.get("properties", {})
    required = [name for name in schema.get("required", ()) if isinstance(name, str)]
    return {
        **{name: _sample_of(properties.get(name)) for name in required},
        **forms.defaults(gate),
    }


def _sample_of(field: Json) -> Json:
    if not isinstance(field, dict):
        return ""
    if field.get("enum"):
        return field["enum"][0]
    kind = field.get("type", "string")
    return _SAMPLES.get(kind if isinstance(kind, str) else "string", "")
