"""How a cell asks its flow's server: a request with the run's token, past any proxy."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import ssl
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode, urlsplit

NOWHERE = "https://flows.invalid"
"""The server's address where there is none, because recorded answers stand for people."""


NOT_A_FLOW = (
    "This notebook is not running as a flow. Run it as one with: jupyter flows run NOTEBOOK\n"
    "To go on here without a flow, have its gates answered as recorded beside it, in"
    " NOTEBOOK.answers.yml: jupyter_flows.answers('NOTEBOOK.ipynb')"
)

NOT_FOUND = 404


UNREACHABLE = 0


class FlowsClientError(RuntimeError):
    """The flow's server refused, can't be reached, or there is no flow. `status` is that of the
    server's answer, UNREACHABLE where none came, None where it was not asked.
    """

    status: int | None = None


def _refusal(message: str, status: int) -> FlowsClientError:
    error = FlowsClientError(message)
    error.status = status
    return error


def post(path: str, asked: dict[str, Any]) -> dict[str, Any]:
    replied: dict[str, Any] = ask("POST", path, asked)
    return replied


def ask(
    method: str, path: str, asked: Any = None, *, key: str | None = None, seconds: float = 30
) -> Any:
    """What the server answers: JSON, or a text of another kind. With `key` it is done once, however
    often it is asked for. Raises FlowsClientError.
    """
    base, token = os.environ.get("FLOWS_URL"), os.environ.get("FLOWS_TOKEN")
    if not base or not token:
        raise FlowsClientError("This run has no server that could answer.")
    if base == NOWHERE:
        return _rehearsed(path, asked)
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    if key is not None:
        headers["Idempotency-Key"] = key
    url = base.rstrip("/") + path
    body = json.dumps(asked).encode() if method == "POST" else None
    request = urllib.request.Request(  # noqa: S310 (the run's own server gave the address)
        url, body, headers, method=method
    )
    try:
        with _opener(url).open(request, timeout=seconds) as answer:
            return _read(answer)
    except urllib.error.HTTPError as error:
        raise _refusal(_detail(error), error.code) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        why = f"The flow's server can't be reached: {reason}"
        raise _refusal(why, UNREACHABLE) from None


def _read(answer: Any) -> Any:
    is_text = answer.headers.get("Content-Type", "").startswith("text/")
    return answer.read().decode() if is_text else json.load(answer)


def _rehearsed(path: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Links that lead nowhere, and always are the same."""
    if path != "/api/links":
        raise FlowsClientError("Recorded answers stand for people here; there is no server.")
    whose = "flow" if asked["flow_level"] else asked["gate"]
    token = urlencode({"flow_token": f"{whose}.{asked['approver'] or 'anonymous'}"})
    pages = {"approvalPage": "approve", "resume": "resume", "cancel": "cancel"}
    return {name: f"{NOWHERE}/{page}?{token}" for name, page in pages.items()}


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Proxies are for other machines. The server's own certificate is trusted as it is."""
    handlers: list[urllib.request.BaseHandler] = []
    if is_loopback(urlsplit(url).hostname or ""):
        handlers.append(urllib.request.ProxyHandler({}))
    certificate = os.environ.get("FLOWS_CERTIFICATE")
    if certificate:
        context = ssl.create_default_context(cafile=certificate)
        context.check_hostname = False  # it names the server as others reach it
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        handlers.append(urllib.request.HTTPSHandler(context=context))
    return urllib.request.build_opener(*handlers)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _detail(error: urllib.error.HTTPError) -> str:
    with contextlib.suppress(ValueError, OSError, AttributeError):
        detail = json.load(error).get("detail")
        if detail:
            return str(detail)
    return f"The flow's server answered {error.code} {error.reason}."
