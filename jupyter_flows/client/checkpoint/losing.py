"""Objects whose own pickling drops in silence what a notebook has put on them: they are refused."""

from __future__ import annotations

import decimal
import sys
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint.errors import Refused

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler


def over(kind: type, usual: Any) -> Any:
    """A plan that looks first, or `usual` where nothing can get lost."""
    loses = next((found for name, found in _LOSES if _is(kind, name)), None)
    if loses is None:
        return usual

    def reduce(pickler: Pickler, thing: Any) -> Any:
        why = loses(thing)
        if why:
            raise Refused(why)
        return NotImplemented if usual is None else usual(pickler, thing)

    return reduce


def _is(kind: type, dotted: str) -> bool:
    module, _, name = dotted.rpartition(".")
    found = getattr(sys.modules.get(module), name, None)
    return isinstance(found, type) and issubclass(kind, found)


def _observed(thing: Any) -> str | None:
    """What a class observes by itself is made again with each instance."""
    usual = sys.modules["traitlets"].EventHandler
    notifiers = getattr(thing, "_trait_notifiers", {})
    handlers = [each for kinds in notifiers.values() for told in kinds.values() for each in told]
    if all(isinstance(each, usual) for each in handlers):
        return None
    return "an object whose traits are observed or linked can't be saved; unobserve_all() it"


def _called_back(thing: Any) -> str | None:
    kept = getattr(thing, "_pickled_cids", ())
    refs = [
        ref
        for told in thing.callbacks.values()
        for number, ref in told.items()
        if number not in kept
    ]
    for ref in refs:
        called = ref()
        home = getattr(getattr(called, "__func__", called), "__module__", None) or ""
        if called is not None and home.partition(".")[0] not in {"matplotlib", "mpl_toolkits"}:
            return "a figure that calls functions back can't be saved; disconnect them"
    return None


def _animated(thing: Any) -> str | None:
    if getattr(thing, "is_animated", False):
        return "an image file of several frames can't be saved; copy() the frame"
    return None


def _in_force(thing: Any) -> str | None:
    if thing is decimal.getcontext():
        return "the decimal context in force comes back by itself; `del` it, or copy() it"
    return None


_LOSES = [
    ("traitlets.HasTraits", _observed),
    ("matplotlib.cbook.CallbackRegistry", _called_back),
    ("PIL.ImageFile.ImageFile", _animated),
    ("decimal.Context", _in_force),
    ("psutil.Process", lambda _: "a running process can't be saved"),
]
