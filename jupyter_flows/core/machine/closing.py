"""How a gate opens behind its cell, and what its closing leads to (approvals.md section 2)."""

from jupyter_flows.core import events as e
from jupyter_flows.core.digest import gate_digest
from jupyter_flows.core.gating import is_prompt
from jupyter_flows.core.machine import gates
from jupyter_flows.core.machine.evolve import evolve
from jupyter_flows.core.machine.going_on import Events, after, behind, failing
from jupyter_flows.core.machine.tables import OPEN
from jupyter_flows.core.model import GateOptions, LinkId, Run, StepId


def opening(
    run: Run,
    step: StepId,
    options: GateOptions,
    link: LinkId,
    now: float,
    *,
    generation: int | None = None,
) -> Events:
    """G2, G4, G12, G36: open, count the early votes and pre-approvals, close if they suffice.
    `generation` is that of a gate by which the step's code asks.
    """
    generation = run.steps[step].attempts if generation is None else generation
    opened = e.GateOpened(
        gate=step,
        generation=generation,
        options=options,
        deadline=now + (run.default_timeout if options.timeout is None else options.timeout),
        prompt=is_prompt(run.steps[step].result),
        digest=gate_digest(run, step, options),
    )
    minted = e.LinkMinted(link=link, gate=step, generation=generation)
    events: list[e.Event] = [opened, minted]
    run = after(run, events, now)
    for event in gates.counted_at_opening(run, run.gates[step, generation]):
        events.append(event)
        run = evolve(run, event, now)
    return (*events, *closing(run, step, generation, now))


def closing(run: Run, step: StepId, generation: int, now: float) -> Events:
    """G10, G11: a rejection closes, and so do enough approvals, with those whose turn has come;
    then what follows from it.
    """
    if run.gates[step, generation].status is not OPEN:
        return ()
    counted = tuple(gates.counted_in_turn(run, run.gates[step, generation]))
    run = after(run, counted, now)
    closed_by = gates.decision(run.gates[step, generation])
    if closed_by is None:
        return counted
    closed = closed_by(gate=step, generation=generation)
    return (*counted, closed, *_consequence(evolve(run, closed, now), step, generation, now))


def timing_out(run: Run, now: float) -> Events:
    """G12, G13: the open gate's deadline has passed, if it has."""
    gate = run.open_gate
    if gate is None or gate.deadline is None or now < gate.deadline:
        return ()
    events: tuple[e.Event, ...] = ()
    answer = gate.options.on_timeout
    if answer is not None:
        events = (
            e.VoteCast(
                gate=gate.step,
                generation=gate.generation,
                voter=gates.TIMEOUT_VOTER,
                approved=True,
                payload=answer["resume"],
            ),
        )
    closed = e.GateTimedOut(gate=gate.step, generation=gate.generation)
    run = after(run, (*events, closed), now)
    return (*events, closed, *_consequence(run, gate.step, gate.generation, now))


def _consequence(run: Run, step: StepId, generation: int, now: float) -> Events:
    """G13, G14: a rejection or timeout fails the run, unless the author let it go on."""
    gate = run.gates[step, generation]
    if gate.key is not None:  # its cell is told, and runs again
        return ()
    error = gates.gate_error(gate)
    if error is None or gate.options.continue_on_disapprove_timeout:
        return behind(run, step, now)
    return failing(run, error, step)
