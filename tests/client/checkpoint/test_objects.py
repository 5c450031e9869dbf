"""Objects that are easily restored wrong; tests/fidelity has those of data teams' libraries."""

import os
import sys
import weakref

import numpy as np
import pandas as pd
import pytest

FUNCTIONS = """
x = 1
def plain(y=[0]): return x, y
def counter():
    count = 0
    def add():
        nonlocal count
        count += 1
        return count
    def get(): return count
    return add, get
add, get = counter()
add()
def factorial(n): return 1 if n < 2 else n * factorial(n - 1)
def looped():
    def inner(n): return inner(n - 1) if n else "done"
    return inner
inner = looped()
globals_of = {}
exec("value = 1\\ndef read(): return value", globals_of)
read = globals_of["read"]
"""


def test_functions_live_on_the_new_namespace(carried):
    other = carried(FUNCTIONS).run("x = 5")
    assert other.names["plain"]()[0] == 5
    assert other.names["plain"].__globals__ is other.names
    assert other.names["factorial"](5) == 120
    assert other.names["inner"](3) == "done"


def test_closures_go_on_sharing_their_cells(carried):
    other = carried(FUNCTIONS)
    assert (other.names["add"](), other.names["get"]()) == (2, 2)


def test_a_function_on_a_dict_of_its_own_goes_on_reading_it(carried):
    other = carried(FUNCTIONS)
    other.names["globals_of"]["value"] = 2
    assert other.names["read"]() == 2


CLASSES = """
import abc, dataclasses, enum, typing
class Base:
    made = []
    def __init_subclass__(cls): Base.made.append(cls.__name__)
class Child(Base):
    __slots__ = ("a", "__b")
    count = 0
    def __init__(self): super().__init__(); self.a = 1; self.__b = 2
    def b(self): return self.__b
    @classmethod
    def more(cls): cls.count += 1; return cls.count
    @property
    def twice(self): return self.a * 2
child = Child()
@dataclasses.dataclass
class Point:
    x: int
    y: list = dataclasses.field(default_factory=list)
point = Point(1)
class Colour(enum.Enum):
    RED = 1
    CRIMSON = 1
    BLUE = ("b", 2)
    def __init__(self, *args): self.args = args
red = Colour.RED
class Rights(enum.Flag):
    READ = 1
    WRITE = 2
    BOTH = 3
both = Rights.READ | Rights.WRITE
class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self): ...
Shape.register(dict)
T = typing.TypeVar("T")
class Box(typing.Generic[T]): pass
boxed = Box[int]()
"""


def test_classes_and_their_instances_stay_one(carried):
    names = carried(CLASSES).names
    assert type(names["child"]) is names["Child"]
    assert names["Base"].made == ["Child"]
    assert names["Base"].__subclasses__() == [names["Child"]]
    assert (names["child"].b(), names["child"].twice, names["Child"].more()) == (2, 2, 1)
    assert names["point"] == names["Point"](1)
    assert names["Point"].__dataclass_fields__["x"].default is sys.modules["dataclasses"].MISSING


def test_enums_keep_their_members_and_aliases(carried):
    names = carried(CLASSES).names
    colour, rights = names["Colour"], names["Rights"]
    assert names["red"] is colour.RED is colour.CRIMSON is colour(1)
    assert colour(("b", 2)).args == ("b", 2)
    assert [each.name for each in colour] == ["RED", "BLUE"]
    assert names["both"] is rights.BOTH is rights(3)


def test_abstract_and_generic_classes_go_on_being_so(carried):
    names = carried(CLASSES).names
    with pytest.raises(TypeError):
        names["Shape"]()
    assert isinstance({}, names["Shape"])
    assert names["Box"][int]
    assert type(names["boxed"]) is names["Box"]


