"""Small real implementations of the ports that the engine needs, without kernels or files."""

import ast
import asyncio
import contextlib
import copy
import io
import json

from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.errors import (
    BadInput,
    CheckpointUnusable,
    Conflict,
    KernelUnavailable,
    StoreUnavailable,
)
from jupyter_flows.core.model import Failure
from jupyter_flows.ports import CellOutcome, CheckpointPlace, Collected, Evaluation
from jupyter_flows.store.memory import MemoryStore


class FakeClock:
    def __init__(self, now=1000.0):
        self.now = now

    def __call__(self):
        return self.now


class FakeChance:
    """Ids in order, so that a failing test can be read."""

    def __init__(self):
        self.given = 0

    def __call__(self):
        self.given += 1
        return f"{self.given:040x}"


PYTHON = {
    "implementation": "cpython",
    "version": "3.11.7",
    "machine": "x86_64",
    "byteorder": "little",
    "maxsize": 2**63 - 1,
}


BOUND = {"__builtins__", "flow_input", "resume", "resumes", "approvers", "gates", "results"}


class FakeCheckpoints:
    """In memory. `refuses` is raised by `place`, `unusable` by `manifest`."""

    folder = "/checkpoints"

    def __init__(self):
        self.kept = {}
        self.refuses = None
        self.unusable = None
        self.abandoned = 0

    async def place(self, run=None):
        await asyncio.sleep(0)
        if self.refuses is not None:
            raise self.refuses
        return CheckpointPlace(folder=self.folder, limit_bytes=2**30)

    async def abandon(self, place):
        self.abandoned += 1

    async def commit(self, run, place, manifest):
        await asyncio.sleep(0)
        digest = sha256(repr((run, sorted(self.kept), len(self.kept))).encode())
        self.kept[run, digest] = copy.deepcopy(manifest)
        return digest

    async def manifest(self, run, digest):
        await asyncio.sleep(0)
        if self.unusable is not None:
            raise self.unusable
        if (run, digest) not in self.kept:
            raise CheckpointUnusable("It is gone.")
        return self.kept[run, digest]

    async def drop(self, run, keep=()):
        for key in [key for key in self.kept if key[0] == run and key[1] not in keep]:
            del self.kept[key]

    async def runs(self):
        return {run for run, _ in self.kept}

    async def collect(self, live, unknown=()):
        gone = [key for key in self.kept if key[0] not in {*live, *unknown}]
        for key in gone:
            del self.kept[key]
        return Collected(manifests=len(gone), blobs=0, bytes=0)

    async def tidy(self):
        """Nothing to compress."""


