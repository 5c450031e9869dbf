"""The open gates that somebody may read, or has still to vote on: a page of them, oldest first."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from logging import Logger

from jupyter_flows.core import cursors, policy
from jupyter_flows.core.descriptions.plain import plain_description
from jupyter_flows.core.errors import BadInput, LogUnreadable, NotFound
from jupyter_flows.core.hiding import hide_tokens
from jupyter_flows.core.model import Gate, GateStatus, Run, RunId, StepId, Voter, plain_name
from jupyter_flows.core.sentences import sentence
from jupyter_flows.engine.engine import Engine
from jupyter_flows.ports import GatePlace, GateRow
from jupyter_flows.web.urls import keyed_gate

AT_ONCE = 100
"""Rows that the store is asked for in one go."""
LONGEST_SEARCH = 200
_LARGEST = 2**31 - 1

Wanted = Callable[[Run, Gate], bool]


@dataclass(frozen=True, slots=True)
class OpenGate:
    row: GateRow
    run: Run
    gate: Gate


@dataclass(frozen=True, slots=True)
class OpenGates:
    """A page. `cursor` asks for the next one, which may be empty; None is the end."""

    gates: tuple[OpenGate, ...]
    cursor: str | None


async def open_gates(
    engine: Engine,
    wanted: Wanted,
    *,
    limit: int,
    cursor: str | None = None,
    looks: int | None = None,
    log: Logger,
) -> OpenGates:
    """The open gates that are wanted. No run is looked at behind the last one that is found, nor
    after so many `looks`. A run that can't be read hides no other.

    Raises BadInput for a cursor that was not given out.
    """
    found: list[OpenGate] = []
    last, looked = None, 0
    async for row in _rows(engine, None if cursor is None else _place(cursor)):
        await asyncio.sleep(0)  # a run that is remembered is not waited for, nor is the search
        if last is not None and (len(found) == limit or looked == looks):
            return OpenGates(tuple(found), _cursor(last))
        last, looked = row, looked + 1
        opened = await _opened(engine, row, log)
        if opened is not None and wanted(opened.run, opened.gate):
            found.append(opened)
    return OpenGates(tuple(found), None)


async def _rows(engine: Engine, after: GatePlace | None) -> AsyncIterator[GateRow]:
    while True:
        rows = await engine.open_gates(AT_ONCE, after)
        for row in rows:
            yield row
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].place


async def _opened(engine: Engine, row: GateRow, log: Logger) -> OpenGate | None:
    try:
        run = await engine.run(row.run)
    except (NotFound, LogUnreadable) as error:
        log.warning("run %s, which has an open gate, is passed over: %s", row.run, error)
        return None
    gate = run.gates.get((row.step, row.generation))
    if gate is None or gate.status is not GateStatus.OPEN:
        return None
    return OpenGate(row, run, gate)


def _cursor(row: GateRow) -> str:
    return cursors.written(row.opened_at, row.run, row.step, str(row.generation))


def _place(cursor: str) -> GatePlace:
    opened_at, (run, step, generation) = cursors.read(cursor, 3)
    if not generation.isdecimal() or len(generation) > 9 or int(generation) > _LARGEST:
        raise BadInput(f"cursor {cursor[:200]!r} was not given out by a page of this list")
    return opened_at, RunId(run), StepId(step), int(generation)


async def gate_by_key(engine: Engine, key: str) -> tuple[Run, Gate] | None:
    """The gate, in whatever state, that an address names; None where there is none."""
    try:
        run = await engine.run(RunId(key.partition(".")[0]))
    except NotFound:
        return None
    gate = keyed_gate(run, key)
    return None if gate is None or gate.opened_at is None else (run, gate)


# ---------------------------------------------------------------- whose


def may_read(run: Run, gate: Gate, reader: Voter) -> bool:
    """G45"""
    return policy.may_read(run.owner, gate, reader)


def may_vote(run: Run, gate: Gate, voter: Voter) -> bool:
    """Whether an approval by them would count now, whatever the form says of it."""
    is_open = gate.status is GateStatus.OPEN and not gate.vote_of(voter)
    return is_open and policy.why_not(run.owner, gate, voter) is None


def readable_by(reader: Voter) -> Wanted:
    return lambda run, gate: may_read(run, gate, reader)


def awaiting(voter: Voter, words: Sequence[str] = ()) -> Wanted:
    """Those that the voter may vote on and has not, and that have all the words."""
    return lambda run, gate: may_vote(run, gate, voter) and _has(run, gate, words)


# ---------------------------------------------------------------- search


def search_words(said: str) -> tuple[str, ...]:
    """Raises BadInput for a search that is too long."""
    if len(said) > LONGEST_SEARCH:
        raise BadInput(sentence("Search for at most {most} characters.", most=LONGEST_SEARCH))
    return tuple(plain_name(said).split())


def _has(run: Run, gate: Gate, words: Sequence[str]) -> bool:
    if not words:
        return True
    text = _text(run, gate)
    return all(word in text for word in words)


def _text(run: Run, gate: Gate) -> str:
    """What is searched. Tokens are hidden: nobody finds one out letter by letter."""
    summary = run.steps[gate.step].spec.summary
    described = plain_description(gate.options.description)
    said = (run.path, run.name or "", summary, run.owner, described)
    return plain_name(hide_tokens("\n".join(said)))
