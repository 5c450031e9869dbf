"""Why nothing was saved, or nothing restored: what the server is told by name and message."""

from __future__ import annotations


class CheckpointError(Exception):
    """The save, or the restore, as a whole has failed."""

    variable: str | None = None


class TooLarge(CheckpointError):
    """More bytes than the server lets a checkpoint have."""


class OutOfTime(CheckpointError):
    """It took longer than the server allows."""


class NoSpace(CheckpointError):
    """The disk is full."""


class Missing(CheckpointError):
    """A blob is not in its folder."""


class Damaged(CheckpointError):
    """Bytes are not those that were saved."""


class Unreadable(Damaged):
    """Bytes that the system does not give; they may be what was saved."""


class CannotCheck(CheckpointError):
    """This Python lacks the hash that the blobs are named by."""


class CannotReach(CheckpointError):
    """The storage can't be used from this kernel, or not now; what lies there may be whole."""


class Elsewhere(CheckpointError):
    """The folder of the server is not on this machine."""


class NotRestored(CheckpointError):
    """A variable could not be made from its bytes."""


class Refused(Exception):
    """An object can't be saved; the message says why, and what can be done."""
