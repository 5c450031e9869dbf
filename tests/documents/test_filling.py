"""What a cell shows that a run's outputs come to, where its reader may have made something else."""

import pytest

from jupyter_flows.documents.filling import filled
from jupyter_flows.ports import Shown

from .conftest import rich, stream

OPEN, CLOSED = (
    {**rich(said), "metadata": {"jupyter_flows": {"gate": "r.ask.1"}}} for said in ("?", "!")
)
WANTED = Shown([stream("one\n"), rich("1"), stream("two\nthree\n"), CLOSED], 4)


@pytest.mark.parametrize(
    "present",
    [
        Shown(),
        Shown([stream("on")], None),
        Shown([stream("one\n"), rich("1")], 4),
        Shown([stream("one\n"), rich("1"), stream("two\n")], 4),
        Shown([stream("one\n"), rich("1"), stream("two\nthree\n")], 4),
        Shown([stream("one\n"), rich("1"), stream("two\nthree\n"), OPEN], 4),
    ],
)
def test_an_earlier_state_becomes_the_newest(present):
    assert filled(present, WANTED) is WANTED


@pytest.mark.parametrize(
    "present",
    [
        Shown([stream("mine\n")], 4),
        Shown([stream("one\n")], 77),
        Shown([], 77),
        Shown([stream("one\n"), rich("2")], 4),
        Shown([stream("one\n"), rich("1"), stream("two\nthree\n"), stream("mine\n")], 4),
    ],
)
def test_what_somebody_else_made_stays(present):
    assert filled(present, WANTED) is present


def test_a_record_in_it_is_brought_up_to_date():
    present = Shown([stream("mine\n"), OPEN, rich("mine")], 77)
    assert filled(present, WANTED) == Shown([stream("mine\n"), CLOSED, rich("mine")], 77)


def test_a_step_that_was_never_reached_takes_nothing_away():
    present = Shown([stream("mine\n"), OPEN], 77)
    assert filled(present, Shown()) is present


@pytest.mark.parametrize("metadata", [None, 1, {"jupyter_flows": 1}, {"jupyter_flows": {}}])
def test_an_output_of_any_metadata_is_no_record(metadata):
    odd = {**rich("mine"), "metadata": metadata}
    assert filled(Shown([odd], 1), WANTED) == Shown([odd], 1)
