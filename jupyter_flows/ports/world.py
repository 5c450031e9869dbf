"""Time and chance, which come in from outside."""

from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
"""Now, in POSIX seconds."""

Chance: TypeAlias = Callable[[], str]
"""A new id that nobody can guess: 128 bits or more, of [a-z0-9]."""
