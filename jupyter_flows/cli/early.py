"""A kernel started while the rest of this process still loads, for its server to take over.

Both take half a second and more, and neither needs the other. The kernel learns of its run later,
as a warm one does; so only Python's can be started so.
"""

import asyncio
import os
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from jupyter_core.paths import jupyter_runtime_dir
from jupyter_core.utils import ensure_dir_exists

from jupyter_flows.core.hiding import for_kernels
from jupyter_flows.core.model import Json


@dataclass(frozen=True, slots=True)
class EarlyKernel:
    """`manager` is jupyter_client's, and is used for nothing but what it knows."""

    kernel_name: str
    folder: str
    manager: Any


class Starter:
    """Starts at most one; whoever takes it has it. `words` is where kernels' processes write what
    is meant for an operator, so that it stays off the terminal.
    """

    def __init__(self) -> None:
        self.words: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (as long as this)
        self._waiting: EarlyKernel | None = None

    def start(self, kernel_name: str, folder: str) -> None:
        """Nothing happens where that kernel can't be had: it is asked for again, by its run."""
        from jupyter_client.kernelspec import NoSuchKernel  # noqa: PLC0415 (slow to load)
        from jupyter_client.manager import AsyncKernelManager  # noqa: PLC0415

        manager = AsyncKernelManager(kernel_name=kernel_name)
        try:
            spec = manager.kernel_spec
        except NoSuchKernel:
            return
        if spec is None or spec.language.lower() != "python":
            return
        ensure_dir_exists(jupyter_runtime_dir(), mode=0o700)
        manager.connection_file = str(Path(jupyter_runtime_dir()) / f"kernel-{uuid.uuid4()}.json")
        try:
            asyncio.run(self._launch(manager, folder))
        except (OSError, RuntimeError):
            return
        self._waiting = EarlyKernel(kernel_name, folder, manager)

    async def _launch(self, manager: Any, folder: str) -> None:
        command, how = await manager.pre_start_kernel(cwd=folder, env=for_kernels(os.environ))
        await manager._launch_kernel(command, stderr=self.words, **how)  # noqa: SLF001

    def take(self, kernel_name: str, folder: str | None) -> EarlyKernel | None:
        """The one that waits, if it is such a one."""
        early = self._waiting
        if early is None or (early.kernel_name, early.folder) != (kernel_name, folder):
            return None
        self._waiting = None
        return early

    async def discard(self) -> None:
        """End the one that nobody took."""
        early, self._waiting = self._waiting, None
        if early is not None:
            await early.manager.provisioner.kill()
            await early.manager.provisioner.wait()
            early.manager.cleanup_connection_file()

    def last_words(self, limit: int = 4000) -> str:
        """The end of what the kernels' processes have written."""
        size = self.words.seek(0, os.SEEK_END)
        self.words.seek(max(size - limit, 0))
        return self.words.read().decode("utf-8", "replace")


def kernel_of(notebook: Mapping[str, Json], asked: str | None) -> str:
    """The name of the kernel that a run of this notebook most likely asks for."""
    metadata = notebook.get("metadata")
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    own = spec.get("name") if isinstance(spec, dict) else None
    return asked or (own if isinstance(own, str) else "") or "python3"
