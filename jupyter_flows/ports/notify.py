"""Messages to people, in the services that they read."""

from collections.abc import Mapping
from typing import Protocol

from jupyter_flows.core.model import Json


class Notifier(Protocol):
    """Both raise NotifyFailed with what the service, or the network, says."""

    async def slack(self, token: str, message: Mapping[str, Json]) -> None:
        """A message in the words of Slack's `chat.postMessage`."""

    async def teams(self, conversation: str, message: Mapping[str, Json]) -> None:
        """To a conversation that the settings name. Raises UnknownPath for any other."""
