"""One kernel behind jupyter_client's or jupyter_server's own collection of kernels."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq.asyncio
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.session import Session, utcnow
from jupyter_core.utils import ensure_async
from tornado.web import HTTPError

from jupyter_flows.core.errors import KernelUnavailable
from jupyter_flows.core.hiding import for_kernels
from jupyter_flows.kernels import gateway
from jupyter_flows.kernels.adopting import disown
from jupyter_flows.kernels.processes import Adopted
from jupyter_flows.kernels.stay import Stay
from jupyter_flows.kernels.wire import Sockets, Wire

PATIENCE = 2.0
"""Seconds that a kernel has to go by itself."""
_OURS = ["--HistoryManager.hist_file=:memory:", "--IPythonKernel._execute_sleep=0"]
"""For kernels that we start. A run's cells are not what the user has typed, and a file of history
takes time from each of them. And ipykernel pauses before a reply, for clients that take it for the
end of the outputs; we wait for the idle status, which comes behind them in the same channel."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kernel starts: `path` as the contents API writes it, or an absolute `folder`."""

    path: str
    folder: str | None = None


class Kernel:
    """`ours` tells a kernel that we started, and end, from one that is only used; `elsewhere` one
    that a gateway has from one of this machine.
    """

    def __init__(self, manager: Any, kernel_id: str, *, ours: bool) -> None:
        self._kernels = manager
        self._kernel = manager.get_kernel(kernel_id)
        self._callbacks: list[tuple[Callable[[], None], str]] = []
        self.id = kernel_id
        self.ours = ours
        self.elsewhere = gateway.is_gateways(self._kernel)
        self._connected = False
        self._watched_by_us = False
        self._ending: asyncio.Task[None] | None = None
        self._restarts: tuple[Any, int] | None = None
        self.stay: Stay | None = None
        self._process = self._process_now()

    def _process_now(self) -> object:
        """What names its process, as far as can be seen; None where it can't."""
        provisioner = getattr(self._kernel, "provisioner", None)
        return getattr(provisioner, "pid", None)

    @property
    def replaced(self) -> bool:
        """Whether the kernel of this id is another process now, or none: somebody has restarted it,
        or shut it down.
        """
        if self.id not in self._kernels:
            return True
        now = self._process_now()
        return self._process is not None and now is not None and now != self._process

    @property
    def is_open_elsewhere(self) -> bool:
        """Whether somebody besides us is connected to it, such as the notebook in a browser."""
        connections = getattr(self._kernels, "_kernel_connections", {})
        return int(connections.get(self.id, 0)) > int(self._connected)

    async def is_open_now(self) -> bool:
        """As `is_open_elsewhere`; of its kernels a gateway is asked."""
        if not self.elsewhere:
            return self.is_open_elsewhere
        return await gateway.connections(self._kernel) > int(self._connected)

    def give_up(self, *, ended: bool = False) -> None:
        """Leave a kernel of ours to its user: it is watched, restarted and ended as any other. One
        that is being `ended` is watched no more: nobody would end that.
        """
        if not self.ours:
            return
        self.ours = False
        self._end_stay()
        if self._restarts is not None:
            restarter, limit = self._restarts
            restarter.restart_limit = limit
        if self._watched_by_us:
            self._watched_by_us = False
            if self.id in self._kernels and not ended:
                self._kernels.start_watching_activity(self.id)

    def leave(self) -> None:
        """Let it live on, for another server to find."""
        self.forget_callbacks()
        if self.id in self._kernels:
            disown(self._kernels, self.id)
        if self.stay is not None:
            self.stay.leave()

    def _end_stay(self) -> None:
        if self.stay is not None:
            self.stay.end()
            self.stay = None

    def wire(self, context: zmq.asyncio.Context, log: logging.Logger) -> Wire:
        """One with an identity of its own: the manager's would steal others' replies."""
        if self.elsewhere:
            return gateway.Websocket(self._kernel, log)
        theirs = self._kernel.session
        session = Session(
            config=theirs.config, key=theirs.key, signature_scheme=theirs.signature_scheme
        )
        return Sockets(self._kernel.client(session=session, context=context), self.id, log)

    def connected(self) -> None:
        """Say that somebody needs this kernel, so that it is not culled."""
        if hasattr(self._kernels, "notify_connect"):
            self._kernels.notify_connect(self.id)
            self._connected = True

    def disconnected(self) -> None:
        if self._connected:
            self._connected = False
            self._kernels.notify_disconnect(self.id)

    def take_watch(self) -> None:
        """End the server's own watch of our kernel, which reads every message a second time; the
        run's session tells what it would have learnt.
        """
        if self.ours and hasattr(self._kernels, "stop_watching_activity"):
            self._kernels.stop_watching_activity(self.id)
            self._watched_by_us = True
            self._kernel.execution_state = "idle"

    def tell_activity(self, state: str) -> None:
        """What the list of kernels shows of it."""
        if self._watched_by_us:
            self._kernel.execution_state = state
            self._kernels.last_kernel_activity = self._kernel.last_activity = utcnow()

    def touch(self) -> None:
        """Somebody needs it now, though nothing runs in it."""
        if hasattr(self._kernel, "last_activity"):
            self._kernel.last_activity = utcnow()

    def cull_timeout(self, default: float) -> float:
        """Seconds after which a server that culls does so; its kernelspec may say."""
        spec = getattr(self._kernel, "kernel_spec", None)
        return float(getattr(spec, "metadata", {}).get("cull_idle_timeout", default))

    def on_death(self, callback: Callable[[], None]) -> None:
        """Call back when the kernel is found dead, whether or not it is then restarted."""
        if self.ours:
            self._forbid_restarts()
        for event in ("restart", "dead"):
            with contextlib.suppress(AttributeError, KeyError):
                self._kernels.add_restart_callback(self.id, callback, event)
                self._callbacks.append((callback, event))

    def _forbid_restarts(self) -> None:
        """A restarted kernel has lost all that the run had in it."""
        restarter = getattr(self._kernel, "_restarter", None)
        if restarter is not None:
            self._restarts = (restarter, restarter.restart_limit)
            restarter.restart_limit = 0

    def forget_callbacks(self) -> None:
        """Of a kernel that is gone, jupyter_server says so by an HTTP error."""
        there = self._callbacks if self.id in self._kernels else []
        for callback, event in there:
            with contextlib.suppress(KeyError, AttributeError, ValueError):
                self._kernels.remove_restart_callback(self.id, callback, event)
        self._callbacks = []

    async def alive(self) -> bool:
        if self.elsewhere:
            return await gateway.is_there(self._kernel)
        return bool(await ensure_async(self._kernel.is_alive()))

    async def interrupt(self, wire: Wire) -> None:
        """Interrupt what runs; a kernel that somebody else started is asked by a message."""
        with contextlib.suppress(RuntimeError, ProcessLookupError, KeyError, HTTPError):
            if getattr(self._kernel, "has_kernel", True):
                await ensure_async(self._kernel.interrupt_kernel())
            else:
                wire.ask_to_stop()

    async def cause_of_death(self) -> str:
        """What the operating system says, as a clause; empty if it says nothing."""
        provisioner = getattr(self._kernel, "provisioner", None)
        code = await provisioner.poll() if provisioner is not None else None
        if isinstance(getattr(provisioner, "process", None), Adopted):
            return ""  # only its parent is told
        if code is None or code >= 0:
            return "" if code is None else f" (exit status {code})"
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
            return f" ({name}{', often a lack of memory' if name == 'SIGKILL' else ''})"
        return ""

    async def shut_down(self, *, now: bool, log: logging.Logger) -> None:
        """End it, once, politely if there is time; whatever stands in the way is logged.

        The end goes on where the caller is cancelled.
        """
        if self._ending is None:
            ending = self._end(now=now, log=log)
            self._ending = asyncio.create_task(ending, name=f"end of kernel {self.id}")
        await asyncio.shield(self._ending)

    async def _end(self, *, now: bool, log: logging.Logger) -> None:
        try:
            await self._shut_down(now=now, log=log)
        finally:
            self._end_stay()

    async def _shut_down(self, *, now: bool, log: logging.Logger) -> None:
        self.forget_callbacks()
        if self.id not in self._kernels:
            with contextlib.suppress(OSError, RuntimeError):
                await ensure_async(self._kernel.cleanup_resources())
            return
        self._kernel.shutdown_wait_time = PATIENCE
        try:
            if self.elsewhere:
                await gateway.end(self._kernels, self.id)
            else:
                await ensure_async(self._kernels.shutdown_kernel(self.id, now=now))
        except (RuntimeError, OSError, KeyError, HTTPError, asyncio.InvalidStateError) as error:
            log.warning("Kernel %s could not be shut down: %s", self.id, error)


