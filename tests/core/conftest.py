"""A run told by hand, for the tests of the machine."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.audit import Row
from jupyter_flows.core.canonical import chained, sha256
from jupyter_flows.core.checkpoint import Checkpoint, Unsaved
from jupyter_flows.core.codec import encode
from jupyter_flows.core.machine import (
    AskCondition,
    attempts,
    created,
    decide,
    evolve,
    plan,
    steps_behind,
    tried,
)
from jupyter_flows.core.model import (
    Failure,
    Gate,
    GateOptions,
    LinkId,
    Retry,
    Run,
    RunId,
    StepId,
    StepSpec,
    Voter,
)

DAY = 86400.0


def chained_rows(log: list[e.Recorded]) -> list[Row]:
    """The rows as a store writes them: seq, at, kind, body, hash."""
    return rechained([(row.seq, row.at, *encode(row.event)) for row in log])


def rechained(rows: Iterable[tuple[Any, ...]]) -> list[Row]:
    """With the hashes that they should have, as somebody who knows the chain would forge them."""
    made: list[Row] = []
    for row in rows:
        seq, at, kind, body = row[:4]
        previous = made[-1][4] if made else ""
        made.append((seq, at, kind, body, chained(previous, seq, at, kind, body)))
    return made


class Play:
    """Every command goes through `decide`, and every event into `log`.

    `Play(load=None, ask={"required_events": 2})` has a plain step and a gate; `Play.cell` makes
    others.
    """

    def __init__(
        self,
        _parameters: Mapping[str, Any] | None = None,
        _timeout: float | None = None,
        _kernel_id: str | None = None,
        _wake_at: float | None = None,
        **steps: Any,
    ) -> None:
        self.now = 1000.0
        self.links = 0
        first = e.RunCreated(
            path="report.ipynb",
            owner="owner",
            parameters=_parameters or {},
            snapshot=sha256(b"notebook"),
            steps=tuple(_spec(i, name, steps[name]) for i, name in enumerate(steps)),
            kernel_name="python3",
            default_timeout=30 * DAY,
            timeout=_timeout,
            kernel_id=_kernel_id,
            wake_at=_wake_at,
        )
        self.log = [e.Recorded(1, self.now, first)]
        self.run: Run = created(RunId("r1"), first, self.now)

    @staticmethod
    def cell(gate: Mapping[str, Any] | None = None, **more: Any) -> StepSpec:
        """A step with these options; it is given its name and place by `Play`."""
        options = None if gate is None else GateOptions(**gate)
        return StepSpec(StepId(""), 0, sha256(b""), gate=options, **more)

    def tell(self, command: c.Command) -> list[str]:
        """The kinds of the events that came of it."""
        events = decide(self.run, command, self.now)
        for event in events:
            self.run = evolve(self.run, event, self.now)
            self.log.append(e.Recorded(self.run.seq, self.now, event))
        return [type(event).__name__ for event in events]

    def begin(self) -> "Play":
        self.tell(c.Start())
        self.tell(c.Advance())
        return self

    def finish(self, step: str, result: Any = None, **more: Any) -> list[str]:
        return self.tell(
            c.FinishStep(step=StepId(step), link=self._new_link(), result=result, **more)
        )

    def fail(self, step: str, **more: Any) -> list[str]:
        return self.finish(step, error=Failure("ValueError", "no"), **more)

    def answer(self, skip: bool) -> list[str]:
        """What the condition that is asked for came to."""
        asked = plan(self.run)
        assert isinstance(asked, AskCondition)
        return self.tell(c.DecideSkip(step=asked.step, skip=skip, section=asked.section))

    def fail_condition(self) -> list[str]:
        asked = plan(self.run)
        assert isinstance(asked, AskCondition)
        error = Failure("ExpressionError", asked.expr)
        return self.tell(c.FailStep(step=asked.step, error=error))

    def go_on(self) -> list[str]:
        return self.tell(c.Advance())

    def time_comes(self) -> list[str]:
        """The clock reaches what the run waits for."""
        assert self.run.due_at is not None
        self.now = self.run.due_at
        return self.tell(c.CheckDeadline())

    def resume(self) -> list[str]:
        """The owner resumes, and the kernel is rebuilt."""
        self.tell(c.Resume(by="owner"))
        self.tell(c.FinishRebuild())
        return self.tell(c.Advance())

    def opened(self, step: str = "ask", result: Any = None) -> "Play":
        """Go on until the gate of this step has opened."""
        self.begin()
        while self.run.running_step and self.run.running_step.id != step:
            self.finish(self.run.running_step.id)
            self.tell(c.Advance())
        self.finish(step, result)
        return self

    def mint(self, approver: str | None = None, gate: str | None = "ask", **more: Any) -> LinkId:
        link = self._new_link()
        where = None if gate is None else StepId(gate)
        self.tell(c.MintLink(link=link, gate=where, approver=approver, **more))
        return link

    def mint_flow_level(self, approver: str | None = None, expires_at: float = 1e9) -> LinkId:
        return self.mint(approver, None, expires_at=expires_at)

    def save(self, *unsaved: str, **more: Any) -> Checkpoint:
        """All variables but these are saved; `con` is one that the first step has bound."""
        made = Checkpoint(
            digest=sha256(str(len(self.log)).encode()),
            saved_at=self.now,
            covers=steps_behind(self.run),
            attempts=attempts(self.run, steps_behind(self.run)),
            tried=tried(self.run),
            variables=14,
            size=1_160_000_000,
            new=8,
            seconds=0.9,
            unsaved=tuple(
                Unsaved(name, "generator", f"{name}.g", "it can't be", next(iter(self.run.steps)))
                for name in unsaved
            ),
            **more,
        )
        self.tell(c.SaveCheckpoint(checkpoint=made))
        return made

    def vote(
        self,
        name: str | None = None,
        approved: bool = True,
        link: LinkId | None = None,
        *,
        gate: str | None = "ask",
        generation: int = 1,
        verified: bool | None = None,
        groups: tuple[str, ...] = (),
        **more: Any,
    ) -> list[str]:
        voter = Voter(
            name,
            verified=link is None if verified is None else verified,
            route="test",
            link=link,
            groups=groups,
        )
        where = None if gate is None else StepId(gate)
        return self.tell(
            c.CastVote(
                gate=where,
                generation=generation if where else 0,
                voter=voter,
                approved=approved,
                **{"checked": self._checked(where, generation), **more},
            )
        )

    def _checked(self, step: StepId | None, generation: int) -> tuple[StepId, int] | None:
        """As if the validator of the gate, if it has one, liked every answer."""
        gate = self.run.open_gate
        return (step, generation) if step else gate and (gate.step, gate.generation)

    def pre_vote(self, link: LinkId, approved: bool = True, **more: Any) -> list[str]:
        approver = self.run.links[link].approver if link in self.run.links else None
        return self.vote(approver, approved, link, gate=None, **more)

    def gate(self, step: str = "ask", generation: int = 1) -> Gate:
        return self.run.gates[StepId(step), generation]

    def _new_link(self) -> LinkId:
        self.links += 1
        return LinkId(f"link{self.links}")


def _spec(index: int, name: str, said: Any) -> StepSpec:
    """`said`: None is a plain step, a dict a gate's options, a StepSpec itself."""
    if isinstance(said, StepSpec):
        named = replace(said, id=StepId(name), index=index, source_hash=sha256(name.encode()))
        return said if said.id else named
    gate = None if said is None else GateOptions(**said)
    return StepSpec(StepId(name), index, sha256(name.encode()), gate=gate)


@pytest.fixture
def play() -> type[Play]:
    return Play


@pytest.fixture
def retry() -> Retry:
    """One more try, at once."""
    return Retry(constant_attempts=1)
