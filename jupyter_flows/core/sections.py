"""Headings of Markdown cells, and the sections below those that have a condition (G83)."""

import re
from collections.abc import Iterator

from jupyter_flows.core.model import Section

_HEADING = re.compile(r" {0,3}(?P<marks>#{1,6})(?:[ \t]|$)")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")


def heading_levels(source: str) -> Iterator[int]:
    """The levels, 1 to 6, of the headings in a Markdown cell, in their order."""
    fence = ""
    for line in source.splitlines():
        marks = _FENCE.match(line)
        if marks and (not fence or marks["fence"].startswith(fence)):
            fence = "" if fence else marks["fence"]
        elif not fence and (heading := _HEADING.match(line)):
            yield len(heading["marks"])


def begins_with_heading(source: str) -> bool:
    """Whether the cell's first line that is not empty is a heading."""
    first = next((line for line in source.splitlines() if line.strip()), "")
    return _HEADING.match(first) is not None


class Outline:
    """The conditional sections that are open, from the outermost, as the cells are read."""

    def __init__(self) -> None:
        self._open: list[tuple[int, Section]] = []

    @property
    def sections(self) -> tuple[Section, ...]:
        return tuple(section for _, section in self._open)

    def pass_heading(self, source: str, section: Section | None) -> None:
        """A Markdown cell ends the sections of its headings' levels and deeper ones. `section` is
        the one that its first heading begins.
        """
        for number, level in enumerate(heading_levels(source)):
            self._open = [each for each in self._open if each[0] < level]
            if number == 0 and section is not None:
                self._open.append((level, section))
