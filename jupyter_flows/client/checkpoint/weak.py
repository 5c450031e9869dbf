"""Weak references: kept where what they refer to is held by a variable, and refused else."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import added, rebuilding
from jupyter_flows.client.checkpoint.errors import Refused

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler

NOT_HELD = Refused("a weak reference to an object that no variable holds can't be saved")


class Targets:
    """What weak references of a pickle refer to."""

    def __init__(self, follow: bool = True) -> None:
        self.follow = follow
        """Whether the pickle takes what is referred to along; else it shows what it holds."""
        self.name: str | None = None
        self._met: list[tuple[str | None, Any]] = []

    def meet(self, target: Any) -> None:
        self._met.append((self.name, target))

    def __bool__(self) -> bool:
        return bool(self._met)

    def not_held(self, held: dict[int, Any]) -> str | None:
        """The name of a variable that refers weakly to what none holds."""
        return next((name for name, target in self._met if id(target) not in held), None)


def reduce_ref(pickler: Pickler, ref: Any) -> Any:
    target = ref()
    if target is None or not pickler.weak.follow:
        return rebuilding.dead, ()
    pickler.weak.meet(target)
    if ref.__callback__ is None:
        return weakref.ref, (target,)
    return weakref.ref, (target, ref.__callback__)


def reduce_set(pickler: Pickler, items: Any) -> Any:
    held = _met(pickler, list(items))
    made = rebuilding.weak, (type(items),), held, None, None, rebuilding.set_weak_set
    return _with_attributes(made, items)


def reduce_keys(pickler: Pickler, mapping: Any) -> Any:
    """A weak dict that lets go of its keys; its values are its own."""
    held = _met(pickler, list(mapping.keys()))
    items = [(key, mapping[key]) for key in held]
    made = rebuilding.weak, (type(mapping),), items, None, None, rebuilding.set_weak_dict
    return _with_attributes(made, mapping)


def reduce_values(pickler: Pickler, mapping: Any) -> Any:
    items = list(mapping.items())
    held = _met(pickler, [value for _, value in items])
    kept = items if held else []
    made = rebuilding.weak, (type(mapping),), kept, None, None, rebuilding.set_weak_dict
    return _with_attributes(made, mapping)


def _with_attributes(made: Any, thing: Any) -> Any:
    usual = vars(type(thing)())
    own = {name: value for name, value in vars(thing).items() if name not in usual}
    return added.to(made, own, None) if own else made


def _met(pickler: Pickler, targets: list[Any]) -> list[Any]:
    if not pickler.weak.follow:
        return []
    for target in targets:
        pickler.weak.meet(target)
    return targets


TABLE: dict[type, Any] = {
    weakref.ref: reduce_ref,
    weakref.WeakSet: reduce_set,
    weakref.WeakKeyDictionary: reduce_keys,
    weakref.WeakValueDictionary: reduce_values,
}
