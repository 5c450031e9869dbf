"""Saved variables of suspended runs, in a folder: written whole, sealed, counted and collected."""

from jupyter_flows.store.checkpoints.files import CheckpointFolder
from jupyter_flows.store.checkpoints.space import Limits
from jupyter_flows.store.checkpoints.storage import CheckpointBucket

__all__ = ["CheckpointBucket", "CheckpointFolder", "Limits"]
