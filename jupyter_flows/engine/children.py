"""Runs that other runs ask for, by a flow's name or by the hash of one of its versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath

import msgspec

from jupyter_flows.core import windmill
from jupyter_flows.core.model import Json, Retry, Run
from jupyter_flows.core.registry import names_for
from jupyter_flows.engine.asked import NewRun
from jupyter_flows.engine.engine import Engine
from jupyter_flows.engine.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`starter` is the run whose kernel asks (None: a user from outside), `parent_job` the job that
    is said to be the parent. Seconds: it begins after `delay`, and may take `lifetime` in all. What
    has the same `key` is one run.
    """

    owner: str
    parameters: Mapping[str, Json]
    starter: Run | None = None
    parent_job: str | None = None
    delay: float | None = None
    lifetime: float | None = None
    retry: Retry | None = None
    key: str | None = None


class Children:
    def __init__(self, engine: Engine, registry: Registry) -> None:
        self._engine = engine
        self._registry = registry

    async def by_path(self, path: str, asked: Asked) -> Run:
        """Raises UnknownFlow, BadInput, FlowInvalid, ParametersInvalid."""
        flow = await self._registry.first(names_for(path), path)
        return await self.begin(await self._registry.notebook(flow), flow.path, asked)

    async def by_hash(self, hash_: str, asked: Asked) -> Run:
        """Raises UnknownFlow, ParametersInvalid."""
        version = await self._registry.version(hash_)
        return await self.begin(msgspec.json.decode(version.notebook), version.path, asked)

    async def begin(
        self,
        notebook: Mapping[str, Json],
        path: str,
        asked: Asked,
        *,
        folder: str | None = None,
        kernel_name: str | None = None,
    ) -> Run:
        """`path` is the notebook's, absolute; its `folder` by default is where it lies.

        Raises BadInput, FlowInvalid, ParametersInvalid.
        """
        starter = asked.starter
        return await self._engine.create(
            NewRun(
                notebook=notebook,
                path=path,
                owner=asked.owner,
                parameters=asked.parameters,
                kernel_name=kernel_name,
                folder=folder or str(PurePath(path).parent),
                lifetime=asked.lifetime,
                parent_job=asked.parent_job,
                root_job=None if starter is None else windmill.root_of(starter),
                started_by=None if starter is None else starter.id,
                begins_at=None if asked.delay is None else self._engine.clock() + asked.delay,
                retry=asked.retry,
                idempotency_key=asked.key,
            )
        )
