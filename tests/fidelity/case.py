"""What one case of the suite is: cells that make something, cells that look at it afterwards."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field

CELL = "# %%"
"""Parts the cells of a source."""


@dataclass(frozen=True)
class Case:
    """`check` runs twice: on the originals after they were saved, and on what was restored.

    It is made of asserts. What it passes to `tell` has to be the same both times. `unsaved` are
    the names that have to be refused, each with a word of the reason. `replay` is the source of a
    cell that runs first, and again when the kernel is restored. `rehearsed` is the name that only
    a dry run finds out about: it is saved, but can't be loaded.
    """

    name: str
    library: str
    make: str
    check: str
    unsaved: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    replay: str = ""
    rehearsed: str = ""
    needs: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        return "rehearsed" if self.rehearsed else "unsaved" if self.unsaved else "restored"

    @property
    def missing(self) -> str | None:
        """The first library that is not installed here."""
        for name in (self.library, *self.needs):
            if name != "python" and importlib.util.find_spec(name) is None:
                return name
        return None


class Shelf:
    """The cases of one library, in order."""

    def __init__(self, library: str, *needs: str) -> None:
        self.library, self.needs = library, needs
        self.cases: list[Case] = []

    def restored(self, name: str, make: str, check: str, **more: object) -> None:
        self.cases.append(Case(name, self.library, make, check, needs=self.needs, **more))

    def unsaved(
        self, name: str, unsaved: Mapping[str, str], make: str, check: str = "", **more: object
    ) -> None:
        self.restored(name, make, check, unsaved=unsaved, **more)

    def rehearsed(self, name: str, variable: str, make: str, **more: object) -> None:
        self.restored(name, make, "", rehearsed=variable, **more)
