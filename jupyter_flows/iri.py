"""Puts off the building of grammars that jsonschema has built at import, whether used or not.

They take two seconds on a common machine, and 14 MiB. The formats `iri` and `iri-reference` need
one of them, nothing the others.
"""

import functools
import gc
import importlib
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

_NAME = "rfc3987_syntax"
_HELPERS = f"{_NAME}.syntax_helpers"
_UNUSED = "is_valid_syntax_"
"""What the names of the functions begin with that jsonschema doesn't use, each with a grammar."""


class _Later(ModuleType):
    """Stands in for the module until its one function that jsonschema uses is called."""

    @staticmethod
    def is_valid_syntax(rule: str, value: str) -> bool:
        if isinstance(sys.modules.get(_NAME), _Later):
            del sys.modules[_NAME]
        return bool(importlib.import_module(_NAME).is_valid_syntax(rule, value))


def put_off() -> None:
    """Must be called before jsonschema is imported; otherwise it changes nothing."""
    if _NAME not in sys.modules and importlib.util.find_spec(_NAME) is not None:
        sys.modules[_NAME] = _Later(_NAME)


def let_go() -> None:
    """Where jsonschema was there before us: each grammar is built again when it is asked for. What
    is loaded afterwards takes the memory that they leave.
    """
    module, helpers = sys.modules.get(_NAME), sys.modules.get(_HELPERS)
    if module is None or helpers is None:
        return
    functions = {name for name in vars(helpers) if name.startswith(_UNUSED)}
    try:
        build, parser = helpers.make_syntax_validator, helpers.syntax_parser
        own = functools.partial(
            helpers.Lark, helpers.grammar, start=parser.options.start, parser=parser.options.parser
        )
    except AttributeError:  # another version, which is built in another way
        return
    if not functions:  # they are gone already
        return
    helpers.syntax_parser = module.syntax_parser = _Grammar(own)  # type: ignore[attr-defined]
    for each in (module, helpers):
        for name in functions & vars(each).keys():
            delattr(each, name)
        each.__getattr__ = _again(each.__name__, functions, build)  # type: ignore[method-assign]
    del parser
    gc.collect()


class _Grammar:
    """Stands in for the one that jsonschema uses, until it does."""

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build

    @functools.cached_property
    def _built(self) -> Any:
        return self._build()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._built, name)


def _again(module: str, functions: set[str], build: Any) -> Callable[[str], Any]:
    """What the module is asked for names that it has not."""
    validator = functools.cache(build)

    def found(name: str) -> Any:
        if name in functions:
            return validator(name.removeprefix(_UNUSED))
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return found
