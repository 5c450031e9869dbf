"""Where the variables of runs that wait are saved: a folder, or a storage that others share."""

import logging
from pathlib import Path

from jupyter_flows.ports import Checkpoints, Clock
from jupyter_flows.settings import FlowsSettings, checkpoint_place, compress_after
from jupyter_flows.store.checkpoints import CheckpointBucket, CheckpointFolder, Limits
from jupyter_flows.store.checkpoints.key import shared_key


def checkpoints_of(
    settings: FlowsSettings, folder: Path, clock: Clock, log: logging.Logger
) -> Checkpoints:
    place = checkpoint_place(settings)
    if isinstance(place, str):
        return CheckpointBucket(
            place,
            settings.checkpoint_options,
            shared_key(settings.deployment_key, folder / "checkpoints.key"),
            max_bytes=settings.checkpoint_max_bytes,
            budget=settings.checkpoint_budget,
            log=log,
        )
    return CheckpointFolder(
        place,
        Limits(
            max_bytes=settings.checkpoint_max_bytes,
            min_free=settings.checkpoint_min_free,
            budget=settings.checkpoint_budget,
        ),
        compress_after(settings),
        clock=clock,
        log=log,
    )
