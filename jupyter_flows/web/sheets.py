"""What an author's data was drawn to: kept by its digest, for it is drawn for every look."""

from collections import OrderedDict
from dataclasses import dataclass

from markupsafe import Markup

MOST_CHARACTERS = 8_000_000
"""Of all that is kept; the page that was looked at longest ago goes first."""


NOTHING = Markup()


@dataclass(frozen=True, slots=True)
class Sheet:
    """The parts of a gate's page that are the same for all its readers: what is shown, what an
    answer is bound to, and the form that nobody has typed into. `has_files` says whether the form
    takes files.
    """

    shown: Markup
    bound: Markup = NOTHING
    form: Markup = NOTHING
    has_files: bool = False

    def __len__(self) -> int:
        return len(self.shown) + len(self.bound) + len(self.form)


class Sheets:
    """By names that say all that a sheet depends on: digest, address, language."""

    def __init__(self, most: int = MOST_CHARACTERS) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, ...], Sheet] = OrderedDict()
        self._size = 0

    def get(self, name: tuple[str, ...]) -> Sheet | None:
        sheet = self._kept.get(name)
        if sheet is not None:
            self._kept.move_to_end(name)
        return sheet

    def put(self, name: tuple[str, ...], sheet: Sheet) -> None:
        """One that is larger than a quarter of all is not kept."""
        if len(sheet) > self._most // 4 or name in self._kept:
            return
        self._kept[name] = sheet
        self._size += len(sheet)
        while self._size > self._most:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone)
