"""Names of flows, and the paths that mean them."""

import pytest

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.registry import checked_name, is_name, names_for


@pytest.mark.parametrize("name", ["a", "a.b-c_d", "f/etl/pipeline", "a/" * 99 + "ab", "x" * 100])
def test_a_name_may_have_folders(name):
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "/a", "a/", "a//b", "a/../b", "a/.b", "a/-b", "a b", "é", "x" * 101, "a/" * 100 + "b"],
)
def test_what_is_no_name_is_refused(name):
    assert not is_name(name)
    with pytest.raises(BadInput, match="can't be a flow's name"):
        checked_name(name)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("sum", ("sum", "f/sum")),
        ("f/etl/sum", ("f/etl/sum", "etl/sum")),
        ("u/bob/sum", ("u/bob/sum", "bob/sum", "sum")),
        ("etl/sum.py", ("etl/sum.py", "f/etl/sum.py", "etl/sum", "f/etl/sum")),
        ("../sum", ()),
    ],
)
def test_a_path_of_windmills_means_names_the_nearest_first(path, names):
    assert names_for(path) == names
