"""A real JupyterHub, with its proxy, and one user's server in it, which has the extension."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request

from .chromium import package
from .conftest import LONG, Server, ask, unused_port

ADMIN = "the-service-that-makes-users"
USER = "bob"

CONFIG = """
import sys
c.JupyterHub.bind_url = {public!r}
c.JupyterHub.hub_bind_url = {hub!r}
c.JupyterHub.db_url = "sqlite:///{home}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{home}/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.JupyterHub.services = [{{"name": "maker", "api_token": {admin!r}}}]
c.JupyterHub.load_roles = [{{
    "name": "maker", "services": ["maker"], "scopes": ["admin:users", "admin:servers", "tokens"],
}}]
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = {api!r}
c.ConfigurableHTTPProxy.pid_file = "{home}/proxy.pid"
c.SimpleLocalProcessSpawner.home_dir_template = "{home}/homes/{{username}}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.default_url = "/api/status"
c.Spawner.args = [
    "--allow-root",
    "--debug",
    "--ServerApp.allow_unauthenticated_access=False",
    "--ServerApp.jpserver_extensions=jupyter_flows=True",
    "--FlowsApp.public_url={public}user/bob/",
]
c.Spawner.environment = {{
    "JUPYTER_FLOWS_DATA_DIR": "{home}/flows",
    "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp",
    "PYTHONPATH": {path!r},
}}
"""


class Hub(Server):
    """The server is the user's; whoever asks it comes through the hub's proxy."""

    def __init__(self, home):
        super().__init__(home, base=f"/user/{USER}/")
        self.public = f"http://127.0.0.1:{self.port}/"

    def start(self):
        config = self.home / "jupyterhub_config.py"
        config.write_text(self._config())
        private = {f"JUPYTER_{name}_DIR": str(self.home / name) for name in ("CONFIG", "DATA")}
        env = {**os.environ, **private, "IPYTHONDIR": str(self.home / "ipython")}
        command = [sys.executable, "-m", "jupyterhub", f"--config={config}"]
        self.process = subprocess.Popen(
            command,
            cwd=self.home,
            env={**env, **self._variables()},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        serving = threading.Event()
        self._reading = threading.Thread(target=self._read, args=(serving,), daemon=True)
        self._reading.start()
        assert serving.wait(LONG), "".join(self.lines)
        assert self.process.poll() is None, "".join(self.lines)
        self._begin()
        return self

    def _begin(self):
        self.start_server(USER)
        self.token = self.token_of(USER)

    def _variables(self):
        """Of the hub's environment, besides those of the tests'."""
        return {}

    def _config(self):
        proxy = package("configurable-http-proxy") / "bin" / "configurable-http-proxy"
        return CONFIG.format(
            public=self.public,
            hub=f"http://127.0.0.1:{unused_port()}",
            api=f"http://127.0.0.1:{unused_port()}",
            home=self.home,
            admin=ADMIN,
            proxy=str(proxy),
            path=os.environ.get("PYTHONPATH", ""),
        )

    def _read(self, serving):
        for line in self.process.stderr:
            self.lines.append(line)
            if "JupyterHub is now running" in line:
                serving.set()
        serving.set()

    def start_server(self, user):
        """The user's, who is made if there is none of this name; until it answers."""
        assert self.hub("POST", f"users/{user}").status in {201, 409}
        assert self.hub("POST", f"users/{user}/server").status in {201, 202}
        asked = f"{self.public}hub/api/users/{user}/server/progress"
        headers = {"Authorization": f"token {ADMIN}", "Accept": "text/event-stream"}
        request = urllib.request.Request(asked, headers=headers)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=LONG) as stream:
            told = [json.loads(line[5:]) for line in stream if line.startswith(b"data:")]
        assert told[-1].get("ready"), "".join(self.lines)

    def token_of(self, user):
        """A new one of the user's own."""
        return self.hub("POST", f"users/{user}/tokens", {"note": "runs"}).json["token"]

    def hub(self, method, path, body=None):
        """Ask the hub's own API as its service."""
        headers = {"Authorization": f"token {ADMIN}"}
        return ask(method, f"{self.public}hub/api/{path}", body, headers)

    def end(self):
        """The hub stops its users' servers and its proxy."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(LONG)
            self._reading.join(LONG)
