"""What later cells change in the objects of a cell tagged `replay` is seen."""

import gc

import pytest

from jupyter_flows.client import flows
from jupyter_flows.client.checkpoint import marks


@pytest.fixture
def replay(kernel, monkeypatch):
    """Run a source as that of a cell tagged `replay`."""
    flow = flows._flow
    monkeypatch.setattr(flow, "names", kernel.names)

    def run(source, step="a"):
        changed, before = set(marks.changed(flow, kernel.shell)), dict(kernel.names)
        kernel.run(source)
        made = {name: thing for name, thing in kernel.names.items() if name not in before}
        made.pop("__builtins__", None)
        flow.made(step, made)
        marks.take(flow, kernel.shell, but=changed - set(made))

    yield run
    flow.let_go()


def told(kernel):
    return [each["name"] for each in kernel.save()["unsaved"]]


CHANGES = [
    ("cfg = {'threshold': 1}", "cfg['threshold'] = 5", ["cfg"]),
    ("seen = []", "seen.append('row')", ["seen"]),
    ("class C: limit = 1", "C.limit = 2", ["C"]),
    ("class C: pass\nc = C()", "c.limit = 2", ["c"]),
    ("def f(): pass", "f.calls = 1", ["f"]),
    ("import numpy as np\na = np.zeros(100_000)", "a[7] = 1", ["a"]),
    ("import pandas as pd\ndf = pd.DataFrame({'a': [1]})", "df['b'] = 2", ["df"]),
    ("import random\nrng = random.Random(1)", "rng.random()", ["rng"]),
    ("kept = []", "kept.append(n for n in 'abc')", ["kept"]),
]


@pytest.mark.parametrize(("source", "change", "names"), CHANGES)
def test_what_was_changed_since_is_named(kernel, replay, source, change, names):
    replay(source)
    assert told(kernel) == []
    assert told(kernel.run(change)) == names
    (found,) = kernel.save()["unsaved"]
    assert "tagged `replay`" in found["reason"]
    assert kernel.save(exclude=names)["unsaved"] == []


def test_what_is_used_only_is_not(kernel, replay):
    replay("""
import collections, logging, random, re, sqlite3, types
import numpy as np, pandas as pd
settings = {"a": [1, 2], "b": {"x", "y", "z"}, "c": "text" * 3}
df = pd.DataFrame({"k": ["x", "y", "x"], "v": [1, 2, 3]})
con = sqlite3.connect(":memory:")
log = logging.getLogger("mine")
pattern = re.compile("a+")
class Base:
    def total(self): return query() + offset
    @property
    def twice(self): return 2 * self.total()
job = Base()
def query(): return con.execute("select 7").fetchone()[0] + len(table)
Row = collections.namedtuple("Row", "a b")
holds = [settings, Row(1, job), pd]
draw = np.random.random
""")
    kernel.run("""
import polars, pyarrow
offset, table = 1, [1]
table.append(2); offset = 3
job.total(), job.twice, df.groupby("k").v.sum(), df.loc[1], df.k.unique(), df.index.get_loc(2)
settings["a"][0], "x" in settings["b"], sorted(settings["b"]), [*settings.items()]
log.warning("once"); pattern.search("aa"); con.execute("create table t (a)")
isinstance(job, Base), str(df), repr(holds), Row._fields, draw(), Base.__subclasses__()
""")
    assert told(kernel) == []


def test_what_a_later_cell_tagged_replay_changes_is_made_again(kernel, replay):
    replay("cfg = {'threshold': 1}; other = {}")
    replay("cfg['threshold'] = 5", step="b")
    assert told(kernel) == []
    kernel.run("other['x'] = 1")
    replay("cfg['more'] = 5", step="c")
    assert told(kernel) == ["other"]


def test_of_what_is_large_or_is_never_the_same_there_is_no_mark(kernel, replay):
    replay("""
import itertools, numpy as np
count = itertools.count()
class Odd:
    def __reduce__(self): return int, (next(count),)
odd, large = Odd(), np.zeros(2_000_000)
""")
    assert not {"odd", "large"} & set(flows._flow.marks)
    assert "odd" not in told(kernel)


@pytest.mark.parametrize("held", ["1", "(n for n in 'abc')"])
def test_nothing_is_kept_alive_by_its_mark(kernel, replay, held):
    make = "import weakref\nclass Big: pass\nbig = Big(); alive = weakref.ref(big)"
    replay(f"{make}\nbig.held = {held}")
    gc.disable()
    try:
        kernel.run("big = None")
        flows._flow.tidy()
        assert kernel.run("gone = alive() is None").names["gone"]
    finally:
        gc.enable()


def test_what_has_lost_its_name_has_no_mark(kernel, replay):
    replay("cfg = {}")
    kernel.run("cfg = {'mine': 1}")
    assert told(kernel) == []
    assert flows._flow.marks == {}