async def start(
    manager: Any,
    name: str,
    place: Place,
    env: Mapping[str, str],
    *,
    log: logging.Logger,
    stay: Stay | None = None,
) -> Kernel:
    """Start a kernel of ours, with a `stay` one that outlives this process. Raises
    KernelUnavailable; if cancelled, no kernel is left over.
    """
    argv = await _require(manager, name)
    around = for_kernels(os.environ)
    if stay is not None:
        around.pop("JPY_PARENT_PID", None)
    apart = {"independent": True, "stdout": stay.log, "stderr": stay.log} if stay else {}
    starting = asyncio.ensure_future(
        ensure_async(
            manager.start_kernel(
                kernel_name=name,
                env={**around, **env},
                extra_arguments=_OURS if "ipykernel_launcher" in argv else [],
                **_where(manager, place),
                **apart,
            )
        )
    )
    try:
        return Kernel(manager, await asyncio.shield(starting), ours=True)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await Kernel(manager, await starting, ours=True).shut_down(now=True, log=log)
        raise
    except Exception as error:
        raise KernelUnavailable(f"The kernel {name!r} could not be started: {error}") from error


def attach(manager: Any, kernel_id: str, *, ours: bool = False) -> Kernel:
    """Use a kernel that runs already. Raises KernelUnavailable."""
    if kernel_id not in manager:
        raise KernelUnavailable(f"There is no running kernel {kernel_id!r}.")
    return Kernel(manager, kernel_id, ours=ours)


