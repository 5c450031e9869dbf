"""What lives in the process alone: it is named before a run is suspended, and the rest is saved."""

from tests.fidelity.case import Shelf

shelf = Shelf("python")

shelf.unsaved(
    "generators that have begun",
    {"job": "generator", "squares": "generator", "holder": "generator"},
    """
def walk():
    yield 1
    yield 2
job = walk()
next(job)
squares = (x * x for x in [1, 2])
class Holder:
    pass
holder = Holder()
holder.inside = {"gen": [job]}
total = 5
""",
    "assert total == 5 and list(walk()) == [1, 2] and Holder().__class__ is Holder",
)
shelf.unsaved(
    "coroutines and tasks",
    {"waiting": "coroutine", "stream": "async_generator", "loop": "loop", "future": "Future"},
    """
import asyncio
async def work():
    return 1
async def numbers():
    yield 1
waiting = work()
stream = numbers()
loop = asyncio.new_event_loop()
future = loop.create_future()
""",
    "assert asyncio.iscoroutinefunction(work)",
)
shelf.unsaved(
    "open files",
    {"writing": "TextIOWrapper", "reading": "TextIOWrapper", "raw": "Buffered", "log": "file"},
    """
import tempfile
writing = open("out.txt", "w")
writing.write("half")
with open("in.txt", "w") as file:
    file.write("one\\ntwo\\n")
reading = open("in.txt")
reading.readline()
raw = open("in.txt", "rb")
class Log:
    pass
log = Log()
log.file = reading
path = "in.txt"
""",
    "assert path == 'in.txt' and file.closed and file.name == 'in.txt'",
)
shelf.unsaved(
    "temporary files and folders",
    {"file": "", "folder": ""},
    """
import tempfile
file = tempfile.NamedTemporaryFile()
folder = tempfile.TemporaryDirectory()
name = "kept"
""",
    "assert name == 'kept'",
)
shelf.unsaved(
    "sockets, pipes and selectors",
    {
        "left": "socket",
        "right": "socket",
        "one": "Connection",
        "other": "Connection",
        "chooser": "",
    },
    """
import multiprocessing, selectors, socket
left, right = socket.socketpair()
one, other = multiprocessing.Pipe()
chooser = selectors.DefaultSelector()
port = 8080
""",
    "assert port == 8080",
)
shelf.unsaved(
    "a connection to sqlite",
    {"con": "sqlite3.Connection", "cursor": "sqlite3", "store": "sqlite3"},
    """
import sqlite3
con = sqlite3.connect(":memory:")
con.execute("create table t (a)")
cursor = con.execute("insert into t values (1)")
class Store:
    def __init__(self, con):
        self.con = con
        self.seen = [1]
store = Store(con)
rows = con.execute("select * from t").fetchall()
""",
    "assert rows == [(1,)] and Store(None).seen == [1]",
    paths={"store": "store.con"},
)
shelf.restored(
    "a connection that a replay cell makes again",
    """
class Store:
    def __init__(self, con):
        self.con = con
store = Store(con)
stores = [store, con]
def total():
    return con.execute("select sum(a) from t").fetchone()[0]
extra = "saved"
""",
    """
assert store.con is con and stores[1] is con and stores[0] is store and total() == 6
assert con.execute("select count(*) from t").fetchone() == (3,) and extra == "saved"
assert type(store) is Store
""",
    replay="""
import sqlite3
con = sqlite3.connect(":memory:")
con.execute("create table t (a)")
con.executemany("insert into t values (?)", [(1,), (2,), (3,)])
""",
)
shelf.restored(
    "locks that nobody holds",
    """
import queue, threading
lock, rlock = threading.Lock(), threading.RLock()
class Safe:
    def __init__(self):
        self.lock = lock
        self.items = []
    def add(self, x):
        with self.lock:
            self.items.append(x)
safe = Safe()
event = threading.Event()
event.set()
semaphore = threading.Semaphore(2)
condition = threading.Condition(lock)
todo = queue.Queue(maxsize=5)
todo.put("a")
todo.put("b")
simple = queue.SimpleQueue
""",
    """
safe.add(1)
assert safe.items == [1] and safe.lock is lock and not lock.locked()
with lock:
    assert not safe.lock.acquire(blocking=False)
with rlock, rlock:
    pass
assert event.is_set() and todo.get() == "a" and todo.qsize() == 1 and todo.maxsize == 5
assert semaphore.acquire(blocking=False) and semaphore.acquire(blocking=False)
assert not semaphore.acquire(blocking=False)
with condition:
    assert lock.locked()
    condition.notify_all()
assert not lock.locked()
""",
)
shelf.unsaved(
    "locks that are held",
    {"lock": "held", "rlock": "held", "safe": "held"},
    """
import threading
lock, rlock = threading.Lock(), threading.RLock()
lock.acquire()
rlock.acquire()
safe = {"inside": [lock]}
free = threading.Lock()
""",
    "assert not free.locked()",
)
shelf.unsaved(
    "threads and executors",
    {"thread": "hread", "timer": "", "pool": "xecutor", "future": "uture", "many": "xecutor"},
    """
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
thread = threading.Thread(target=threading.Event().wait, daemon=True)
thread.start()
timer = threading.Timer(1000, print)
pool = ThreadPoolExecutor(1)
future = pool.submit(threading.Event().wait, 5)
many = ProcessPoolExecutor(1)
with ThreadPoolExecutor(2) as closed:
    done = [closed.submit(pow, 2, n) for n in range(3)]
    failed = closed.submit(int, "x")
""",
    """
assert [each.result() for each in done] == [1, 2, 4] and all(each.done() for each in done)
assert type(failed.exception()) is ValueError and type(closed) is ThreadPoolExecutor
try:
    closed.submit(print)
except RuntimeError:
    pass
else:
    raise AssertionError
""",
)
shelf.unsaved(
    "processes",
    {"process": "Popen", "worker": "rocess", "pool": ""},
    """
import multiprocessing, subprocess, sys
process = subprocess.Popen([sys.executable, "-c", "pass"])
process.wait()
worker = multiprocessing.Process(target=print)
pool = multiprocessing.Pool(1)
pool.terminate()
done = subprocess.run([sys.executable, "-c", "print(5)"], capture_output=True, text=True)
""",
    "assert done.stdout == '5\\n' and done.returncode == 0",
)
shelf.unsaved(
    "views of memory",
    {"view": "memoryview", "mapped": "mmap"},
    """
import mmap
data = bytearray(b"abc")
view = memoryview(data)
mapped = mmap.mmap(-1, 100)
""",
    "assert data == b'abc'",
)
shelf.unsaved(
    "context variables, local data of threads, frames and tracebacks",
    {"variable": "", "context": "", "local": "", "frame": "frame", "trace": "traceback"},
    """
import contextvars, sys, threading
variable = contextvars.ContextVar("variable", default=5)
variable.set(6)
context = contextvars.copy_context()
local = threading.local()
local.x = 1
frame = sys._getframe()
try:
    1 / 0
except ZeroDivisionError as error:
    trace = error.__traceback__
number = 1
""",
    "assert number == 1",
)
shelf.unsaved(
    "iterators over something that changes",
    {"keys": "iterator", "group": "iterator"},
    """
table = {"a": 1, "b": 2}
keys = iter(table)
next(keys)
group = iter({1, 2, 3})
items = table.items()
""",
    """
assert table == {"a": 1, "b": 2}
table["c"] = 3
assert list(items) == [("a", 1), ("b", 2), ("c", 3)]
""",
)
shelf.unsaved(
    "an object whose pickling fails, and one that refuses it",
    {"shy": "not today", "odd": "", "half": "cannot be copied"},
    """
class Shy:
    def __reduce__(self):
        raise ValueError("not today")
class Odd:
    def __reduce__(self):
        return 5
class Half:
    def __init__(self):
        self.ok = [1]
    def __getstate__(self):
        raise TypeError("cannot be copied")
shy, odd, half = Shy(), Odd(), Half()
good = [Shy, Odd, Half]
""",
    "assert good[0] is Shy and good[2] is Half",
)
shelf.unsaved(
    "a class and a function that hold something that can't be saved",
    {"Broker": "generator", "broker": "generator", "draw": "generator"},
    """
numbers = (n for n in range(3))
class Broker:
    source = numbers
broker = Broker()
def draw(source=numbers):
    return next(source)
del numbers
def fine():
    return 1
""",
    "assert fine() == 1",
)
shelf.unsaved(
    "open archives, readers and compressors",
    {"archive": "", "reader": "", "packer": "", "digest": ""},
    """
import csv, hashlib, io, zipfile, zlib
archive = zipfile.ZipFile("a.zip", "w")
reader = csv.reader(["a,b", "1,2"])
next(reader)
packer = zlib.compressobj()
packer.compress(b"abc")
digest = hashlib.sha256(b"abc")
text = "kept"
""",
    "assert text == 'kept'",
)
shelf.restored(
    "streams of the kernel itself",
    """
import sys
out, err = sys.stdout, sys.stderr
class Printer:
    def __init__(self, stream=sys.stdout):
        self.stream = stream
printer = Printer()
""",
    """
assert out is sys.stdout and err is sys.stderr and printer.stream is sys.stdout
""",
)
shelf.unsaved(
    "a part of what a replay cell makes again",
    {"part": "`model`", "trainer": "make it in that cell too"},
    """
part = model.weights
class Trainer:
    pass
trainer = Trainer()
trainer.weights = model.weights
whole = [model]
""",
    "assert whole == [model]",
    replay="""
class Model:
    pass
model = Model()
model.weights = [[1.0], [2.0]]
""",
)
shelf.unsaved(
    "what calls back, or belongs to the process",
    {"observed": "unobserve_all", "context": "in force"},
    """
import decimal
import traitlets
class Point(traitlets.HasTraits):
    x = traitlets.Int()
observed, plain = Point(), Point(x=2)
observed.observe(print, "x")
context = decimal.getcontext()
""",
    "assert plain.x == 2",
)
