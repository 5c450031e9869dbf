"""Modules of ours as text, for kernels in whose environment they are not installed."""

import functools
from importlib import resources

MAKE = """
import linecache, sys, types

def make(name, text, module=None):
    module = module or types.ModuleType(name)
    file = module.__file__ = "<" + name + ">"
    sys.modules[name] = module
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    exec(compile(text, file, "exec"), module.__dict__)
    return module
"""
"""Defines `make` in a kernel: fills a module, a new one unless it is given, with its text."""


@functools.cache
def source_of(path: str) -> str:
    """The text of a file of this package; `path` is relative to its root."""
    return resources.files("jupyter_flows").joinpath(path).read_text("utf-8")
