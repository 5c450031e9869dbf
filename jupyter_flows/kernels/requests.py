"""What a kernel is asked, as the contents of messages: cells, expressions, and silent words."""

import hashlib
import json
from collections.abc import Mapping

from jupyter_flows.core.model import Json, RunId
from jupyter_flows.kernels import prelude
from jupyter_flows.kernels.outcome import KEY
from jupyter_flows.ports import Cell, Expression

UNNAMED = "gates"
"""The binding that is no name of the notebook's, and so is not saved with them."""


class Requests:
    """Of one kernel; it remembers which bindings that has. `speaks_flows`: the client is loaded."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bound: dict[str, Json] = {}
        self._loaded: dict[str, str] = {}
        self.speaks_flows = False

    def cell(self, cell: Cell) -> dict[str, Json]:
        return {
            "code": cell.source,
            "silent": False,
            "store_history": True,
            "user_expressions": {KEY: prelude.REPORT} if self.speaks_flows else {},
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
        return silent("", {KEY: expr})

    def _news(self, bindings: Mapping[str, Json]) -> dict[str, Json]:
        """Those that the kernel does not have yet; it is taken to have them then."""
        news = {k: v for k, v in bindings.items() if not self._has(k, v)}
        self._bound.update(news)
        return news

    def _has(self, name: str, value: Json) -> bool:
        if name in self._bound:
            return bool(self._bound[name] == value)
        return name in self._loaded and self._loaded[name] == _digest(value)

    # ------------------------------------------------------------ with the variables saved

    def remembering(self) -> str:
        return prelude.remembering(self._limit)

    def bound(self) -> dict[str, str]:
        """The digests of what the kernel's names are bound to, or were, for a cell may have changed
        them: what is told once is not told again.
        """
        now = {name: _digest(value) for name, value in self._bound.items() if name != UNNAMED}
        return {**self._loaded, **now}

    def restored(self, bound: Mapping[str, str]) -> None:
        """The kernel's names are those with which `bound` was given."""
        self._bound, self._loaded = {}, dict(bound)


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


def _digest(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
