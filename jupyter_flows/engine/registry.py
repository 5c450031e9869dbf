"""Registered flows: which notebook a name stands for, and runs of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import PurePath
from typing import TypeAlias

from jupyter_flows.core.errors import BadInput, NotAllowed, UnknownFlow
from jupyter_flows.core.model import Json, Run
from jupyter_flows.core.plain import plain_json
from jupyter_flows.core.registry import RegisteredFlow, Version, checked_name, version_hash
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.reading import Read
from jupyter_flows.ports import FlowStore

Folder: TypeAlias = Callable[[], Awaitable[Mapping[str, str]]]
"""The notebooks in the folder of flows: their names, and where they are."""


class Registry:
    """One a process. A name that somebody has registered counts before a file of that name in the
    folder of flows.
    """

    def __init__(self, *, engine: Engine, store: FlowStore, read: Read, folder: Folder) -> None:
        self._engine = engine
        self._store = store
        self._read = read
        self._folder = folder

    async def register(self, name: str, path: str, owner: str) -> RegisteredFlow:
        """The notebook at this absolute path is the flow of this name from now on.

        Raises BadInput for a name that can't be one and a notebook that can't be read, FlowInvalid
        with all its mistakes, NotAllowed for a name that somebody else has registered.
        """
        checked_name(name)
        await self._check_is_theirs(name, owner)
        await self._note(name, path, await self._read(path))
        flow = RegisteredFlow(name=name, path=path, owner=owner, registered_at=self._engine.clock())
        await self._store.put(flow)
        return flow

    async def unregister(self, name: str, owner: str) -> None:
        """Its runs stay. Raises UnknownFlow, NotAllowed."""
        await self._check_is_theirs(name, owner)
        if not await self._store.remove(name):
            raise UnknownFlow(f"No flow {name[:200]!r} is registered.")

    async def _check_is_theirs(self, name: str, owner: str) -> None:
        found = await self._store.flow(name)
        if found is not None and found.owner != owner:
            raise NotAllowed(f"{found.owner} has registered the flow {name!r}.")

    async def flows(self) -> list[RegisteredFlow]:
        """All, by name."""
        lying = await self._folder()
        found = {name: RegisteredFlow(name=name, path=path) for name, path in lying.items()}
        found |= {flow.name: flow for flow in await self._store.flows()}
        return [found[name] for name in sorted(found)]

    async def flow(self, name: str) -> RegisteredFlow:
        """Raises UnknownFlow."""
        return await self.first((name,), name)

    async def first(self, names: Sequence[str], asked: str) -> RegisteredFlow:
        """The first of these names that there is. Raises UnknownFlow."""
        for name in names:
            found = await self._store.flow(name)
            if found is not None:
                return found
        lying = await self._folder()
        for name in names:
            if name in lying:
                return RegisteredFlow(name=name, path=lying[name])
        raise UnknownFlow(
            f"No flow {asked[:200]!r} is registered. Register one with:"
            " jupyter flows register NAME NOTEBOOK"
        )

    async def version(self, hash_: str) -> Version:
        """Raises UnknownFlow."""
        found = await self._store.version(hash_)
        if found is None:
            raise UnknownFlow(
                f"No version {hash_[:200]!r} of a flow is known; `api/flows/NAME` tells a flow's."
            )
        return found

    async def hash_of(self, flow: RegisteredFlow) -> str | None:
        """The version that the flow's notebook is now, noted; None if it can't be read."""
        try:
            return await self._note(flow.name, flow.path, await self._read(flow.path))
        except BadInput:
            return None

    async def _note(self, name: str, path: str, notebook: Mapping[str, Json]) -> str:
        """Raises BadInput, FlowInvalid."""
        prepared, _, _ = self._engine.reading.read(notebook)
        data = plain_json(prepared, "notebook", depth=None)
        version = Version(hash=version_hash(data), name=name, path=path, notebook=data)
        await self._store.note(version)
        return version.hash

    async def notebook(self, flow: RegisteredFlow) -> Mapping[str, Json]:
        """As it is now; its version is noted. Raises BadInput, FlowInvalid."""
        notebook = await self._read(flow.path)
        await self._note(flow.name, flow.path, notebook)
        return notebook

    async def start(
        self,
        name: str,
        parameters: Mapping[str, Json],
        owner: str,
        key: str | None,
        lifetime: float | None = None,
    ) -> Run:
        """A run of the flow as its notebook is now; with a key that was used, the earlier run. It
        fails when it has not ended after `lifetime` seconds, or sooner if the notebook says so.

        Raises UnknownFlow, BadInput, FlowInvalid, ParametersInvalid.
        """
        flow = await self.flow(name)
        return await self._engine.create(
            NewRun(
                notebook=await self.notebook(flow),
                path=flow.path,
                owner=owner,
                parameters=parameters,
                folder=str(PurePath(flow.path).parent),
                idempotency_key=key,
                lifetime=lifetime,
            )
        )
