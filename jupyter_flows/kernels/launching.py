"""Where the kernels of runs come from: started, attached to, or found again."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Any

import zmq
import zmq.asyncio

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.kernels.detached import DetachedKernels
from jupyter_flows.kernels.greeting import DiedAtStart
from jupyter_flows.kernels.kernel import Kernel, Place, attach, language_of, start
from jupyter_flows.kernels.session import KernelSession, Limits
from jupyter_flows.ports import KernelRequest

START_TRIES = 3


class Launcher:
    """Of one process. `detached` are the kernels that outlive it; None if none does."""

    def __init__(
        self, manager: Any, limits: Limits, detached: DetachedKernels | None, log: logging.Logger
    ) -> None:
        self._manager = manager
        self._limits = limits
        self._detached = detached
        self._log = log
        self._context_: zmq.asyncio.Context | None = None

    async def launch(self, request: KernelRequest) -> KernelSession:
        """A new kernel, or the one that the request names. Raises KernelUnavailable."""
        if request.kernel_id is not None:
            kernel = attach(self._manager, request.kernel_id)
            session = self._session(kernel)
            return await self._opened(session, session.open(request.env))
        place = Place(request.path, request.folder)
        apart = await self._started_apart(request, place)
        return apart or await self._started(request.kernel_name, place, request.env)

    async def returned(self, request: KernelRequest) -> KernelSession | None:
        """The one that an earlier server has left. Raises KernelUnavailable: it is of no use, and
        was ended.
        """
        if self._detached is None or request.kernel_id is not None:
            return None
        found = await self._detached.back(request.run)
        if found is None:
            return None
        kernel, nonce = found
        session = self._session(kernel)
        return await self._opened(session, session.open_again(nonce, request.env))

    async def warm(self, kernel_name: str) -> KernelSession:
        """One for nobody yet. Only Python's can be given an environment later. Raises
        KernelUnavailable.
        """
        language = await language_of(self._manager, kernel_name)
        if language is not None and language.lower() != "python":
            raise KernelUnavailable(f"The kernel {kernel_name!r} runs {language}, not Python.")
        session = await self._started(kernel_name, Place(""), {})
        if not session.speaks_flows:
            await session.close(now=True)
            raise KernelUnavailable(f"The kernel {kernel_name!r} is no IPython kernel.")
        return session

    def outlives(self, request: KernelRequest) -> bool:
        """Whether a kernel that is started for this is to outlive this process. One that shows in
        its notebook may be left to whoever has that open: then it is theirs, and not the run's.
        """
        return self._detached is not None and request.kernel_id is None and not request.in_place

    async def _started_apart(self, request: KernelRequest, place: Place) -> KernelSession | None:
        if self._detached is None or not self.outlives(request):
            return None
        language = await language_of(self._manager, request.kernel_name)
        if language is None or language.lower() != "python":
            return None
        stay = self._detached.place(request.run)
        if stay is None:
            return None
        name, env = request.kernel_name, request.env
        try:
            kernel = await start(self._manager, name, place, env, log=self._log, stay=stay)
        except BaseException:
            stay.end()
            raise
        self._detached.started(kernel, stay)
        session = self._session(kernel)
        try:
            return await self._opened(session, session.open(env))
        except DiedAtStart as error:
            self._log.warning("%s Trying again.", error)
            return None

    async def _started(self, name: str, place: Place, env: Mapping[str, str]) -> KernelSession:
        """Another process may take a kernel's ports before it does: it then dies at once."""
        for tries in range(START_TRIES, 0, -1):
            kernel = await start(self._manager, name, place, env, log=self._log)
            session = self._session(kernel)
            try:
                return await self._opened(session, session.open(env))
            except DiedAtStart as error:
                if tries == 1:
                    raise
                self._log.warning("%s Trying again.", error)
        raise AssertionError  # the last try returns, or raises

    async def _opened(self, session: KernelSession, opening: Awaitable[None]) -> KernelSession:
        try:
            await opening
        except BaseException:
            await asyncio.shield(session.close(now=True))
            raise
        return session

    def _session(self, kernel: Kernel) -> KernelSession:
        return KernelSession(kernel, self._limits, self._context(), self._log)

    def _context(self) -> zmq.asyncio.Context:
        """One for all sessions: each costs two threads, and room for only some 1,000 sockets."""
        if self._context_ is None:
            self._context_ = zmq.asyncio.Context()
            self._context_.set(zmq.MAX_SOCKETS, self._context_.get(zmq.SOCKET_LIMIT))
        return self._context_

    def close(self) -> None:
        """Nothing comes of the sessions any more."""
        if self._context_ is not None:
            self._context_.destroy(linger=0)
            self._context_ = None
