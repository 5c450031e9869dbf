"""Tokens of links, hidden in what is shown or handed to others.

What a cell prints or returns of one approver's link is no business of the rest: whoever knows a
token can vote with it.
"""

import re
from collections.abc import Mapping

from jupyter_flows.core.model import Json

HIDDEN = "flow_token=[hidden]"

# Each alternative can begin at one place of a word only: a text takes time by its length alone.
_TOKEN = re.compile(
    r"flow_token(=|%3D)[^\s'\"&<>]+(?:[^\S\n]*\n\s*[\w.=-]{12,})*"  # also wrapped over lines
    r"|(?<![\w-])[\w-]{30,}+\.[\w-]{43}(?![\w-])"  # also without its key
)


def hide_tokens(text: str) -> str:
    """The text without the signed part of links; the very text where there is none in it."""
    hidden = _TOKEN.sub(HIDDEN, text)
    return text if hidden == text else hidden


def without_tokens(value: Json) -> Json:
    """The value with the tokens hidden in every text within; an equal one if there are none."""
    if isinstance(value, str):
        return hide_tokens(value)
    if isinstance(value, list | tuple):
        return [without_tokens(inner) for inner in value]
    if isinstance(value, dict):
        return {without_tokens(key): without_tokens(inner) for key, inner in value.items()}
    return value


OPERATORS = ("JUPYTER_FLOWS_DATABASE_URL", "JUPYTER_FLOWS_DEPLOYMENT_KEY")
"""Variables of the environment with which a process reads and writes all runs of all users."""


def for_kernels(environment: Mapping[str, str]) -> dict[str, str]:
    """What of a server's environment the code of notebooks is given."""
    return {name: value for name, value in environment.items() if name not in OPERATORS}
