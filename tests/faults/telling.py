"""A server process as far as the log goes: it tells runs their steps, votes and checkpoints, by the
machine and the teller of the engine, into the SQLite store, and says what it has told.
"""

from pathlib import Path

from jupyter_flows import composition
from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core import machine
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.checkpoint import Checkpoint
from jupyter_flows.core.errors import UnknownRun
from jupyter_flows.core.model import GateOptions, LinkId, RunId, StepId, StepSpec, Voter
from jupyter_flows.engine.feed import Feed
from jupyter_flows.engine.tell import Teller
from jupyter_flows.store.sql import SqlStore

CELLS = 12
VOTES = 2
LARGE = 100_000
"""Bytes of outputs that are a file of their own."""


def opened(folder):
    return SqlStore(f"sqlite:///{Path(folder) / 'flows.db'}", Path(folder))


def first_event():
    gate = GateOptions(required_events=VOTES)
    return e.RunCreated(
        path="flow.ipynb",
        owner="owner",
        parameters={},
        snapshot=sha256(b"notebook"),
        steps=tuple(
            StepSpec(StepId(f"s{n}"), n, sha256(b"%d" % n), gate=gate if n % 3 == 2 else None)
            for n in range(CELLS)
        ),
        kernel_name="python3",
        default_timeout=3600.0,
        in_place=False,
    )


async def told(asked, begin, say):
    """Go on with the run, and with others behind it, to the death of the process."""
    begin()
    store = opened(asked["folder"])
    teller = Teller(store, Feed(store), composition.clock)
    for number in range(asked["run"], asked["run"] + 1000):
        await through(RunId(f"run_{number}"), store, teller, say)


async def through(name, store, teller, say):
    try:
        run = await teller.keep(name)
    except UnknownRun:
        first, now = first_event(), composition.clock()
        run = machine.created(name, first, now)
        say({"run": name, "means": 1})
        await store.create(run, [e.Recorded(1, now, first)], None, "srv_1")
        say({"run": name, "told": 1})
        await teller.keep(name)
    while not run.finished:
        commands = await following(run, store)
        say({"run": name, "means": run.seq + counted(run, commands)})
        run = await teller.tell(name, *commands, epoch=1)
        say({"run": name, "told": run.seq})
    teller.forget(name)


def counted(run, commands):
    """How many events these lead to."""
    state, count = run, 0
    for command in commands:
        events = machine.decide(state, command, composition.clock())
        state, count = machine.after(state, events, composition.clock()), count + len(events)
    return count


async def following(run, store):
    """What a driver, a saver and voters tell the run next, all of one transaction."""
    if run.open_gate is not None:
        if machine.stand_in(run) is None:
            return [c.SaveCheckpoint(checkpoint=checkpoint(run))]
        gate, voted = run.open_gate, len(run.open_gate.votes)
        voter = Voter(f"voter{voted}", verified=True, route="rest")
        vote = c.CastVote(gate=gate.step, generation=gate.generation, voter=voter, approved=True)
        return [vote]
    match machine.plan(run):
        case machine.BeginRun():
            return [c.Start(), c.Advance()]
        case machine.ExecuteStep(step=step):
            large = run.steps[step].spec.index % 4 == 0
            content = f"{run.id} {step} ".encode() * (LARGE // 10 if large else 1)
            return [
                c.FinishStep(
                    step=step,
                    link=LinkId(f"link_{run.id}_{run.seq}"),
                    result=run.seq,
                    outputs=await store.put(content),
                ),
                c.Advance(),
            ]
        case _:
            return [c.Advance()]


def checkpoint(run):
    covers = tuple(machine.steps_behind(run))
    return Checkpoint(
        digest=sha256(f"{run.id} {run.seq}".encode()),
        saved_at=composition.clock(),
        covers=covers,
        attempts=machine.attempts(run, covers),
        tried=0,
        variables=3,
        size=10**9,
        new=10**6,
        seconds=0.5,
    )
