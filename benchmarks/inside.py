"""A Jupyter server with the extension within this process: the real parts, on a running loop."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

from jupyter_flows.composition import House


class InsideServer(ServerApp):
    """Whoever made it ends it."""

    def init_signal(self) -> None:
        """The benchmark's own signals stay."""

    def find_server_extensions(self) -> None:
        self.jpserver_extensions = {"jupyter_flows": True}


@contextlib.asynccontextmanager
async def serving(folder: Path, **flows: Any) -> AsyncIterator[House]:
    """The house of a server with its files in `folder`; `flows` are traits of FlowsApp."""
    config = Config(
        {
            "ServerApp": {"port": 0, "root_dir": str(folder), "log_level": 30},
            "FlowsApp": {"data_dir": str(folder / "flows"), **flows},
        }
    )
    server = InsideServer(config=config)
    server.initialize(argv=[])
    await server.extension_manager.start_all_extensions()
    points = server.extension_manager.extension_points
    try:
        yield points["jupyter_flows"].app.house
    finally:
        server.http_server.stop()
        await server.cleanup_extensions()
        await server.cleanup_kernels()
