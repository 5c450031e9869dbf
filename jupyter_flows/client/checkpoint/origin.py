"""The private copy of cloudpickle, under a name of its own: the user's version never matters."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any

NAME = __name__.rpartition(".")[0] + ".cloudpickle_"


def _load() -> Any:
    """Sent as text it is found under that name; else the installed file is read once more."""
    if NAME in sys.modules or importlib.util.find_spec(NAME) is not None:
        return importlib.import_module(NAME)
    package = importlib.util.find_spec("cloudpickle")
    if package is None or not package.submodule_search_locations:
        raise ImportError("cloudpickle is not installed beside jupyter_flows")
    path = os.path.join(package.submodule_search_locations[0], "cloudpickle.py")  # noqa: PTH118
    spec = importlib.util.spec_from_file_location(NAME, path)
    if spec is None or spec.loader is None:
        raise ImportError("cloudpickle can't be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(NAME, None)
        raise
    return module


cloudpickle = _load()


def by_value_as_the_user_says() -> None:
    """What the user registered to be pickled by value is so here."""
    for name in ("cloudpickle.cloudpickle", "cloudpickle"):
        theirs = getattr(sys.modules.get(name), "_PICKLE_BY_VALUE_MODULES", None)
        if theirs is not None:
            cloudpickle._PICKLE_BY_VALUE_MODULES = theirs
            return


def by_reference(thing: Any) -> bool:
    """Whether a class, function or module is found again by its name, in another process."""
    return bool(cloudpickle._should_pickle_by_reference(thing))


def by_reference_of(thing: Any) -> bool:
    """The same for what is no function, but bears a module and a qualified name as one does."""
    found = cloudpickle._lookup_module_and_qualname(thing)
    return found is not None and not cloudpickle._is_registered_pickle_by_value(found[0])
