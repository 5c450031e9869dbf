"""A gate as its author describes it: in the cell's options, and by the cell's last value."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from jupyter_flows.core import durations, forms
from jupyter_flows.core.canonical import canonical_json
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Gate, GateOptions, GroupNeed, Json, plain_name
from jupyter_flows.core.options import brief

GATE_KEYS = (
    "resume",
    "cancel",
    "approvalPage",
    "default_args",
    "enums",
    "description",
    "schema",
    "approvers",
    "user_groups_required",
)
"""The keys by which a cell's last value configures its gate (G2, and for the last two G44)."""


def gate_options(suspend: Json) -> GateOptions | None:
    """The gate that checked `suspend` options describe; None where there is none (G1)."""
    if suspend is None or suspend is False:
        return None
    said = dict(suspend) if isinstance(suspend, dict) else {}
    form = said.pop("resume_form", None)
    timeout = said.pop("timeout", None)
    required = said.pop("required_events", None)
    sequential = said.pop("order", "any") == "sequential"
    approvers = tuple(said.pop("approvers", ()))
    one_of = tuple(said.pop("user_groups_required", ()))
    groups: tuple[GroupNeed, ...] = ()
    if isinstance(required, list):
        groups = tuple(GroupNeed(n["group"], int(n.get("required", 1))) for n in required)
        required = sum(need.required for need in groups)
    if sequential and not groups:
        required = max(required or 1, len(approvers))
    return GateOptions(
        required_events=int(required or 1),  # JSON Schema takes 2.0 for an integer
        form=form["schema"] if form else None,
        timeout=None if timeout is None else durations.seconds(timeout),
        groups=groups,
        sequential=sequential,
        approvers=approvers,
        user_groups_required=one_of,
        **said,
    )


def gate_mistake(gate: GateOptions) -> tuple[str, str] | None:
    """What the schema can't say is wrong with a gate whose cell has ended: the key, and the
    sentence.
    """
    if gate.sequential and not (gate.approvers or gate.groups):
        return "order", "sequential needs `approvers`, or `required_events` as a list of groups"
    twice = _named_twice(gate.approvers)
    if twice is not None:
        return "approvers", f"names {twice!r} twice"
    twice = _named_twice([need.group for need in gate.groups])
    if twice is not None:
        return "required_events", f"names the group {twice!r} twice"
    if gate.approvers and gate.required_events > len(gate.approvers):
        return "required_events", (
            f"{gate.required_events} approvals can't come from {len(gate.approvers)} approvers"
        )
    return None


def _named_twice(names: Sequence[str]) -> str | None:
    seen: set[str] = set()
    for name in map(plain_name, names):
        if name in seen:
            return name
        seen.add(name)
    return None


def configures_gate(result: Json) -> bool:
    """Whether a cell's last value says something of its gate (G2)."""
    return isinstance(result, dict) and bool(set(GATE_KEYS) & set(result))


def configured_gate(options: GateOptions, result: Json) -> GateOptions:
    """G2: the gate's options with what the cell's last value says of them.

    Raises BadInput when that value names a gate's key and gives it a wrong type.
    """
    configured = options
    if configures_gate(result):
        configured = replace(options, **_said(result))
        forms.check_schema(configured)
    if configured.sequential and configured.approvers and not configured.groups:
        configured = replace(configured, required_events=len(configured.approvers))
    wrong = gate_mistake(configured)
    if wrong is not None:
        raise BadInput(": ".join(wrong))
    return configured


def _said(result: Mapping[str, Json]) -> dict[str, Json]:
    said: dict[str, Json] = {}
    for key, field in (("default_args", "default_args"), ("enums", "enums"), ("schema", "form")):
        if result.get(key) is not None:
            said[field] = _object(result[key], key)
    if any(not isinstance(choices, list) for choices in said.get("enums", {}).values()):
        raise BadInput("the cell's `enums` must give each field a list of choices")
    for key in ("approvers", "user_groups_required"):
        if result.get(key) is not None:
            said[key] = _names(result[key], key)
    if result.get("description") is not None:
        said["description"] = result["description"]
    _plain(said)
    return said


def _names(value: Json, key: str) -> tuple[str, ...]:
    """An empty list is refused: it would let everybody vote."""
    named = isinstance(value, list) and all(isinstance(n, str) and n.strip() for n in value)
    if not named or not value:
        raise BadInput(f"the cell's `{key}` must be a list of names; it is {brief(value)}")
    return tuple(value)


def _plain(said: Json) -> None:
    try:
        canonical_json(said)
    except (ValueError, TypeError, RecursionError):
        raise BadInput("what configures a gate must be plain JSON, without NaN") from None


def _object(value: Json, key: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise BadInput(f"the cell's `{key}` must be an object; it is {brief(value)}")
    return value


def is_prompt(result: Json) -> bool:
    """G50: the cell returned its `resume` link, so the notebook's own user may answer."""
    return isinstance(result, dict) and bool(result.get("resume"))


def takes_rejection(gate: Gate, result: Json) -> bool:
    """G50: the cell returned its `cancel` link too, so the notebook's own user may also reject."""
    offered = isinstance(result, dict) and bool(result.get("cancel"))
    return offered and not gate.options.hide_cancel
