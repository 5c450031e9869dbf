"""Gateways that have the kernels, as processes of their own: a plain Jupyter server, and a real
Jupyter Enterprise Gateway from an environment of its own.
"""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from .conftest import LONG, QUICKLY, Server, ask, until, unused_port

ENTERPRISE = Path(__file__).parents[2] / ".gateway-venv" / "bin" / "jupyter-enterprisegateway"
"""`make gateway` installs it. Its pinned packages can't live beside ours."""

TOKEN = "the-gateways-own-token"


class Gateway:
    """A plain Jupyter server that others have their kernels at."""

    said = "is running at"

    def __init__(self, home, *options):
        self.home = Path(home) / "gateway"
        self.home.mkdir()
        self.port = unused_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = options
        self.lines = []

    def command(self):
        return [
            *(sys.executable, QUICKLY, "jupyter_server", "--no-browser", "--allow-root", "--debug"),
            *(f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0"),
            f"--ServerApp.root_dir={self.home}",
            f"--IdentityProvider.token={TOKEN}",
        ]

    def start(self):
        names = {"CONFIG": "config", "RUNTIME": "runtime", "DATA": "data"}
        places = {f"JUPYTER_{name}_DIR": str(self.home / own) for name, own in names.items()}
        self.process = subprocess.Popen(
            [*self.command(), *self.options],
            cwd=self.home,
            env={**os.environ, **places, "IPYTHONDIR": str(self.home / "ipython")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        serving = threading.Event()
        self._reading = threading.Thread(target=self._read, args=(serving,), daemon=True)
        self._reading.start()
        assert serving.wait(LONG), "".join(self.lines)
        until(self._answers)
        return self

    def _answers(self):
        assert self.process.poll() is None, "".join(self.lines)
        try:
            return self.call("GET", "api/kernelspecs").status == 200
        except OSError:
            return False

    def _read(self, serving):
        for line in self.process.stderr:
            self.lines.append(line)
            if self.said in line:
                serving.set()
        serving.set()

    def call(self, method, path, body=None):
        headers = {"Authorization": f"token {TOKEN}"}
        return ask(method, f"{self.url}/{path}", body, headers)

    def kernels(self):
        """The ids of those that it has."""
        return [kernel["id"] for kernel in self.call("GET", "api/kernels").json]

    def connections(self, kernel):
        """How many are connected to it."""
        return self.call("GET", f"api/kernels/{kernel}").json["connections"]

    def asked_of(self, kernel):
        """How often somebody else than these tests has asked what there is to say of the kernel."""
        said = f"GET /api/kernels/{kernel} "
        return sum(said in line for line in self.lines)

    def processes(self):
        """Of its kernels."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "ipykernel_launcher" in " ".join(child.cmdline())]

    def end(self):
        """It ends its kernels."""
        if self.process.poll() is None:
            kernels = self.processes()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(LONG)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(LONG)
            for kernel in kernels:
                if kernel.is_running():
                    kernel.kill()
            self._reading.join(LONG)


class EnterpriseGateway(Gateway):
    """Jupyter Enterprise Gateway, which starts the kernels of a kernelspec on its own machine."""

    said = "at http"

    def command(self):
        return [
            *(str(ENTERPRISE), "--debug", f"--port={self.port}", "--ip=127.0.0.1"),
            "--EnterpriseGatewayApp.port_retries=0",
            f"--EnterpriseGatewayApp.auth_token={TOKEN}",
            "--EnterpriseGatewayApp.list_kernels=True",
        ]


KINDS = {"jupyter_server": Gateway, "enterprise_gateway": EnterpriseGateway}


def needed(kind):
    """Skip where it is not installed."""
    if kind == "enterprise_gateway" and not ENTERPRISE.exists():
        pytest.skip("no Enterprise Gateway here: make gateway")


class GatewaysServer(Server):
    """A server whose kernels a gateway has."""

    def __init__(self, home, gateway, url=None, **flows):
        """`url` is another way to the gateway; `{port}` in a setting is the server's own."""
        super().__init__(home, **flows)
        self.gateway = gateway
        self.url = url or gateway.url
        if "public_url" in flows:
            self.flows["public_url"] = flows["public_url"].format(port=self.port)

    def environment(self):
        """An Enterprise Gateway starts no kernel for root."""
        return {**super().environment(), "KERNEL_USERNAME": "flows"}

    def command(self):
        return [
            *super().command(),
            f"--GatewayClient.url={self.url}",
            f"--GatewayClient.auth_token={TOKEN}",
        ]
