"""Messages to people, in the services that they read; and to programs, by webhooks."""

from collections.abc import Mapping
from typing import Protocol

from jupyter_flows.core.model import Json
from jupyter_flows.core.webhooks import Answer


class Poster(Protocol):
    """Sends webhooks."""

    async def post(
        self, url: str, content: bytes, headers: Mapping[str, str], *, public: bool
    ) -> Answer:
        """POST it, follow no redirect, and wait for the answer's head alone, for at most 20 s.
        `public`: only where the host is reached by a public address.

        Raises NotifyFailed with what the network says.
        """


class Notifier(Protocol):
    """Both raise NotifyFailed with what the service, or the network, says."""

    async def slack(self, token: str, message: Mapping[str, Json]) -> None:
        """A message in the words of Slack's `chat.postMessage`."""

    async def teams(self, conversation: str, message: Mapping[str, Json]) -> None:
        """To a conversation that the settings name. Raises UnknownPath for any other."""
