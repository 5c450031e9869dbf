"""One pickler for all variables of a checkpoint: what they share stays shared."""

from __future__ import annotations

import functools
import gc
import pickle
import sys
import types
from collections.abc import Callable, Iterable
from typing import Any, cast

from jupyter_flows.client.checkpoint import (
    added,
    arrays,
    caches,
    classes,
    denied,
    figures,
    finished,
    frames,
    functions,
    instances,
    language,
    logs,
    losing,
    origin,
    rebuilding,
    rebuilding_instances,
    sources,
    surroundings,
    tables,
    tensors,
    weak,
)
from jupyter_flows.client.checkpoint import rebuilding_library as again
from jupyter_flows.client.checkpoint.errors import Refused
from jupyter_flows.client.checkpoint.sharing import Memories

PROTOCOL = 5
OUT_OF_BAND = 64 * 1024
"""From this size on a buffer is stored by itself."""

Plan = Callable[["Pickler", Any], Any]
_SIMPLE: dict[type, Plan] = {
    types.FunctionType: functions.reduce,
    types.CellType: functions.reduce_cell,
    types.CodeType: sources.reduce_code,
    type(functools.lru_cache(int)): caches.reduce,
    **language.TABLE,
    **weak.TABLE,
}
_BUILT_IN = {"builtins", "collections", "datetime", "decimal", "pathlib", "uuid", "fractions"}


