"""The languages in which the pages speak to their readers: English as written, others by catalogue.

A catalogue is `locale/CODE/LC_MESSAGES/messages.po`; `web.messages` says how it is made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from io import BytesIO
from string import Formatter

from jupyter_flows.core import durations, moments
from jupyter_flows.core.sentences import Sentence, sentence
from jupyter_flows.web.accepted import preferred

LOCALE = resources.files("jupyter_flows.web") / "locale"
CATALOGUE = "LC_MESSAGES/messages.po"
LARGEST_GROUPED = 10**15
"""Beyond it a number is said digit by digit."""

_UNITS: Mapping[str, Callable[[int], Sentence]] = {
    "d": lambda n: sentence("{n} day", "{n} days", n=n),
    "h": lambda n: sentence("{n} h", n=n),
    "m": lambda n: sentence("{n} min", n=n),
    "s": lambda n: sentence("{n} s", n=n),
}


@dataclass(frozen=True, slots=True)
class Language:
    """English, in which everything is written. `code` is HTML's (`de`, `pt-BR`)."""

    code: str
    catalogue: NullTranslations

    def gettext(self, text: str) -> str:
        return self.catalogue.gettext(text)

    def ngettext(self, text: str, plural: str, n: int) -> str:
        return self.catalogue.ngettext(text, plural, n)

    def say(self, text: str) -> str:
        """A sentence in this language. Any other text is somebody's own, and stays as it is."""
        return str(text)

    def moment(self, at: float) -> str:
        """As in "25 Nov 2026, 14:05 UTC"; what is in no calendar, as a number."""
        try:
            return f"{self._day(datetime.fromtimestamp(at, UTC))} UTC"
        except (ValueError, OverflowError, OSError):
            return moments.said(at)

    def duration(self, seconds: float) -> str:
        """In its two largest units, as in "2 days 3 h"."""
        return " ".join(self.say(_UNITS[unit](n)) for unit, n in durations.largest(seconds))

    def number(self, value: float) -> str:
        return f"{value:,}"

    def size(self, count: int) -> str:
        """Of so many bytes, as in "1.2 MB"."""
        if count < 1000:
            return self.say(sentence("{n} byte", "{n} bytes", n=count))
        unit, factor = ("kB", 1e3) if count < 1e6 else ("MB", 1e6)
        return f"{self.number(round(count / factor, 1))} {unit}"

    def _day(self, at: datetime) -> str:
        return at.strftime("%-d %b %Y, %H:%M")


class Translated(Language):
    """A language that has a catalogue."""

    __slots__ = ()

    def say(self, text: str) -> str:
        if not isinstance(text, Sentence) or not text.template:
            return str(text)
        return _Values(self).vformat(self._template(text), (), text.values)

    def _template(self, text: Sentence) -> str:
        if not text.plural:
            return self.gettext(text.template)
        n = text.values["n"]
        return self.ngettext(text.template, text.plural, n if isinstance(n, int) else 0)

    def number(self, value: float) -> str:
        from babel.numbers import format_decimal  # noqa: PLC0415 (slow; English needs none of it)

        if not abs(value) < LARGEST_GROUPED:
            return str(value)
        return format_decimal(value, locale=self._babel_name)

    def _day(self, at: datetime) -> str:
        from babel.dates import format_skeleton  # noqa: PLC0415

        return f"{format_skeleton('yMMMd', at, locale=self._babel_name)}, {at:%H:%M}"

    @property
    def _babel_name(self) -> str:
        return _folder(self.code)


class _Values(Formatter):
    """Puts values into a sentence: counts and inner sentences as the language says them."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def format_field(self, value: object, _spec: str) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            return self._language.number(value)
        return self._language.say(value) if isinstance(value, str) else str(value)


ENGLISH = Language("en", NullTranslations())


def language_for(header: str) -> Language:
    """The one that an `Accept-Language` header asks for; English where there is none of it."""
    return language(preferred(header, {ENGLISH.code, *translated()}, ENGLISH.code))


@cache
def translated() -> frozenset[str]:
    """The codes of the languages that have a catalogue."""
    return frozenset(each.name.replace("_", "-") for each in LOCALE.iterdir() if each.is_dir())


@cache
def language(code: str) -> Language:
    """One of `translated()`, or English. Raises FileNotFoundError for any other."""
    return ENGLISH if code == ENGLISH.code else Translated(code, _read(code))


def _read(code: str) -> GNUTranslations:
    """The catalogue, compiled in memory: no file has to be made of it before it counts."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415 (slow; English needs none of it)
    from babel.messages.pofile import read_po  # noqa: PLC0415

    compiled = BytesIO()
    with (LOCALE / _folder(code) / CATALOGUE).open("rb") as file:
        write_mo(compiled, read_po(file, locale=_folder(code)))
    compiled.seek(0)
    return GNUTranslations(compiled)


def _folder(code: str) -> str:
    return code.replace("-", "_")
