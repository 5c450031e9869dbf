"""Everything that may change a status, as three functions without side effects.

- `decide(run, command, now)` gives the events that a command leads to, or raises a refusal.
- `evolve(run, event, at)` gives the run as it is after an event.
- `plan(run)` gives what is to be done next.

The theory: a run is what its events say, and nothing else. Commands are asked of it at a moment,
by people, by the clock and by drivers, in any order and more than once; `decide` is where all of
that becomes one order. Whoever loses a race asks again and is answered by the state that won.
"""

from jupyter_flows.core.machine.checkpoints import (
    WAITS,
    attempts,
    choices,
    here,
    stand_in,
    tried,
    unasked,
    usable,
    waits_behind,
)
from jupyter_flows.core.machine.decide import after, decide
from jupyter_flows.core.machine.evolve import created, evolve, replay
from jupyter_flows.core.machine.plan import (
    AskCondition,
    BeginRun,
    Done,
    Effect,
    ExecuteStep,
    RebuildKernel,
    StartStep,
    Wait,
    may_rebuild_unasked,
    plan,
    steps_behind,
    steps_to_rebuild,
)
from jupyter_flows.core.machine.tables import IllegalEventError

__all__ = [
    "WAITS",
    "AskCondition",
    "BeginRun",
    "Done",
    "Effect",
    "ExecuteStep",
    "IllegalEventError",
    "RebuildKernel",
    "StartStep",
    "Wait",
    "after",
    "attempts",
    "choices",
    "created",
    "decide",
    "evolve",
    "here",
    "may_rebuild_unasked",
    "plan",
    "replay",
    "stand_in",
    "steps_behind",
    "steps_to_rebuild",
    "tried",
    "unasked",
    "usable",
    "waits_behind",
]
