"""A Jupyter server of its own process with our extension and no other."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from jupyter_server.base.handlers import FileFindHandler, RedirectWithParams, Template404
from jupyter_server.serverapp import ServerApp

from jupyter_flows.extension import NAMESPACE, FlowsApp


class LastingServer(ServerApp):
    """Otherwise as `jupyter server`: its configuration, its signals, its log."""

    def find_server_extensions(self) -> None:
        """Only ours: the lab and others are served by `jupyter lab`."""
        self.jpserver_extensions = {"jupyter_flows": True}

    def running_server_info(self, kernel_count: bool = True) -> str:
        """With the address of the inbox, which has the token that the server's own has."""
        said = str(super().running_server_info(kernel_count))
        url = urlsplit(self.public_url)
        inbox = url._replace(path=f"{self.base_url}{NAMESPACE}/inbox").geturl()
        return f"{said}\nRequests that await you:\n    {inbox}"


class WorkerServer(LastingServer):
    """One that ends when it is drained, and says nothing of pages: nobody is to open any."""

    _waiting: asyncio.Task[None] | None = None

    def running_server_info(self, kernel_count: bool = True) -> str:  # noqa: ARG002
        return f"This server drives runs. It answers its own kernels, at {self.connection_url}"

    async def _post_start(self) -> None:
        await super()._post_start()  # type: ignore[no-untyped-call]
        app: FlowsApp = self.extension_manager.extension_points["jupyter_flows"].app
        if app.house is None:  # it has said why
            self.io_loop.add_callback(self._stop)
            return
        self._waiting = asyncio.create_task(self._until_drained(app.house.drained))

    async def _until_drained(self, drained: asyncio.Event) -> None:
        await drained.wait()
        self.log.info("Drained: nothing is left here; ending.")
        self.io_loop.add_callback(self._stop)


class HubService(LastingServer):
    """As a service of a JupyterHub: the hub's own extension says where it listens and who is
    logged in, by the environment that the hub gives. The hub's users come in here, who must not do
    more than flows allow: of the server's own doors (files, kernels, its end) there is none but the
    login's.
    """

    def find_server_extensions(self) -> None:
        self.jpserver_extensions = {"jupyterhub": True, "jupyter_flows": True}

    def init_webapp(self) -> None:
        """The server's contents manager brings doors of its own, beside those of its services: so
        those that stay are named, and not those that go. Those of extensions come after this.
        """
        super().init_webapp()
        login = [door for _, door, *_ in self.identity_provider.get_handlers()]
        kept = (*login, RedirectWithParams, FileFindHandler, Template404)
        router = self.web_app.wildcard_router
        router.rules = [rule for rule in router.rules if rule.target in kept]

    def init_server_extensions(self) -> None:
        """The hub's extension ends the process where it can't be loaded; that it is there must be
        sure, for without it the server would let in whoever has its token.
        """
        super().init_server_extensions()
        points: dict[str, Any] = self.extension_manager.extension_points
        if "jupyterhub-singleuser" not in points:
            self.exit("The hub's own server extension (jupyterhub) could not be loaded.")