class FakeKernels:
    """Namespaces in this process; a cell is executed by Python itself.

    A cell whose source begins with `# hold` has put out "begun" and waits for `go(step)`.
    `executed` is what ran, in order, as (run, step); a rebuilding execution is marked by a `+`.
    """

    def __init__(self):
        self.executed = []
        self.asked = []
        self.closed = []
        self.unavailable = None
        self.heeds = True
        self.requests = []
        self.shows = {}
        self.saves = []
        self.saved = {}
        self.unsaved = {}
        self.save_fails = None
        self.restored = []
        self.restore_fails = None
        self.rehearsed = []
        self.rehearse_fails = None
        self.distributions = {"pandas": "2.2.3"}
        self.visits = {}
        self.taken = set()
        self.detached = {}
        self._spaces = {}
        self._held = {}
        self._partial = {}
        self._begun = asyncio.Condition()

    def on_amended(self, listener):
        self.amend = listener

    def on_ops(self, listener):
        self.tell = listener

    def on_word(self, listener):
        self.say = listener

    def on_lost(self, listener):
        self.lose = listener

    def kernel_of(self, run):
        return f"kernel of {run}" if run in self._spaces else None

    def shown(self, run):
        return self.shows.get(run, {})

    def holds(self, run):
        return run in self._spaces

    async def open(self, request):
        await asyncio.sleep(0)
        if self.unavailable:
            raise KernelUnavailable(self.unavailable)
        self.requests.append(request)
        self._spaces[request.run] = {}

    async def execute(self, run, cell):
        self.executed.append((run, cell.step + ("+" if cell.rebuilding else "")))
        self._partial[run] = {cell.step: [_stream("begun\n")]}
        try:
            held = await self._hold(run, cell)
            return held or _executed(self._spaces.get(run), cell)
        finally:
            self._partial.pop(run, None)

    async def _hold(self, run, cell):
        if not cell.source.startswith("# hold") or cell.rebuilding:
            await asyncio.sleep(0)
            return None
        self._held[run] = held = asyncio.get_running_loop().create_future()
        async with self._begun:
            self._begun.notify_all()
        try:
            return await held
        finally:
            self._held.pop(run, None)

    async def begun(self, run):
        """Wait until a cell of the run is held."""
        async with self._begun:
            await self._begun.wait_for(lambda: run in self._held)

    def go(self, run, outcome=None):
        self._held[run].set_result(outcome)

    async def save(self, run, asked):
        """`saves` is what was asked, in order; `unsaved` what can't be saved, by name."""
        await asyncio.sleep(0)
        self.saves.append((run, asked))
        if self.save_fails is not None:
            raise self.save_fails
        if run not in self._spaces:
            raise KernelUnavailable("gone")
        space = {k: v for k, v in self._spaces[run].items() if k not in asked.exclude}
        held = {k: v for k, v in space.items() if k not in BOUND and k not in self.unsaved}
        self.saved[run] = copy.deepcopy(held)
        return {
            "saved_at": 1000.0,
            "seconds": 0.5,
            "python": dict(PYTHON),
            "streams": [],
            "blobs": [],
            "names": {name: {"type": "int", "bytes": 8} for name in held},
            "replayed": [],
            "unsaved": [
                {"name": name, "type": "generator", "path": name, "reason": "it can't be"}
                for name in self.unsaved
                if name in space
            ],
            "bytes": 1_160_000_000,
            "new_bytes": 8,
            "distributions": {"pandas": "2.2.3"},
            "files": {},
            "cwd": "/",
            "sys_path": [],
            "extensions": [],
            "execution_count": 7,
            "space": copy.deepcopy(held),
        }

    async def environment(self, run, distributions, files, sys_path=()):
        await asyncio.sleep(0)
        return {"python": dict(PYTHON), "distributions": dict(self.distributions), "files": {}}

    async def restore(self, run, folder, saved, replays):
        await asyncio.sleep(0)
        self.restored.append((run, [cell.step for cell in replays]))
        if self.restore_fails is not None:
            raise self.restore_fails
        for cell in replays:
            await self.execute(run, cell)
        self._spaces[run].update(copy.deepcopy(saved["space"]))

    async def rehearse(self, request, folder, saved):
        await asyncio.sleep(0)
        self.rehearsed.append(request.run)
        if self.rehearse_fails is not None:
            raise self.rehearse_fails

    async def visitors(self, run):
        await asyncio.sleep(0)
        return self.visits.get(run, 0)

    async def is_free(self, run):
        return run in self._spaces and run not in self.taken

    def left(self):
        """`ended` are the runs whose kernels were ended, though no server held them."""
        return list(self.detached)

    async def collect(self, live):
        self.ended = [run for run in self.detached if run not in live]

    async def returns(self, run):
        return run in self.detached

    async def evaluate(self, run, expression):
        """`asked` is every expression that was evaluated, in order."""
        await asyncio.sleep(0)
        self.asked.append((run, expression.expr))
        if run not in self._spaces:
            raise KernelUnavailable("gone")
        self._spaces[run].update(expression.bindings)
        try:
            value = eval(expression.expr, {**self._spaces[run], **expression.names})
        except Exception as raised:  # noqa: BLE001 (an expression may raise anything)
            return Evaluation(error=Failure(type(raised).__name__, str(raised)))
        return Evaluation(truth=bool(value), value=value)

    def partial(self, run):
        return self._partial.get(run, {})

    async def interrupt(self, run):
        if run in self._held and self.heeds:
            self._end(run, Failure("KeyboardInterrupt", ""), lost=False)

    async def close(self, run):
        self.closed.append(run)
        if self._spaces.pop(run, None) is not None and run in self._held:
            self._end(run, Failure("DeadKernelError", "The kernel died."), lost=True)

    def _end(self, run, error, *, lost):
        outputs = self._partial[run][next(iter(self._partial[run]))]
        ended = CellOutcome(outputs=outputs, execution_count=1, error=error, lost=lost)
        if not self._held[run].done():
            self.go(run, ended)

    async def stop(self):
        for run in list(self._spaces):
            await self.close(run)

    def space(self, run):
        return self._spaces[run]


