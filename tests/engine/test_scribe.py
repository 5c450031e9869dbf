"""Who writes what a run shows, where, and when; with notebooks that only remember."""

import asyncio
import dataclasses

import pytest

from jupyter_flows.core.errors import BadInput, Unavailable
from jupyter_flows.core.model import RunStatus
from jupyter_flows.documents.filling import filled
from jupyter_flows.engine.page import Pace
from jupyter_flows.engine.told import Moved, Saved, Shared
from jupyter_flows.ports import FileState, OpKind, OutputOp, Shown

from .conftest import vote

AT_ONCE = Pace(shared=0.0, file=0.0, running=0.0, look=0.01, linger=0.05, retry=0.01)
GATE = ("'go?'", [], {"suspend": {}})


class FakeDocument:
    """Remembers what was shown, and the ops."""

    def __init__(self):
        self.identity = object()
        self.shown = []
        self.ops = []
        self.missed = set()

    def show(self, cells, gently=()):
        self.shown.append(dict(cells))

    def apply(self, ops):
        self.ops += ops
        return self.missed


class FakeNotebooks:
    """`files` is what was written, by path; `document` is open as a shared one, if any is; `gone`
    are the paths where there is no notebook any more.
    """

    def __init__(self, root=None):
        self.files = {}
        self.saved = {}
        self.odd = None
        self.writes = 0
        self.document = None
        self.offered = []
        self.refuses = None
        self.gone = set()
        self.root = root
        self.gate = None
        self.moves = []
        self.changed = asyncio.Condition()

    def on_moved(self, listener):
        self.moves.append(listener)

    async def shared(self, path):
        if self.odd is not None:
            raise self.odd
        return self.document

    async def write(self, path, cells, gently=(), snapshot=None):
        self.writes += 1
        async with self.changed:
            self.changed.notify_all()
        if self.gate is not None:
            await self.gate.wait()
        if self.refuses:
            raise self.refuses
        if path in self.gone:
            raise BadInput(f"There is no notebook {path}.")
        before = self.files.get(path, {})
        after = {**before, **{name: self.filled(path, name, cells, gently) for name in cells}}
        if before == after:
            return None
        self.files[path] = after
        async with self.changed:
            self.changed.notify_all()
        return FileState(path=path, hash=str(self.writes), hash_algorithm="n", last_modified="")

    def filled(self, path, name, cells, gently):
        present = self.files.get(path, {}).get(name, Shown())
        return filled(present, cells[name]) if name in gently else cells[name]

    async def saved_at(self, path):
        return self.saved.get(path)

    async def offer_kernel(self, path, kernel_id, kernel_name):
        self.offered.append((path, kernel_id, kernel_name))
        async with self.changed:
            self.changed.notify_all()

    async def until(self, true):
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(true), 10)

    def text(self, path="f.ipynb", step="c0"):
        outputs = self.files.get(path, {})[step].outputs if path in self.files else ()
        return "".join(output.get("text", "") for output in outputs)

    def record(self, path="f.ipynb", step="c0"):
        outputs = self.files[path][step].outputs if path in self.files else ()
        records = [o for o in outputs if "jupyter_flows" in o.get("metadata", {})]
        return records[-1]["data"] if records else None


