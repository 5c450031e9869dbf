"""Whatever is changed in a flow: it is imported, with every cell valid, or refused in words."""

import ast
import copy

import nbformat
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.flow import read_flow
from jupyter_flows.openflow.notebook import imported

from .conftest import FLOWS

ORDER = FLOWS / "order.flow"
FLOW = yaml.safe_load((ORDER / "flow.yaml").read_text())

WORDS = ["", "results.fetch", "$res:u/a/b", "!inline fetch.py", "a b", "\0", "static", "flow", "é"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats(-1, 5) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner),
    max_leaves=4,
)


def places(value, path=()):
    """The path of everything inside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, found in inner:
        yield (*path, key)
        if isinstance(found, dict | list):
            yield from places(found, (*path, key))


def changed(flow, path, value):
    flow = copy.deepcopy(flow)
    at = flow
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return flow


def beside(name):
    if name != "fetch.py":
        raise BadInput(f"{name!r} is not there")
    return (ORDER / name).read_text()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(places(FLOW))), VALUES)
@example(("value", "modules", 0, "value", "content"), "\0")
def test_a_changed_flow_is_imported_or_refused(path, value):
    text = yaml.safe_dump(changed(FLOW, path, value), allow_unicode=True)
    try:
        made = imported(text, "flow.yaml", beside)
    except BadInput as refusal:
        told = str(refusal)
    else:
        nbformat.validate(nbformat.from_dict(made.notebook))
        read_flow(made.notebook)
        for cell in made.notebook["cells"]:
            if cell["cell_type"] == "code":
                compile(cell["source"], cell["id"], "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        told = made.notebook["cells"][0]["source"]
    assert told
