"""Which port a run's links name, kept so that `resume` can answer them again."""

from pathlib import Path
from urllib.parse import urlsplit

from jupyter_flows.core.model import RunId
from jupyter_flows.settings import FlowsSettings


class PortNotes:
    """One small file a run in the data folder, from its first link to its end."""

    def __init__(self, settings: FlowsSettings) -> None:
        self._folder = Path(settings.data_dir).expanduser() / "ports"

    def note(self, run: RunId, address: str) -> None:
        port = urlsplit(address).port
        if port is not None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self._folder / run).write_text(str(port))

    def noted(self, run: RunId) -> int | None:
        try:
            return int((self._folder / run).read_text())
        except (FileNotFoundError, ValueError):
            return None

    def forget(self, run: RunId) -> None:
        (self._folder / run).unlink(missing_ok=True)