class Scene:
    """A server whose runs show in notebooks."""

    def __init__(self, world, pace=AT_ONCE, name="srv_1", notebooks=None):
        self.world = world
        self.notebooks = notebooks or FakeNotebooks()
        self.engine = world.server(name, notebooks=self.notebooks)
        self.kernels = self.engine.kernels
        self.execute, self.kernels.execute = self.kernels.execute, self.executed
        self.pace(pace)
        self.said = []
        self.engine.documents_told.listen(self.said.append)
        self.engine.show_in_place()

    def pace(self, pace):
        scribe = self.engine._scribe
        scribe._desk = dataclasses.replace(scribe._desk, pace=pace)

    async def started(self, *sources, **options):
        return await self.world.started(self.engine, *sources, in_place=True, **options)

    async def settled(self, *sources, **options):
        return await self.engine.settled(await self.started(*sources, **options))

    async def executed(self, run, cell):
        """What a cell puts out is told as it comes."""
        outcome = await self.execute(run, cell)
        ops = [OutputOp(cell.step, OpKind.CUT)]
        ops += [
            OutputOp(cell.step, OpKind.ADD, n, output=output)
            for n, output in enumerate(outcome.outputs)
        ]
        self.kernels.tell(run, ops)
        shown = Shown(outcome.outputs, outcome.execution_count)
        self.kernels.shows.setdefault(run, {})[cell.step] = shown
        return outcome

    def put_out(self, run, text, step="c0"):
        output = {"output_type": "stream", "name": "stdout", "text": text}
        self.kernels.tell(run, [OutputOp(step, OpKind.ADD, 0, output=output)])

    async def quiet(self):
        """Wait until all that there was to write is written."""
        for page in tuple(self.engine._scribe._pages.values()):
            await page.quiet()

    async def end(self):
        await asyncio.wait_for(self.engine._scribe.stop(), 10)
        await self.engine.boards.stop()


@pytest.fixture
def scene(world, jp_asyncio_loop):
    scenes = []

    def scene(*args, **kwargs):
        scenes.append(Scene(world, *args, **kwargs))
        return scenes[-1]

    yield scene
    for one in scenes:
        jp_asyncio_loop.run_until_complete(one.end())


async def test_a_run_that_shows_in_place_is_in_its_file_at_the_end(scene):
    s = scene()
    run = await s.settled("print('hi')", "2")
    await s.quiet()
    assert run.status is RunStatus.SUCCEEDED
    assert s.notebooks.text() == "hi\n"
    assert s.notebooks.files["f.ipynb"]["c0"].execution_count == 1
    saved = [said for said in s.said if isinstance(said, Saved)]
    assert saved[-1].path == "f.ipynb"


async def test_a_run_that_does_not_show_in_place_leaves_its_file_alone(scene, world):
    s = scene()
    await world.settled(s.engine, "print('hi')")
    await s.quiet()
    assert s.notebooks.writes == 0
    assert s.engine._scribe._pages == {}


async def test_the_gates_record_stands_in_the_file_while_the_run_waits_and_afterwards(scene):
    s = scene()
    run = await s.settled(GATE, "1")
    await s.quiet()
    waiting = s.notebooks.record()
    assert waiting is not None
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    await s.quiet()
    assert s.notebooks.record() != waiting
    assert "approved" in s.notebooks.record()["text/plain"].lower()


async def test_outputs_of_a_long_cell_come_into_the_file_while_it_runs(scene):
    s = scene()
    run = await s.started("# hold\n1")
    await s.kernels.begun(run)
    await s.quiet()
    s.put_out(run, "begun\n")
    await s.notebooks.until(lambda: s.notebooks.text() == "begun\n")
    s.kernels.go(run)


async def test_a_long_cells_lines_do_not_each_write_the_file_but_its_end_does(scene):
    s = scene(Pace(file=0.0, running=3600.0, look=0.01, linger=0.05))
    run = await s.started("# hold\n1")
    await s.kernels.begun(run)
    await s.quiet()
    writes = s.notebooks.writes
    s.put_out(run, "begun\n")
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert s.notebooks.writes == writes
    s.kernels.go(run)
    await s.engine.settled(run)
    await s.quiet()
    assert s.notebooks.writes == writes + 1
    assert s.notebooks.files["f.ipynb"]["c0"].execution_count == 1


async def test_many_steps_are_written_together_and_the_last_state_always(scene):
    s = scene()
    s.notebooks.gate = asyncio.Event()
    run = await s.settled(*(f"print({n})" for n in range(30)))
    assert run.status is RunStatus.SUCCEEDED, "the run does not wait for the file"
    s.notebooks.gate.set()
    await s.quiet()
    assert s.notebooks.writes <= 3
    assert s.notebooks.text(step="c29") == "29\n"


