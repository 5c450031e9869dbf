"""A run told by hand: every command goes through the machine, as the engine would tell it."""

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core import machine
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.model import GateOptions, LinkId, RunId, StepId, StepSpec, Voter


class Story:
    """Two cells: `load`, and `ask` with a gate. `at` is the clock, which each telling moves on;
    `first` is what else its first event says.
    """

    def __init__(
        self,
        name="run_1",
        *,
        owner="owner",
        path="report.ipynb",
        in_place=False,
        at=1000.0,
        first=None,
        **gate,
    ):
        self.at = at
        options = GateOptions(**gate)
        steps = (
            StepSpec(StepId("load"), 0, sha256(b"load")),
            StepSpec(StepId("ask"), 1, sha256(b"ask"), gate=options),
        )
        first = e.RunCreated(
            path=path,
            owner=owner,
            parameters={"limit": 3, "name": "Zoë 💡"},
            snapshot=sha256(b"notebook"),
            steps=steps,
            kernel_name="python3",
            default_timeout=3600.0,
            in_place=in_place,
            **(first or {}),
        )
        self.run = machine.created(RunId(name), first, at)
        self.first = [e.Recorded(1, at, first)]

    def tell(self, *commands):
        """The run after the commands, and the events in their places: what `append` takes."""
        self.at += 1.0
        events, state = [], self.run
        for command in commands:
            led_to = machine.decide(state, command, self.at)
            state = machine.after(state, led_to, self.at)
            events += led_to
        recorded = [e.Recorded(n, self.at, x) for n, x in enumerate(events, self.run.seq + 1)]
        self.run = state
        return state, recorded

    def start(self):
        return self.tell(c.Start(), c.Advance())

    def finish(self, step, **outcome):
        link = LinkId(f"link_{self.run.id}_{self.run.seq}")
        return self.tell(c.FinishStep(step=StepId(step), link=link, **outcome), c.Advance())

    def vote(self, name="bob", *, approved=True, **said):
        voter = Voter(name, verified=True, route="rest")
        gate = self.run.open_gate
        return self.tell(
            c.CastVote(
                gate=gate.step, generation=gate.generation, voter=voter, approved=approved, **said
            )
        )

    def mint(self, link, approver=None):
        gate = self.run.open_gate
        command = c.MintLink(
            link=LinkId(link),
            gate=gate.step if gate else None,
            approver=approver,
            expires_at=None if gate else self.at + 60,
        )
        return self.tell(command)


async def kept(store, story, *, key=None, server="srv_1"):
    return await store.create(story.run, story.first, key, server)


async def put(store, told, *, epoch=None, durable=False):
    run, events = told
    await store.append(run, events, epoch=epoch, durable=durable)


async def suspended(store, name="run_1", *, server="srv_1", **options):
    """A stored run that waits at its gate."""
    story = Story(name, **options)
    await kept(store, story, server=server)
    for told in (story.start(), story.finish("load", result=1), story.finish("ask")):
        await put(store, told)
    return story
