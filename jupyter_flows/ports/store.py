"""The log of events, the lists made from it, schedules, registered flows, and the keys that sign
receipts.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from jupyter_flows.core.events import Recorded
from jupyter_flows.core.model import Digest, GateStatus, LinkId, Run, RunId, RunStatus, StepId
from jupyter_flows.core.registry import RegisteredFlow, Version
from jupyter_flows.core.schedules import Schedule, ScheduleId
from jupyter_flows.core.webhooks import Delivery, DeliveryId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run in a list. `server` is who drives it, or did last, None if anybody may; `key` is its
    idempotency key, `queue` its class.
    """

    id: RunId
    status: RunStatus
    path: str
    name: str | None
    owner: str
    created_at: float
    finished_at: float | None
    due_at: float | None
    epoch: int
    server: str | None
    key: str | None = None
    queue: str | None = None


GatePlace: TypeAlias = tuple[float, RunId, StepId, int]
"""Where an open gate stands in their list: by its opening's time, then by its names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRow:
    run: RunId
    step: StepId
    generation: int
    status: GateStatus
    opened_at: float
    deadline: float
    path: str

    @property
    def place(self) -> GatePlace:
        return self.opened_at, self.run, self.step, self.generation


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRow:
    id: LinkId
    run: RunId
    gate: StepId | None
    generation: int
    approver: str | None
    created_at: float
    expires_at: float | None
    revoked_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """`flow` is a run's name, else its path; with `in_place` only those that show in a notebook."""

    status: frozenset[RunStatus] = frozenset()
    path: str | None = None
    owner: str | None = None
    flow: str | None = None
    started_by: RunId | None = None
    in_place: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Newest first. `cursor` asks for the next page; None is the end."""

    rows: tuple[RunRow, ...]
    cursor: str | None


Outgoing: TypeAlias = Callable[[Run, Sequence[Recorded]], Sequence[Delivery]]
"""What is to be sent of these events of the run, which is as it is after them."""


class Store(Protocol):
    """The log of events, its projections for lists, and blobs by content.

    Every method raises StoreUnavailable when the store can't be reached. `outgoing` is asked at
    each append; what it gives is written with the events, or not at all.
    """

    outgoing: Outgoing

    async def create(
        self, run: Run, events: Sequence[Recorded], key: str | None, server: str | None
    ) -> RunId:
        """Write a new run durably, with epoch 1, claimed by `server`; with None by nobody yet.

        With an idempotency key that was used before by the same owner: nothing is written, and
        the earlier run's id comes back.
        """

    async def append(
        self,
        run: Run,
        events: Sequence[Recorded],
        *,
        epoch: int | None,
        durable: bool,
    ) -> None:
        """Append events and the projections of `run` (the state after them) in one transaction.

        The events' first seq must follow the last one stored, else Conflict. `epoch` is the
        driver's; if another driver has claimed the run since, Fenced. A run that would begin while
        as many of its flow as it allows are at work, or as many as may be of those that the same
        run has started, is refused: FlowBusy. `durable` waits for the
        disk (power loss); otherwise the commit survives any death of this process.
        """

    async def load(self, run: RunId) -> Run:
        """Replay the run. Raises UnknownRun."""

    async def recent(self, run: RunId) -> Run:
        """The run as this process last read or wrote it, else as `load`: what others have written
        since is missing. To append what was decided by it raises Conflict then.
        """

    async def events(self, run: RunId, after: int = 0) -> list[Recorded]:
        """The run's events behind `after`, oldest first. Raises UnknownRun."""

    async def chain(self, run: RunId) -> list[tuple[int, float, str, str, str]]:
        """The rows as they stand: (seq, at, kind, body, hash), whatever they hold: what is no text
        comes with lone surrogates in the place of its bytes. Raises UnknownRun.
        """

    async def claim(self, run: RunId, server: str, expected: int) -> int:
        """Take the run for driving if its epoch is still `expected`; the new epoch comes back.
        Raises Fenced, UnknownRun.
        """

    async def row(self, run: RunId) -> RunRow:
        """Raises UnknownRun."""

    async def runs(self, wanted: RunFilter, cursor: str | None, limit: int) -> Page:
        """Raises BadInput for a cursor that was not given out."""

    async def ready(self) -> list[RunRow]:
        """The runs whose state says that something is to be done now (queued or running), but for
        those that are to begin later.
        """

    async def queued(self, flow: str) -> list[RunId]:
        """The queued runs of a flow that limits how many are at work, the oldest first."""

    async def at_work(self, starter: RunId) -> int:
        """How many of the runs that this run has started are running."""

    async def queued_of(self, starter: RunId, limit: int) -> list[RunId]:
        """So many of the queued runs that this run has started, the oldest first; and all those of
        flows that limit how many are at work.
        """

    async def orphans(self) -> list[RunId]:
        """The unfinished runs that were started by runs which are cancelled now."""

    async def due(self, now: float) -> list[RunId]:
        """The runs whose due time has passed."""

    async def next_due(self) -> float | None:
        """The earliest due time of all."""

    async def open_gates(self, limit: int, after: GatePlace | None = None) -> list[GateRow]:
        """Gates that are open, oldest first; those behind the place, be that gate closed by now."""

    async def links(self, run: RunId | None, limit: int) -> list[LinkRow]:
        """Links, newest first; of one run or of all."""

    async def link(self, link: LinkId) -> LinkRow:
        """Raises UnknownLink."""

    async def put(self, data: bytes) -> Digest:
        """Keep a blob. The next append writes it first, and a durable one waits for the disk."""

    async def get(self, digest: Digest) -> bytes:
        """Raises KeyError when there is no such blob (lost with the power, or removed)."""

    async def save_partial(self, run: RunId, data: bytes | None) -> None:
        """Keep (or with None drop) what the running cell has put out so far."""

    async def partial(self, run: RunId) -> bytes | None:
        """What was kept, if anything."""

    async def rebuild(self) -> int:
        """Make the projections anew from the events; how many runs there are."""

    async def close(self) -> None: ...