async def test_a_file_that_cannot_be_written_is_tried_again(scene):
    s = scene()
    s.notebooks.refuses = Unavailable("full")
    run = await s.started("print(1)")
    await s.notebooks.until(lambda: s.notebooks.writes)
    s.notebooks.refuses = None
    assert (await s.engine.settled(run)).status is RunStatus.SUCCEEDED
    await s.quiet()
    assert s.notebooks.text() == "1\n"


@pytest.mark.parametrize("refusal", [BadInput("gone"), Unavailable("read-only")])
async def test_a_file_that_is_gone_or_stays_away_is_given_up_and_never_breaks_the_run(
    scene, refusal
):
    s = scene()
    s.notebooks.refuses = refusal
    run = await s.settled(GATE, "1")
    await s.quiet()
    assert run.status is RunStatus.SUSPENDED
    s.notebooks.refuses = None
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    await s.quiet()
    assert s.notebooks.record() is not None


async def test_only_the_newest_run_of_a_notebook_is_shown(scene):
    s = scene()
    first = await s.settled(("'one?'", [], {"suspend": {}}), "1")
    await s.settled("print('two')")
    await s.quiet()
    assert s.notebooks.text() == "two\n"
    await s.engine.vote(first.id, vote(first))
    await s.engine.settled(first.id)
    await s.quiet()
    assert s.notebooks.text() == "two\n"
    assert s.notebooks.record() is None


async def test_late_outputs_come_into_the_file(scene):
    s = scene()
    run = await s.settled(GATE, "1")
    await s.quiet()
    s.put_out(run.id, "late\n")
    await s.notebooks.until(lambda: s.notebooks.text() == "late\n")


async def test_a_form_comes_into_the_file_and_goes_with_its_kernel(scene):
    s = scene()
    run = await s.settled(GATE, "1")
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "m"}}
    s.engine.boards.set_widget(run.id, "c0", view)
    await s.notebooks.until(
        lambda: s.notebooks.record() and view.keys() <= s.notebooks.record().keys()
    )
    await s.kernels.close(run.id)
    s.kernels.lose(run.id)
    await s.notebooks.until(lambda: not view.keys() & s.notebooks.record().keys())


# ---------------------------------------------------------------- a shared document


async def test_a_shared_document_is_shown_all_and_then_told_each_change(scene):
    s = scene()
    s.notebooks.document = document = FakeDocument()
    run = await s.started("# hold\n1")
    await s.kernels.begun(run)
    await s.quiet()
    s.put_out(run, "begun\n")
    await s.quiet()
    s.kernels.go(run)
    await s.engine.settled(run)
    await s.quiet()
    assert len(document.shown) == 1
    assert document.ops[0].kind is OpKind.ADD
    assert s.notebooks.writes == 0
    assert [said.path for said in s.said if isinstance(said, Shared)] == ["f.ipynb"]
    assert s.engine.documents_told.is_shared("f.ipynb")


async def test_a_document_that_was_opened_anew_is_shown_all_again(scene):
    s = scene()
    s.notebooks.document = FakeDocument()
    run = await s.settled(GATE, "1")
    await s.quiet()
    s.notebooks.document = again = FakeDocument()
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    await s.quiet()
    assert len(again.shown) == 1
    assert again.shown[0].keys() == {"c0", "c1"}


async def test_a_cell_that_somebody_cleared_in_it_is_shown_anew(scene):
    s = scene()
    s.notebooks.document = document = FakeDocument()
    run = await s.started("# hold\n1")
    await s.kernels.begun(run)
    await s.quiet()
    document.missed = {"c0"}
    s.put_out(run, "begun\n")
    await s.quiet()
    assert document.shown[-1].keys() == {"c0"}
    assert document.shown[-1]["c0"].outputs[0]["text"] == "begun\n"
    document.missed = set()
    s.kernels.go(run)
    await s.engine.settled(run)