class Live:
    """Stands for an object that is there in every kernel, and is found there by name."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind = kind
        self.name = name

    def __reduce__(self) -> Any:
        return rebuilding.live, (self.kind, self.name)


class _Namespace:
    """Stands for the names of a module."""

    def __init__(self, module: types.ModuleType) -> None:
        self.module = module

    def __reduce__(self) -> Any:
        return again.namespace, (self.module,)


class Pickler(pickle.Pickler):
    """Written in C; `reducer_override` is asked for each object whose type is not built in."""

    def __init__(
        self,
        file: Any,
        keep: Callable[[pickle.PickleBuffer], None],
        memories: Memories | None = None,
        targets: weak.Targets | None = None,
    ) -> None:
        super().__init__(file, PROTOCOL, buffer_callback=self._buffer)
        self._keep = keep
        self._plans: dict[type, Plan | None] = dict(_SIMPLE)
        self._lives: dict[tuple[str, str], Live] = {}
        self._partial: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._homes: dict[int, Any] = {}
        self._singles: dict[int, tuple[str, str]] = {}
        self._kept_alive: list[Any] = []
        self.modules: set[str] = set()
        self.files: set[str] = set()
        """Files that the code of saved functions is from."""
        self.memories = memories or Memories()
        self.weak = weak.Targets() if targets is None else targets
        self.packed: set[int] = set()
        """Ids of bytes that reducers have made to be stored by themselves."""
        self.buffers: dict[tuple[int, int], Any] = {}
        self.storages: dict[int, Any] = {}

    def reducer_override(self, thing: Any) -> Any:
        kind = type(thing)
        try:
            plan = self._plans[kind]
        except KeyError:
            plan = self._plans[kind] = self._plan(kind)
        if plan is None:
            return NotImplemented
        return plan(self, thing)

    def refer(self, objects: Iterable[tuple[str, str, Any]]) -> None:
        """Have these objects, given as kind, name and object, looked up by name when loaded."""
        told = [(Live(kind, name), thing) for kind, name, thing in objects]
        self.dump([stands for stands, _ in told])
        memo = self.memo.copy()
        for stands, thing in told:
            memo[id(thing)] = (memo.pop(id(stands))[0], thing)
        self.memo = memo
        self._kept_alive.append(told)

    # ------------------------------------------------------------ for reducers

    def live(self, kind: str, name: str) -> Live:
        """A stand-in, the same each time."""
        return self._lives.setdefault((kind, name), Live(kind, name))

    def occurs(self, module: str | None) -> None:
        if module:
            self.modules.add(module)

    def held(self, thing: Any) -> Any:
        """An object made on the way is kept, so that its id is not given to another."""
        self._kept_alive.append(thing)
        return thing

    def partial_globals(self, names: dict[str, Any]) -> dict[str, Any]:
        """What stands for the globals of a module that is saved by value."""
        if id(names) not in self._partial:
            kept = ("__package__", "__name__", "__path__", "__file__")
            self._partial[id(names)] = names, {key: names[key] for key in kept if key in names}
        return self._partial[id(names)][1]

    def namespace(self, names: dict[str, Any]) -> Any:
        """The globals of a function whose module, if it has one, can't be imported by its name."""
        if id(names) not in self._homes:
            referring = gc.get_referrers(names)
            homes = [each for each in referring if issubclass(type(each), types.ModuleType)]
            found = next((each for each in homes if vars(each) is names), None)
            self._homes[id(names)] = names if found is None else _Namespace(found)
        return self._homes[id(names)]

    def _buffer(self, buffer: pickle.PickleBuffer) -> bool:
        """Whether it goes into the stream: small ones, and those whose owners are unknown here."""
        with buffer.raw() as raw:
            if raw.nbytes < OUT_OF_BAND or not self._apart(raw.obj):
                return True
        self._keep(buffer)
        return False

    def _apart(self, owner: Any) -> bool:
        """Whether its maker takes any memory back, not only the bytes that it gave."""
        if type(owner) is bytes:
            return id(owner) in self.packed
        return type(owner).__module__.partition(".")[0] in {"numpy", "pyarrow"}

    # ------------------------------------------------------------ plans

    def _plan(self, kind: type) -> Plan | None:
        """How objects of a type are saved. None: in their own way."""
        self.occurs(getattr(kind, "__module__", None))
        if issubclass(kind, type):
            return classes.reduce
        ended = finished.plan(kind)
        if ended is not None:
            return cast("Plan", ended)
        why = denied.reason(kind)
        if why is not None:
            return _refusing(why)
        for library in (arrays, frames, tensors, tables, logs, figures):
            plan: Plan | None = library.plan(kind)
            if plan is not None:
                return plan
        return self._other_plan(kind)

    def _other_plan(self, kind: type) -> Plan | None:
        if issubclass(kind, BaseException):
            return language.reduce_exception
        if issubclass(kind, property):
            return language.reduce_property
        if classes.is_own_enum(kind):
            return classes.reduce_member
        if kind in origin.cloudpickle.Pickler.dispatch_table:
            return _of_cloudpickle(origin.cloudpickle.Pickler.dispatch_table[kind])
        usual: Plan | None = losing.over(kind, added.over(kind, instances.plan(kind)))
        return functools.partial(_single, usual) if self._has_singles(kind) else usual

    def _has_singles(self, kind: type) -> bool:
        """Notes the objects that the module of their class keeps under a name, as sentinels are."""
        module = getattr(kind, "__module__", None)
        if module in _BUILT_IN or module == "__main__" or not isinstance(module, str):
            return False
        home = sys.modules.get(module)
        found = {
            id(value): (module, name)
            for name, value in list(getattr(home, "__dict__", {}).items())
            if type(value) is kind
        }
        self._singles.update(found)
        return bool(found)


def _single(usual: Plan | None, pickler: Pickler, thing: Any) -> Any:
    found = pickler._singles.get(id(thing))
    if found is None:
        return NotImplemented if usual is None else usual(pickler, thing)
    if not surroundings.is_own(found[0]):
        return rebuilding.attribute, found
    state = instances.state_of(thing)
    if state is not None:
        return rebuilding.attribute, found, state, None, None, rebuilding_instances.reset_instance
    own = getattr(thing, "__dict__", None)
    if not own:
        return rebuilding.attribute, found
    return rebuilding.attribute, found, own, None, None, rebuilding.set_all_attributes


def _refusing(why: str) -> Plan:
    def refuse(pickler: Pickler, thing: Any) -> Any:
        del pickler, thing
        raise Refused(why)

    return refuse


def _of_cloudpickle(reduce: Callable[[Any], Any]) -> Plan:
    return lambda _, thing: reduce(thing)