ARRAYS = """
import numpy as np
big = np.arange(60_000.).reshape(200, 300).copy()
small = np.arange(6)
views = big[::-1, 10:20], small[2:], big.T, np.broadcast_to(small, (3, 6))
fortran = np.asfortranarray(big * 2)
turned = np.ones((40, 50, 60)).transpose(2, 0, 1).copy("K")
frozen = np.arange(20_000); frozen.flags.writeable = False
texts = np.array(["a", None, [1]], object)
part = texts[1:]
days = np.arange("2020-01", "2020-05", dtype="M8[D]")
table = np.zeros(9_000, [("x", "i4"), ("y", "f8")])
row = table[5]
masked = np.ma.masked_array(small, small > 3)
raw = bytearray(100)
over = np.frombuffer(raw, "u1")
empty = np.array([])
scalar = np.array(3.5)
"""


def test_views_go_on_showing_the_same_memory(carried):
    names = carried(ARRAYS).names
    turned, few, across, wide = names["views"]
    names["big"][-1, 10] = -5
    names["small"][2] = -6
    assert turned[0, 0] == across[10, -1] == -5
    assert few[0] == wide[2, 2] == -6
    assert turned.base is names["big"]
    names["part"][0] = "new"
    assert names["texts"][1] == "new"
    names["row"]["x"] = 9
    assert names["table"]["x"][5] == 9
    names["over"][0] = 255
    assert names["raw"][0] == 255


def test_arrays_lie_in_memory_as_they_did(kernel, carried):
    names = carried(ARRAYS).names
    for name, before in kernel.names.items():
        if not isinstance(before, np.ndarray):
            continue
        after = names[name]
        assert type(after) is type(before), name
        assert after.dtype == before.dtype, name
        assert after.strides == before.strides or not before.size, name
        assert after.flags.writeable == before.flags.writeable, name
        assert after.tolist() == before.tolist(), name
    for name in ("big", "small", "fortran", "turned", "frozen"):
        assert names[name].flags.owndata, name


def test_a_restored_state_can_be_saved_again(carried, kernel, other):
    carried(ARRAYS + FUNCTIONS + CLASSES)
    told = other.save()
    assert told["unsaved"] == []
    kernel.names["big"][0, 0] = 99
    assert kernel.load(told)["loaded"] == len(told["names"])
    names = kernel.names
    names["big"][-1, 10] = -5
    assert names["views"][0][0, 0] == -5
    assert names["add"]() == names["get"]() == 2


FRAMES = """
import pandas as pd
df = pd.DataFrame({"a": range(30_000), "b": 1.5, "c": ["x", "y", "z"] * 10_000})
column = df["b"]
renamed = df.rename(columns={"a": "n"})
index = pd.Index(df["a"])
same = df
"""


@pytest.mark.skipif(pd.__version__ < "3", reason="copies on write are pandas 3's")
def test_frames_that_share_memory_are_copied_when_written(carried):
    names = carried(FRAMES).names
    assert names["same"] is names["df"]
    assert np.shares_memory(names["column"].values, names["df"]["b"].values)
    names["df"].iloc[0, 0] = -1
    names["column"].iloc[0] = -1.0
    assert names["df"]["b"].iloc[0] == 1.5
    assert names["renamed"]["n"].iloc[0] == names["index"][0] == 0


LANGUAGE = """
import functools, os, random, sys, threading, types
from random import randint
d = {"a": 1}
keys, items, proxy = d.keys(), d.items(), types.MappingProxyType(d)
lock = threading.Lock()
condition = threading.Condition()
@functools.lru_cache(maxsize=4)
def doubled(n): return n * 2
doubled(3)
part = functools.partial(doubled, 3)
out, shell_names, main, env = sys.__stdout__, globals(), sys.modules["__main__"], os.environ
class Problem(Exception):
    def __init__(self, a, b): super().__init__(a); self.b = b
try:
    try: 1 / 0
    except ZeroDivisionError as error: raise Problem(1, 2) from error
except Problem as error: problem = error
"""