class ScheduleStore(Protocol):
    """What is to be started when. Every method raises StoreUnavailable, as `Store`'s."""

    async def add(self, schedule: Schedule) -> None:
        """Durably; the id is a new one."""

    async def schedule(self, schedule: ScheduleId) -> Schedule:
        """Raises UnknownSchedule."""

    async def schedules(self) -> list[Schedule]:
        """All, oldest first."""

    async def due(self, now: float, owners: Collection[str] = ()) -> list[Schedule]:
        """Those of these owners, or else of all, whose due time has come."""

    async def next_due(self, owners: Collection[str] = ()) -> float | None:
        """The earliest due time of those of these owners, or else of all."""

    async def change(self, before: Schedule, after: Schedule) -> bool:
        """Durably, if its `paused` and `due_at` are still those of `before`; else nothing is
        written, and False comes back.
        """

    async def remove(self, schedule: ScheduleId) -> None:
        """Raises UnknownSchedule."""


class FlowStore(Protocol):
    """Flows by their names. Every method raises StoreUnavailable, as `Store`'s."""

    async def put(self, flow: RegisteredFlow) -> None:
        """Durably, in the place of one of this name."""

    async def flow(self, name: str) -> RegisteredFlow | None:
        """None if there is none of this name."""

    async def flows(self) -> list[RegisteredFlow]:
        """All, by name."""

    async def remove(self, name: str) -> bool:
        """Whether there was one."""

    async def note(self, version: Version) -> None:
        """Durably; one that is known stays as it is."""

    async def version(self, hash_: str) -> Version | None:
        """None if none is noted by this hash."""


class DeliveryStore(Protocol):
    """Webhooks on their way: written by `Store.append` with the events that they tell of, and sent
    from here. Every method raises StoreUnavailable, as `Store`'s.
    """

    async def due(self, now: float, limit: int, but_to: Collection[str] = ()) -> list[Delivery]:
        """Those that are to be sent now, the longest due first, but for those to some addresses."""

    async def next_due(self) -> float | None:
        """The earliest due time of all."""

    async def change(self, before: Delivery, after: Delivery) -> bool:
        """If its `status`, `tries` and `due_at` are still those of `before`; else nothing is
        written, and False comes back: somebody else sends it.
        """

    async def delivery(self, delivery: DeliveryId) -> Delivery:
        """Raises UnknownDelivery."""

    async def deliveries(
        self, limit: int, *, owner: str | None = None, run: RunId | None = None
    ) -> list[Delivery]:
        """The newest first; those of one owner, of one run, or all."""

    async def is_gone(self, url: str) -> bool:
        """Whether the address has said that it takes no more."""

    async def trust(self, url: str) -> None:
        """Send to the address again: what it has answered before stands as failed."""


class WebhookSecrets(Protocol):
    """What webhooks are signed with. Every method raises KeyUnusable when it can't be read."""

    def signing(self, now: float) -> tuple[str, ...]:
        """The secrets that sign now, the newest first."""

    def rotate(self, now: float) -> str:
        """Make a new one, beside which the one before signs for a day; the new one. Raises
        Refused where the settings name it.
        """


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`public_key` is PEM text; `sign` gives the signature in base64."""

    id: str
    public_key: str
    sign: Callable[[bytes], str]


class ReceiptKeys(Protocol):
    """The server's own Ed25519 keys, which sign receipts (G71).

    Every method raises KeyUnusable when they can't be read.
    """

    def newest(self) -> SigningKey:
        """The key that signs."""

    def public_keys(self) -> Mapping[str, str]:
        """All by their id, as PEM text, newest first; those that sign no more are kept."""

    def rotate(self) -> str:
        """Make a new key, which signs from now on; its id."""
