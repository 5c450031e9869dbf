"""The one table: what was measured, ours, the peers', their ratio, and whether the target holds."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

HEAD = ("what", "ours", "peers", "ratio", "target", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line. `value` is what the target is about, in the target's own unit: held is
    `value <= target`. Without a target the line only informs.
    """

    what: str
    ours: str
    peers: Mapping[str, str] = field(default_factory=dict)
    ratio: str = ""
    value: float | None = None
    target: float | None = None
    says: str = ""

    @property
    def held(self) -> bool | None:
        if self.value is None or self.target is None:
            return None
        return self.value <= self.target

    def cells(self) -> tuple[str, ...]:
        peers = ", ".join(f"{name} {value}" for name, value in self.peers.items())
        held = {None: "", True: "yes", False: "NO"}[self.held]
        return (self.what, self.ours, peers, self.ratio, self.says, held)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "held": self.held}


def markdown(rows: Iterable[Row]) -> str:
    """Aligned, so that it reads on a terminal too."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    shown = [_line(line, widths) for line in lines]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([shown[0], rule, *shown[1:]])


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |"
