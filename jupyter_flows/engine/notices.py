"""Messages that code sends to people: the link to a gate's page by Slack, a card by Teams."""

import re
from collections.abc import Mapping

from jupyter_flows.core import notices
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json
from jupyter_flows.engine.objects import resource_path
from jupyter_flows.ports.notify import Notifier
from jupyter_flows.ports.objects import ResourceReader

_TOKEN = re.compile(r"[\x21-\x7e]{1,1000}", re.ASCII)


class Notices:
    def __init__(self, notifier: Notifier, resources: ResourceReader) -> None:
        self._notifier = notifier
        self._resources = resources

    async def slack_token(self, user: str, path: str) -> str:
        """Of the resource {"token": …} at this path. Raises UnknownPath, BadInput."""
        value = await self._resources.value(user, resource_path(path))
        token = value.get("token") if isinstance(value, dict) else None
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise BadInput(f"The resource {path[:200]!r} is none of Slack's: it has no `token`.")
        return token

    async def slack(self, token: str, channel: str, text: str, page: str) -> None:
        """Raises NotifyFailed."""
        await self._notifier.slack(token, notices.slack_message(channel, text, page))

    async def teams(
        self, conversation: str, text: str, *, success: bool, card: Mapping[str, Json] | None
    ) -> None:
        """Raises UnknownPath for a conversation that nobody has set, NotifyFailed."""
        message = notices.teams_message(text, success=success, card=card)
        await self._notifier.teams(conversation, message)
