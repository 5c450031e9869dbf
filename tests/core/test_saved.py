"""What is said of a waiting run's variables."""

from jupyter_flows.core import commands as c
from jupyter_flows.core.saved import sentences, told

from .conftest import Play


def waiting(**more: object) -> Play:
    return Play(load=None, ask={}, **more).opened()


def test_nothing_is_said_before_anything_was_tried() -> None:
    assert told(waiting().run) == ""


def test_what_is_saved_is_said_with_its_size_and_time() -> None:
    play = waiting()
    play.save()
    assert told(play.run) == "14 variables saved (1.16 GB, 0.9 s)."


def test_what_is_not_saved_is_named_with_its_cell_and_what_can_be_done() -> None:
    play = waiting()
    play.save("con", "job")
    assert told(play.run) == (
        "14 variables saved (1.16 GB, 0.9 s). 2 cannot be: con.g (generator, cell 1), job.g"
        " (generator, cell 1). The kernel is kept alive for them. To free it: tag cell 1 `replay`,"
        " or del con."
    )


def test_what_the_author_has_dropped_needs_no_deed() -> None:
    play = waiting()
    play.save("con", drops=True)
    assert sentences(play.run)[-1] == "They go with the kernel, as the notebook says."


def test_a_failure_to_save_says_why_and_nothing_of_earlier_savings() -> None:
    play = waiting()
    play.save()
    play.tell(c.MissCheckpoint(why="The disk is full."))
    assert told(play.run) == "The variables are not saved: The disk is full."


def test_a_trial_that_failed_and_a_kernel_that_was_released_are_said() -> None:
    play = waiting()
    made = play.save()
    play.tell(c.ReleaseKernel(checkpoint=made.digest))
    assert sentences(play.run)[1:] == (
        "The kernel is released; it comes back when the run goes on.",
    )
    play = waiting()
    made = play.save()
    play.tell(c.DoubtCheckpoint(checkpoint=made.digest, why="no."))
    assert sentences(play.run)[1:] == (
        "The kernel is kept: loading them was tried, and failed: no.",
    )


def test_what_was_saved_at_an_earlier_gate_is_not_told_of_a_later_one() -> None:
    """It holds less than the kernel: to say that all is saved would be wrong."""
    play = waiting(more={})
    play.save()
    play.vote("bob")
    play.tell(c.Advance())
    play.finish("more")
    assert play.run.open_gate is not None
    assert told(play.run) == ""
