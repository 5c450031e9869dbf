"""Modules of ours as text, for kernels in whose environment they are not installed."""

import functools
from importlib import resources

TEACH = """
import importlib, importlib.machinery, linecache, sys, types

class Sent:
    "Finds modules among the texts that were sent."
    def __init__(self, texts):
        self.texts = texts
    def find_spec(self, name, path=None, target=None):
        if name not in self.texts:
            return None
        inner = any(other.startswith(name + ".") for other in self.texts)
        return importlib.machinery.ModuleSpec(name, self, is_package=inner)
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        file, text = "<%s>" % module.__name__, self.texts[module.__name__]
        module.__file__ = file
        linecache.cache[file] = (len(text), None, text.splitlines(True), file)
        exec(compile(text, file, "exec"), module.__dict__)

def found(name, protocol):
    "The module of this name, if it is installed here and speaks this protocol."
    try:
        module = importlib.import_module(name)
    except Exception:
        return None
    return module if getattr(module, "PROTOCOL", None) == protocol else None

def teach(texts, kept=()):
    "Load these modules from their texts, in the place of what is there; `kept` only if missing."
    for name in texts:
        if name not in kept:
            sys.modules.pop(name, None)
        above = name.rpartition(".")[0]
        while above and above not in texts and sys.modules.get(above) is None:
            sys.modules[above] = types.ModuleType(above)
            sys.modules[above].__path__ = []
            above = above.rpartition(".")[0]
    finder = Sent(texts)
    sys.meta_path.insert(0, finder)
    try:
        for name in texts:
            importlib.import_module(name)
    finally:
        sys.meta_path.remove(finder)
"""
"""Defines `found` and `teach` in a kernel."""


@functools.cache
def source_of(path: str) -> str:
    """The text of a file of this package; `path` is relative to its root."""
    return resources.files("jupyter_flows").joinpath(path).read_text("utf-8")
