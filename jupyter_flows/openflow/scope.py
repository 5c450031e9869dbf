"""What names stand for at one place of a flow, in Python."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from jupyter_flows.openflow.refusal import Untranslatable

CHOICE, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, PRIMARY = range(9)
"""How tightly Python binds, loosest first."""


@dataclass(frozen=True, slots=True)
class Text:
    """Python source text, how tightly its outermost operator binds, and what kind of value it is.

    Kinds: "text", "number", "truth", "none"; "list", "texts" (a list of texts), "object"; "links"
    (of a gate), "set"; "any" where nothing is known.
    """

    text: str
    binds: int = PRIMARY
    kind: str = "any"

    def at(self, binds: int) -> str:
        """In parentheses where it binds more loosely than that."""
        return self.text if self.binds >= binds else f"({self.text})"


Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """`paths`: dotted names as a whole; `members`: names of which any member may be asked for;
    `functions`: what dotted names are when called; `unknown`: why any other name is refused.
    """

    paths: Mapping[Path, Text] = field(default_factory=dict)
    members: Mapping[str, Callable[[str], Text]] = field(default_factory=dict)
    functions: Mapping[Path, Text] = field(default_factory=dict)
    unknown: Callable[[str], str] = lambda name: f"the name {name!r} is not known there"

    def name(self, name: str) -> Text:
        found = self.paths.get((name,))
        if found is None:
            raise Untranslatable(self.unknown(name))
        return found

    def with_paths(self, paths: Mapping[Path, Text]) -> "Scope":
        return replace(self, paths={**self.paths, **paths})