def _stream(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


def _executed(space, cell):
    if space is None:
        gone = Failure("DeadKernelError", "The kernel died.")
        return CellOutcome(outputs=[], execution_count=None, error=gone, lost=True)
    space.update(cell.bindings)
    body = ast.parse(cell.source).body
    last = ast.Expression(body.pop().value) if body and isinstance(body[-1], ast.Expr) else None
    printed, result, error = io.StringIO(), None, None
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(ast.Module(body, []), cell.step, "exec"), space)
            result = eval(compile(last, cell.step, "eval"), space) if last else None
    except Exception as raised:  # noqa: BLE001 (a cell may raise anything)
        error = Failure(type(raised).__name__, str(raised))
    outputs = [_stream(printed.getvalue())] if printed.getvalue() else []
    result = json.loads(json.dumps(result))
    return CellOutcome(outputs=outputs, execution_count=1, result=result, error=error)


class FakeDocuments:
    """Notebooks stay in memory, in `written` by path."""

    def __init__(self):
        self.written = {}
        self.refuses = None

    def prepare(self, notebook, parameters, kernel_name):
        if "cells" not in notebook:
            raise BadInput("This is not a notebook.")
        return copy.deepcopy(dict(notebook)), kernel_name or "python3"

    def parameters(self, prepared, kernel_name):
        return ()

    def executed(self, snapshot, run, outputs, widgets):
        ready = copy.deepcopy(dict(snapshot))
        for step in run.steps.values():
            ready["cells"][step.spec.index]["outputs"] = list(outputs.get(step.id, ()))
        return {**ready, "status": run.status}

    async def write(self, path, notebook):
        if self.refuses:
            raise self.refuses
        self.written[path] = notebook


class FakePeers:
    """The servers that are alive; a poke is noted, and reaches the engine that is given for it."""

    def __init__(self):
        self.living = set()
        self.engines = {}
        self.pokes = []

    async def alive(self, server):
        return server in self.living

    async def poke(self, server, run):
        self.pokes.append((server, run))
        if server not in self.engines:
            return False
        await self.engines[server].poked(run)
        return True


class UnsteadyStore(MemoryStore):
    """In memory, with every writer yielding to the others; it can be away, or always be late.

    `away(call)` says whether a call (by its name) fails now; `late` counts conflicts still to come;
    `old` is what is known of a run the next time that it is not asked anew.
    """

    def __init__(self):
        super().__init__()
        self.away = lambda _: False
        self.late = 0
        self.old = {}
        self.refused = 0
        self.tried = asyncio.Event()

    async def _meet(self, call):
        await asyncio.sleep(0)
        if self.away(call):
            self.refused += 1
            self.tried.set()
            raise StoreUnavailable

    async def load(self, run):
        state = await super().load(run)
        await self._meet("load")
        return state

    async def recent(self, run):
        return self.old.pop(run, None) or await super().recent(run)

    async def append(self, run, events, *, epoch, durable):
        await self._meet("append")
        if self.late:
            self.late -= 1
            raise Conflict
        await super().append(run, events, epoch=epoch, durable=durable)

    async def save_partial(self, run, data):
        await self._meet("save_partial")
        await super().save_partial(run, data)

    async def put(self, data):
        await self._meet("put")
        return await super().put(data)