def test_objects_of_the_language(carried):
    other = carried(LANGUAGE)
    names = other.names
    names["d"]["b"] = 2
    assert list(names["keys"]) == list(names["proxy"]) == ["a", "b"]
    assert ("b", 2) in names["items"]
    assert not names["lock"].locked()
    with names["condition"]:
        names["condition"].notify_all()
    assert names["part"]() == names["doubled"](3) == 6
    assert names["randint"].__self__ is sys.modules["random"]._inst
    assert names["problem"].args == (1,)
    assert names["problem"].b == 2
    assert isinstance(names["problem"].__cause__, ZeroDivisionError)


def test_what_every_kernel_has_is_found_there(carried):
    names = carried(LANGUAGE).names
    assert names["out"] is sys.__stdout__
    assert names["shell_names"] is names
    assert names["main"] is sys.modules["__main__"]
    assert names["env"] is os.environ


def test_environment_variables_are_not_stored(kernel, blobs, monkeypatch):
    monkeypatch.setenv("SECRET", "sesame")
    kernel.run(LANGUAGE).save()
    assert not any(b"sesame" in path.read_bytes() for path in blobs())


WEAK = """
import weakref
class Node: pass
parent = Node()
child = Node()
child.parent = weakref.ref(parent)
parent.children = weakref.WeakSet([child])
by_name = weakref.WeakValueDictionary(child=child)
notes = weakref.WeakKeyDictionary({parent: "root"})
gone = weakref.ref(Node())
"""


def test_weak_references_to_what_a_variable_holds_stay(carried):
    names = carried(WEAK).names
    assert names["child"].parent() is names["parent"]
    assert list(names["parent"].children) == [names["child"]]
    assert names["by_name"]["child"] is names["child"]
    assert names["notes"][names["parent"]] == "root"
    assert names["gone"]() is None


def test_a_weak_reference_to_what_no_variable_holds_is_refused(kernel):
    kernel.run(WEAK)
    hidden = kernel.names["Node"]()
    kernel.run("outside = []").names["outside"].append(weakref.ref(hidden))
    unsaved = kernel.save()["unsaved"]
    assert [each["name"] for each in unsaved] == ["outside"]
    assert "weak reference" in unsaved[0]["reason"]


TENSORS = """
import numpy as np, torch
a = torch.arange(100_000.)
part = a[5:10]
array = np.arange(50_000.)
of_array = torch.from_numpy(array)
of_tensor = a.numpy()
layer = torch.nn.Linear(3, 2)
adam = torch.optim.Adam(layer.parameters())
layer(torch.ones(1, 3)).sum().backward()
few = torch.tensor([1, 2])
"""


def test_tensors_and_arrays_go_on_sharing_memory(kernel, carried):
    pytest.importorskip("torch")
    names = carried(TENSORS).names
    names["a"][5] = -1
    names["array"][3] = -2
    assert names["part"][0] == names["of_tensor"][5] == -1
    assert names["of_array"][3] == -2
    assert names["adam"].param_groups[0]["params"][0] is names["layer"].weight
    assert names["layer"].weight.grad is not None
    assert kernel.names["few"].resize_(10).shape == (10,)


def test_a_tensor_with_its_history_is_refused(kernel):
    pytest.importorskip("torch")
    kernel.run("import torch\nx = torch.ones(2, requires_grad=True)\ny = x * 2")
    assert [each["name"] for each in kernel.save()["unsaved"]] == ["y"]


TEE = """
import sys
class Tee:
    def __init__(self):
        self.lines = []
    def write(self, text):
        self.lines.append(text)
    def flush(self):
        pass
was, sys.stdout = sys.stdout, Tee()
print("hello")
job = {"log": sys.stdout}
"""


def test_what_the_user_has_put_in_the_place_of_a_stream_is_saved_as_it_is(kernel, other):
    kernel.run(TEE)
    try:
        told = kernel.save(exclude=["was"])
    finally:
        kernel.run("sys.stdout = was")
    assert told["unsaved"] == []
    assert "error" not in other.load(told)
    assert other.names["job"]["log"].lines == ["hello", "\n"]
