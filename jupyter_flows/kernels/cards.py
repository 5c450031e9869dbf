"""What is on disk of kernels that outlive their servers: a card, a lock and a log file each."""

import contextlib
import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from jupyter_flows.core.model import Json, RunId


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """How to reach a run's kernel again. `command` is its command line, in which the name of its
    connection `file` is unlike any other; `nonce`, which it was given when it was met, is empty
    until then.
    """

    run: RunId
    kernel_id: str
    kernel_name: str
    pid: int
    command: tuple[str, ...]
    file: str
    connection: Mapping[str, Json]
    nonce: str = ""


class CardFolder:
    """Private: a card has the key to its kernel. Whoever holds the lock of a run may change what is
    there of it; the lock goes with its process, however that dies.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def claim(self, run: RunId) -> IO[str] | None:
        """The lock; None while somebody else has it. To close it is to let it go."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            file = self._at(run, "lock").open("w")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.close()
                return None
            if self._is_there(run, file):
                return file
            file.close()

    def _is_there(self, run: RunId, file: IO[str]) -> bool:
        """Not if it was removed before it was locked."""
        try:
            return os.path.samestat(self._at(run, "lock").stat(), os.fstat(file.fileno()))
        except FileNotFoundError:
            return False

    def read(self, run: RunId) -> Card | None:
        """None where there is none that can be read."""
        try:
            said = json.loads(self._at(run, "json").read_bytes())
            return Card(**{**said, "command": tuple(said["command"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, card: Card) -> None:
        new = self._at(card.run, "new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(card), file)
        new.replace(self._at(card.run, "json"))

    def open_log(self, run: RunId) -> IO[bytes]:
        """What the kernel's process itself says, besides what its cells do."""
        path = self._at(run, "log")
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")

    def remove(self, run: RunId) -> None:
        for kind in ("json", "log", "new", "lock"):
            with contextlib.suppress(OSError):
                self._at(run, kind).unlink(missing_ok=True)

    def runs(self) -> list[RunId]:
        """Those that have a card."""
        return [RunId(path.stem) for path in sorted(self._folder.glob("*.json"))]

    def _at(self, run: RunId, kind: str) -> Path:
        return self._folder / f"{run}.{kind}"
