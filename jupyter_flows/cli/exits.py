"""The exit status of a command (api.md section 3)."""

from collections.abc import Mapping

from jupyter_flows.core.model import RunStatus

SUCCEEDED, FAILED, BAD_INPUT, SUSPENDED, CANCELLED = range(5)
INTERRUPTED_BY_KEY = 130
"""128 and the signal's number, as shells have it; SIGTERM gives 143."""

OF_STATUS: Mapping[RunStatus, int] = {
    RunStatus.SUCCEEDED: SUCCEEDED,
    RunStatus.FAILED: FAILED,
    RunStatus.INTERRUPTED: FAILED,
    RunStatus.SUSPENDED: SUSPENDED,
    RunStatus.SLEEPING: SUSPENDED,
    RunStatus.CANCELLED: CANCELLED,
}


def of_signal(number: int) -> int:
    return 128 + number
