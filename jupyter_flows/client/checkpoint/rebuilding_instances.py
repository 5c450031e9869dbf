"""What pickles call to make instances again, past the code of their class; part of the format."""

from __future__ import annotations

import collections
from typing import Any


def instance(kind: type, base: Any, content: Any, early: Any) -> Any:
    made = _made(kind, base, content)
    if early is not None:
        attributes, slots = early
        if attributes:
            object.__getattribute__(made, "__dict__").update(attributes)
        _put(made, slots)
    return made


def _made(kind: type, base: Any, content: Any) -> Any:
    if base is collections.deque:
        made: Any = collections.deque.__new__(kind)
        collections.deque.__init__(made, (), content)
        return made
    return base.__new__(kind) if content is None else base.__new__(kind, content)


def set_instance(made: Any, state: tuple[Any, ...]) -> None:
    own, slots, items, factory = state
    if own:
        object.__getattribute__(made, "__dict__").update(own)
    _put(made, slots or ())
    if factory is not None:
        vars(collections.defaultdict)["default_factory"].__set__(made, factory)
    if items:
        _fill(made, items)


def set_added(made: Any, told: tuple[Any, ...]) -> None:
    """First what the own pickling of the base tells, as pickle would do it."""
    state, put, own, slots = told
    if put is not None:
        put(made, state)
    elif state is not None:
        _set_state(made, state)
    if own:
        object.__getattribute__(made, "__dict__").update(own)
    _put(made, slots or ())


def _set_state(made: Any, state: Any) -> None:
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    attributes, slots = state if type(state) is tuple and len(state) == 2 else (state, None)
    if attributes:
        made.__dict__.update(attributes)
    for name, value in (slots or {}).items():
        setattr(made, name, value)


def reset_instance(made: Any, state: tuple[Any, ...]) -> None:
    """One that a module has made is as it was in the notebook."""
    if getattr(made, "__dict__", None):
        object.__getattribute__(made, "__dict__").clear()
    kinds: tuple[Any, ...] = (list, set, dict, collections.deque)
    for kind in kinds:
        if isinstance(made, kind):
            kind.clear(made)
    set_instance(made, state)


def _put(made: Any, slots: Any) -> None:
    for owner, name, value in slots:
        vars(owner)[name].__set__(made, value)


def _fill(made: Any, items: list[Any]) -> None:
    if isinstance(made, list):
        list.extend(made, items)
    elif isinstance(made, set):
        set.update(made, items)
    elif isinstance(made, collections.deque):
        collections.deque.extend(made, items)
    else:
        put: Any = collections.OrderedDict if isinstance(made, collections.OrderedDict) else dict
        for key, value in items:
            put.__setitem__(made, key, value)
