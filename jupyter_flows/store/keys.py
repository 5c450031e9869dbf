"""The signing keys as a private file: one key a line, oldest to newest (G31)."""

import os
import secrets
from pathlib import Path

from jupyter_flows.core.links import Keyring, WeakKeyError

_HEADER = "# Signing keys of approval links, oldest to newest: all verify, the newest signs.\n"


class KeyFile:
    """Reads the keys again whenever the file has changed, so that a rotation needs no restart.

    Raises WeakKeyError for a file without keys, with a short one, or with what isn't hex.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._keyring: Keyring | None = None
        if not path.exists():
            self._write(_HEADER + f"{secrets.token_bytes(32).hex()}\n", first=True)

    def _write(self, text: str, *, first: bool = False) -> None:
        """The `first` file of several processes that start together stands; the others read it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if not first:
            new.replace(self.path)
            return
        try:
            os.link(new, self.path)
        except FileExistsError:
            pass
        finally:
            new.unlink()

    def __call__(self) -> Keyring:
        stat = self.path.stat()
        seen = (stat.st_mtime_ns, stat.st_ino)
        if self._keyring is None or seen != self._seen:
            self._keyring = self._read()
            self._seen = seen
        return self._keyring

    def _read(self) -> Keyring:
        text = self.path.read_text("ascii", errors="replace")
        lines = [line.strip() for line in text.splitlines()]
        written = [line for line in lines if line and not line.startswith("#")]
        try:
            return Keyring(tuple(bytes.fromhex(line) for line in written))
        except WeakKeyError as error:
            raise WeakKeyError(f"{self.path}: {error}") from None
        except ValueError:
            raise WeakKeyError(f"{self.path}: every key must be written in hex digits") from None

    def rotate(self, keep: int) -> int:
        """Add a new key, which signs from now on, and drop the oldest so that `keep` remain; how
        many there are. Links signed by a dropped key are unknown from then on.
        """
        keys = (*self().keys, secrets.token_bytes(32))[-max(keep, 1) :]
        self._write(_HEADER + "".join(f"{key.hex()}\n" for key in keys))
        self._keyring = None
        return len(keys)
