"""How objects of the language and of its library are saved, where their own way would lose much."""

from __future__ import annotations

import gc
import struct
import sys
import threading
import types
import typing
from typing import TYPE_CHECKING, Any

from jupyter_flows.client.checkpoint import added, instances, origin, rebuilding
from jupyter_flows.client.checkpoint import rebuilding_library as again
from jupyter_flows.client.checkpoint.errors import Refused

if TYPE_CHECKING:
    from jupyter_flows.client.checkpoint.pickling import Pickler

LOCK = type(threading.Lock())
RLOCK = type(threading.RLock())
_VIEWS = {
    type({}.keys()): "keys",
    type({}.values()): "values",
    type({}.items()): "items",
}


def reduce_module(pickler: Pickler, module: types.ModuleType) -> Any:
    name = module.__name__
    if origin.by_reference(module) and sys.modules.get(name) is module:
        pickler.occurs(name)
        inner = [each for each in list(sys.modules) if each.startswith(name + ".")]
        return rebuilding.module, (name, inner)
    state = {key: value for key, value in vars(module).items() if key != "__builtins__"}
    made = (name, module.__doc__)
    return rebuilding.new_module, made, state, None, None, rebuilding.set_module


def reduce_lock(pickler: Pickler, lock: Any) -> Any:
    del pickler
    if lock.locked():
        raise Refused("a lock that is held can't be saved; release it")
    return rebuilding.lock, ()


def reduce_rlock(pickler: Pickler, lock: Any) -> Any:
    del pickler
    if lock._is_owned() or not lock.acquire(blocking=False):
        raise Refused("a lock that is held can't be saved; release it")
    lock.release()
    return rebuilding.rlock, ()


def reduce_view(pickler: Pickler, view: Any) -> Any:
    del pickler
    of = next(each for each in gc.get_referents(view) if issubclass(type(each), dict))
    if getattr(type(of), _VIEWS[type(view)]) is not getattr(dict, _VIEWS[type(view)]):
        return again.view_of, (of, _VIEWS[type(view)])
    return rebuilding.view, (of, _VIEWS[type(view)])


def reduce_proxy(pickler: Pickler, proxy: Any) -> Any:
    """It goes on looking at its mapping. Of a class's, the class is not known."""
    del pickler
    of = gc.get_referents(proxy)[0]
    if isinstance(of, dict) and isinstance(of.get("__dict__"), types.GetSetDescriptorType):
        raise Refused("a class's `__dict__` can't be saved; save the class")
    return rebuilding.proxy, (of,)


def reduce_property(pickler: Pickler, prop: Any) -> Any:
    del pickler
    made = (type(prop), prop.fget, prop.fset, prop.fdel, prop.__doc__)
    own = getattr(prop, "__dict__", None)
    if not own:
        return rebuilding.prop, made
    return rebuilding.prop, made, own, None, None, rebuilding.set_attributes


def reduce_static(pickler: Pickler, method: Any) -> Any:
    """A staticmethod or classmethod, with what was set on it."""
    del pickler
    own = {
        name: value
        for name, value in getattr(method, "__dict__", {}).items()
        if getattr(method.__func__, name, None) is not value
    }
    if not own:
        return type(method), (method.__func__,)
    return type(method), (method.__func__,), own, None, None, rebuilding.set_attributes


def reduce_exception(pickler: Pickler, error: Any) -> Any:
    """With what caused it, without the frames it went through."""
    del pickler
    kind = type(error)
    made: tuple[Any, ...]
    if _plain_exception(kind):
        made = (rebuilding.exception, (kind, error.args))
        own = error.__dict__
    else:
        told = error.__reduce_ex__(4)
        made, own = (rebuilding.again, (told[0], told[1])), told[2] if len(told) > 2 else None
    state = (own, error.__cause__, error.__context__, error.__suppress_context__)
    slots = [each for each in instances.slots(kind, BaseException) if _is_kept(each[0])]
    members = instances.filled(slots, error)
    if members:
        return added.to((*made, state, None, None, rebuilding.set_exception), None, members)
    return (*made, state, None, None, rebuilding.set_exception)


def _is_kept(owner: type) -> bool:
    """Whether slots of a class are set again; most built-in errors make theirs of their args."""
    return bool(owner.__flags__ & 1 << 9) or owner in _WITH_MEMBERS


_WITH_MEMBERS = {AttributeError, NameError, ImportError, StopIteration}


def _plain_exception(kind: type) -> bool:
    names = ("__reduce__", "__reduce_ex__", "__setstate__")
    return (
        all(getattr(kind, name) is getattr(BaseException, name) for name in names)
        and _base_size(kind) == BaseException.__basicsize__
    )


def _base_size(kind: type) -> int:
    """What the built-in base has, beyond which Python classes add nothing but slots."""
    return next(each.__basicsize__ for each in kind.__mro__ if not each.__flags__ & 1 << 9)


def reduce_struct(pickler: Pickler, packing: Any) -> Any:
    del pickler
    return struct.Struct, (packing.format,)


def reduce_type_variable(pickler: Pickler, variable: Any) -> Any:
    """A TypeVar or its kin that the notebook has made; a module's is found there by its name."""
    del pickler
    found = origin.cloudpickle._lookup_module_and_qualname(variable, name=variable.__name__)
    if found is not None:
        return rebuilding.attribute, (found[0].__name__, found[1])
    kind = type(variable)
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = {}
    if kind is _NEW_TYPE:
        args = (variable.__supertype__,)
    elif kind.__name__ in {"TypeVar", "ParamSpec"}:
        args = getattr(variable, "__constraints__", ())
        options = {
            "bound": variable.__bound__,
            "covariant": variable.__covariant__,
            "contravariant": variable.__contravariant__,
        }
    made = (kind, variable.__name__, args, options, variable.__module__)
    return rebuilding.type_variable, made


_NEW_TYPE: Any = typing.NewType if isinstance(typing.NewType, type) else None
_TYPE_VARIABLES = [
    kind
    for name in ("TypeVar", "ParamSpec", "TypeVarTuple", "NewType")
    for kind in [getattr(typing, name, None)]
    if isinstance(kind, type)
]

TABLE: dict[type, Any] = {
    **dict.fromkeys(_TYPE_VARIABLES, reduce_type_variable),
    types.ModuleType: reduce_module,
    LOCK: reduce_lock,
    RLOCK: reduce_rlock,
    **dict.fromkeys(_VIEWS, reduce_view),
    types.MappingProxyType: reduce_proxy,
    property: reduce_property,
    struct.Struct: reduce_struct,
    staticmethod: reduce_static,
    classmethod: reduce_static,
}