async def test_when_the_room_has_gone_the_file_is_written_again(scene):
    s = scene()
    s.notebooks.document = FakeDocument()
    run = await s.settled(GATE, "1")
    await s.quiet()
    s.notebooks.document = None
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    await s.quiet()
    assert s.notebooks.record() is not None
    assert not s.engine.documents_told.is_shared("f.ipynb")


async def test_what_code_says_while_the_run_waits_comes_ever_later_but_a_vote_at_once(scene):
    s = scene(dataclasses.replace(AT_ONCE, running=3600.0))
    run = await s.settled(GATE, "1")
    await s.quiet()
    writes = s.notebooks.writes
    s.put_out(run.id, "late\n")
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert s.notebooks.writes == writes
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    await s.quiet()
    assert s.notebooks.text() == "late\n"


async def test_a_suspended_run_that_chats_is_written_less_and_less_often(scene):
    s = scene(dataclasses.replace(AT_ONCE, running=0.001))
    run = await s.settled(GATE, "1")
    await s.quiet()
    page = s.engine._scribe._pages["f.ipynb"]
    apart = []
    for _ in range(4):
        s.put_out(run.id, "chat\n")
        await s.quiet()
        apart.append(page._apart())
    assert apart == pytest.approx([0.002, 0.004, 0.008, 0.016])


# ---------------------------------------------------------------- what readers have made since

MINE = Shown(({"output_type": "stream", "name": "stdout", "text": "mine\n"},), 77)


def by_hand(scene, *cells, path="f.ipynb"):
    """Somebody has executed these cells, and saved."""
    scene.notebooks.files[path] = {**scene.notebooks.files[path], **dict.fromkeys(cells, MINE)}


def shows_mine(scene, *cells, path="f.ipynb"):
    return [name for name in cells if scene.notebooks.files[path][name] == MINE]


async def closed(scene):
    """Wait until nobody remembers what was written."""
    for page in tuple(scene.engine._scribe._pages.values()):
        await asyncio.wait_for(page._task, 5)
    assert not scene.engine._scribe._pages


async def test_cells_that_a_reader_executes_while_the_run_waits_stay_as_they_are(scene):
    s = scene()
    run = await s.settled("print('one')", GATE, "print('two')", "print('three')")
    await s.quiet()
    by_hand(s, "c0", "c3")
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    await s.quiet()
    assert shows_mine(s, "c0") == ["c0"]
    assert s.notebooks.text(step="c2") == "two\n"
    assert s.notebooks.text(step="c3") == "three\n", "the run has come to it later"
    assert "approved" in s.notebooks.record(step="c1")["text/plain"].lower()


@pytest.mark.parametrize("held", [True, False], ids=["page held", "page gone"])
async def test_a_notebook_that_moves_when_its_run_is_over_is_not_written(scene, held):
    s = scene(dataclasses.replace(AT_ONCE, linger=3600.0) if held else AT_ONCE)
    run = await s.settled("print('one')", "print('two')")
    await s.quiet()
    if not held:
        await s.kernels.close(run.id)
        await closed(s)
    writes = s.notebooks.writes
    s.notebooks.files["g.ipynb"] = s.notebooks.files.pop("f.ipynb")
    by_hand(s, "c0", path="g.ipynb")
    s.notebooks.moves[0]("f.ipynb", "g.ipynb", False)
    while Moved("f.ipynb", "g.ipynb") not in s.said:
        await asyncio.sleep(0)
    await s.quiet()
    assert s.notebooks.writes == writes
    assert shows_mine(s, "c0", path="g.ipynb")


