"""A Jupyter server of its own process with our extension and no other."""

from jupyter_server.serverapp import ServerApp


class LastingServer(ServerApp):
    """Otherwise as `jupyter server`: its configuration, its signals, its log."""

    def find_server_extensions(self) -> None:
        """Only ours: the lab and others are served by `jupyter lab`."""
        self.jpserver_extensions = {"jupyter_flows": True}
