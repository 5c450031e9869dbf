"""A Jupyter server of its own process with our extension and no other."""

from urllib.parse import urlsplit

from jupyter_server.serverapp import ServerApp

from jupyter_flows.extension import NAMESPACE


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