async def test_what_was_not_written_when_the_notebook_moved_is_written_where_it_is_now(scene):
    s = scene(dataclasses.replace(AT_ONCE, file=3600.0))
    run = await s.started("print('one')", "# hold\nprint('two')")
    await s.kernels.begun(run)
    await s.notebooks.until(lambda: s.notebooks.files)
    s.kernels.go(run)
    await s.engine.settled(run)
    s.notebooks.files["g.ipynb"] = s.notebooks.files.pop("f.ipynb")
    s.notebooks.moves[0]("f.ipynb", "g.ipynb", False)
    await s.notebooks.until(lambda: s.notebooks.text("g.ipynb", "c1") == "two\n")
    assert "f.ipynb" not in s.notebooks.files


async def test_the_end_of_a_run_comes_to_a_notebook_of_whose_move_one_hears_later(scene):
    s = scene(dataclasses.replace(AT_ONCE, linger=3600.0))
    run = await s.settled(GATE, "print('two')")
    await s.quiet()
    s.notebooks.files["g.ipynb"] = s.notebooks.files.pop("f.ipynb")
    s.notebooks.refuses = BadInput("gone")
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    await s.quiet()
    s.notebooks.refuses = None
    s.notebooks.moves[0]("f.ipynb", "g.ipynb", False)
    await s.notebooks.until(lambda: s.notebooks.text("g.ipynb", "c1") == "two\n")


async def test_a_new_server_leaves_all_but_the_record_to_the_reader(scene, world):
    s = scene()
    await s.settled("print('one')", GATE, "print('two')")
    await s.quiet()
    waiting = s.notebooks.files["f.ipynb"]["c1"]
    by_hand(s, "c0", "c2")
    stale = {**waiting.outputs[-1], "data": {"text/plain": "stale"}}
    theirs = Shown((MINE.outputs[0], stale), 78)
    s.notebooks.files["f.ipynb"]["c1"] = theirs
    world.kill(s.engine)
    again = scene(name="srv_2", notebooks=s.notebooks)
    await again.notebooks.until(lambda: s.notebooks.record(step="c1")["text/plain"] != "stale")
    assert shows_mine(s, "c0", "c2") == ["c0", "c2"]
    assert s.notebooks.files["f.ipynb"]["c1"].outputs[0] == MINE.outputs[0]
    assert s.notebooks.files["f.ipynb"]["c1"].execution_count == 78


async def test_a_new_server_brings_what_the_old_one_did_not(scene, world):
    s = scene()
    await s.settled("print('one\\nmore')", GATE)
    await s.quiet()
    all_of_it = s.notebooks.files["f.ipynb"]
    begun = Shown(({"output_type": "stream", "name": "stdout", "text": "one\n"},), None)
    s.notebooks.files["f.ipynb"] = {"c0": begun, "c1": Shown()}
    world.kill(s.engine)
    again = scene(name="srv_2", notebooks=s.notebooks)
    await again.notebooks.until(lambda: s.notebooks.files["f.ipynb"] == all_of_it)


async def test_a_run_begins_with_nothing_of_before(scene):
    s = scene()
    s.notebooks.files["f.ipynb"] = dict.fromkeys(("c0", "c1", "other"), MINE)
    await s.settled(GATE, "print('more')")
    await s.quiet()
    assert s.notebooks.files["f.ipynb"]["c1"] == Shown()
    assert shows_mine(s, "c0", "c1", "other") == ["other"]


async def test_the_end_of_a_run_is_written_even_if_that_fails_for_long(scene):
    s = scene()
    run = await s.settled(GATE, "print('last')")
    await s.quiet()
    s.notebooks.refuses = Unavailable("read-only")
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    await s.notebooks.until(lambda: s.notebooks.writes > 8)
    s.notebooks.refuses = None
    await s.notebooks.until(lambda: s.notebooks.text(step="c1") == "last\n")


