"""Each case is restored right in a fresh process, or named as unsaved before."""

from pathlib import Path

import pytest

from tests.fidelity.cases import CASES
from tests.fidelity.proving import Proving


@pytest.fixture(scope="session")
def proving(request):
    """All cases that were asked for, begun at once: each test waits for its own."""
    asked = [
        item.callspec.params["case"]
        for item in request.session.items
        if item.path == Path(__file__) and hasattr(item, "callspec")
    ]
    proving = Proving(asked)
    yield proving
    proving.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_a_case_is_restored_right_or_named_as_unsaved(case, proving):
    proof = proving.proofs[case.name].result()
    if proof.outcome == "skipped":
        pytest.skip(proof.said)
    assert proof.outcome == case.outcome, proof.said


def test_there_are_enough_cases_and_no_two_of_one_name():
    assert len({case.name for case in CASES}) == len(CASES) >= 120
