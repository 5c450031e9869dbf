"""One row of the table of doors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from jupyter_flows.web.declared import Content, Value, once
from jupyter_flows.web.doors import KEY, MOST_KEY, Answering

SEGMENT, MOST_SEGMENT = "[A-Za-z0-9._~-]", 256
MOST_REST = 2048
"""What `{name}` may hold, and how many characters that and `{name+}` have at most, as they stand in
the address.
"""
ONCE = once(KEY, MOST_KEY)


class Access(StrEnum):
    """Who may come in."""

    LOGIN = "login"
    LINK = "link"
    KERNEL = "kernel"
    PEER = "peer"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. `answers` gives the body for each status; `gives` says where in it
    others find what they are asked with: the name of a part of a path, and a runtime expression of
    OpenAPI. `works`: it needs a server that runs cells, and has its users' notebooks and objects.
    """

    method: str
    path: str
    door: type[Answering]
    access: Access
    summary: str
    body: Content = None
    answers: Mapping[int, Content] = field(default_factory=dict)
    query: Sequence[str | Value] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    headers: Sequence[str | Value] = ()
    works: bool = False
    gives: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return "_".join(re.findall(r"\w+", f"{self.method.lower()} {self.path}"))

    @property
    def parts(self) -> Mapping[str, bool]:
        """The named parts of the path, and whether each may hold slashes."""
        return {name: bool(plus) for name, plus in re.findall(r"\{(\w+)(\+?)\}", self.path)}


def pattern(path: str) -> str:
    """`{name}` is one segment of plain letters, `{name+}` all that is left, slashes included."""
    segment = f"({SEGMENT}{{1,{MOST_SEGMENT}}})"
    named = re.sub(r"\{\w+\}", lambda _: segment, path.replace(".", r"\."))
    return re.sub(r"\{\w+\+\}", lambda _: f"(.{{1,{MOST_REST}}})", named)
