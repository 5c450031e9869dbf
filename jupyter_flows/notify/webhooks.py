"""Webhooks over HTTP: one POST, no redirect, and where it must be so, to public addresses alone.

A host that must be public is looked up once, and asked by the very address that was found: a name
whose address changes in between leads nowhere else.
"""

import asyncio
import functools
import socket
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from jupyter_flows.core.completions import host_of, is_public, not_public
from jupyter_flows.core.errors import NotifyFailed
from jupyter_flows.core.webhooks import Answer

if TYPE_CHECKING:
    import httpx

SECONDS = 20.0
"""That a receiver may take in all."""

MOST_AT_ONCE = 4
"""So many of a host's addresses are tried."""

_MOST_SAID = 300


class WebhookPosts:
    """Implements `ports.notify.Poster`."""

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str], *, public: bool
    ) -> Answer:
        import httpx  # noqa: PLC0415 (slow to load)

        try:
            async with asyncio.timeout(SECONDS):
                if public:
                    return await _post_to_public(httpx.URL(url), content, headers)
                return await _post(httpx.URL(url), content, headers)
        except TimeoutError:
            raise NotifyFailed(f"The receiver did not answer within {SECONDS:.0f} s.") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            said = f"The receiver can't be reached: {type(error).__name__} {error}"
            raise NotifyFailed(said[:_MOST_SAID].strip()) from None


async def _post_to_public(url: "httpx.URL", content: bytes, headers: Mapping[str, str]) -> Answer:
    import httpx  # noqa: PLC0415

    *others, last = (await _public_addresses(url))[:MOST_AT_ONCE]
    named = {**headers, "Host": url.netloc.decode("ascii")}
    for address in others:
        try:
            return await _post(url.copy_with(host=address), content, named, at=url)
        except httpx.ConnectError:
            continue
    return await _post(url.copy_with(host=last), content, named, at=url)


async def _public_addresses(url: "httpx.URL") -> list[str]:
    """One or more. Raises NotifyFailed when one of them is not public: a host with both kinds
    would otherwise be a way in.
    """
    host = host_of(str(url))
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses or not all(is_public(address.partition("%")[0]) for address in addresses):
        raise NotifyFailed(not_public(host))
    return addresses


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Whom to believe: made once, for it takes a while."""
    import httpx  # noqa: PLC0415

    return httpx.create_ssl_context()


async def _post(
    url: "httpx.URL",
    content: bytes,
    headers: Mapping[str, str],
    *,
    at: "httpx.URL | None" = None,
) -> Answer:
    """`at` is the address with the name of the host, where `url` has its numbers: no proxy is asked
    then, which would look the name up anew.
    """
    import httpx  # noqa: PLC0415

    named = {} if at is None else {"sni_hostname": at.raw_host.decode("ascii")}
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                timeout=SECONDS,
                follow_redirects=False,
                trust_env=at is None,
                verify=_certificates(),
            )
        )
        request = client.build_request(
            "POST", url, content=content, headers=dict(headers), extensions=named
        )
        answer = await client.send(request, stream=True)
        stack.push_async_callback(answer.aclose)
        return Answer(answer.status_code, answer.headers.get("Retry-After"))
