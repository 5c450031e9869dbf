"""A store full of suspended runs, written as the engine would have written them."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.notebooks import PASS, Notebook, notebook
from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core import machine
from jupyter_flows.core.canonical import canonical_json
from jupyter_flows.core.flow import read_flow
from jupyter_flows.core.links import claims_of, write
from jupyter_flows.core.model import Digest, LinkId, Purpose, Run, RunId, StepSpec
from jupyter_flows.kernels.document import NotebookDocuments
from jupyter_flows.store.keys import KeyFile
from jupyter_flows.store.sql import SqlStore

YEAR = 365 * 86400.0
NOW = 1.7e9


class QuickStore(SqlStore):
    """Does not wait for the disk: whoever fills a store for a benchmark can fill it again."""

    @contextlib.contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[sa.Connection]:
        del durable
        with super()._transaction(durable=False) as connection:
            yield connection


@dataclass(frozen=True, slots=True)
class Prepared:
    """A notebook as the engine reads it."""

    snapshot: Digest
    steps: tuple[StepSpec, ...]


async def prepared(store: SqlStore, asked: Notebook) -> Prepared:
    ready, _ = NotebookDocuments().prepare(asked, {}, None)
    return Prepared(await store.put(canonical_json(ready)), read_flow(ready).steps)


def two_votes(form: Mapping[str, Any] | None = None) -> Notebook:
    """A gate that one vote does not close."""
    asked = notebook([PASS, PASS], {0: ["suspend"]})
    suspend: dict[str, Any] = {"required_events": 2}
    if form is not None:
        suspend["resume_form"] = {"schema": form}
    asked["cells"][0]["metadata"]["flow"] = {"suspend": suspend}
    return asked


class Told:
    """A run that is told commands, its events kept as they come."""

    def __init__(self, run: str, ready: Prepared, at: float) -> None:
        created = e.RunCreated(
            path="seed.ipynb",
            owner="benchmark",
            parameters={},
            snapshot=ready.snapshot,
            steps=ready.steps,
            kernel_name="python3",
            default_timeout=100 * YEAR,
        )
        self.at = at
        self.run: Run = machine.created(RunId(run), created, at)
        self.events = [e.Recorded(1, at, created)]

    def tell(self, *commands: c.Command) -> None:
        for command in commands:
            for event in machine.decide(self.run, command, self.at):
                self.run = machine.after(self.run, [event], self.at)
                self.events.append(e.Recorded(self.run.seq, self.at, event))

    def finish_step(self, link: str = "") -> None:
        step = self.run.running_step
        if step is None:
            raise RuntimeError(f"no step runs; the run is {self.run.status}")
        self.tell(c.FinishStep(step=step.id, link=LinkId(link)), c.Advance())

    async def keep(self, store: SqlStore) -> None:
        await store.create(self.run, self.events[:1], None, "srv_gone")
        if self.events[1:]:
            await store.append(self.run, self.events[1:], epoch=1, durable=False)


async def suspended(
    data: Path, count: int, first: int = 0, form: Mapping[str, Any] | None = None
) -> list[str]:
    """Put `count` suspended runs into the data folder, numbered from `first`; each one's signed
    token that approves.
    """
    keyring = KeyFile(data / "keys")()
    store = QuickStore(f"sqlite:///{data / 'flows.db'}", data)
    ready = await prepared(store, two_votes(form))
    tokens = []
    for number in range(first, first + count):
        told = Told(f"run_{number:020}", ready, NOW + number)
        told.tell(c.Start(), c.Advance())
        told.finish_step(f"{number:040}")
        await told.keep(store)
        link = told.run.links[LinkId(f"{number:040}")]
        tokens.append(write(keyring, claims_of(told.run.id, link, Purpose.RESUME)))
    await store.close()
    return tokens


def seed(
    data: Path, count: int, first: int = 0, form: Mapping[str, Any] | None = None
) -> list[str]:
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return asyncio.run(suspended(data, count, first, form))
