"""The store in memory, for tests: the same contract, and nothing outlives the process."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from jupyter_flows.core import errors
from jupyter_flows.core.canonical import chained, sha256
from jupyter_flows.core.codec import decode, encode
from jupyter_flows.core.events import Recorded
from jupyter_flows.core.machine import replay
from jupyter_flows.core.model import TIMED, Digest, GateStatus, LinkId, Run, RunId, RunStatus
from jupyter_flows.core.registry import RegisteredFlow, Version
from jupyter_flows.core.schedules import Schedule, ScheduleId
from jupyter_flows.ports import GatePlace, GateRow, LinkRow, Outgoing, Page, RunFilter, RunRow
from jupyter_flows.store import projection
from jupyter_flows.store.deliveries import MemoryDeliveries, nothing
from jupyter_flows.store.memory_things import MemoryThings
from jupyter_flows.store.rows import cursor_of, read_cursor

ChainRow = tuple[int, float, str, str, str]


class MemoryStore:
    """Implements `ports.Store`."""

    def __init__(self) -> None:
        self._log: dict[RunId, list[ChainRow]] = {}
        self._rows: dict[RunId, RunRow] = {}
        self._keys: dict[tuple[str, str], RunId] = {}
        self._states: dict[RunId, Run] = {}
        self._blobs: dict[Digest, bytes] = {}
        self._partials: dict[RunId, bytes] = {}
        self.outgoing: Outgoing = nothing
        self.deliveries = MemoryDeliveries()
        self.schedules = MemorySchedules()
        self.flows = MemoryFlows()
        self.things = MemoryThings()

    async def create(
        self, run: Run, events: Sequence[Recorded], key: str | None, server: str | None
    ) -> RunId:
        if key is not None:
            earlier = self._keys.setdefault((run.owner, key), run.id)
            if earlier != run.id:
                return earlier
        self._log[run.id] = []
        self._write(run, events)
        self._rows[run.id] = _row(run, 1, server, key)
        return run.id

    async def append(
        self,
        run: Run,
        events: Sequence[Recorded],
        *,
        epoch: int | None,
        durable: bool,  # noqa: ARG002 (memory never is)
    ) -> None:
        log = self._log.get(run.id, [])
        if epoch is not None and self._rows[run.id].epoch != epoch:
            raise errors.Fenced
        if not log or log[-1][0] != events[0].seq - 1:
            raise errors.Conflict
        if projection.begins(run, [row.event for row in events]):
            self._check_room(run)
        self._write(run, events)
        self.deliveries.put(self.outgoing(run, events))
        row = self._rows[run.id]
        if projection.moves_run([recorded.event for recorded in events]):
            self._rows[run.id] = _row(run, row.epoch, row.server, row.key)

    def _check_room(self, run: Run) -> None:
        others = [r for r in self._states.values() if r.id != run.id]
        if run.concurrency is not None:
            begun = [r for r in others if r.concurrency and r.status in TIMED]
            if sum(r.flow == run.flow for r in begun) >= run.concurrency:
                raise errors.FlowBusy
        if run.at_once is not None:
            mine = [r for r in others if r.started_by == run.started_by]
            if sum(r.status is RunStatus.RUNNING for r in mine) >= run.at_once:
                raise errors.FlowBusy

    def _write(self, run: Run, events: Sequence[Recorded]) -> None:
        log = self._log[run.id]
        for row in events:
            kind, body = encode(row.event)
            previous = log[-1][4] if log else ""
            log.append(
                (row.seq, row.at, kind, body, chained(previous, row.seq, row.at, kind, body))
            )
        self._states[run.id] = run

    async def load(self, run: RunId) -> Run:
        return replay(run, await self.events(run))

    async def recent(self, run: RunId) -> Run:
        known = self._states.get(run)
        return await self.load(run) if known is None else known

    async def events(self, run: RunId, after: int = 0) -> list[Recorded]:
        rows = await self.chain(run)
        return [Recorded(seq, at, decode(kind, body)) for seq, at, kind, body, _ in rows[after:]]

    async def chain(self, run: RunId) -> list[ChainRow]:
        if run not in self._log:
            raise errors.UnknownRun(f"There is no run {run!r}.")
        return list(self._log[run])

    async def claim(self, run: RunId, server: str, expected: int) -> int:
        row = self._rows.get(run)
        if row is None or row.epoch != expected:
            raise errors.Fenced
        self._rows[run] = replace(row, epoch=expected + 1, server=server)
        return expected + 1

    async def row(self, run: RunId) -> RunRow:
        if run not in self._rows:
            raise errors.UnknownRun(f"There is no run {run!r}.")
        return self._rows[run]

    async def runs(self, wanted: RunFilter, cursor: str | None, limit: int) -> Page:
        rows = sorted(self._rows.values(), key=lambda r: (r.created_at, r.id), reverse=True)
        if wanted.status:
            rows = [r for r in rows if r.status in wanted.status]
        if wanted.path is not None:
            rows = [r for r in rows if r.path == wanted.path]
        if wanted.owner is not None:
            rows = [r for r in rows if r.owner == wanted.owner]
        if wanted.flow is not None:
            rows = [r for r in rows if (r.name or r.path) == wanted.flow]
        if wanted.in_place:
            rows = [r for r in rows if self._states[r.id].in_place]
        if wanted.started_by is not None:
            rows = [r for r in rows if self._states[r.id].started_by == wanted.started_by]
        if cursor is not None:
            place = read_cursor(cursor)
            rows = [r for r in rows if (r.created_at, r.id) < place]
        page = tuple(rows[:limit])
        return Page(rows=page, cursor=cursor_of(page[-1]) if len(rows) > limit else None)

    async def ready(self) -> list[RunRow]:
        wanted = (RunStatus.QUEUED, RunStatus.RUNNING)
        later = {r.id for r in self._rows.values() if r.status == "queued" and r.due_at is not None}
        return [r for r in self._rows.values() if r.status in wanted and r.id not in later]

    async def queued(self, flow: str) -> list[RunId]:
        runs = [r for r in self._states.values() if r.concurrency and r.flow == flow]
        return _waiting(runs)

    async def at_work(self, starter: RunId) -> int:
        mine = [r for r in self._states.values() if r.started_by == starter]
        return sum(r.status is RunStatus.RUNNING for r in mine)

    async def queued_of(self, starter: RunId, limit: int) -> list[RunId]:
        mine = [r for r in self._states.values() if r.started_by == starter]
        unlimited = _waiting([r for r in mine if not r.concurrency])[:limit]
        return unlimited + _waiting([r for r in mine if r.concurrency])

    async def orphans(self) -> list[RunId]:
        states = self._states
        gone = {r.id for r in states.values() if r.status is RunStatus.CANCELLED}
        return [r.id for r in states.values() if r.started_by in gone and not r.finished]

    async def due(self, now: float) -> list[RunId]:
        rows = self._rows.values()
        return [row.id for row in rows if row.due_at is not None and row.due_at <= now]

    async def next_due(self) -> float | None:
        return min((r.due_at for r in self._rows.values() if r.due_at is not None), default=None)

    async def open_gates(self, limit: int, after: GatePlace | None = None) -> list[GateRow]:
        rows = [
            GateRow(
                run=run.id,
                step=gate.step,
                generation=gate.generation,
                status=gate.status,
                opened_at=gate.opened_at or 0.0,
                deadline=gate.deadline or 0.0,
                path=run.path,
            )
            for run in self._states.values()
            for gate in run.gates.values()
            if gate.status is GateStatus.OPEN
        ]
        behind = [row for row in rows if after is None or row.place > after]
        return sorted(behind, key=lambda row: row.place)[:limit]

    async def links(self, run: RunId | None, limit: int) -> list[LinkRow]:
        rows = [
            LinkRow(
                id=link.id,
                run=state.id,
                gate=link.gate,
                generation=link.generation,
                approver=link.approver,
                created_at=link.created_at,
                expires_at=link.expires_at,
                revoked_at=link.revoked_at,
            )
            for state in self._states.values()
            for link in state.links.values()
            if run in (None, state.id)
        ]
        return sorted(rows, key=lambda row: row.created_at, reverse=True)[:limit]

    async def link(self, link: LinkId) -> LinkRow:
        found = [row for row in await self.links(None, len(self._states) * 1000) if row.id == link]
        if not found:
            raise errors.UnknownLink
        return found[0]

    async def put(self, data: bytes) -> Digest:
        digest = sha256(data)
        self._blobs[digest] = data
        return digest

    async def get(self, digest: Digest) -> bytes:
        return self._blobs[digest]

    async def save_partial(self, run: RunId, data: bytes | None) -> None:
        if data is None:
            self._partials.pop(run, None)
        else:
            self._partials[run] = data

    async def partial(self, run: RunId) -> bytes | None:
        return self._partials.get(run)

    async def rebuild(self) -> int:
        for run in self._log:
            state = await self.load(run)
            before = self._rows.get(run)
            self._states[run] = state
            self._rows[run] = (
                _row(state, before.epoch, before.server, before.key)
                if before
                else _row(state, 0, None, None)
            )
        return len(self._log)

    async def close(self) -> None:
        """Nothing to let go."""


class MemorySchedules:
    """Implements `ports.ScheduleStore`."""

    def __init__(self) -> None:
        self._schedules: dict[ScheduleId, Schedule] = {}

    async def add(self, schedule: Schedule) -> None:
        self._schedules[schedule.id] = schedule

    async def schedule(self, schedule: ScheduleId) -> Schedule:
        if schedule not in self._schedules:
            raise errors.UnknownSchedule(f"There is no schedule {schedule!r}.")
        return self._schedules[schedule]

    async def schedules(self) -> list[Schedule]:
        return sorted(self._schedules.values(), key=lambda s: (s.created_at, s.id))

    async def due(self, now: float, owners: Collection[str] = ()) -> list[Schedule]:
        known = self._of(owners)
        return [each for each in known if each.due_at is not None and each.due_at <= now]

    async def next_due(self, owners: Collection[str] = ()) -> float | None:
        known = self._of(owners)
        return min((each.due_at for each in known if each.due_at is not None), default=None)

    def _of(self, owners: Collection[str]) -> list[Schedule]:
        return [each for each in self._schedules.values() if not owners or each.owner in owners]

    async def change(self, before: Schedule, after: Schedule) -> bool:
        found = self._schedules.get(before.id)
        if found is None or (found.paused, found.due_at) != (before.paused, before.due_at):
            return False
        self._schedules[before.id] = after
        return True

    async def remove(self, schedule: ScheduleId) -> None:
        await self.schedule(schedule)
        del self._schedules[schedule]


class MemoryFlows:
    """Implements `ports.FlowStore`."""

    def __init__(self) -> None:
        self._flows: dict[str, RegisteredFlow] = {}
        self._versions: dict[str, Version] = {}

    async def put(self, flow: RegisteredFlow) -> None:
        self._flows[flow.name] = flow

    async def flow(self, name: str) -> RegisteredFlow | None:
        return self._flows.get(name)

    async def flows(self) -> list[RegisteredFlow]:
        return [self._flows[name] for name in sorted(self._flows)]

    async def remove(self, name: str) -> bool:
        return self._flows.pop(name, None) is not None

    async def note(self, version: Version) -> None:
        self._versions.setdefault(version.hash, version)

    async def version(self, hash_: str) -> Version | None:
        return self._versions.get(hash_)


def _waiting(runs: Sequence[Run]) -> list[RunId]:
    """Those that may begin now but for a place, the oldest first."""
    found = [r for r in runs if r.status is RunStatus.QUEUED and r.wake_at is None]
    return [r.id for r in sorted(found, key=lambda r: (r.created_at, r.id))]


def _row(run: Run, epoch: int, server: str | None, key: str | None) -> RunRow:
    return RunRow(
        id=run.id,
        status=run.status,
        path=run.path,
        name=run.name,
        owner=run.owner,
        created_at=run.created_at,
        finished_at=run.finished_at,
        due_at=run.due_at,
        epoch=epoch,
        server=server,
        key=key,
        queue=run.queue,
    )
