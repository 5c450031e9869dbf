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


class FlowsClientError(RuntimeError):
    """The flow's server refused, can't be reached, or there is no flow."""


def post(path: str, asked: Any, key: str | None = None) -> Any:
    """The answer's JSON, or its text where it is none. With `key` it is done once, however often it
    is asked for.
    """
    if _base() == NOWHERE:
        return _rehearsed(path, asked)
    return _answer(path, "POST", json.dumps(asked).encode(), 30, key)


def get(path: str, timeout: float = 30) -> Any:
    return _answer(path, "GET", None, timeout)


def _base() -> str:
    base = os.environ.get("FLOWS_URL")
    if not base or not os.environ.get("FLOWS_TOKEN"):
        raise FlowsClientError("This run has no server that could answer.")
    return base


def _answer(
    path: str, method: str, body: bytes | None, timeout: float, key: str | None = None
) -> Any:
    headers = {"Authorization": "Bearer " + os.environ.get("FLOWS_TOKEN", "")}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if key is not None:
        headers["Idempotency-Key"] = key
    url = _base().rstrip("/") + path
    request = urllib.request.Request(  # noqa: S310 (the run's own server gave the address)
        url, body, headers, method=method
    )
    try:
        with _opener(url).open(request, timeout=timeout) as answer:
            text = answer.read().decode()
            plain = "json" not in answer.headers.get("Content-Type", "")
            return text if plain else json.loads(text)
    except urllib.error.HTTPError as error:
        raise FlowsClientError(_detail(error)) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise FlowsClientError(f"The flow's server can't be reached: {reason}") from None


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
