"""Values of Python's own kinds, and who is whom among them."""

from tests.fidelity.case import Shelf

shelf = Shelf("python")

shelf.restored(
    "numbers to the last bit",
    """
import math, struct
small, huge, minus, nothing = 5e-324, 2**20_000 + 7, -0.0, 0.1 + 0.2
odd = struct.unpack("<d", bytes.fromhex("010000000000f87f"))[0]
pair = complex(-0.0, math.inf)
truth, dots, no = True, ..., NotImplemented
""",
    """
assert huge == 2**20_000 + 7 and small == 5e-324 and nothing.hex() == "0x1.3333333333334p-2"
assert math.copysign(1, minus) == -1 and math.copysign(1, pair.real) == -1 and pair.imag == math.inf
assert struct.pack("<d", odd).hex() == "010000000000f87f"
assert truth is True and dots is ... and no is NotImplemented
""",
)
shelf.restored(
    "texts and bytes",
    """
lone = "a\\ud800b"
nul = "\\0\\x80\\U0001f600"
raw = bytes(range(256)) * 300
text = "ä" * 100_000
same = text
""",
    """
assert lone == "a\\ud800b" and nul == "\\0\\x80\\U0001f600" and type(lone) is str
assert raw == bytes(range(256)) * 300 and text == "ä" * 100_000 and same is text
""",
)
shelf.restored(
    "one object under many names",
    """
a = [1, 2]
b = a
c = {"a": a, "also": (a, [a])}
d = c
other = [1, 2]
""",
    """
assert b is a and d is c and c["a"] is a and c["also"][0] is a and c["also"][1][0] is a
assert other is not a and other == a
b.append(3)
assert c["also"][1][0] == [1, 2, 3] and other == [1, 2]
""",
)
shelf.restored(
    "a mutable bytearray in two places",
    """
buffer = bytearray(b"x" * 200_000)
holder = {"buffer": buffer}
short = bytearray(b"ab")
pair = (short, short)
""",
    """
assert type(buffer) is bytearray and holder["buffer"] is buffer and pair[0] is pair[1] is short
buffer[0] = 0
buffer.extend(b"yz")
assert holder["buffer"][0] == 0 and len(holder["buffer"]) == 200_002
short += b"c"
assert pair[1] == b"abc"
""",
)
shelf.restored(
    "structures that hold themselves",
    """
loop = [1]
loop.append(loop)
table = {}
table["me"] = table
inner = []
tupled = (inner, 1)
inner.append(tupled)
class Node:
    pass
left, right = Node(), Node()
left.other, right.other = right, left
left.me = left
hashed = Node()
hashed.group = {hashed}
""",
    """
assert loop[1] is loop and table["me"] is table and inner[0] is tupled and tupled[0] is inner
assert left.other is right and right.other is left and left.me is left
assert hashed in hashed.group and type(left) is Node
""",
)
shelf.restored(
    "sets and keys by their hashes",
    """
class Key:
    def __init__(self, name):
        self.name = name
    def __hash__(self):
        return hash(self.name)
    def __eq__(self, other):
        return self.name == other.name
keys = {Key(f"k{n}"): n for n in range(50)}
group = frozenset(keys)
words = {f"w{n}" for n in range(1000)}
order = {"z": 1, "a": 2, "m": 3}
nested = {frozenset({"a", "b"}): {("x", 1)}}
plain = {object() for _ in range(3)}
listed = sorted(plain, key=id)
""",
    """
assert all(keys[Key(f"k{n}")] == n for n in range(50)) and Key("k7") in group
assert words == {f"w{n}" for n in range(1000)} and list(order) == ["z", "a", "m"]
assert nested[frozenset({"b", "a"})] == {("x", 1)}
assert type(group) is frozenset and set(listed) == plain and len(plain) == 3
assert next(iter(group)) in keys
""",
)
shelf.restored(
    "an object that is a key of its own attribute",
    """
class Item:
    def __init__(self, name):
        self.name = name
        self.links = {}
    def __hash__(self):
        return hash(self.name)
    def __eq__(self, other):
        return isinstance(other, Item) and self.name == other.name
item = Item("one")
item.links[item] = "self"
peer = Item("two")
peer.links[item] = "one"
item.links[peer] = "two"
""",
    """
assert item.links[item] == "self" and item.links[Item("two")] == "two" and peer.links[item] == "one"
assert next(iter(item.links)) is item
""",
)
shelf.restored(
    "NaN in containers, each one another object",
    """
nan = float("nan")
held = [nan, 1.5]
keyed = {nan: "kept"}
""",
    """
assert nan != nan and held[0] != held[0] and held[1] == 1.5
assert list(keyed.values()) == ["kept"] and next(iter(keyed)) != next(iter(keyed))
""",
)
shelf.restored(
    "collections with their settings",
    """
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque
step = 3
groups = defaultdict(lambda: [step])
groups["a"].append(1)
nested = defaultdict(lambda: defaultdict(int))
nested["x"]["y"] += 2
ordered = OrderedDict(b=1, a=2)
ordered.move_to_end("b")
last = deque(range(10), maxlen=3)
counted = Counter("abracadabra")
base = {"k": 1}
chained = ChainMap({}, base)
class Named(UserDict):
    pass
named = Named(a=1)
listed = UserList([1, 2])
""",
    """
assert groups["a"] == [3, 1] and nested["x"] == {"y": 2}
step = 4
assert groups["new"] == [4] and nested["n"]["m"] == 0
assert list(ordered) == ["a", "b"] and type(ordered) is OrderedDict
last.append(99)
assert list(last) == [8, 9, 99] and last.maxlen == 3
assert counted.most_common(1) == [("a", 5)] and counted["none"] == 0
base["k"] = 2
assert chained["k"] == 2 and chained.maps[1] is base
assert type(named) is Named and named["a"] == 1 and listed == [1, 2]
""",
)
shelf.restored(
    "classes of one's own that are lists, dicts, texts and numbers",
    """
class Texts(list):
    def total(self):
        return len(self) + self.extra
class Defaults(dict):
    def __missing__(self, key):
        return self.fallback
class Name(str):
    pass
class Metres(float):
    unit = "m"
class Mark(int):
    def __new__(cls, value, note):
        self = super().__new__(cls, value)
        self.note = note
        return self
    def __getnewargs__(self):
        return int(self), self.note
class Pair(tuple):
    def __new__(cls, a, b):
        return super().__new__(cls, (a, b))
    def __getnewargs__(self):
        return tuple(self)
texts = Texts("ab"); texts.extra = 5
defaults = Defaults(a=1); defaults.fallback = "none"
name = Name("n"); name.of = texts
metres, mark, pair = Metres(1.5), Mark(3, "three"), Pair(1, texts)
""",
    """
assert type(texts) is Texts and texts.total() == 7 and texts == ["a", "b"]
assert type(defaults) is Defaults and defaults["zzz"] == "none" and dict(defaults) == {"a": 1}
assert type(name) is Name and name.of is texts and type(metres) is Metres and metres.unit == "m"
assert type(mark) is Mark and mark == 3 and mark.note == "three"
assert type(pair) is Pair and pair[1] is texts
""",
)
shelf.restored(
    "dates, zones and decimals",
    """
from datetime import date, datetime, time, timedelta, timezone, UTC
from decimal import Context, Decimal, ROUND_UP
from fractions import Fraction
from zoneinfo import ZoneInfo
import uuid, ipaddress
zone = ZoneInfo("Europe/Berlin")
summer = datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=zone)
fixed = datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=5, minutes=45), "NPT"))
day, hour, span = date(1, 1, 1), time(23, 59, tzinfo=UTC), timedelta.resolution
exact, third = Decimal("1.10"), Fraction(1, 3)
context = Context(prec=7, rounding=ROUND_UP)
odd = (Decimal("-0"), Decimal("sNaN123"), Decimal("Infinity"))
ident, address = uuid.UUID(int=5), ipaddress.ip_network("10.0.0.0/8")
""",
    """
assert summer.utcoffset() == timedelta(hours=1) and summer.fold == 1 and summer.tzinfo is zone
assert ZoneInfo("Europe/Berlin") is zone and fixed.tzname() == "NPT"
assert fixed.utcoffset() == timedelta(hours=5, minutes=45) and hour.tzinfo is UTC
assert str(exact) == "1.10" and third * 3 == 1 and day == date.min and span.microseconds == 1
assert context.divide(Decimal(2), Decimal(3)) == Decimal("0.6666667")
assert context.rounding == ROUND_UP
assert [str(value) for value in odd] == ["-0", "sNaN123", "Infinity"]
assert ident == uuid.UUID(int=5) and ipaddress.ip_address("10.1.1.1") in address
""",
)
shelf.restored(
    "patterns, paths, slices and spaces",
    """
import re, types
from pathlib import Path, PurePosixPath, PureWindowsPath
pattern = re.compile(r"(?P<word>\\w+)-(\\d)", re.I | re.X)
raw = re.compile(rb"a.b", re.S)
path, pure, windows = Path("data/in.csv"), PurePosixPath("/a/b"), PureWindowsPath("c:/x")
cut, numbers = slice(1, None, 2), range(0, 10**30, 7)
space = types.SimpleNamespace(a=1)
space.me = space
view = types.MappingProxyType({"a": space})
""",
    """
assert pattern.fullmatch("Ab-1")["word"] == "Ab" and pattern.flags & re.X and raw.match(b"a\\nb")
assert path == Path("data/in.csv") and type(path) is type(Path(".")) and path.suffix == ".csv"
assert pure.parts == ("/", "a", "b") and windows.drive == "c:"
assert cut == slice(1, None, 2) and numbers[-1] == 999999999999999999999999999999
assert space.me is space and view["a"] is space and type(view) is types.MappingProxyType
""",
)
shelf.restored(
    "iterators where they stand",
    """
import itertools
numbers = iter([1, 2, 3, 4])
next(numbers)
counter = itertools.count(10, 5)
next(counter)
source = [1, 2, 3]
walking = iter(source)
next(walking)
backwards = reversed(source)
numbered = enumerate("abc")
next(numbered)
ranged = iter(range(5))
next(ranged)
letters = iter("xyz")
next(letters)
""",
    """
assert next(numbers) == 2 and next(counter) == 15 and next(numbered) == (1, "b")
source.append(4)
assert list(walking) == [2, 3, 4] and list(ranged) == [1, 2, 3, 4] and list(letters) == ["y", "z"]
assert list(backwards) == [3, 2, 1]
""",
)
shelf.restored(
    "iterators that draw from one another",
    """
import itertools
letters = iter("abcdef")
pairs = zip(letters, letters)
next(pairs)
chain = itertools.chain([1, 2], [3])
next(chain)
cycle = itertools.cycle([1, 2, 3])
next(cycle)
mapped = map(str.upper, letters)
""",
    """
assert next(pairs) == ("c", "d") and list(chain) == [2, 3]
assert [next(cycle) for _ in range(4)] == [2, 3, 1, 2]
assert list(mapped) == ["E", "F"]
""",
)
shelf.restored(
    "errors with their causes and notes",
    """
class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
try:
    try:
        {}["missing"]
    except KeyError as cause:
        raise Refused(7, "no") from cause
except Refused as error:
    kept = error
    kept.add_note("seen at noon")
try:
    try:
        1 / 0
    except ZeroDivisionError:
        raise ValueError("while handling")
except ValueError as error:
    hidden = error
group = ExceptionGroup("two", [kept, hidden])
missing = FileNotFoundError(2, "No such file", "x.csv")
""",
    """
assert type(kept) is Refused and kept.code == 7 and kept.args == ("no",) and str(kept) == "no"
assert type(kept.__cause__) is KeyError and kept.__cause__.args == ("missing",)
assert kept.__suppress_context__ and kept.__notes__ == ["seen at noon"]
assert type(hidden.__context__) is ZeroDivisionError and not hidden.__suppress_context__
assert group.exceptions == (kept, hidden) and group.exceptions[0] is kept
assert missing.filename == "x.csv" and missing.errno == 2 and "x.csv" in str(missing)
""",
)
shelf.restored(
    "random numbers go on",
    """
import random
random.seed(5)
random.gauss(0, 1)
own = random.Random(3)
own.gauss(0, 1)
also = own
""",
    """
tell((random.random(), random.gauss(0, 1), own.random(), own.gauss(0, 1), also.random()))
assert also is own
""",
)
shelf.restored(
    "a long chain of objects",
    """
class Node:
    def __init__(self, value, rest):
        self.value, self.rest = value, rest
chain = None
for number in range(200):
    chain = Node(number, chain)
nested = []
for _ in range(300):
    nested = [nested]
""",
    """
depth, at = 0, chain
while at is not None:
    depth, at = depth + 1, at.rest
assert depth == 200
depth, at = 0, nested
while at:
    depth, at = depth + 1, at[0]
assert depth == 300
""",
)
shelf.unsaved(
    "objects nested ten thousand deep",
    {"deep": "deep", "chain": "deep"},
    """
deep = []
for _ in range(10_000):
    deep = [deep]
class Node:
    pass
chain = None
for _ in range(10_000):
    node = Node()
    node.rest, chain = chain, node
del node
shallow = [1]
""",
    "assert shallow == [1]",
)
shelf.restored(
    "names that shadow built-in ones, and deleted names",
    """
list = [1, 2]
id = "id"
type_ = type
gone = 5
del gone
_private, __dunder = "p", "d"
exit = 3
ünïcode = "ok"
""",
    """
assert list == [1, 2] and id == "id" and type_ is __builtins__.type and "gone" not in globals()
assert _private == "p" and __dunder == "d" and exit == 3 and ünïcode == "ok"
del list
assert list((1,)) == [1]
""",
)
shelf.restored(
    "weak references to what is saved",
    """
import weakref
class Thing:
    pass
thing = Thing()
weak = weakref.ref(thing)
values = weakref.WeakValueDictionary(a=thing)
keys = weakref.WeakKeyDictionary({thing: "data"})
group = weakref.WeakSet([thing])
""",
    """
assert weak() is thing and values["a"] is thing and keys[thing] == "data" and thing in group
del thing
import gc
gc.collect()
assert weak() is None and not values and not keys and not group
""",
)
shelf.restored(
    "texts in memory where they stand",
    """
import io
lines = io.StringIO("one\\ntwo\\nthree\\n")
lines.readline()
data = io.BytesIO(b"abcdef")
data.read(2)
""",
    """
assert lines.readline() == "two\\n" and data.read() == b"cdef" and data.getvalue() == b"abcdef"
""",
)
shelf.restored(
    "records of the standard library",
    """
import argparse, array, configparser, email.message, hashlib, heapq, string, struct, urllib.parse
numbers = array.array("d", [1.5, -0.0])
heap = [3, 1, 2]
heapq.heapify(heap)
asked = argparse.Namespace(a=1)
settings = configparser.ConfigParser()
settings.read_string("[a]\\nb = ${c}\\nc=1")
template = string.Template("$a")
url = urllib.parse.urlsplit("https://a/b?c=d")
packing = struct.Struct("<if")
message = email.message.EmailMessage()
message["To"] = "a@b"
""",
    """
assert numbers.typecode == "d" and numbers.tobytes() == array.array("d", [1.5, -0.0]).tobytes()
assert heapq.heappop(heap) == 1 and asked == argparse.Namespace(a=1)
assert settings["a"]["c"] == "1" and template.substitute(a=2) == "2" and url.query == "c=d"
assert packing.pack(1, 2.0) == struct.pack("<if", 1, 2.0) and message["To"] == "a@b"
""",
)
