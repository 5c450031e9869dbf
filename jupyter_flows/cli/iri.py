"""Puts off the building of a grammar that jsonschema has built at import, whether used or not.

It takes two seconds on a common machine, and only the formats `iri` and `iri-reference` need it.
"""

import importlib
import importlib.util
import sys
from types import ModuleType

_NAME = "rfc3987_syntax"


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
