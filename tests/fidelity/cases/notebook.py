"""What a notebook has around its variables: modules, files beside it, settings, magics."""

from tests.fidelity.case import Shelf

shelf = Shelf("python")
HELPERS = '''
"""Beside the notebook."""
RATE = 3
SEEN = []
class Basket:
    kinds = ["fruit"]
    def __init__(self, items):
        self.items = items
    def total(self):
        return sum(self.items) * RATE
def priced(x):
    return x * RATE
def counter():
    n = 0
    def tick():
        nonlocal n
        n += 1
        return n
    return tick
'''

shelf.restored(
    "modules beside the notebook",
    """
import helpers
from helpers import Basket, priced
import tools.deep as deep
basket = Basket([1, 2])
tick = helpers.counter()
tick()
class Own(Basket):
    pass
own = Own([4])
""",
    """
import sys
assert helpers is sys.modules["helpers"] and Basket is helpers.Basket and priced is helpers.priced
assert type(basket) is helpers.Basket and basket.total() == 9 and tick() == 2
helpers.RATE = 10
assert basket.total() == 30 and priced(1) == 10 and own.total() == 40 and type(own) is Own
assert deep is sys.modules["tools.deep"] and deep.ANSWER == 42
""",
    files={"helpers.py": HELPERS, "tools/__init__.py": "", "tools/deep.py": "ANSWER = 42"},
)
shelf.restored(
    "a folder that was added to the path",
    """
import sys
sys.path.insert(0, "lib")
sys.path.append("more")
import inner
thing = inner.Thing()
""",
    """
assert type(thing) is inner.Thing and "lib" in sys.path and "more" in sys.path
assert sys.path.index("lib") < sys.path.index("more")
import outer
assert outer.X == 1
""",
    files={"lib/inner.py": "class Thing:\n    pass\n", "more/outer.py": "X = 1"},
)
shelf.restored(
    "the working folder",
    """
import os
os.makedirs("deeper", exist_ok=True)
os.chdir("deeper")
with open("here.txt", "w") as file:
    file.write("x")
del file
""",
    """
assert os.path.basename(os.getcwd()) == "deeper" and open("here.txt").read() == "x"
""",
)
shelf.restored(
    "magics, history and results",
    """
%load_ext autoreload
# %%
6 * 7
# %%
%time x = 5
# %%
answer = _
y = Out[2]
listing = !echo one
""",
    """
assert answer == 42 and y == 42 and x == 5 and list(listing) == ["one"] and listing.s == "one"
assert "autoreload" in get_ipython().magics_manager.magics["line"]
""",
)
shelf.restored(
    "the shell and what is displayed",
    """
from IPython.display import HTML, Image, Markdown, display
from IPython import get_ipython as shell_of
ip = get_ipython()
html, text = HTML("<b>x</b>"), Markdown("**x**")
run = ip.run_line_magic
""",
    """
assert ip is get_ipython() and html.data == "<b>x</b>" and text.data == "**x**"
assert shell_of() is ip and run.__self__ is ip
""",
)
shelf.restored(
    "loggers with their level and handlers",
    """
import io, logging
log = logging.getLogger("fidelity.case")
log.setLevel(logging.DEBUG)
log.propagate = False
text = io.StringIO()
handler = logging.StreamHandler(text)
handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
log.addHandler(handler)
log.debug("one")
plain = logging.getLogger("fidelity.plain")
root = logging.getLogger()
class Job:
    log = logging.getLogger("fidelity.case")
""",
    """
assert log is logging.getLogger("fidelity.case") and log.level == logging.DEBUG and Job.log is log
log.debug("two")
assert text.getvalue() == "DEBUG one\\nDEBUG two\\n" and log.handlers == [handler]
assert not log.propagate
assert plain is logging.getLogger("fidelity.plain") and root is logging.root
""",
)
shelf.restored(
    "a log in a file goes on at its end",
    """
import logging
log = logging.getLogger("fidelity.file")
handler = logging.FileHandler("job.log", mode="w")
log.addHandler(handler)
log.warning("one")
class Job:
    def __init__(self):
        self.log = log
job = Job()
""",
    """
before = open("job.log").read()
job.log.warning("two")
handler.flush()
assert open("job.log").read() == before + "two\\n" and before.startswith("one\\n")
assert job.log is log and log.handlers == [handler]
""",
)
shelf.restored(
    "a module read from a file, under no name",
    """
import importlib.util
spec = importlib.util.spec_from_file_location("loose", "somewhere.py")
loose = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loose)
tick = loose.tick
tick()
thing = loose.Thing()
""",
    """
assert tick is loose.tick and tick() == 2 and loose.count == 2 and type(thing) is loose.Thing
loose.count = 10
assert loose.tick() == 11 and thing.now() == 11
""",
    files={
        "somewhere.py": """
count = 0
def tick():
    global count
    count += 1
    return count
class Thing:
    def now(self):
        return count
"""
    },
)
shelf.restored(
    "settings of the process are for replay cells",
    """
x = Decimal(1) / 3
""",
    """
assert os.environ["FIDELITY"] == "on" and getcontext().prec == 5 and x == Decimal("0.33333")
assert sys.getrecursionlimit() == 4321 and warnings.filters[0][0] == "error"
assert textwrap.dedent("x") == "patched" and helpers.RATE == 99 and helpers.priced(1) == 99
""",
    replay="""
import os, sys, textwrap, warnings
from decimal import Decimal, getcontext
import helpers
os.environ["FIDELITY"] = "on"
getcontext().prec = 5
sys.setrecursionlimit(4321)
warnings.simplefilter("error")
textwrap.dedent = lambda text: "patched"
helpers.RATE = 99
""",
    files={"helpers.py": HELPERS},
)
shelf.restored(
    "a module that the notebook made",
    """
import sys, types
made = types.ModuleType("made", "The doc.")
made.value = [1]
made.me = made
exec("def get():\\n    return value", made.__dict__)
get = made.get
""",
    """
assert type(made) is types.ModuleType and made.__name__ == "made" and made.me is made
assert made.get() == [1] and made.__doc__ == "The doc."
made.value = [2]
assert made.get() == [2] and get() == [2]
""",
)
shelf.restored(
    "names imported from modules",
    """
from math import pi, inf, nan
from os import environ, sep
from string import ascii_letters
from json import JSONDecodeError, dumps
from typing import Any, Optional
import __main__
import builtins
builder = __main__
""",
    """
import json, math, os, sys
assert environ is os.environ and pi == math.pi and dumps is json.dumps and nan != nan
assert JSONDecodeError is json.JSONDecodeError and builder is __main__ is sys.modules["__main__"]
assert builder.__dict__ is globals() and builtins is sys.modules["builtins"]
builder.via = 5
assert via == 5
""",
)
shelf.restored(
    "a dictionary that is the notebook's own namespace",
    """
names = globals()
number = 1
class Holder:
    space = names
""",
    """
assert names is globals() and Holder.space is names
names["number"] = 2
assert number == 2
""",
)