async def test_what_fails_is_tried_again_ever_later(scene):
    s = scene(dataclasses.replace(AT_ONCE, retry=1.0, longest=60.0))
    s.notebooks.refuses = Unavailable("read-only")
    await s.settled("print('last')")
    await s.quiet()
    page = s.engine._scribe._pages["f.ipynb"]
    apart = []
    for page._failures in range(1, 12):
        apart.append(page._apart())
    assert apart == [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]


@pytest.mark.parametrize("odd", [Unavailable("room"), KeyError("room")], ids=["refusal", "fault"])
async def test_what_goes_wrong_once_loses_nothing(scene, odd):
    s = scene()
    run = await s.settled(GATE, "print('last')")
    await s.quiet()
    s.notebooks.odd = odd
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    page = s.engine._scribe._pages["f.ipynb"]
    while not page._failures:
        await asyncio.sleep(0)
    s.notebooks.odd = None
    await s.notebooks.until(lambda: s.notebooks.text(step="c1") == "last\n")
    await s.kernels.close(run.id)
    await closed(s)
    assert not (await s.engine.boards.board(run.id)).in_use


@pytest.mark.parametrize(
    ("saved", "ended", "is_brought"),
    [(-1.0, 0.0, True), (1.0, 0.0, False), (-1.0, -86401.0, False), (None, 0.0, False)],
)
async def test_a_new_server_brings_the_end_of_a_run_that_nobody_has_saved_since(
    scene, world, saved, ended, is_brought
):
    s = scene()
    run = await s.settled("print('one')", "print('last')")
    await s.quiet()
    all_of_it = s.notebooks.files["f.ipynb"]
    s.notebooks.files["f.ipynb"] = {**all_of_it, "c1": Shown()}
    if saved is not None:
        s.notebooks.saved["f.ipynb"] = run.finished_at + saved
    world.kill(s.engine)
    world.clock.now -= ended
    again = scene(name="srv_2", notebooks=s.notebooks)
    await asyncio.gather(*again.engine._scribe._background)
    assert (s.notebooks.files["f.ipynb"] == all_of_it) is is_brought


# ---------------------------------------------------------------- renames, sessions, life


async def test_a_moved_notebook_is_written_where_it_is_now(scene):
    s = scene()
    run = await s.settled(GATE, "print('more')")
    await s.quiet()
    before = s.notebooks.files.pop("f.ipynb")
    s.notebooks.files["g.ipynb"] = before
    s.notebooks.gone.add("f.ipynb")
    s.notebooks.moves[0]("f.ipynb", "g.ipynb", False)
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    await s.quiet()
    assert (await s.engine.run(run.id)).path == "g.ipynb"
    assert s.notebooks.text("g.ipynb", "c1") == "more\n"
    assert "f.ipynb" not in s.notebooks.files
    assert Moved("f.ipynb", "g.ipynb") in s.said


async def test_notebooks_move_with_their_folder(scene, world):
    s = scene()
    notebook = world.make_notebook(GATE, "1")
    runs = [
        await s.engine.create(new)
        for new in (
            dataclasses.replace(_new(notebook), path=path)
            for path in ("a/b/f.ipynb", "a/g.ipynb", "ab/h.ipynb")
        )
    ]
    for run in runs:
        await s.engine.settled(run.id)
    moved = asyncio.Event()
    s.engine.documents_told.listen(lambda said: isinstance(said, Moved) and moved.set())
    s.notebooks.moves[0]("a", "z/a", True)
    await asyncio.wait_for(moved.wait(), 10)
    await s.quiet()
    paths = [(await s.engine.run(run.id)).path for run in runs]
    assert paths == ["z/a/b/f.ipynb", "z/a/g.ipynb", "ab/h.ipynb"]


async def test_the_kernel_of_a_run_is_offered_once_unless_it_named_one(scene):
    s = scene()
    run = await s.settled(GATE, "1")
    await s.notebooks.until(lambda: s.notebooks.offered)
    await s.engine.vote(run.id, vote(run))
    await s.engine.settled(run.id)
    await s.settled(GATE, kernel_id="theirs")
    await s.quiet()
    assert s.notebooks.offered == [("f.ipynb", f"kernel of {run.id}", "python3")]


