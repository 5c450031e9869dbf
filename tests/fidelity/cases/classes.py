"""Classes of the notebook: who is an instance of what, and what they remember."""

from tests.fidelity.case import Shelf

shelf = Shelf("python")

shelf.restored(
    "instances know their class",
    """
class Base:
    kinds = []
    count = 0
    def __init__(self, name):
        self.name = name
        Base.count += 1
    def greet(self):
        return f"I am {self.name}"
class Child(Base):
    def greet(self):
        return super().greet() + "!"
    @property
    def loud(self):
        return self.name.upper()
    @loud.setter
    def loud(self, value):
        self.name = value.lower()
    @classmethod
    def make(cls, name):
        return cls(name)
    @staticmethod
    def plain(x):
        return x + 1
child = Child.make("bo")
Base.kinds.append(child)
alias = Child
""",
    """
assert type(child) is Child is alias and isinstance(child, Base) and child.greet() == "I am bo!"
assert Base.count == 1 and Child.kinds is Base.kinds and Base.kinds[0] is child
child.loud = "XY"
assert child.loud == "XY" and Child.plain(1) == 2
Child("new")
assert Base.count == 2 and Base.__subclasses__() == [Child]
assert Child.__module__ == "__main__" and Child.__qualname__ == "Child"
Base.greet = lambda self: "changed"
assert child.greet() == "changed!"
""",
)
shelf.restored(
    "an instance of a class that was defined anew",
    """
class Thing:
    version = 1
old = Thing()
OldThing = Thing
class Thing:
    version = 2
new = Thing()
""",
    """
assert type(old) is OldThing and type(new) is Thing and Thing is not OldThing
assert not isinstance(old, Thing) and old.version == 1 and new.version == 2
""",
)
shelf.restored(
    "an instance whose class has no name any more",
    """
class Lost:
    level = [1]
    def up(self):
        self.level.append(2)
        return self
first, second = Lost(), Lost()
del Lost
""",
    """
assert type(first) is type(second) and type(first).__name__ == "Lost"
first.up()
assert second.level == [1, 2] and type(first)().level is second.level
""",
)
shelf.restored(
    "a registry filled by subclasses",
    """
class Plugin:
    registry = {}
    order = []
    def __init_subclass__(cls, tag=None, **kwargs):
        super().__init_subclass__(**kwargs)
        Plugin.registry[tag] = cls
        Plugin.order.append(cls.__name__)
class Csv(Plugin, tag="csv"):
    pass
class Json(Plugin, tag="json"):
    pass
calls = []
class Loud:
    def __init_subclass__(cls):
        calls.append(cls.__name__)
class Quiet(Loud):
    pass
""",
    """
assert Plugin.registry == {"csv": Csv, "json": Json} and Plugin.order == ["Csv", "Json"]
assert calls == ["Quiet"]
class Xml(Plugin, tag="xml"):
    pass
assert list(Plugin.registry) == ["csv", "json", "xml"]
""",
)
shelf.restored(
    "metaclasses and descriptors",
    """
made = []
class Meta(type):
    def __new__(meta, name, bases, names, **options):
        cls = super().__new__(meta, name, bases, names)
        cls.options = options
        return cls
    def __init__(cls, name, bases, names, **options):
        super().__init__(name, bases, names)
        made.append(name)
    def __len__(cls):
        return 42
class Field:
    def __set_name__(self, owner, name):
        self.name, self.owner = name, owner
        self.times = getattr(self, "times", 0) + 1
    def __get__(self, instance, owner):
        return self if instance is None else instance.__dict__.get(self.name, "unset")
    def __set__(self, instance, value):
        instance.__dict__[self.name] = value
class Model(metaclass=Meta, table="models"):
    title = Field()
one = Model()
one.title = "t"
""",
    """
assert type(Model) is Meta and len(Model) == 42 and Model.options == {"table": "models"}
assert made == ["Model"] and one.title == "t" and Model().title == "unset"
assert Model.title.name == "title" and Model.title.owner is Model and Model.title.times == 1
""",
)
shelf.restored(
    "abstract classes, protocols and virtual subclasses",
    """
from abc import ABC, abstractmethod
from typing import Protocol, runtime_checkable
class Shape(ABC):
    @abstractmethod
    def area(self): ...
class Square(Shape):
    def area(self):
        return 4
@Shape.register
class Alien:
    pass
@runtime_checkable
class HasArea(Protocol):
    def area(self): ...
square = Square()
assert isinstance(square, HasArea)
""",
    """
assert isinstance(square, Shape) and issubclass(Alien, Shape) and isinstance(Alien(), Shape)
assert isinstance(square, HasArea) and not isinstance(3, HasArea) and square.area() == 4
try:
    Shape()
except TypeError as error:
    assert "abstract" in str(error)
else:
    raise AssertionError
""",
)
shelf.restored(
    "enums are themselves",
    """
import enum
class Colour(enum.Enum):
    RED = 1
    GREEN = [2]
    CRIMSON = 1
    @property
    def loud(self):
        return self.name + "!"
class Level(enum.IntEnum):
    LOW = enum.auto()
    HIGH = enum.auto()
class Right(enum.Flag):
    READ = 1
    WRITE = 2
class Word(enum.StrEnum):
    A = "a"
red, level, both, word = Colour.RED, Level.HIGH, Right.READ | Right.WRITE, Word.A
by = {Colour.RED: "r", Level.LOW: "l"}
""",
    """
assert red is Colour.RED is Colour(1) is Colour["CRIMSON"] and red.loud == "RED!"
assert Colour.GREEN.value == [2] and list(Colour) == [Colour.RED, Colour.GREEN]
assert level is Level.HIGH and level == 2 and both == Right.READ | Right.WRITE
assert Right.READ in both
assert type(both) is Right and word is Word.A and word == "a" and by[Colour.RED] == "r"
assert by[Level(1)] == "l" and Right(3) is both
""",
)
shelf.restored(
    "dataclasses of each kind",
    """
import dataclasses
from dataclasses import KW_ONLY, MISSING, InitVar, dataclass, field
from typing import ClassVar
@dataclass(frozen=True, slots=True, order=True)
class Point:
    x: int
    y: int = 2
@dataclass
class Basket:
    name: str
    items: list = field(default_factory=list, repr=False, metadata={"unit": "kg"})
    shared: ClassVar[dict] = {}
    start: InitVar[int] = 0
    _: KW_ONLY
    last: int = 9
    def __post_init__(self, start):
        self.items.append(start)
@dataclass(frozen=True)
class Wrapped:
    basket: Basket
point = Point(1)
basket = Basket("b", start=4)
Basket.shared["k"] = basket
wrapped = Wrapped(basket)
""",
    """
assert point == Point(1, 2) and hash(point) == hash(Point(1)) and point < Point(1, 3)
assert not hasattr(point, "__dict__") and Point.__slots__ == ("x", "y")
try:
    point.x = 5
except dataclasses.FrozenInstanceError:
    pass
else:
    raise AssertionError
assert [f.name for f in dataclasses.fields(Basket)] == ["name", "items", "last"]
assert dataclasses.fields(Basket)[0].default is MISSING
assert dataclasses.fields(Basket)[1].default_factory is __builtins__.list
assert dataclasses.fields(Basket)[1].metadata["unit"] == "kg"
assert dataclasses.fields(Basket)[2].kw_only
assert basket.items == [4] and Basket.shared["k"] is basket and wrapped.basket is basket
assert dataclasses.replace(point, x=7) == Point(7, 2) and Basket("c").items == [0]
assert dataclasses.asdict(point) == {"x": 1, "y": 2} and Basket("c").items is not Basket("d").items
assert dataclasses.is_dataclass(basket) and repr(basket) == "Basket(name='b', last=9)"
""",
)
shelf.restored(
    "slots, and getstate and reduce of one's own",
    """
class Slotted:
    __slots__ = ("a", "b", "__weakref__")
class Both(Slotted):
    __slots__ = ("c",)
class Mixed(Both):
    pass
class Careful:
    def __init__(self):
        self.data, self.cache = [1], "big"
    def __getstate__(self):
        return {"data": self.data}
    def __setstate__(self, state):
        self.__dict__ |= state
        self.cache = "new"
class Reduced:
    made = 0
    def __init__(self, key):
        self.key = key
    def __reduce__(self):
        return Reduced, (self.key,)
slotted, both, mixed = Slotted(), Both(), Mixed()
slotted.a = both.a = slotted
both.c = "c"
mixed.b, mixed.free = both, 1
careful, reduced = Careful(), Reduced("k")
careful.cache = "new"
""",
    """
assert slotted.a is slotted and not hasattr(slotted, "b") and both.a is slotted and both.c == "c"
assert mixed.b is both and mixed.free == 1 and not hasattr(mixed, "c")
assert not hasattr(both, "__dict__")
assert careful.data == [1] and careful.cache == "new" and reduced.key == "k"
assert type(Slotted.a).__name__ == "member_descriptor"
""",
)
shelf.restored(
    "named tuples and typed dicts",
    """
from collections import namedtuple
from typing import NamedTuple, TypedDict
Old = namedtuple("Old", "a b", defaults=[5])
class New(NamedTuple):
    a: int
    b: str = "x"
    def double(self):
        return self.a * 2
class Row(TypedDict, total=False):
    key: int
old, new, row = Old(1), New(2), Row(key=3)
rows = [new, New(3, "y")]
""",
    """
assert type(old) is Old and old == (1, 5) and old._replace(a=2).a == 2 and Old._fields == ("a", "b")
assert type(new) is New and new.double() == 4 and New(1).b == "x" and rows[0] is new
assert New._field_defaults == {"b": "x"} and row == {"key": 3} and Row.__optional_keys__ == {"key"}
""",
)
shelf.restored(
    "generic classes and type variables",
    """
from typing import Callable, Generic, Literal, NewType, Optional, ParamSpec, TypeVar, Union
T = TypeVar("T", bound="Base")
P = ParamSpec("P")
UserId = NewType("UserId", int)
class Base:
    pass
class Stack(Generic[T]):
    def __init__(self):
        self.items: list[T] = []
    def push(self, item: T) -> "Stack[T]":
        self.items.append(item)
        return self
Ints = Stack[int]
stack = Stack[Base]().push(UserId(3))
shape = Union[Stack[T], None]
lit, call, maybe = Literal["a", 1], Callable[P, T], dict[str, list[T]] | None
""",
    """
assert Stack.__parameters__ == (T,) and Stack.__parameters__[0] is T and Ints.__args__ == (int,)
assert Ints.__origin__ is Stack and stack.items == [3] and type(stack) is Stack
assert stack.__orig_class__ == Stack[Base] and shape == Optional[Stack[T]]
assert UserId(5) == 5 and UserId.__supertype__ is int and UserId.__name__ == "UserId"
assert lit == Literal["a", 1] and call.__parameters__ == (P, T)
assert T.__bound__.__forward_arg__ == "Base"
assert maybe == dict[str, list[T]] | None and Stack.push.__annotations__["item"] is T
""",
)
shelf.restored(
    "classes made by functions, within functions and classes",
    """
def make(kind):
    shared = []
    class Local:
        tag = kind
        def add(self, x):
            shared.append(x)
            return shared
    return Local, lambda: shared
First, look = make("a")
Second, _ = make("b")
class Outer:
    class Inner:
        class Core:
            value = 1
    core = Inner.Core()
Dynamic = type("Dynamic", (First,), {"x": 5, "who": lambda self: type(self).__name__})
first, dynamic = First(), Dynamic()
""",
    """
assert First is not Second and First.tag == "a" and Second.tag == "b" and type(first) is First
assert first.add(1) == [1] and look() == [1] and look() is first.add(2) and Second().add(9) == [9]
assert type(Outer.core) is Outer.Inner.Core and Outer.Inner.Core.__qualname__ == "Outer.Inner.Core"
assert isinstance(dynamic, First) and dynamic.who() == "Dynamic" and dynamic.add(3) is look()
""",
)
shelf.restored(
    "instances with attributes computed by getattr",
    """
class Proxy:
    def __init__(self, target):
        self.target = target
    def __getattr__(self, name):
        return getattr(self.target, name)
class Everything:
    def __getattr__(self, name):
        return lambda *args: name
class Singleton:
    only = None
    def __new__(cls):
        if cls.only is None:
            cls.only = super().__new__(cls)
        return cls.only
proxy, everything = Proxy([1, 2]), Everything()
single = Singleton()
single.value = 7
""",
    """
assert proxy.count(1) == 1 and type(proxy) is Proxy and proxy.target == [1, 2]
assert everything.foo() == "foo" and type(everything) is Everything
assert Singleton() is single and single.value == 7
""",
)
shelf.restored(
    "a method that was put on a class, and one on an instance",
    """
import types
class Robot:
    def __init__(self):
        self.log = []
def walk(self, steps):
    self.log.append(steps)
    return self
Robot.walk = walk
robot = Robot()
robot.jump = types.MethodType(lambda self: self.log.append("jump"), robot)
bound = robot.walk
unbound = Robot.walk
appending = robot.log.append
""",
    """
robot.jump()
bound(3)
appending("x")
assert robot.log == ["jump", 3, "x"] and bound.__self__ is robot and bound.__func__ is walk
assert unbound is walk is Robot.walk and robot.jump.__self__ is robot
""",
)
