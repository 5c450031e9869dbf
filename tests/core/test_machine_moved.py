"""A run in place goes where its notebook goes, and nothing else of it changes."""

import pytest
from msgspec.structs import replace

from jupyter_flows.core import commands as c
from jupyter_flows.core import events as e
from jupyter_flows.core.machine import decide, evolve
from jupyter_flows.core.model import RunStatus

MOVE = c.MoveNotebook(path="sub/new.ipynb")


@pytest.mark.parametrize("status", list(RunStatus))
def test_a_run_in_place_is_at_the_notebooks_new_path_in_every_status(play, status):
    run = replace(play(ask={}).opened().run, status=status, in_place=True)
    (event,) = decide(run, MOVE, 0.0)
    assert event == e.NotebookMoved(path="sub/new.ipynb")
    moved = evolve(run, event, 0.0)
    assert replace(moved, path=run.path, seq=run.seq) == run
    assert moved.path == "sub/new.ipynb"
    assert decide(moved, MOVE, 0.0) == ()


def test_another_run_stays_with_the_path_that_it_was_started_from(play):
    assert decide(play(ask={}).opened().run, MOVE, 0.0) == ()


def test_a_moved_notebook_leaves_the_open_gates_digest_as_it_was(play):
    run = replace(play(ask={}).opened().run, in_place=True)
    moved = evolve(run, decide(run, MOVE, 0.0)[0], 0.0)
    assert moved.open_gate == run.open_gate
