"""Objects that make it hard: what their own pickling would lose, or stumble over."""

from tests.fidelity.case import Shelf

shelf = Shelf("python")
widgets = Shelf("ipywidgets")
jinja = Shelf("jinja2")

shelf.restored(
    "containers of one's own whose making asks for more",
    """
from collections import Counter, OrderedDict, defaultdict, deque
class Groups(defaultdict):
    def __init__(self, owner, make):
        super().__init__(make)
        self.owner = owner
class Sorted(OrderedDict):
    def __init__(self, owner):
        super().__init__()
        self.owner = owner
class Tail(deque):
    def __init__(self, owner, size):
        super().__init__([], size)
        self.owner = owner
class Group(set):
    def __init__(self, owner, items):
        super().__init__(items)
        self.owner = owner
class Tally(Counter):
    def __init__(self, owner):
        super().__init__("aab")
        self.owner = owner
class Failure(Exception):
    def __init__(self, owner, *, code):
        super().__init__(f"{owner} {code}")
        self.owner, self.code = owner, code
groups, ordered, tail = Groups("o", list), Sorted("o"), Tail("o", 2)
groups["a"].append(1)
ordered["z"] = ordered["a"] = 1
tail.extend([1, 2, 3])
group, tally, failure = Group("o", {1, 2}), Tally("o"), Failure("o", code=5)
everything = [groups, ordered, tail, group, tally, failure]
""",
    """
assert all(each.owner == "o" for each in everything) and everything[0] is groups
assert groups["a"] == [1] and groups["new"] == [] and list(ordered) == ["z", "a"]
tail.append(4)
assert list(tail) == [3, 4] and group == {1, 2} and tally["a"] == 2 and type(tally) is Tally
assert failure.code == 5 and str(failure) == "o 5" and type(failure) is Failure
""",
)
shelf.restored(
    "classes whose making asks for more",
    """
made = []
class Needs:
    def __new__(cls, name):
        made.append(name)
        return super().__new__(cls)
    def __init__(self, name):
        self.name = name
class Pool:
    known = {}
    def __new__(cls, key):
        if key not in cls.known:
            cls.known[key] = super().__new__(cls)
            cls.known[key].key = key
        return cls.known[key]
needs, one, same = Needs("n"), Pool("k"), Pool("k")
""",
    """
assert needs.name == "n" and made == ["n"] and one is same is Pool("k") is Pool.known["k"]
assert list(Pool.known) == ["k"] and Needs("m").name == "m" and made == ["n", "m"]
""",
)
shelf.restored(
    "classes that convert what they are given",
    """
class Celsius(float):
    def __new__(cls, fahrenheit):
        return super().__new__(cls, (fahrenheit - 32) / 1.8)
class Doubling(dict):
    def __setitem__(self, key, value):
        super().__setitem__(key, value * 2)
class Logged(list):
    seen = []
    def append(self, item):
        self.seen.append(item)
        super().append(item)
    def extend(self, items):
        for item in items:
            self.append(item)
class Upper(str):
    def __new__(cls, text, mark):
        return super().__new__(cls, text.upper() + mark)
class Pairs(tuple):
    def __new__(cls, *items):
        return super().__new__(cls, [(item, item) for item in items])
class Checked(dict):
    def __init__(self, schema):
        super().__init__()
        self.schema = schema
    def __setitem__(self, key, value):
        assert key in self.schema
        super().__setitem__(key, value)
    def items(self):
        return [("fake", 1)]
warm, doubled, logged, upper = Celsius(212), Doubling(), Logged(), Upper("a", "!")
doubled["a"] = 1
logged.append(5)
pairs, checked = Pairs(1, 2), Checked({"k"})
checked["k"] = checked
""",
    """
assert float.__pos__(warm) == 100 and type(warm) is Celsius and dict(doubled) == {"a": 2}
assert logged == [5] and Logged.seen == [5] and upper == "A!" and type(upper) is Upper
assert tuple(pairs) == ((1, 1), (2, 2)) and type(pairs) is Pairs
assert checked["k"] is checked and list(checked) == ["k"] and checked.schema == {"k"}
""",
)
shelf.restored(
    "instances of a class that a replay cell makes",
    """
one, two = Thing(1), Thing([1])
class Child(Thing):
    pass
child, kinds = Child(3), {Thing: "thing"}
""",
    """
assert type(one) is Thing and two.value == [1] and isinstance(child, Thing)
assert kinds[Thing] == "thing"
assert Child.__bases__ == (Thing,) and child.value == 3
""",
    replay="""
class Thing:
    def __init__(self, value):
        self.value = value
""",
)
shelf.restored(
    "objects that are hostile to whoever looks at them",
    """
class Hostile:
    value = 5
    def fail(self, *args):
        raise RuntimeError("don't touch me")
    __eq__ = __bool__ = __len__ = __repr__ = __str__ = __iter__ = __call__ = __contains__ = fail
    __hash__ = None
    def __getattr__(self, name):
        raise RuntimeError("don't ask")
hostile = Hostile()
hostile.inside = [hostile]
class Watched:
    touched = []
    def __getattribute__(self, name):
        if not name.startswith("__"):
            type(self).touched.append(name)
        return object.__getattribute__(self, name)
    def __setattr__(self, name, value):
        raise AttributeError("frozen")
watched = Watched()
watched.__dict__["x"] = 1
""",
    """
assert hostile.inside[0] is hostile and type(hostile) is Hostile and hostile.value == 5
assert Watched.touched == [] and watched.x == 1 and Watched.touched == ["x"]
""",
)
shelf.restored(
    "objects that are pickled as a name of the notebook",
    """
import copyreg
class Only:
    def __reduce__(self):
        return "ONLY"
ONLY = Only()
ONLY.state = [1]
held = {"only": ONLY}
""",
    """
assert held["only"] is ONLY and type(ONLY) is Only and ONLY.state == [1]
""",
)
shelf.restored(
    "classes that refer to themselves and to one another",
    """
class Thing:
    def other(self):
        return Other
    def __init__(self, name="x"):
        self.name = name
class Other(Thing):
    parent = Thing
    def up(self):
        return super().other()
Thing.default = Thing("d")
Thing.child = Other
Thing.all = [Thing, Other, Other()]
def build(kind=Thing):
    return kind
Thing.build = build
class A: pass
class B(A): pass
class C(A): pass
class D(B, C): pass
A.leaf = D()
""",
    """
assert type(Thing.default) is Thing and Thing.child is Other and Thing.all[0] is Thing
assert type(Thing.all[2]) is Other
assert Other().up() is Other and Thing.build is build and build() is Thing and Other.parent is Thing
assert D.__mro__ == (D, B, C, A, object) and type(D.leaf) is D and Other.default is Thing.default
""",
)
shelf.restored(
    "queues and events of asyncio that no loop has taken",
    """
import asyncio
todo, event, lock = asyncio.Queue(), asyncio.Event(), asyncio.Lock()
todo.put_nowait("a")
event.set()
""",
    """
async def use():
    async with lock:
        await event.wait()
        return await todo.get()
assert asyncio.run(use()) == "a" and todo.empty() and not lock.locked()
""",
)
shelf.restored(
    "an object with a finalizer",
    """
log = []
class Ends:
    def __init__(self, n):
        self.n = n
    def __del__(self):
        log.append(self.n)
ends = Ends(1)
""",
    """
import gc
gc.collect()
assert log == []
del ends
gc.collect()
assert log == [1]
""",
)
shelf.restored(
    "mocks and sentinels",
    """
from unittest import mock
import argparse, enum, inspect, dataclasses
named = mock.sentinel.thing
default = mock.DEFAULT
missing, empty, suppressed = dataclasses.MISSING, inspect.Signature.empty, argparse.SUPPRESS
own = object()
def ask(x=own):
    return x is own
class Marker:
    def __repr__(self):
        return "<unset>"
UNSET = Marker()
settings = {"a": UNSET}
""",
    """
assert named is mock.sentinel.thing and default is mock.DEFAULT and missing is dataclasses.MISSING
assert empty is inspect.Signature.empty and ask() and settings["a"] is UNSET
assert suppressed == argparse.SUPPRESS
""",
)
shelf.restored(
    "many small objects, and who shares them",
    """
class Row:
    __slots__ = ("key", "tags", "next")
tags = [[n] for n in range(10)]
rows = []
for n in range(20_000):
    row = Row()
    row.key, row.tags, row.next = f"k{n}", tags[n % 10], rows[-1] if n % 100 else None
    rows.append(row)
index = {row.key: row for row in rows}
""",
    """
assert len(index) == 20_000 and all(index[row.key] is row for row in rows)
assert all(row.tags is tags[n % 10] for n, row in enumerate(rows))
assert all((row.next is rows[n - 1]) if n % 100 else row.next is None for n, row in enumerate(rows))
""",
)
shelf.unsaved(
    "matches, and other results written in C",
    {"match": "Match", "scan": "", "compare": "KeyWrapper"},
    """
import functools, re, zlib
compare = functools.cmp_to_key(lambda a, b: b - a)
match = re.match(r"(a)(b)", "ab")
scan = re.finditer("a", "aa")
checked = zlib.crc32(b"abc")
""",
    "assert checked == 891568578",
)
shelf.rehearsed(
    "an object that can't be loaded again",
    "broken",
    """
class Broken:
    def __init__(self):
        self.a = 1
    def __setstate__(self, state):
        raise KeyError("lost")
fine, broken, after = 1, Broken(), [2]
""",
)
shelf.rehearsed(
    "an object that comes back as another type",
    "odd",
    """
class Odd:
    def __reduce__(self):
        return int, ("5",)
fine, odd = 1, Odd()
""",
)
widgets.unsaved(
    "widgets",
    {"slider": "widget", "box": "widget"},
    """
import ipywidgets as w
slider = w.IntSlider(5)
box = w.VBox([slider])
value = slider.value
""",
    "assert value == 5 and w.IntSlider(3).value == 3",
)
jinja.restored(
    "templates of jinja by a replay cell",
    """
text = template.render(x=5)
page = {"template": template}
""",
    "assert page['template'] is template and template.render(x=text) == 'a a 5'",
    replay="""
import jinja2
env = jinja2.Environment()
template = env.from_string("a {{ x }}")
""",
)
shelf.restored(
    "attributes that the pickling of a base forgets",
    """
import datetime, fractions, functools, ipaddress, itertools, pathlib, random, weakref
class Day(datetime.date): pass
class Span(datetime.timedelta): pass
class Share(fractions.Fraction): pass
class Chance(random.Random): pass
class Host(ipaddress.IPv4Address): pass
class Count(itertools.count): pass
class Folder(type(pathlib.Path())): pass
class Part(functools.partial):
    __slots__ = ("tag",)
class Key: pass
key = Key()
made = [Day(2020, 1, 1), Span(1), Share(1, 2), Chance(3), Host("1.2.3.4"), Count(3), Folder("/a")]
made += [Part(int), weakref.WeakSet([key]), weakref.WeakKeyDictionary({key: 1})]
tag = [1]
for each in made:
    each.tag = tag
""",
    """
assert [each.tag is tag for each in made] == [True] * 10
tell([made[0], made[1], made[2], made[3].random(), made[4], next(made[5]), made[6], made[7]("5")])
assert list(made[8]) == [key] and made[9][key] == 1
""",
)
shelf.restored(
    "members of errors, and views of a dict whose class has other keys",
    """
try:
    (3).foo
except AttributeError as error:
    kept = error
imported, group = ImportError("m", name="n", path="p"), ExceptionGroup("g", [ValueError(1)])
class Own(dict):
    def keys(self):
        return ["own"]
own = Own(a=1)
view = [dict.keys(own)]
""",
    """
assert kept.name == "foo" and kept.obj == 3 and (imported.name, imported.path) == ("n", "p")
assert len(group.exceptions) == 1 and list(view[0]) == ["a"]
""",
)
