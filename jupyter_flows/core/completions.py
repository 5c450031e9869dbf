"""What a run tells programs outside of its ends and its gates, and where to."""

from collections.abc import Collection
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from jupyter_flows.core.errors import BadInput

MOST_URL = 2000

_NAT64 = ip_network("64:ff9b::/96")


class EventType(StrEnum):
    """The types of webhooks; each stands for one event of the log."""

    RUN_SUCCEEDED = "run.succeeded"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    RUN_INTERRUPTED = "run.interrupted"
    GATE_OPENED = "gate.opened"
    GATE_APPROVED = "gate.approved"
    GATE_REJECTED = "gate.rejected"
    GATE_TIMED_OUT = "gate.timed_out"


ENDS = (
    EventType.RUN_SUCCEEDED,
    EventType.RUN_FAILED,
    EventType.RUN_CANCELLED,
    EventType.RUN_INTERRUPTED,
)
"""What is told where nobody says otherwise: that a run does nothing more by itself."""


class Endpoint(Struct, frozen=True):
    """An address that webhooks are sent to, and which; `secret_env` names the environment variable
    of its own secret.
    """

    url: str
    events: tuple[EventType, ...] = ENDS
    secret_env: str | None = None


class Completion(Struct, frozen=True):
    """What the owner of a run has asked to be told of it, and where."""

    url: str
    events: tuple[EventType, ...] = ENDS


def completion(url: str | None, events: Collection[EventType] | None) -> Completion | None:
    """What was asked for. Raises BadInput for events without an address."""
    if url is None:
        if events:
            raise BadInput("To be told of events there has to be an address for it.")
        return None
    return Completion(url, tuple(dict.fromkeys(events)) if events else ENDS)


class Addresses(Struct, frozen=True):
    """Where webhooks may go. `trusted` are the addresses that the administrator has set; of what
    owners of runs name, `hosts` are the allowed hosts, `*.example.org` for all those below; where
    there are none, any is allowed that is reached by a public address.
    """

    trusted: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()

    def check(self, url: str) -> None:
        """Raises BadInput for an address that an owner of a run may not name."""
        host = host_of(url)
        if url in self.trusted:
            return
        if self.hosts and not any(_fits(host, pattern) for pattern in self.hosts):
            allowed = ", ".join(self.hosts)
            raise BadInput(
                f"No webhook may be sent to {host!r}: FlowsApp.webhook_hosts allows {allowed}"
            )
        if not self.hosts and (host == "localhost" or _is_private(host)):
            raise BadInput(not_public(host))

    def must_be_public(self, url: str) -> bool:
        """Whether it may be sent only where it is reached by a public address."""
        return url not in self.trusted and not self.hosts


def not_public(host: str) -> str:
    return (
        f"No webhook may be sent to {host!r}, which is no public address; to allow it, the"
        " administrator adds it to FlowsApp.webhook_hosts"
    )


def host_of(url: str) -> str:
    """The host, in lower case. Raises BadInput for what is no address of HTTP."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    usable = parts.scheme in ("http", "https") and parts.hostname and port != 0
    if not usable or parts.fragment or "@" in parts.netloc or not _is_plain(url):
        raise BadInput(
            f"{url[:200]!r} is no address of a webhook: it must be http://… or https://…, with a"
            f" host, of {MOST_URL} characters at most, and without a user's name, a fragment or"
            " characters that an address has to encode"
        )
    return str(parts.hostname).rstrip(".").lower()


def _is_plain(url: str) -> bool:
    return (
        len(url) <= MOST_URL
        and url.isascii()
        and url.isprintable()
        and not set(url) & set(' "<>\\^`{|}')
    )


def _fits(host: str, pattern: str) -> bool:
    wanted = pattern.lower()
    if wanted.startswith("*."):
        return host.endswith(wanted[1:])
    return wanted in ("*", host)


def _is_private(host: str) -> bool:
    """Whether it is a numeric address, and no public one."""
    try:
        return not is_public(host)
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether the numeric address is one of the open internet, also by the one within it. Raises
    ValueError for what is no numeric address.
    """
    return all(one.is_global and not one.is_multicast for one in _all_of(ip_address(address)))


def _all_of(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, or the IPv4 ones that it stands for."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    within = [address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        within.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [address, *(one for one in within if one is not None)]
