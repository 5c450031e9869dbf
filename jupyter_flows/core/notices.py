"""What is sent to Slack and Teams: a message with one button that opens a page, and a card."""

from collections.abc import Mapping

from jupyter_flows.core.model import Json

MOST_TEXT = 3000
"""Characters that a block of Slack takes."""

ASKED = "A flow waits for your approval."


def escaped(text: str) -> str:
    """So that Slack makes no links and no mentions of it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_message(channel: str, text: str, page: str) -> dict[str, Json]:
    """`page` is the address of the approval page: opening it votes on nothing."""
    said = escaped(text)
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Open the approval page"},
        "url": page,
        "style": "primary",
    }
    return {
        "channel": channel,
        "text": said,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": said}},
            {"type": "actions", "elements": [button]},
        ],
        "unfurl_links": False,
    }


def teams_message(text: str, *, success: bool, card: Mapping[str, Json] | None) -> dict[str, Json]:
    """An Adaptive Card. A whole card of one's own gets the text on top; anything else is an element
    below the text.
    """
    title = {
        "type": "TextBlock",
        "text": text,
        "wrap": True,
        "weight": "Bolder",
        "color": "Good" if success else "Attention",
    }
    content: dict[str, Json] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title],
    }
    if card and card.get("type") == "AdaptiveCard":
        own = card.get("body")
        content = {**content, **card, "body": [title, *(own if isinstance(own, list) else [])]}
    elif card:
        content["body"] = [title, dict(card)]
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": content,
    }
    return {"type": "message", "attachments": [attachment]}
