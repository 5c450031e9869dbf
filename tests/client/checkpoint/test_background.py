"""What goes on behind the cells is named, whether or not a variable has it."""

import json
import multiprocessing
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_flows.client import around, flows
from jupyter_flows.client.checkpoint import background

WORK = """
import threading
rows = []
def work():
    go_on.wait(60)
"""
THREAD = WORK + "threading.Thread(target=work, daemon=True).start()\n"


@pytest.fixture
def working(kernel):
    """Run a source and save, with what it has started at work until the test has ended."""
    kernel.names["go_on"] = threading.Event()
    yield lambda source, *more: kernel.run(source).save(exclude=["go_on", *more])["unsaved"]
    kernel.names["go_on"].set()


def named(unsaved):
    return [(each["type"], each["path"], each["reason"].partition(";")[0]) for each in unsaved]


def test_a_thread_without_a_name_is_named(working):
    (found,) = working(THREAD)
    assert found["type"] == "threading.Thread"
    assert found["path"] == f"thread {found['name']!r}"
    assert found["name"].endswith("(work)")
    assert found["reason"].startswith("it still runs")


def test_a_thread_that_has_ended_is_not(working, kernel):
    working(THREAD)
    kernel.names["go_on"].set()
    for thread in threading.enumerate():
        if thread.name.endswith("(work)"):
            thread.join()
    assert working("x = 1") == []


def test_only_what_runs_beside_may_write_into_variables(working, kernel):
    assert not background.may_write(background.others())
    working(THREAD)
    assert background.may_write(background.others())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    kernel.names["go_on"].set()
    for thread in threading.enumerate():
        if thread.name.endswith("(work)"):
            thread.join()
    assert background.may_write(background.others())
    child.communicate()
    assert not background.may_write(background.others())


def test_a_thread_that_has_a_name_is_told_once(working):
    found = working(WORK + "job = threading.Thread(target=work, daemon=True)\njob.start()")
    assert [each["path"] for each in found] == ["job"]


def test_a_thread_that_the_author_excludes_by_its_name_is_not_told(working):
    source = WORK + "threading.Thread(target=work, name='mine', daemon=True).start()"
    assert working(source, "mine") == []


def test_a_timer_is_told(working):
    found = working("import threading\nthreading.Timer(60, print).start()")
    next(each for each in threading.enumerate() if type(each) is threading.Timer).cancel()
    assert [kind for kind, _, _ in named(found)] == ["threading.Timer"]


POOL = """
from concurrent.futures import ThreadPoolExecutor
begun = threading.Event()
def working():
    begun.set()
    work()
def start():
    pool = ThreadPoolExecutor(2)
    pool.submit(working)
    begun.wait(60)
    return pool
"""


def test_what_an_executor_is_at_is_told_by_its_name_or_else_by_the_thread(working):
    (found,) = working(WORK + POOL + "pool = start()", "begun")
    assert found["path"] == "pool"
    (found,) = working("del pool", "begun")
    assert found["path"].startswith("thread 'ThreadPoolExecutor")


def test_an_idle_worker_of_an_executor_is_not_told(working):
    pool = ThreadPoolExecutor(1)
    pool.submit(print).result()
    try:
        assert working("x = 1") == []
    finally:
        pool.shutdown()


def test_what_was_there_before_the_cells_is_not_told(working, kernel):
    go_on = threading.Event()
    threading.Thread(target=go_on.wait, name="before").start()
    assert [each["name"] for each in working("x = 1")] == ["before"]
    flows._flow.around.add(around.running())
    assert kernel.save()["unsaved"] == []
    go_on.set()


def test_what_a_cell_tagged_replay_has_started_is_not_told_for_it_starts_again(working):
    before = around.running()
    working(THREAD)
    flows._flow.around.add(around.running(), but=before)
    assert working("x = 1") == []


PROGRAM = "import subprocess, sys\n{}subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1)"


def test_a_program_without_a_name_is_named(working, kernel):
    kept = []
    kernel.names["keep"] = kept.append
    (found,) = kernel.run(PROGRAM.format("keep(") + ")").save(exclude=["keep"])["unsaved"]
    try:
        assert found["path"] == f"process {kept[0].pid} ({found['name']})"
    finally:
        kept[0].communicate(b"\n")
    assert kernel.save(exclude=["keep"])["unsaved"] == []


def test_a_program_that_has_a_name_is_told_once(kernel):
    found = kernel.run(PROGRAM.format("job = ")).save()["unsaved"]
    kernel.names["job"].communicate(b"\n")
    assert [each["path"] for each in found] == ["job"]


def test_processes_of_python_are_seen_without_psutil(kernel, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    job = multiprocessing.get_context("fork").Process(target=threading.Event().wait)
    job.start()
    try:
        (found,) = kernel.run("x = 1").save()["unsaved"]
        assert found["path"] == f"process {job.pid} ({job.name})"
    finally:
        job.kill()
        job.join()


LIBRARIES = """
import joblib, matplotlib.pyplot as plt, numpy, pandas, polars, pyarrow, scipy, sklearn.ensemble
import pyarrow.compute, tqdm
df = pandas.DataFrame({"a": range(100), "b": range(100)})
figure, axes = plt.subplots(); axes.plot(df["a"])
table = pyarrow.Table.from_pandas(df, nthreads=2)
frame = polars.DataFrame({"a": [3, 1, 2]}).lazy().sort("a").collect()
model = sklearn.ensemble.RandomForestClassifier(8, n_jobs=2).fit(df[["a"]], df["b"] > 50)
rows = joblib.Parallel(n_jobs=2)(joblib.delayed(abs)(n) for n in range(8))
rows += joblib.Parallel(n_jobs=2, backend="threading")(joblib.delayed(abs)(n) for n in range(8))
for _ in tqdm.tqdm(range(3), mininterval=0): pass
"""
DRIVER = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
sys.modules["__main__"] = shell.user_module
from jupyter_flows.client import checkpoint
assert shell.run_cell(sys.argv[1]).success
told = checkpoint.save(json.dumps({"folder": sys.argv[2]})).told
print("ANSWER" + json.dumps(told.get("unsaved", told)))
"""


def test_libraries_of_data_teams_keep_nothing_that_is_told(tmp_path):
    for name in ("joblib", "matplotlib", "pandas", "polars", "pyarrow", "sklearn", "tqdm"):
        pytest.importorskip(name)
    ended = subprocess.run(
        [sys.executable, "-c", DRIVER, LIBRARIES, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.partition("ANSWER")[2]) == []
