"""What the flow knows in a kernel besides the notebook's names, for another to go on with."""

from __future__ import annotations

import json
from typing import Any

from jupyter_flows.client.encoding import NotKept, encoded
from jupyter_flows.client.state import flow

_UNSET: Any = object()
_BOUND = ("flow_input", "results", "previous_result", "resume", "resumes", "approvers", "error")
"""The names that a flow binds. They are saved as all others are: cells may have changed them."""


def remembered_now(limit: int) -> dict[str, Any]:
    """`ours`: the names that are still bound to what the flow has."""
    own = {"results": flow.results, "flow_input": flow.flow_input}
    if flow.hook is not None:
        own["previous_result"] = flow.hook.previous
    plain = {step: _plain(result, limit) for step, result in flow.results.items()}
    return {
        "run": flow.run_id,
        "digests": {name: digest for name, digest in flow.digests.items() if name in _BOUND},
        "results": plain,
        "flow_input": _plain(flow.flow_input, limit),
        "ours": [name for name, value in own.items() if flow.names.get(name, _UNSET) is value],
    }


def _plain(value: Any, limit: int) -> Any:
    try:
        return json.loads(encoded(value, limit))
    except NotKept:
        return None


def set_names_aside() -> None:
    """Cells are run again in the midst of a restore, and told of the flow as it was before them:
    what the names of the flow are bound to now is to stand.
    """
    flow.aside = {name: flow.names[name] for name in _BOUND if name in flow.names}


def recall(told: dict[str, Any]) -> None:
    """Go on with the names as they have been loaded, and with what `remembered_now` gave."""
    names, ours = flow.names, told["ours"]
    names.update(flow.aside)
    flow.aside = {}
    for name in ours:
        names.setdefault(name, told.get(name))
    flow.run_id, flow.digests = told["run"], dict(told["digests"])
    flow.results = names["results"] if "results" in ours else told["results"]
    flow.flow_input = names["flow_input"] if "flow_input" in ours else told["flow_input"] or {}
    if flow.hook is not None:
        flow.hook.previous = names["previous_result"] if "previous_result" in ours else _UNSET
