"""One row of the table of doors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from jupyter_flows.web.doors import Answering


class Access(StrEnum):
    """Who may come in."""

    LOGIN = "login"
    LINK = "link"
    KERNEL = "kernel"
    PEER = "peer"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. `answers` gives the body's record for each status."""

    method: str
    path: str
    door: type[Answering]
    access: Access
    summary: str
    body: type | None = None
    answers: Mapping[int, type | None] = field(default_factory=dict)
    query: Sequence[str] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
