"""What a kernel is asked, as the contents of messages: cells, expressions, and silent words."""

import hashlib
import json
from collections.abc import Mapping

from jupyter_flows.core.model import Json, RunId
from jupyter_flows.kernels import prelude
from jupyter_flows.kernels.outcome import KEY
from jupyter_flows.ports import Cell, Expression


class Requests:
    """Of one kernel; it remembers which bindings that has. `speaks_flows`: the client is loaded."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bound: dict[str, Json] = {}
        self._known: dict[str, str] = {}
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
            told["bindings"], told["digests"] = bindings, _digests(bindings)
        return {"cellId": cell.step, "jupyter_flows": told}

    def expression(self, asked: Expression) -> dict[str, Json]:
        news = self._news(asked.bindings)
        expr = prelude.evaluating(asked.expr, news, asked.names, self._limit, _digests(news))
        return silent("", {KEY: expr})

    def _news(self, bindings: Mapping[str, Json]) -> dict[str, Json]:
        """Those that the kernel does not have yet; it is taken to have them then."""
        news = {k: v for k, v in bindings.items() if not self._has(k, v)}
        self._bound.update(news)
        return news

    def _has(self, name: str, value: Json) -> bool:
        if name in self._bound:
            return bool(self._bound[name] == value)
        return name in self._known and self._known[name] == _digest(value)

    # ------------------------------------------------------------ with the variables saved

    def remembering(self) -> str:
        return prelude.remembering(self._limit)

    def knows(self, digests: Mapping[str, str]) -> None:
        """What was bound to the kernel's names before we came to it; a cell may have changed that
        since, so it is not bound again.
        """
        self._bound, self._known = {}, dict(digests)


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


def _digests(bindings: Mapping[str, Json]) -> dict[str, str]:
    return {name: _digest(value) for name, value in bindings.items()}


def _digest(value: Json) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