def folder_of(manager: Any, place: Place) -> str | None:
    """The folder where a kernel of that place starts; None leaves it where the server is."""
    if place.folder is not None:
        return place.folder
    if hasattr(manager, "cwd_for_path"):
        return str(manager.cwd_for_path(place.path))
    parent = Path(place.path).parent.absolute()
    return str(parent) if parent.is_dir() else None


def _where(manager: Any, place: Place) -> dict[str, str | None]:
    if place.folder is None and hasattr(manager, "cwd_for_path"):
        return {"path": place.path}
    return {"cwd": folder_of(manager, place)}


async def _require(manager: Any, name: str) -> list[str]:
    """The command of its kernelspec. Raises KernelUnavailable."""
    try:
        argv, _ = await _spec(manager, name)
    except KeyError:  # NoSuchKernel is one
        installed = await installed_kernels(manager)
        if name in installed:
            raise KernelUnavailable(
                f"The kernel {name!r} needs a kernel provisioner that is not installed here."
            ) from None
        names = ", ".join(sorted(installed)) or "none"
        raise KernelUnavailable(f"There is no kernel named {name!r}. Installed: {names}.") from None
    return argv


async def _spec(manager: Any, name: str) -> tuple[list[str], str]:
    """Command and language. Raises KeyError, and KernelUnavailable if a gateway does not say."""
    if gateway.is_gateways(manager):
        return gateway.spec_of((await _gateways_specs(manager))[name])
    found = await ensure_async(_specs(manager).get_kernel_spec(name))
    return list(found.argv), str(found.language)


async def _gateways_specs(manager: Any) -> Mapping[str, Any]:
    """All of them: for one of them jupyter_server has a wrong address where KERNEL_USERNAME is
    set.
    """
    with _reached():
        found: Mapping[str, Any] = (await _specs(manager).list_kernel_specs())["kernelspecs"]
    return found


@contextlib.contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except HTTPError as error:
        raise KernelUnavailable(f"The kernels' gateway can't be used: {error}") from error


def _specs(manager: Any) -> Any:
    return manager.kernel_spec_manager or KernelSpecManager()


async def installed_kernels(manager: Any) -> Collection[str]:
    """Their names. Raises KernelUnavailable if a gateway does not say."""
    if gateway.is_gateways(manager):
        return list(await _gateways_specs(manager))
    return list(await ensure_async(_specs(manager).find_kernel_specs()))


async def language_of(manager: Any, name: str) -> str | None:
    """The language that a kernelspec names; None if there is no such kernelspec."""
    try:
        _, language = await _spec(manager, name)
    except KeyError:
        return None
    return language
