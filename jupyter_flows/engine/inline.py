"""Pieces of code that are run for whoever asks, without a flow: by their language."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from jupyter_flows.core import sql
from jupyter_flows.core.errors import NotOffered
from jupyter_flows.core.model import Json, Run
from jupyter_flows.core.sql import Script
from jupyter_flows.ports.sql import Databases


@dataclass(frozen=True, slots=True)
class Piece:
    """`user` is for whom it runs, `run` the one whose kernel asks, None for a user from outside."""

    user: str
    run: Run | None
    content: str
    args: Mapping[str, Json]


Handler: TypeAlias = Callable[[Piece], Awaitable[Json]]


class Inline:
    """One a process. A language is offered when somebody has registered a handler for it."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def register(self, language: str, handler: Handler) -> None:
        self._handlers[language] = handler

    async def run(self, language: str, piece: Piece) -> Json:
        """The result. Raises NotOffered for a language that nobody handles, and what its handler
        raises.
        """
        handler = self._handlers.get(language)
        if handler is None:
            known = ", ".join(sorted(self._handlers)) or "none"
            raise NotOffered(f"No code in {language[:60]!r} is run here; offered: {known}.")
        return await handler(piece)


def offer_sql(inline: Inline, databases: Databases) -> None:
    """Data tables in PostgreSQL's words, ducklakes in DuckDB's."""

    def offer(language: str, parse: Callable[[str, Mapping[str, Json]], Script]) -> None:
        async def handle(piece: Piece) -> Json:
            return await databases.run(parse(piece.content, piece.args))

        inline.register(language, handle)

    offer("postgresql", sql.postgresql)
    offer("duckdb", sql.duckdb)
