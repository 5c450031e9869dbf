"""The hub of docs/examples/jupyterhub as it stands there, and its users' servers."""

import os
import sys
from pathlib import Path

from .chromium import package
from .conftest import LONG, Server, ask, until, unused_port
from .hub import ADMIN, Hub

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "jupyterhub"
PASSWORD = "for-all-of-this-hub"
KEY = "0123456789abcdef" * 4

CONFIG = """
load_subconfig({example!r})
c.Spawner.args += ["--FlowsApp.checkpoint_min_free=0"]
c.JupyterHub.hub_bind_url = {hub!r}
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = {api!r}
c.JupyterHub.services.append({{"name": "maker", "api_token": {admin!r}}})
c.JupyterHub.load_roles.append({{
    "name": "maker", "services": ["maker"], "scopes": ["admin:users", "admin:servers", "tokens"],
}})
"""
"""Ports that no other has, the proxy of tests/browser, and who starts and stops servers here."""


class FlowsHub(Hub):
    """Every user of it has the same password. `service` is where links lead, `database` that of
    all its servers, if it is not a file.
    """

    def __init__(self, home, database=None):
        super().__init__(home)
        self.database = database
        self.service = f"{self.public}services/flows/jupyter-flows"
        self._servers = {}

    def _begin(self):
        until(lambda: ask("GET", f"{self.service}/nowhere").status == 404)

    def _config(self):
        proxy = package("configurable-http-proxy") / "bin" / "configurable-http-proxy"
        return CONFIG.format(
            example=str(EXAMPLE / "jupyterhub_config.py"),
            hub=f"http://127.0.0.1:{unused_port()}",
            api=f"http://127.0.0.1:{unused_port()}",
            admin=ADMIN,
            proxy=str(proxy),
        )

    def _variables(self):
        shared = {
            "JUPYTER_FLOWS_DATABASE_URL": self.database,
            "JUPYTER_FLOWS_DEPLOYMENT_KEY": KEY,
        }
        scripts = str(Path(sys.executable).parent)
        return {
            "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
            "HUB_DATA": str(self.home / "data"),
            "HUB_PASSWORD": PASSWORD,
            "HUB_PUBLIC_URL": self.public,
            "FLOWS_SERVICE_URL": f"http://127.0.0.1:{unused_port()}",
            **(shared if self.database else {}),
        }

    def server_of(self, user):
        """Started, if it is not there."""
        if user not in self._servers:
            self._servers[user] = UsersServer(self, user)
        return self._servers[user].start()

    def stopped(self, user):
        """Stop the user's server, and wait until it is gone."""
        assert self.hub("DELETE", f"users/{user}/server").status in {202, 204}
        until(lambda: self.hub("GET", f"users/{user}").json["server"] is None)

    def asked(self, method, path, token=None, body=None):
        """Ask the service, as the user of that token or as nobody."""
        headers = {"Authorization": f"token {token}"} if token else {}
        return ask(method, f"{self.service}/{path}", body, headers)


class UsersServer(Server):
    """A user's own, which the hub starts; asked with that user's token, through the proxy."""

    def __init__(self, hub, user):
        super().__init__(hub.home, port=hub.port, base=f"/user/{user}/")
        self.hub, self.user, self.token = hub, user, ""
        self.folder = hub.home / "data" / "homes" / user

    def start(self):
        if self.hub.hub("GET", f"users/{self.user}").json.get("server") is None:
            self.hub.start_server(self.user)
        self.token = self.token or self.hub.token_of(self.user)
        return self


def log_in(page, user):
    """Fill in the hub's form of login, which the page shows."""
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click(timeout=LONG * 1000)
