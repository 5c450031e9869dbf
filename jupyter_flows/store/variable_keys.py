"""The keys that encrypt variables, as a private file: one key a line, oldest to newest.

All decrypt, the newest encrypts.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_flows.core.errors import VariablesLocked
from jupyter_flows.store.private import write_private

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

_HEADER = "# Keys of variables, oldest to newest: all decrypt, the newest encrypts.\n"


class VariableKeys:
    """Reads the file anew whenever it has changed, so that a new key needs no restart."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._keys: MultiFernet | None = None

    def make(self) -> None:
        """For a store that holds no variable yet. A file that is there stands."""
        from cryptography.fernet import Fernet  # noqa: PLC0415 (slow to load)

        if not self.path.exists():
            write_private(self.path, _HEADER + Fernet.generate_key().decode() + "\n", first=True)

    def encrypt(self, text: str) -> bytes:
        """Raises VariablesLocked."""
        return self._current().encrypt(text.encode())

    def decrypt(self, data: bytes) -> str:
        """Raises VariablesLocked, also for what none of these keys has encrypted."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415 (slow to load)

        try:
            return self._current().decrypt(data).decode()
        except InvalidToken:
            raise self._locked("it is not the key that they were encrypted with") from None

    def _current(self) -> "MultiFernet":
        try:
            stat = self.path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
            if self._keys is None or seen != self._seen:
                self._keys = self._read()
                self._seen = seen
        except FileNotFoundError:
            raise self._locked("it is missing") from None
        except OSError as error:
            raise self._locked(f"it can't be read: {error.strerror}") from None
        return self._keys

    def _read(self) -> "MultiFernet":
        from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415 (slow to load)

        text = self.path.read_text("ascii", errors="replace")
        lines = [line.strip() for line in text.splitlines()]
        written = [line for line in lines if line and not line.startswith("#")]
        try:
            return MultiFernet([Fernet(key) for key in reversed(written)])
        except ValueError:
            raise self._locked("it is damaged") from None

    def _locked(self, why: str) -> VariablesLocked:
        return VariablesLocked(
            f"The variables can't be decrypted with the key file {self.path}: {why}. Put back a"
            " copy of it; nothing else brings the variables back. No new key is made while there"
            " are variables."
        )
