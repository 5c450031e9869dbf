"""What pickles call to make classes again; its names are part of the format."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterator
from typing import Any


def skeleton(
    meta: type, name: str, bases: tuple[type, ...], first: dict[str, Any], safe: bool
) -> type:
    """A class without its attributes. No code of its bases and of its metaclass is run again."""
    with _quiet(bases):
        made: type = type.__new__(meta, name, bases, first) if safe else meta(name, bases, first)
    if safe and issubclass(meta, abc.ABCMeta):
        abc._abc_init(made)  # type: ignore[attr-defined]
    return made


def _nothing(cls: type, *_: Any, **__: Any) -> None:
    del cls


@contextlib.contextmanager
def _quiet(bases: tuple[type, ...]) -> Iterator[None]:
    """What bases do when they are subclassed was done when the class was made, and is restored."""
    told = [
        each
        for base in bases
        for each in base.__mro__
        if isinstance(vars(each).get("__init_subclass__"), classmethod)
    ]
    kept = {each: vars(each)["__init_subclass__"] for each in told}
    for each in kept:
        type.__setattr__(each, "__init_subclass__", classmethod(_nothing))
    try:
        yield
    finally:
        for each, original in kept.items():
            type.__setattr__(each, "__init_subclass__", original)


def set_class(made: type, state: tuple[Any, ...]) -> None:
    attributes, registered, safe = state
    put = type.__setattr__ if safe else setattr
    for name, value in attributes.items():
        put(made, name, value)
    for each in registered:
        made.register(each)  # type: ignore[attr-defined]


def enum_member(cls: Any, kind: type | None, value: Any) -> Any:
    return object.__new__(cls) if kind is None else kind.__new__(cls, value)