async def test_another_server_does_not_write_what_it_does_not_drive(scene):
    s = scene()
    run = await s.settled(GATE, "1")
    await s.quiet()
    other = scene(name="srv_2")
    await other.engine.vote(run.id, vote(run))
    await other.quiet()
    await s.engine.settled(run.id)
    assert other.notebooks.writes == 0


async def test_servers_with_other_folders_have_other_notebooks_at_the_same_path(scene):
    one = scene(notebooks=FakeNotebooks("/one"))
    other = scene(name="srv_2", notebooks=FakeNotebooks("/other"))
    run = await one.settled(GATE, "print('one')")
    await one.quiet()
    theirs = await other.settled("print('other')")
    await other.quiet()
    assert await one.engine.boards.shown_at("f.ipynb") == run.id
    assert await other.engine.boards.shown_at("f.ipynb") == theirs.id
    other.notebooks.moves[0]("f.ipynb", "g.ipynb", False)
    while Moved("f.ipynb", "g.ipynb") not in other.said:
        await asyncio.sleep(0)
    await one.engine.vote(run.id, vote(run))
    run = await one.engine.settled(run.id)
    await one.quiet()
    assert run.path == "f.ipynb"
    assert (await other.engine.run(theirs.id)).path == "g.ipynb"
    assert one.notebooks.text(step="c1") == "one\n"


async def test_a_run_of_before_servers_knew_their_folders_shows_anywhere(scene):
    s = scene()
    run = await s.settled(GATE)
    later = scene(name="srv_2", notebooks=FakeNotebooks("/two"))
    assert await later.engine.boards.shown_at("f.ipynb") == run.id


async def test_of_a_moved_notebook_the_run_that_it_shows_moves_and_those_that_go_on(scene):
    s = scene()
    waits = await s.settled(GATE, "1")
    over = await s.settled("1")
    shown = await s.settled("1")
    s.notebooks.moves[0]("f.ipynb", "g.ipynb", False)
    while Moved("f.ipynb", "g.ipynb") not in s.said:
        await asyncio.sleep(0)
    paths = [(await s.engine.run(run.id)).path for run in (waits, over, shown)]
    assert paths == ["g.ipynb", "f.ipynb", "g.ipynb"]


async def test_a_new_server_refreshes_the_notebooks_of_runs_that_wait(scene, world):
    s = scene()
    run = await s.settled(GATE, "1")
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "m"}}
    s.engine.boards.set_widget(run.id, "c0", view)
    await s.notebooks.until(
        lambda: s.notebooks.record() and view.keys() <= s.notebooks.record().keys()
    )
    world.kill(s.engine)
    again = scene(name="srv_2", notebooks=s.notebooks)
    await again.notebooks.until(lambda: not view.keys() & again.notebooks.record().keys())


async def test_at_the_end_what_is_pending_is_written_at_once(scene):
    s = scene(Pace(file=3600.0, running=3600.0))
    run = await s.settled(GATE, "1")
    await s.end()
    assert s.notebooks.record() is not None
    assert run.status is RunStatus.SUSPENDED


async def test_a_page_is_let_go_when_nothing_can_come_any_more(scene):
    s = scene()
    run = await s.settled("print(1)")
    await s.quiet()
    page = s.engine._scribe._pages["f.ipynb"]
    await s.kernels.close(run.id)
    await asyncio.wait_for(page._task, 5)
    assert s.engine._scribe._pages == {}
    assert not (await s.engine.boards.board(run.id)).in_use


def _new(notebook):
    from jupyter_flows.engine.asked import NewRun  # noqa: PLC0415

    return NewRun(notebook=notebook, path="f.ipynb", owner="o", parameters={}, in_place=True)
