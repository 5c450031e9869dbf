"""What a board tells of a run whose steps are named otherwise than their cells, or were edited."""

from jupyter_flows.core import events as e
from jupyter_flows.core.canonical import sha256
from jupyter_flows.core.machine import created
from jupyter_flows.core.machine.evolve import evolve
from jupyter_flows.core.model import Digest, Failure, RunId, StepId, StepSpec
from jupyter_flows.engine.board import Board
from jupyter_flows.ports import OpKind, OutputOp, Shown

LINE = {"output_type": "stream", "name": "stdout", "text": "hello"}


def spec(index, name, cell):
    return StepSpec(StepId(name), index, sha256(name.encode()), cell=cell)


def run_of(*steps):
    born = e.RunCreated(
        path="nb.ipynb",
        owner="carla",
        parameters={},
        snapshot=Digest("sha256:one"),
        steps=steps,
        kernel_name="python3",
        default_timeout=60.0,
    )
    return evolve(created(RunId("run_1"), born, 1.0), e.RunStarted(), 1.0)


def test_what_is_told_names_the_notebooks_cells():
    board = Board(run_of(spec(0, "load", "c1")), 10)
    heard = []
    board.listen(lambda seq, ops: heard.append((seq, [op.cell for op in ops])))
    board.apply([OutputOp(StepId("load"), OpKind.ADD, 0, LINE)])
    assert heard == [(11, ["c1"])]
    assert board.cells() == {"c1": Shown((LINE,))}


def test_a_run_that_goes_on_with_an_edited_notebook_shows_its_new_cells_and_no_removed_ones():
    run = run_of(spec(0, "load", "c1"), spec(1, "work", "c2"))
    board = Board(run, 10)
    board.apply([OutputOp(StepId("load"), OpKind.ADD, 0, LINE)])
    run = evolve(run, e.RunFailed(error=Failure("X", "x")), 2.0)
    resumed = e.RunResumed(
        by="carla",
        step=StepId("mended"),
        snapshot=Digest("sha256:two"),
        steps=(spec(0, "load", "c1"), spec(1, "mended", "c3")),
    )
    board.at(evolve(run, resumed, 3.0), {})
    assert board.cells() == {"c1": Shown((LINE,)), "c3": Shown()}
