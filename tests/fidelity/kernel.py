"""The process that stands for a kernel: it forks once per case, before any library is imported.

It reads one request a line from its input, as JSON, and writes one answer a line. A request is
`{"act": "save" | "restore" | "again", ...}`; the answer holds `error`, or what came of it.
"""

import builtins
import json
import os
import signal
import sys
import traceback
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from jupyter_flows.client import checkpoint, flows
from tests.fidelity.case import CELL

SECONDS = 60
RESULTS = {"_", "__", "___"}
"""Names that IPython binds as cells run, unless the cells do."""


def main() -> None:
    sys.path[0] = ""  # as in a kernel: the working folder, wherever it is
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    for line in sys.stdin:
        answer = json.dumps(forked(shell, json.loads(line)))
        sys.__stdout__.write(answer + "\n")
        sys.__stdout__.flush()


def forked(shell: InteractiveShell, asked: dict) -> dict:
    """The answer of a child that is this process as it was at its start."""
    into = Path(asked["folder"], asked["act"])
    output, answered = into.with_suffix(".out"), into.with_suffix(".json")
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(SECONDS)
            aside(output)
            answered.write_text(json.dumps(answer(shell, asked)))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    try:
        return json.loads(answered.read_text())
    except (OSError, ValueError):
        said = output.read_text(errors="replace")[-3000:]
        return {"error": f"the process ended with {status}\n{said}"}


def aside(path: Path) -> None:
    """What cells print goes to a file: the real output carries the answers."""
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(old, new)


def answer(shell: InteractiveShell, asked: dict) -> dict:
    try:
        return Kernel(shell, asked).answer()
    except Stopped as error:
        return {"error": str(error)}
    except BaseException:  # noqa: BLE001 (it is told to the process that asked)
        return {"error": traceback.format_exc()}
    finally:
        sys.stdout.flush()


class Stopped(Exception):
    """What went wrong, and where."""


class Refusal(Stopped):
    """What the checkpointer said."""

    def __init__(self, asked: str, told: dict) -> None:
        super().__init__(f"{asked}: {told}")
        self.told = told


class Kernel:
    def __init__(self, shell: InteractiveShell, asked: dict) -> None:
        self.shell, self.asked, self.case = shell, asked, asked["case"]
        self.told: list[str] = []
        builtins.tell = lambda value: self.told.append(repr(value))
        self.replayed: list[str] = []

    def answer(self) -> dict:
        return getattr(self, self.asked["act"])()

    def save(self) -> dict:
        """Process A: make, save, and see that nothing has changed by it."""
        os.chdir(self.asked["place"])
        self.run("replay", self.case["replay"])
        self.replayed = sorted(self.names())
        self.note_made(self.replayed)
        self.run("make", self.case["make"])
        names = self.names()
        kernel = self.saved("blobs")
        self.same_names(names)
        self.run("check on the original", self.case["check"])
        return {"kernel": kernel, "names": sorted(names), "told": self.told}

    def restore(self) -> dict:
        """Process B: restore, save a second time, and look."""
        self.load(self.asked["kernel"], "blobs")
        self.same_names(self.asked["bound"])
        again = self.saved("again")
        self.run("check", self.case["check"])
        return {"kernel": again, "told": self.told}

    def rehearse(self) -> dict:
        """Process B, where a dry run has to say what can't be loaded."""
        before = set(self.names())
        try:
            self.load(self.asked["kernel"], "blobs", dry=True)
        except Refusal as error:
            if error.told["variable"] != self.case["rehearsed"]:
                raise
            self.same_names(before)
            return {"reason": error.told["message"]}
        raise Stopped("the dry run found nothing")

    def again(self) -> dict:
        """Process C: the second checkpoint is restored; a dry run of the first binds nothing."""
        self.load(self.asked["again"], "again")
        self.same_names(self.asked["bound"])
        self.run("check of the second generation", self.case["check"])
        before = set(self.names())
        self.load(self.asked["kernel"], "blobs", dry=True)
        self.same_names(before)
        return {"told": self.told}

    def load(self, kernel: dict, folder: str, dry: bool = False) -> None:
        self.call("prepare", kernel=kernel)
        if dry or not kernel["replayed"]:
            self.call("load", folder=self.folder(folder), kernel=kernel, phase="all", dry=dry)
            return
        self.call("load", folder=self.folder(folder), kernel=kernel, phase="first", dry=False)
        self.run("replay", self.case["replay"])
        self.note_made(kernel["replayed"])
        self.call("load", folder=self.folder(folder), kernel=kernel, phase="second", dry=False)

    def note_made(self, names: list[str]) -> None:
        """As the flow does behind a cell that is tagged `replay`."""
        flows._flow.names = self.shell.user_ns
        flows._flow.made("replayed", {name: self.shell.user_ns[name] for name in names})

    def saved(self, folder: str) -> dict:
        return self.call(
            "save",
            folder=self.folder(folder),
            limit_bytes=None,
            budget_seconds=None,
            exclude=[],
            drop_unsaved=True,
        )

    def folder(self, name: str) -> str:
        path = Path(self.asked["folder"], name)
        path.mkdir(exist_ok=True)
        return str(path)

    def call(self, name: str, **asked: object) -> dict:
        told = getattr(checkpoint, name)(json.dumps(asked))
        data = told._repr_mimebundle_()["application/json"]
        if "error" in data:
            raise Refusal(name, data["error"])
        return json.loads(json.dumps(data))

    def run(self, what: str, source: str) -> None:
        for cell in source.split(CELL):
            if not cell.strip():
                continue
            result = self.shell.run_cell(cell, store_history=True)
            if not result.success:
                error = result.error_before_exec or result.error_in_exec
                sys.stdout.flush()
                raise Stopped(f"{what}: {''.join(traceback.format_exception(error))}")

    def names(self) -> set[str]:
        hidden = self.shell.user_ns_hidden
        return {
            name
            for name, value in self.shell.user_ns.items()
            if not (name in hidden and hidden[name] is value)
            and not (name in RESULTS and getattr(self.shell.displayhook, name) is value)
        }

    def same_names(self, expected: list[str] | set[str]) -> None:
        found = self.names()
        if found != set(expected):
            raise Stopped(
                f"names that are missing: {sorted(set(expected) - found)},"
                f" and too many: {sorted(found - set(expected))}"
            )


if __name__ == "__main__":
    main()
