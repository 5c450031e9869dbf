"""A Jupyter server with the extension as a process of its own, and a plain client for it."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import psutil

from tests.front_ends import FRONT_ENDS

TOKEN = "benchmark"
START_TIMEOUT = 60.0


class Client:
    """One connection that is kept open."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._http.connect()
        self._http.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON; `path` begins with a slash. Raises RuntimeError for a refusal."""
        self.send(method, path, body)
        response = self._http.getresponse()
        data = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {data[:500]!r}")
        return json.loads(data) if data else None

    def send(self, method: str, path: str, body: Any = None) -> None:
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        data = b"" if body is None and method == "POST" else None
        self._http.request(method, path, data if body is None else json.dumps(body), headers)

    def lines(self) -> Iterator[str]:
        """The answer as it comes, for Server-Sent Events."""
        with self._http.getresponse() as response:
            for line in response:
                yield line.decode().rstrip("\n")

    def close(self) -> None:
        self._http.close()


class OutsideServer:
    """`folder` holds the data folder `flows`; further arguments are traits of FlowsApp."""

    def __init__(self, folder: Path, **flows: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        config = folder / "server_config.json"
        config.write_text(json.dumps(self._config(folder, flows)))
        self._arguments = [sys.executable, "-m", "jupyter_server", f"--config={config}"]
        self._log = folder / "server.log"
        self.ready_after = 0.0

    def _config(self, folder: Path, flows: dict[str, Any]) -> dict[str, Any]:
        return {
            "ServerApp": {
                "port": self.port,
                "port_retries": 0,
                "allow_root": True,
                "open_browser": False,
                "root_dir": str(folder),
                "log_level": 40,
                "jpserver_extensions": {"jupyter_flows": True, **dict.fromkeys(FRONT_ENDS, False)},
            },
            "IdentityProvider": {"token": TOKEN},
            "FlowsApp": {"data_dir": str(folder / "flows"), **flows},
        }

    def __enter__(self) -> Self:
        start = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._arguments, stdout=log, stderr=log)
        self.process = psutil.Process(self._process.pid)
        while not self._answers():
            if self._process.poll() is not None or time.perf_counter() - start > START_TIMEOUT:
                raise RuntimeError(f"the server did not start: {self._log.read_text()[-2000:]}")
            time.sleep(0.01)
        self.ready_after = time.perf_counter() - start
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _answers(self) -> bool:
        try:
            with contextlib.closing(self.client()) as client:
                client.ask("GET", "/jupyter-flows/api/runs?limit=1")
        except (OSError, RuntimeError):
            return False
        return True

    def client(self) -> Client:
        return Client(self.port)

    def wait_for_warm_kernel(self) -> psutil.Process:
        """Its process."""
        end = time.perf_counter() + START_TIMEOUT
        with contextlib.closing(self.client()) as client:
            while not any(
                k["execution_state"] == "idle" for k in client.ask("GET", "/api/kernels")
            ):
                if time.perf_counter() > end:
                    raise RuntimeError(f"no warm kernel: {self._log.read_text()[-2000:]}")
                time.sleep(0.05)
        time.sleep(0.5)
        return max(self.process.children(), key=psutil.Process.create_time)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def bin_folder() -> Path:
    return Path(sys.executable).parent


def environment(folder: Path) -> None:
    """Nobody's own configuration, profile or data has a part in what is measured."""
    for name in ("CONFIG", "DATA", "RUNTIME"):
        os.environ[f"JUPYTER_{name}_DIR"] = str(folder / name.lower())
    os.environ["IPYTHONDIR"] = str(folder / "ipython")
    os.environ["JUPYTER_FLOWS_DATA_DIR"] = str(folder / "default-data")
