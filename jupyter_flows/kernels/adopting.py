"""Puts a living kernel that an earlier server has started into this server's list of kernels."""

import os
from typing import TYPE_CHECKING, Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.session import utcnow

from jupyter_flows.kernels.cards import Card
from jupyter_flows.kernels.processes import Adopted

if TYPE_CHECKING:
    import psutil


async def adopt(manager: Any, card: Card, process: "psutil.Process") -> None:
    """It is then as one that this server has started: watched, interrupted and ended like them.

    What jupyter_client offers for this (`external_connection_dir`) gives kernels that can't be
    interrupted or ended, are never found dead, and have another id after each start.
    """
    kernel = manager.kernel_manager_factory(
        connection_file=card.file, parent=manager, log=manager.log, kernel_name=card.kernel_name
    )
    kernel.kernel_id = card.kernel_id
    kernel.load_connection_info(dict(card.connection))
    kernel.provisioner = _provisioner(kernel, card, process)
    kernel._launch_args = {}  # noqa: SLF001 (its user may restart it)
    kernel._attempted_start = True  # noqa: SLF001
    kernel.ready.set_result(None)
    if hasattr(kernel, "start_restarter"):
        kernel.start_restarter()
    manager._kernels[card.kernel_id] = kernel  # noqa: SLF001 (as external ones are put there)
    kernel.execution_state, kernel.reason, kernel.last_activity = "idle", "", utcnow()
    if hasattr(manager, "_finish_kernel_start"):
        await _show(manager, card.kernel_id)


def _provisioner(kernel: Any, card: Card, process: "psutil.Process") -> LocalProvisioner:
    made = LocalProvisioner(kernel_id=card.kernel_id, kernel_spec=kernel.kernel_spec, parent=kernel)
    made.process = Adopted(process)  # type: ignore[assignment]
    made.pid = card.pid
    made.pgid = card.pid if os.getpgid(card.pid) == card.pid else None
    made.connection_info = kernel.get_connection_info()
    return made


async def _show(manager: Any, kernel_id: str) -> None:
    """What a Jupyter server does for each kernel that it has started."""
    manager._kernel_connections[kernel_id] = 0  # noqa: SLF001
    await manager._finish_kernel_start(kernel_id)  # noqa: SLF001
    if not manager._initialized_culler:  # noqa: SLF001
        manager.initialize_culler()


def disown(manager: Any, kernel_id: str) -> None:
    """Take a kernel that lives on out of the list."""
    kernel = manager.get_kernel(kernel_id)
    if hasattr(kernel, "stop_restarter"):
        kernel.stop_restarter()
    if hasattr(manager, "stop_watching_activity"):
        manager.stop_watching_activity(kernel_id)
        manager._kernel_connections.pop(kernel_id, None)  # noqa: SLF001
        manager._kernel_ports.pop(kernel_id, None)  # noqa: SLF001
    if hasattr(kernel, "_close_control_socket"):
        kernel._close_control_socket()  # noqa: SLF001 (else its context never ends)
    manager.remove_kernel(kernel_id)
