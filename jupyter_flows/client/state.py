"""What the server has told this kernel about its run, and which names the flow has bound in it."""

from __future__ import annotations

import os
from typing import Any

from jupyter_flows.client.around import Around, running

_UNSET: Any = object()


class Flow:
    """`names`: the notebook's. `digests`: of the bindings that were told. `foreign`: how many cells
    others ran, and how often they told widgets something, since the run's last cell. `session`: the
    server's. `own_comms`: those of the widgets that it has had made. `around`: what ran in the
    kernel besides. `marks`: of what cells tagged `replay` have bound. `nonce`: proves that a kernel
    is the one that was met. `kept`: what has no server to keep it. `progress`: the last that was
    told. `calls`: the inner steps of the cell that runs.
    `bound`: what a checkpoint leaves out, for the flow binds it anew. That is nothing: a cell may
    have changed what the flow bound.
    """

    def __init__(self) -> None:
        self.run_id: str | None = None
        self.flow_input: dict[str, Any] = {}
        self.results: dict[str, Any] = {}
        self.gates: dict[str, Any] = {}
        self.digests: dict[str, str] = {}
        self.rebuilding = False
        self.hook: Any = None
        self.names: dict[str, Any] = {}
        self.bound: dict[str, Any] = {}
        self.foreign = 0
        self.session = ""
        self.own_comms: set[str] = set()
        self.nonce = ""
        self.around = Around()
        self.aside: dict[str, Any] = {}
        self.marks: dict[str, str] = {}
        self.kept: dict[str, dict[str, Any]] = {}
        self.progress: Any = None
        self.calls: Any = None
        self._made: dict[str, dict[str, Any]] = {}

    def forget(self) -> None:
        """Make ready for another run in the same kernel."""
        self.run_id, self.flow_input, self.results, self.gates = None, {}, {}, {}
        self.rebuilding, self.digests = False, {}
        self.foreign, self.nonce = 0, os.urandom(16).hex()
        self.own_comms, self.calls = set(), None
        self.kept, self.progress = {}, None
        self.around = Around()
        self.around.add(running())
        self.let_go()

    def let_go(self) -> None:
        """Hold none of the user's objects."""
        self._made, self.marks = {}, {}

    # ------------------------------------------------------------ cells tagged `replay`

    def made(self, step: str, objects: dict[str, Any]) -> None:
        """What this step, which is tagged `replay`, has bound."""
        self._made[step] = objects

    @property
    def replayed(self) -> dict[str, list[str]]:
        """For each step tagged `replay`, the names that are still bound to what its cell made."""
        self.tidy()
        return {step: list(objects) for step, objects in self._made.items()}

    def tidy(self) -> None:
        """Hold nothing that has lost its name: another cell has bound it to something else."""
        for objects in self._made.values():
            lost = [n for n, made in objects.items() if self.names.get(n, _UNSET) is not made]
            for name in lost:
                del objects[name]
                self.marks.pop(name, None)


flow = Flow()
