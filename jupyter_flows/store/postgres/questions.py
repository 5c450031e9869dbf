"""What one server asks of another: rows, for servers need not reach one another by network."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
import sqlalchemy as sa

from jupyter_flows.core.errors import FlowsError, KernelUnavailable
from jupyter_flows.core.model import RunId
from jupyter_flows.core.sentences import sentence
from jupyter_flows.ports import Evaluation, Expression
from jupyter_flows.store import tables
from jupyter_flows.store.postgres.servers import NOW, SqlServers
from jupyter_flows.store.postgres.wire import CHANNEL

LOOK_SECONDS = 1.0
"""How often an answer is looked for whose notice may be lost with a connection."""

PATIENCE = 15.0
"""Seconds for the way there and back, besides what the answer may take."""

Evaluate: TypeAlias = Callable[[RunId, Expression], Awaitable[Evaluation]]

_C = tables.questions.c


class Answer(msgspec.Struct):
    """`refusal` says why there is none."""

    found: Evaluation | None = None
    refusal: str = ""


class Questions:
    def __init__(self, servers: SqlServers) -> None:
        self._servers = servers
        self._answered: dict[str, asyncio.Event] = {}

    async def ask(self, server: str, run: RunId, expression: Expression) -> Evaluation:
        """Have it evaluated by the server that has the run's kernel. Raises KernelUnavailable."""
        question = secrets.token_hex(16)  # noqa: TID251 (a name that no other server gives)
        self._answered[question] = answered = asyncio.Event()
        try:
            await asyncio.to_thread(self._put, question, server, run, expression)
            return await self._await(question, answered, expression.timeout + PATIENCE)
        finally:
            del self._answered[question]
            gone = sa.delete(tables.questions).where(_C.id == question)
            await asyncio.to_thread(self._servers.execute, gone)

    def _put(self, question: str, server: str, run: RunId, expression: Expression) -> None:
        asked = msgspec.json.encode(expression).decode()
        values = {"id": question, "server": server, "run_id": run, "asked": asked, "asked_at": NOW}
        self._servers.execute(sa.insert(tables.questions).values(**values))
        self._servers.notify(CHANNEL, f"q:{server}:{question}")

    async def _await(self, question: str, answered: asyncio.Event, seconds: float) -> Evaluation:
        query = sa.select(_C.answer).where(_C.id == question)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await _set_within(answered, LOOK_SECONDS)
                    rows = await asyncio.to_thread(
                        self._servers.select, query, lambda row: row.answer
                    )
                    if rows and rows[0] is not None:
                        return _read(rows[0])
        except TimeoutError:
            raise KernelUnavailable(
                sentence("The server that has it did not answer in time.")
            ) from None

    def heard(self, question: str) -> None:
        """It is answered."""
        if question in self._answered:
            self._answered[question].set()

    async def waiting(self, server: str) -> list[tuple[str, RunId, Expression]]:
        """What is asked of this server, and not answered yet."""
        query = sa.select(_C.id, _C.run_id, _C.asked).where(
            _C.server == server, _C.answer.is_(None)
        )
        rows = await asyncio.to_thread(self._servers.select, query, tuple)
        return [
            (question, RunId(run), msgspec.json.decode(asked, type=Expression))
            for question, run, asked in rows
        ]

    async def answer(
        self, question: str, run: RunId, expression: Expression, evaluate: Evaluate
    ) -> None:
        try:
            answer = Answer(found=await evaluate(run, expression))
        except FlowsError as error:
            answer = Answer(refusal=str(error))
        text = msgspec.json.encode(answer).decode()
        told = sa.update(tables.questions).where(_C.id == question).values(answer=text)
        await asyncio.to_thread(self._servers.execute, told)
        await asyncio.to_thread(self._servers.notify, CHANNEL, f"a:{question}")


def _read(text: str) -> Evaluation:
    answer = msgspec.json.decode(text, type=Answer)
    if answer.found is None:
        raise KernelUnavailable(answer.refusal)
    return answer.found


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
