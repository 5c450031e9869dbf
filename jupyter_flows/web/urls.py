"""The addresses of links: one signed URL for each purpose (G30, G34, G37)."""

from collections.abc import Callable
from urllib.parse import urlencode

from jupyter_flows.core.model import Link, Purpose, Run
from jupyter_flows.engine.engine import Engine

PATHS = {Purpose.APPROVE: "approve", Purpose.RESUME: "resume", Purpose.CANCEL: "cancel"}
NAMES = {Purpose.APPROVE: "approvalPage", Purpose.RESUME: "resume", Purpose.CANCEL: "cancel"}


def link_urls(
    engine: Engine, public_url: Callable[[], str], run: Run, link: Link
) -> dict[str, str]:
    """`{"approvalPage", "resume", "cancel"}`. The base comes from configuration (G37); the token
    stands in the query key that the server keeps out of its log, never in the path (G34).
    """
    base = public_url().rstrip("/")
    return {
        NAMES[purpose]: f"{base}/{path}?"
        + urlencode({"flow_token": engine.token(run.id, link, purpose)})
        for purpose, path in PATHS.items()
    }
