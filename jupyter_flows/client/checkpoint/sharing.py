"""Memory that two libraries look at: found after a pickle, and told to the next one.

An array made of a tensor, or a tensor made of an array, is known by its owner only. Where the
owner can't be asked, the addresses tell.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from jupyter_flows.client.checkpoint.errors import Refused

Span = tuple[int, int]


class Region(NamedTuple):
    start: int
    end: int
    foreign: bool
    owner: Any
    name: str | None


class Memories:
    """All memory that a pickle has met, with whom it belongs to."""

    def __init__(self, known: dict[Span, Any] | None = None) -> None:
        self.known = known or {}
        """Owners found in the pickle before, by the memory they own a part of."""
        self.name: str | None = None
        """The variable that is being saved."""
        self._own: list[tuple[Any, Any, str | None]] = []
        self._foreign: list[tuple[Any, Any, str | None]] = []

    def own(self, array: Any, owner: Any = None) -> None:
        """`array` has memory of its own, or that of `owner`."""
        self._own.append((array, owner, self.name))

    def foreign(self, array: Any, owner: Any = None) -> None:
        """`array` shows memory that may belong to somebody else as well."""
        self._foreign.append((array, owner, self.name))

    def owner_of(self, array: Any) -> Any:
        return self.known.get(span(array))

    def found(self) -> dict[Span, Any]:
        """Owners not known yet. Raises Clash for memory that overlaps in part."""
        if not self._foreign:
            return {}
        regions = [*_regions(self._own, False), *_regions(self._foreign, True)]
        regions.sort(key=lambda each: (each.start, -each.end, each.foreign))
        told: dict[Span, Any] = {}
        outer: Region | None = None
        for region in regions:
            if outer is None or region.start >= outer.end:
                outer = region
                continue
            if region.end > outer.end or not (region.foreign or outer.foreign):
                raise Clash(region.name or outer.name)
            if not region.foreign:
                raise Clash(outer.name)
            told[region.start, region.end] = outer.owner
        return told


class Clash(Exception):
    def __init__(self, name: str | None) -> None:
        super().__init__(name)
        self.name = name
        self.why = Refused("it shares its memory with another variable in a way that can't be kept")


def _regions(told: list[tuple[Any, Any, str | None]], foreign: bool) -> list[Region]:
    found = []
    for array, owner, name in told:
        start, end = span(array)
        if end > start:
            found.append(Region(start, end, foreign, array if owner is None else owner, name))
    return found


def span(array: Any) -> Span:
    """The addresses between which an array's elements lie."""
    start: int = array.__array_interface__["data"][0]
    if not array.size:
        return start, start
    ways = [(length - 1) * stride for length, stride in zip(array.shape, array.strides)]
    low = sum(way for way in ways if way < 0)
    high = sum(way for way in ways if way > 0)
    return start + low, start + high + array.itemsize
