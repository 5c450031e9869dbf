"""Slack's `chat.postMessage` and the webhooks of Teams, over HTTP.

Nothing but the addresses of the settings is ever asked, and no redirect is followed.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from jupyter_flows.core.errors import NotifyFailed, UnknownPath
from jupyter_flows.core.model import Json

if TYPE_CHECKING:
    import httpx

SECONDS = 15.0
"""That a service may take over one message."""

_MOST_SAID = 300


class Services:
    """Implements `ports.notify.Notifier`."""

    def __init__(self, slack_url: str, webhooks: Mapping[str, str]) -> None:
        """`slack_url` is what the names of Slack's methods are put behind; `webhooks` are those of
        Teams, by conversation.
        """
        self._slack = slack_url.rstrip("/")
        self._webhooks = webhooks

    async def slack(self, token: str, message: Mapping[str, Json]) -> None:
        answer = await self._post(
            "Slack",
            f"{self._slack}/chat.postMessage",
            message,
            {"Authorization": f"Bearer {token}"},
        )
        try:
            said = answer.json()
        except ValueError:
            said = None
        if not isinstance(said, dict) or said.get("ok") is not True:
            error = said.get("error") if isinstance(said, dict) else answer.text
            raise NotifyFailed(f"Slack has not taken the message: {str(error)[:_MOST_SAID]}")

    async def teams(self, conversation: str, message: Mapping[str, Json]) -> None:
        url = self._webhooks.get(conversation)
        if url is None:
            raise UnknownPath(
                f"FlowsApp.teams_webhooks names no conversation {conversation[:200]!r}: it is where"
                " the administrator sets the webhook of each."
            )
        await self._post("Teams", url, message, {})

    async def _post(
        self, who: str, url: str, message: Mapping[str, Json], headers: Mapping[str, str]
    ) -> "httpx.Response":
        import httpx  # noqa: PLC0415 (slow to load)

        try:
            async with httpx.AsyncClient(timeout=SECONDS, follow_redirects=False) as client:
                answer = await client.post(url, json=message, headers=dict(headers))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NotifyFailed(
                f"{who} can't be reached: {type(error).__name__} {error}"[:_MOST_SAID]
            ) from None
        if not answer.is_success:
            raise NotifyFailed(
                f"{who} answered {answer.status_code}: {answer.text[:_MOST_SAID]}".rstrip(": ")
            )
        return answer
