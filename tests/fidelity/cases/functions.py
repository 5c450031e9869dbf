"""Functions of the notebook: their globals, their cells, what they keep."""

from tests.fidelity.case import Shelf

shelf = Shelf("python")

shelf.restored(
    "functions see the notebook's globals",
    """
rate = 2
def price(x):
    return x * rate
def later(x):
    return not_yet(x)
by = {"price": price}
lazy = lambda: rate
""",
    """
assert price(3) == 6 and by["price"] is price and price.__globals__ is globals()
rate = 10
assert price(3) == 30 and lazy() == 10
def not_yet(x):
    return x + 1
assert later(1) == 2 and price.__module__ == "__main__" and price.__name__ == "price"
""",
)
shelf.restored(
    "a function counts in a global",
    """
count = 0
def tick():
    global count, fresh
    count += 1
    fresh = count * 10
    return count
tick()
""",
    """
assert tick() == 2 and count == 2 and fresh == 20
count = 50
assert tick() == 51
""",
)
shelf.restored(
    "closures share one cell",
    """
def account(balance):
    def add(x):
        nonlocal balance
        balance += x
        return balance
    def show():
        return balance
    return add, show
add, show = account(100)
other, _ = account(1)
add(5)
def self_made():
    def fact(n):
        return 1 if n == 0 else n * fact(n - 1)
    return fact
fact = self_made()
def empty():
    def inner():
        return unset
    if False:
        unset = 1
    return inner
broken = empty()
""",
    """
assert add(10) == 115 and show() == 115 and other(1) == 2 and show() == 115
assert add.__closure__[0] is show.__closure__[0] and fact(5) == 120
try:
    broken()
except NameError:
    pass
else:
    raise AssertionError
""",
)
shelf.restored(
    "defaults, annotations and attributes of functions",
    """
missing = object()
def f(a, b=[], *c: int, d: "str" = missing, **e) -> float:
    "The doc."
    b.append(a)
    return b if d is missing else d
f.calls = {"n": 1}
f.me = f
shared = f.__defaults__[0]
f(1)
""",
    """
assert f(2) == [1, 2] and shared is f.__defaults__[0] and shared == [1, 2] and f(0, d=5) == 5
assert f.__kwdefaults__["d"] is missing and f.__doc__ == "The doc." and f.me is f
assert f.__annotations__ == {"c": int, "d": "str", "return": float} and f.calls == {"n": 1}
""",
)
shelf.restored(
    "decorators that keep state",
    """
import functools
registry = []
def register(function):
    registry.append(function)
    return function
def counted(function):
    @functools.wraps(function)
    def wrapper(*args):
        wrapper.calls += 1
        return function(*args)
    wrapper.calls = 0
    return wrapper
class Memo:
    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function, self.seen = function, {}
    def __call__(self, x):
        if x not in self.seen:
            self.seen[x] = self.function(x)
        return self.seen[x]
@register
def one():
    return 1
@counted
def two():
    return 2
@Memo
def three(x):
    return [x]
two()
kept = three(3)
""",
    """
assert registry == [one] and registry[0] is one and two() == 2 and two.calls == 2
assert two.__wrapped__() == 2 and two.__name__ == "two" and three(3) is kept and type(three) is Memo
""",
)
shelf.restored(
    "caches of functions, warm",
    """
from functools import cache, cached_property, lru_cache
calls = []
@lru_cache(maxsize=3)
def slow(x, *, y=1):
    calls.append(x)
    return [x, y]
@cache
def settings():
    return {"debug": False}
@lru_cache(typed=True)
def typed(x):
    return [x]
class Lazy:
    @cached_property
    def value(self):
        calls.append("value")
        return [1]
    @lru_cache
    def method(self, x):
        return x * 2
kept = slow(1), slow(2, y=3), slow("s"), typed(1), typed(1.0)
settings()["debug"] = True
lazy = Lazy()
held = lazy.value
lazy.method(4)
""",
    """
assert slow(1) is kept[0] and slow(2, y=3) is kept[1] and slow("s") is kept[2]
assert calls == [1, 2, "s", "value"] and settings()["debug"] is True and settings() is settings()
assert typed(1) is kept[3] and typed(1.0) is kept[4] and typed(1) is not typed(1.0)
slow(4)
assert slow.cache_info().currsize == 3 and slow(2, y=3) is kept[1] and slow(1) is not kept[0]
assert slow.cache_parameters() == {"maxsize": 3, "typed": False} and slow.__wrapped__(7) == [7, 1]
assert lazy.value is held and lazy.method(4) == 8 and typed.cache_parameters()["typed"]
slow.cache_clear()
assert slow(2, y=3) is not kept[1] and slow.__name__ == "slow"
""",
)
shelf.restored(
    "dispatch by type, and partial functions",
    """
import functools, operator
@functools.singledispatch
def show(x):
    return "any"
@show.register
def _(x: int):
    return "int"
class Mine:
    pass
@show.register(Mine)
def _mine(x):
    return "mine"
show(Mine())
add3 = functools.partial(operator.add, 3)
show5 = functools.partial(show, 5)
class Menu:
    def pick(self, n, *, loud):
        return n, loud
    first = functools.partialmethod(pick, 1, loud=True)
    @functools.singledispatchmethod
    def take(self, x):
        return "any"
    @take.register
    def _(self, x: str):
        return "str"
menu = Menu()
get = operator.attrgetter("a.b")
item = operator.itemgetter(1, 0)
call = operator.methodcaller("upper")
def compare(a, b):
    return b - a
""",
    """
assert show(1) == "int" and show(Mine()) == "mine" and show("x") == "any" and show5() == "int"
@show.register(str)
def _text(x):
    return "str"
assert show("x") == "str" and show5.func is show and add3(4) == 7
assert menu.first() == (1, True) and menu.take("x") == "str" and menu.take(1) == "any"
assert item("ab") == ("b", "a") and call("a") == "A"
assert sorted([1, 3, 2], key=functools.cmp_to_key(compare)) == [3, 2, 1]
""",
)
shelf.restored(
    "functions made by exec keep their own namespace",
    """
space = {"k": 1}
exec("def f():\\n    return k", space)
f = space["f"]
code = compile("6 * 7", "<sum>", "eval")
""",
    """
assert f() == 1 and f.__globals__ is space and space["f"] is f
space["k"] = 2
assert f() == 2 and eval(code) == 42
""",
)
shelf.restored(
    "functions that make generators and coroutines",
    """
import asyncio, contextlib
def count(n):
    yield from range(n)
async def double(x):
    return x * 2
async def stream():
    yield 1
@contextlib.contextmanager
def opened(log):
    log.append("in")
    yield log
    log.append("out")
""",
    """
import inspect
assert list(count(3)) == [0, 1, 2] and inspect.isasyncgenfunction(stream)
coroutine = double(4)
try:
    coroutine.send(None)
except StopIteration as done:
    assert done.value == 8
with opened([]) as log:
    assert log == ["in"]
assert log == ["in", "out"]
""",
)
shelf.restored(
    "built-in functions and methods of types",
    """
import math, operator, os.path
functions = [len, math.sqrt, str.upper, dict.fromkeys, os.path.join]
functions += [operator.add, int.__add__, print]
joined = ", ".join
get = {"a": 1}.get
kinds = [int, type(None), type(...), type(len), type(lambda: 0), type({}.keys()), object, type]
""",
    """
assert functions[:5] == [len, math.sqrt, str.upper, dict.fromkeys, os.path.join]
assert functions[5:] == [operator.add, int.__add__, print]
assert joined(["a", "b"]) == "a, b" and get("a") == 1 and get("b") is None
assert kinds[:4] == [int, type(None), type(...), type(len)]
assert kinds[4:] == [type(lambda: 0), type({}.keys()), object, type]
""",
)
shelf.restored(
    "signatures and parameters without defaults",
    """
import inspect
def f(a, /, b: int, *args, c=None, **kw):
    pass
signature = inspect.signature(f)
bound = signature.bind(1, 2, c=3)
""",
    """
assert signature == inspect.signature(f) and str(signature) == "(a, /, b: int, *args, c=None, **kw)"
assert signature.parameters["a"].default is inspect.Parameter.empty
assert bound.arguments == {"a": 1, "b": 2, "c": 3} and bound.signature is signature
""",
)
shelf.restored(
    "a function that imports, and one that names modules",
    """
import json as j
import os.path as path
import xml.etree.ElementTree as tree
import importlib.metadata
def dump(x):
    import base64
    return base64.b64encode(j.dumps(x).encode())
def name(x):
    return path.basename(x)
def version():
    return importlib.metadata.version("numpy") and importlib.util.find_spec("os") is not None
element = tree.fromstring("<a><b c='1'/></a>")
""",
    """
import sys
assert dump({"a": 1}) == b"eyJhIjogMX0=" and name("/a/b") == "b" and j is sys.modules["json"]
assert path is sys.modules["os.path"] or path is sys.modules["posixpath"]
assert tree is sys.modules["xml.etree.ElementTree"] and element.find("b").get("c") == "1"
assert importlib is sys.modules["importlib"] and version()
""",
)
