"""A Jupyter server within this process, with our extension and no other."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_server.serverapp import ServerApp, random_ports
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from tornado.netutil import bind_sockets
from traitlets.config import Config

from jupyter_flows.cli.early import EarlyKernel, Starter
from jupyter_flows.composition import House
from jupyter_flows.core.errors import StoreUnavailable, Unavailable
from jupyter_flows.extension import FlowsApp

DEFAULT_PORT = 8899
_RETRIES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`port` is the first one tried; `folder` is what the contents API shows; `starter` may have
    a kernel ready.
    """

    folder: str
    data_dir: str
    starter: Starter
    port: int = DEFAULT_PORT


class EmbeddedServer(ServerApp):
    """Quiet, on this machine only; whoever made it ends it."""

    starter: Starter
    _sockets: Sequence[Any] = ()

    def init_signal(self) -> None:
        """The command has its own."""

    def find_server_extensions(self) -> None:
        """Only ours, whatever is configured: each other one would cost time."""
        self.jpserver_extensions = {"jupyter_flows": True}

    def _find_http_port(self) -> None:
        """Bind at once, so that nobody takes the port between the finding and the binding."""
        for port in random_ports(self.port, _RETRIES):
            with contextlib.suppress(OSError):
                self._sockets = bind_sockets(port, self.ip)
                self.port = port
                return
        raise Unavailable(f"No port can be had from {self.port} on.")

    def _bind_http_server(self) -> None:
        self.http_server.add_sockets(self._sockets)


class EmbeddedKernel(ServerKernelManager):
    """One that may have been started early, and whose process keeps off the terminal."""

    _early: EarlyKernel | None = None

    @property
    def _starter(self) -> Starter:
        server: EmbeddedServer = self.parent.parent  # type: ignore[union-attr]
        return server.starter

    async def _async_pre_start_kernel(self, **how: Any) -> tuple[list[str], dict[str, Any]]:
        self._early = self._starter.take(self.kernel_name, how.get("cwd"))
        if self._early is None:
            return await super()._async_pre_start_kernel(**how)
        theirs = self._early.manager
        self.shutting_down = False
        self.kernel_id = self.kernel_id or how["kernel_id"]
        self._launch_args = dict(how)
        self.connection_file = theirs.connection_file
        self._connection_file_written = True
        self.load_connection_info(theirs.get_connection_info())
        self.provisioner = theirs.provisioner
        self.provisioner.parent = self
        return [], {}

    async def _async_launch_kernel(self, kernel_cmd: list[str], **how: Any) -> None:
        if self._early is None:
            await super()._async_launch_kernel(kernel_cmd, stderr=self._starter.words, **how)


def _config(place: Place) -> Config:
    """Comes before what is configured, so that no door stands open to others."""
    return Config(
        {
            "ServerApp": {
                "ip": "127.0.0.1",
                "port": place.port,
                "sock": "",
                "base_url": "/",
                "certfile": "",
                "keyfile": "",
                "custom_display_url": "",
                "root_dir": place.folder,
                "open_browser": False,
                "log_level": 30,
                "reraise_server_extension_failures": True,
            },
            "MultiKernelManager": {"kernel_manager_class": f"{__name__}.{EmbeddedKernel.__name__}"},
            "IdentityProvider": {"token": secrets.token_hex(24)},  # noqa: TID251 (a secret)
            "FlowsApp": {"data_dir": place.data_dir, "adopt_runs": False},
        }
    )


@contextlib.asynccontextmanager
async def serving(place: Place) -> AsyncIterator[tuple[House, str]]:
    """The house of a server that runs within, and what its links begin with; at the end it stops in
    order, within about 4 s.
    """
    server = EmbeddedServer(config=_config(place))
    server.starter = place.starter
    server.initialize(argv=[])
    extensions: Any = server.extension_manager
    app: FlowsApp = extensions.extension_points["jupyter_flows"].app
    house = app.house
    if house is None:
        raise StoreUnavailable("The server could not set up its flows; it has said why above.")
    app.lasting = False
    await extensions.start_all_extensions()
    try:
        card = await house.peers.card(house.server)
        yield house, card.public_url if card else ""
    finally:
        server.http_server.stop()
        await server.cleanup_extensions()
        await server.cleanup_kernels()
