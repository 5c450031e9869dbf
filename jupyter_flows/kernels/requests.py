"""What a kernel is asked, as the contents of messages: cells, expressions, and silent words."""

from collections.abc import Mapping

from jupyter_flows.core.model import Json, RunId
from jupyter_flows.kernels import prelude
from jupyter_flows.ports import Cell, Expression

UNSET: Json = object()


class Requests:
    """Of one kernel; it remembers which bindings that has. `speaks_flows`: the client is loaded."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bound: dict[str, Json] = {}
        self.speaks_flows = False

    def cell(self, cell: Cell) -> dict[str, Json]:
        return {
            "code": cell.source,
            "silent": False,
            "store_history": True,
            "user_expressions": {"jupyter_flows": prelude.REPORT} if self.speaks_flows else {},
            "allow_stdin": False,
            "stop_on_error": False,
        }

    def metadata(self, run: RunId, cell: Cell) -> dict[str, Json]:
        """Of a cell's request."""
        if not self.speaks_flows:
            return {"cellId": cell.step}
        told: dict[str, Json] = {
            "run": run,
            "step": cell.step,
            "attempt": cell.attempt,
            "limit": self._limit,
            "rebuilding": cell.rebuilding,
            "raises": cell.raises,
            "goes_on": cell.goes_on,
        }
        if cell.replay:
            told["replay"] = True
        bindings = self._news(cell.bindings)
        if bindings:
            told["bindings"] = bindings
        return {"cellId": cell.step, "jupyter_flows": told}

    def expression(self, asked: Expression) -> dict[str, Json]:
        news = self._news(asked.bindings)
        expr = prelude.evaluating(asked.expr, news, asked.names, self._limit)
        return silent("", {"jupyter_flows": expr})

    def _news(self, bindings: Mapping[str, Json]) -> dict[str, Json]:
        """Those that the kernel does not have yet; it is taken to have them then."""
        news = {k: v for k, v in bindings.items() if self._bound.get(k, UNSET) != v}
        self._bound.update(news)
        return news


def silent(code: str, expressions: Mapping[str, str]) -> dict[str, Json]:
    """A request that leaves no trace in the notebook."""
    return {
        "code": code,
        "silent": True,
        "store_history": False,
        "user_expressions": expressions,
        "allow_stdin": False,
        "stop_on_error": False,
    }
