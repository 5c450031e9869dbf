"""The command line as its users have it: real processes, a private data folder, output awaited."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


class Going:
    """A command that runs: its lines as they come, and its end."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._queue: Queue[str | None] = Queue()
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def _read_errors(self) -> None:
        self._errors.extend(self.process.stderr)

    @property
    def errors(self) -> str:
        return "".join(self._errors)

    def await_line(self, wanted: Callable[[str], bool]) -> str:
        while True:
            try:
                line = self._queue.get(timeout=PATIENCE)
            except Empty:
                raise AssertionError(f"it said no more: {self.lines}, {self.errors}") from None
            if line is None:
                raise AssertionError(f"it ended: {self.lines}, {self.errors}")
            self.lines.append(line)
            if wanted(line):
                return line

    def await_event(self, event: str) -> dict:
        return json.loads(self.await_line(lambda line: json.loads(line)["event"] == event))

    def end(self) -> int:
        """Its exit status."""
        status = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        while (line := self._queue.get()) is not None:
            self.lines.append(line)
        return status

    @property
    def events(self) -> list[dict]:
        return [json.loads(line) for line in self.lines]

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.process.send_signal(number)


class CommandLine:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.env = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "JUPYTER_FLOWS_DATA_DIR": str(self.data),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "IPYTHONDIR": str(folder / "ipython"),
            "COLUMNS": "40",
        }
        self._going: list[Going] = []

    def start(self, *arguments: object, stdout: int = subprocess.PIPE) -> Going:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_flows.cli.main", *map(str, arguments)],
            cwd=self.folder,
            env=self.env,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._going.append(Going(process))
        return self._going[-1]

    def __call__(self, *arguments: object) -> Going:
        """To its end; `status` is how it ended."""
        going = self.start(*arguments)
        going.status = going.end()
        return going

    def show(self, run: str = "last") -> dict:
        return json.loads(self("show", run, "--json").lines[0])

    def list(self, *arguments: str) -> list[tuple[str, str]]:
        shown = self("list", "--json", *arguments).events
        return [(run["id"], run["status"]) for run in shown]

    def notebook(self, *cells: object, name: str = "notebook") -> Path:
        """Cells are sources, or (source, tags), named s1, s2, …"""
        written = nbformat.v4.new_notebook()
        for number, cell in enumerate(cells, 1):
            source, tags = cell if isinstance(cell, tuple) else (cell, [])
            code = nbformat.v4.new_code_cell(source, id=f"s{number}", metadata={"tags": tags})
            written.cells.append(code)
        path = self.folder / f"{name}.ipynb"
        nbformat.write(written, path)
        return path

    def stop(self) -> None:
        for going in self._going:
            if going.process.poll() is None:
                going.process.kill()
                going.process.wait()


@pytest.fixture
def flows(tmp_path: Path) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path)
    yield line
    line.stop()
