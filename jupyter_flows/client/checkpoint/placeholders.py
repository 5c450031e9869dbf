"""What stands for objects that replay cells bind, where it is only tried whether the rest loads."""

from __future__ import annotations

from typing import Any


class Instance:
    """Takes whatever an object of a class that is not there would take."""

    def __new__(cls, *args: Any, **options: Any) -> Any:
        del args, options
        return object.__new__(cls)

    def __init__(self, *args: Any, **options: Any) -> None:
        del args, options

    def __setstate__(self, state: Any) -> None:
        del state

    def __call__(self, *args: Any, **options: Any) -> Any:
        del args, options
        return Instance()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Instance()

    def __setitem__(self, key: Any, value: Any) -> None:
        del key, value


def make(name: str, is_class: bool) -> Any:
    return type(name, (Instance,), {"__module__": "__main__"}) if is_class else Instance()
