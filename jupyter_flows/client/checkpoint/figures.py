"""How parts of plotly's figures are saved: as parts, whose change is seen in their figure."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import rebuilding_library as again
from jupyter_flows.client.checkpoint.errors import Refused

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler


def plan(kind: type) -> Any:
    part = getattr(sys.modules.get("plotly.basedatatypes"), "BasePlotlyType", None)
    return reduce if isinstance(part, type) and issubclass(kind, part) else None


def reduce(pickler: Pickler, part: Any) -> Any:
    del pickler
    figure, steps = part.figure, _steps(part)
    if figure is None and part.parent is None:
        return NotImplemented
    if figure is None or again.part(figure, steps) is not part:
        raise Refused("a part of a plotly figure that can't be found in it can't be saved")
    return again.part, (figure, steps)


def _steps(part: Any) -> list[Any]:
    """Names and positions that lead from the figure to its part."""
    steps: list[Any] = []
    while getattr(part, "parent", None) is not None:
        parent = part.parent
        name = "data" if any(part is each for each in getattr(parent, "data", ())) else None
        name = name or part.plotly_name
        within = parent[name]
        if isinstance(within, tuple):
            steps.insert(0, next((n for n, each in enumerate(within) if each is part), 0))
        steps.insert(0, name)
        part = parent
    return steps
