"""Whether a kernel is one that saved variables may be loaded into, before anything is unpickled."""

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_flows.core.model import Json

SAME = ("implementation", "machine", "byteorder", "maxsize")
"""What must be equal besides Python's minor version: pickles and buffers are of these."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """`impossible` is why they can't be loaded at all; `changes` are what a person may accept."""

    impossible: str | None = None
    changes: tuple[str, ...] = ()


def preflight(saved: Mapping[str, Json], now: Mapping[str, Json]) -> Preflight:
    """`saved` is the kernel's part of a manifest, `now` what another kernel says of itself
    (durability.md, Restore).
    """
    impossible = _impossible(saved["python"], now["python"])
    return Preflight(impossible, (*_packages(saved, now), *_files(saved, now)))


def _impossible(saved: Mapping[str, Json], now: Mapping[str, Json]) -> str | None:
    before, after = _minor(saved["version"]), _minor(now["version"])
    if before != after:
        return (
            f"The variables were saved by Python {saved['version']}, and the kernel is Python"
            f" {now['version']} now."
        )
    for key in SAME:
        if saved.get(key) != now.get(key):
            was, is_ = saved.get(key), now.get(key)
            return f"The variables were saved where Python's {key} was {was}; it is {is_} now."
    return None


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


def _packages(saved: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    present = now.get("distributions", {})
    changed = {
        name: (version, present.get(name))
        for name, version in saved.get("distributions", {}).items()
        if present.get(name) != version
    }
    return [
        f"{name} {before} is {after} now" if after else f"{name} {before} is gone"
        for name, (before, after) in changed.items()
    ]


def _files(saved: Mapping[str, Json], now: Mapping[str, Json]) -> list[str]:
    present = now.get("files", {})
    return [
        f"{path} has changed" if present.get(path) else f"{path} is gone"
        for path, digest in saved.get("files", {}).items()
        if present.get(path) != digest
    ]
