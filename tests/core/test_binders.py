"""Which cell bound a name, as far as its source tells."""

import pytest

from jupyter_flows.core.binders import bound_in, last_binders
from jupyter_flows.core.model import StepId


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("x = 1", {"x"}),
        ("x, (y, *z) = f()", {"x", "y", "z"}),
        ("x: int = 1\ny += 2", {"x", "y"}),
        ("import a.b, c as d\nfrom e import f as g, h", {"a", "d", "g", "h"}),
        ("def f(a):\n    inner = a\nclass C:\n    inner = 1", {"f", "C"}),
        ("async def f(): pass", {"f"}),
        ("for i in range(3):\n    total = i", {"i", "total"}),
        ("with open(p) as file:\n    text = 1", {"file", "text"}),
        ("if (n := 3) > 2:\n    pass", {"n"}),
        ("try:\n    pass\nexcept E as error:\n    pass", {"error"}),
        ("[inner for inner in y]\nf = lambda inner: 1", {"f"}),
        ("match p:\n    case [first, *rest]:\n        pass", {"first", "rest"}),
        ("%load_ext x\n!ls\ny = 1", {"y"}),
        ("%%bash\ny=1 ((", set()),
        ("not python at all", set()),
        ("x[0] = 1\nx.y = 2", set()),
    ],
)
def test_the_names_that_a_source_binds(source, names):
    assert bound_in(source) == names


def test_the_last_cell_that_bound_it_counts():
    sources = {StepId("a"): "x = 1\ny = 1", StepId("b"): "x = 2", StepId("c"): "z = x"}
    assert last_binders(sources, ["x", "y", "w"]) == {"x": "b", "y": "a"}
