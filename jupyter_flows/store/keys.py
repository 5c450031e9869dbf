"""The signing keys as a private file: one key a line, oldest to newest (G31)."""

import secrets
from pathlib import Path

from jupyter_flows.core.links import Keyring, WeakKeyError
from jupyter_flows.store.private import write_private

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
            write_private(path, _HEADER + f"{secrets.token_bytes(32).hex()}\n", first=True)

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
        write_private(self.path, _HEADER + "".join(f"{key.hex()}\n" for key in keys))
        self._keyring = None
        return len(keys)
