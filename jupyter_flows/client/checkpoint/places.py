"""Where blobs lie, as the server says it: the path of a folder, or what `Storage` is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_flows.client.checkpoint.reading import Folder, Source
from jupyter_flows.client.checkpoint.storage import Stored, Uploads
from jupyter_flows.client.checkpoint.writing import Blobs


def to_write(place: Any, limit: int | None, deadline: float | None) -> Blobs:
    """Raises CannotReach and Elsewhere."""
    if isinstance(place, Mapping):
        return Uploads(place, limit, deadline)
    return Blobs(place, limit, deadline)


def to_read(place: Any) -> Source:
    """Raises CannotReach."""
    if isinstance(place, Mapping):
        return Stored(place)
    return Folder(Path(place) / "blobs")
