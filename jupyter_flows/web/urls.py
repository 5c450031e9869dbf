"""The addresses of links: one signed URL for each purpose (G30, G34, G37)."""

from collections.abc import Callable
from urllib.parse import urlencode

from jupyter_flows.core import policy
from jupyter_flows.core.model import Gate, Link, Purpose, Run
from jupyter_flows.engine.engine import Engine

PATHS = {Purpose.APPROVE: "approve", Purpose.RESUME: "resume", Purpose.CANCEL: "cancel"}
NAMES = {Purpose.APPROVE: "approvalPage", Purpose.RESUME: "resume", Purpose.CANCEL: "cancel"}


def gate_key(run: str, step: str, generation: int) -> str:
    """What names a gate in addresses."""
    return f"{run}.{step}.{generation}"


def keyed_gate(run: Run, key: str) -> Gate | None:
    """The gate of this run that the key names."""
    for gate in run.gates.values():
        if gate_key(run.id, gate.step, gate.generation) == key:
            return gate
    return None


def link_urls(
    engine: Engine, public_url: Callable[[], str], run: Run, link: Link
) -> dict[str, str]:
    """`{"approvalPage", "resume", "cancel"}`. The base comes from configuration (G37); the token
    stands in the query key that the server keeps out of its log, never in the path (G34). For a
    gate whose links are the server's to send, all three are its page's address, without a token
    (G46).
    """
    base = public_url().rstrip("/")
    gate = run.gates.get((link.gate, link.generation)) if link.gate else None
    if link.gate and gate and policy.keeps_links(gate.options):
        page = f"{base}/page/{gate_key(run.id, link.gate, link.generation)}"
        return dict.fromkeys(NAMES.values(), page)
    return {
        NAMES[purpose]: f"{base}/{path}?"
        + urlencode({"flow_token": engine.tokens.of_link(run.id, link, purpose)})
        for purpose, path in PATHS.items()
    }
