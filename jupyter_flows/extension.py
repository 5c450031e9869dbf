"""The server extension: composes the parts within a Jupyter server, and opens the doors."""

import ctypes
import signal
import sys
from typing import Any, cast
from urllib.parse import urlsplit

from jupyter_client.session import utcnow
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

from jupyter_flows.composition import House, compose
from jupyter_flows.core import durations
from jupyter_flows.documents.notebooks import ServerNotebooks
from jupyter_flows.settings import CONFIG_NAME, FlowsSettings
from jupyter_flows.web.doors import Doors
from jupyter_flows.web.event_log import EventLog
from jupyter_flows.web.nowhere import NowhereDoor
from jupyter_flows.web.routes import handlers

NAMESPACE = "jupyter-flows"


_EVERYWHERE = ("", "*", "0.0.0.0", "::", "localhost")  # noqa: S104 (only compared with)
"""What a server listens on that 127.0.0.1 is part of."""


def _rooted(url: str, path: str) -> str:
    """The address with this path and no query. The server itself gives that of its first page,
    which under the lab ends with `/lab`, and appends its own token.
    """
    return urlsplit(url)._replace(path=path, query="", fragment="").geturl()


def _give_back() -> None:
    """Memory that loading all this took for a while; by itself the C library keeps it (1.5 MiB)."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # there is none in musl
        if trim is not None:
            trim(0)


class FlowsApp(FlowsSettings, ExtensionApp):
    """Notebooks as flows, with gates that wait for approval."""

    name = "jupyter_flows"
    extension_url = f"/{NAMESPACE}"
    load_other_extensions = True

    house: House | None = None
    """None until the settings were read, and for ever when they could not be: the server then runs
    on without flows, and must still be able to stop."""

    lasting = True
    """False in a process that goes when its one run does."""

    def _config_file_name_default(self) -> str:
        return CONFIG_NAME

    def initialize_settings(self) -> None:
        self._end_in_order()
        self.house = compose(
            self,
            manager=self._server.kernel_manager if self.drives else None,
            notebooks=self._notebooks() if self.drives else None,
            address=self._kernels_address,
            certificate=self._server.certfile,
            adopts=self.drives and self.adopt_runs,
            active=self._note_activity if self.keep_server_alive else None,
            log=self.log,
        )

    def _end_in_order(self) -> None:
        """A hub ends its users' servers by SIGINT. Without a terminal a server then leaves its loop
        and tells no extension, and its process waits for ever for threads of tasks that have not
        ended. So it stops as at SIGTERM, if it is the server that heeds that.
        """
        ours = signal.getsignal(signal.SIGTERM) == self._server._signal_stop  # noqa: SLF001
        if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._server._signal_stop)  # noqa: SLF001

    def _notebooks(self) -> ServerNotebooks:
        return ServerNotebooks(
            contents=self._server.contents_manager,
            sessions=self._server.session_manager,
            events=self._server.event_logger,
            settings=self._server.web_app.settings,
        )

    @property
    def _server(self) -> ServerApp:
        return cast("ServerApp", self.serverapp)

    def _note_activity(self) -> None:
        """Whatever ends so counts for the server, and for a hub that asks it."""
        self._server.web_app.settings[f"{self.name}_last_activity"] = utcnow()

    def _address(self) -> str:
        """Where the kernels of this machine reach the doors."""
        url = urlsplit(_rooted(self._server.local_url, self._server.base_url))
        host = self._server.ip
        if host not in _EVERYWHERE:
            host = f"[{host}]" if ":" in host else host
            url = url._replace(netloc=f"{host}:{url.port}" if url.port else host)
        return url_path_join(url.geturl(), NAMESPACE)

    def _kernels_address(self) -> str:
        """The same for those that a gateway has: they may be on other machines, and come by the
        public way, if one is set.
        """
        elsewhere = self._server.gateway_config.gateway_enabled
        return self._public_address() if elsewhere and self.public_url else self._address()

    def _public_address(self) -> str:
        """Where the readers of links reach the doors (G37): never taken from a request."""
        server = self._server
        path = urlsplit(server.custom_display_url).path or server.base_url
        return url_path_join(self.public_url or _rooted(server.public_url, path), NAMESPACE)

    def initialize_handlers(self) -> None:
        house = cast("House", self.house)
        doors = Doors(
            engine=house.engine,
            schedules=house.schedules,
            registry=house.registry,
            things=house.things,
            progress=house.progress,
            stopping=house.stopping.is_set,
            objects=house.objects,
            inline=house.inline,
            notices=house.notices,
            webhooks=house.webhooks,
            public_url=self._public_address,
            secret=house.secret,
            groups_of=house.groups_of,
            tries_per_minute=self.max_tries_per_minute,
            answers_per_minute=self.max_answers_per_minute,
            workflow_lifetime=durations.seconds(self.workflow_lifetime),
            object_limit=self.max_object_bytes,
            drives=self.drives,
        )
        if self._server.event_logger is not None:
            house.engine.listen(EventLog(self._server.event_logger, self.log))
        self.handlers.extend(handlers(doors, rf"/{NAMESPACE}"))
        self.handlers.append((rf"/{NAMESPACE}/.*", NowhereDoor, {"doors": doors}))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:  # noqa: ARG002
        if self.house is not None:
            await self.house.start(self._address(), self._public_address(), lasting=self.lasting)
            _give_back()

    async def stop_extension(self) -> None:
        if self.house is not None:
            await self.house.stop()
