"""Which names of a namespace are saved."""

import types

from jupyter_flows.client import flows
from jupyter_flows.client.checkpoint import names


def shell(hidden=(), **user_ns):
    return types.SimpleNamespace(user_ns=user_ns, user_ns_hidden=dict(hidden))


def test_ipythons_own_names_are_left_out():
    own = dict.fromkeys(["In", "Out", "_", "__", "___", "_i", "_ii", "_3", "_i12", "_dh", "_oh"], 1)
    assert names.chosen(shell(**own, x=1, _private=2, __annotations__={})) == {
        "x": 1,
        "_private": 2,
        "__annotations__": {},
    }


def test_a_hidden_name_is_the_users_once_it_is_bound_anew():
    hidden = {"open": open, "helper": print}
    found = names.chosen(shell(hidden, open=open, helper=len))
    assert found == {"helper": len}


def test_excluded_names_are_left_out():
    assert names.chosen(shell(x=1, y=2), ["y"]) == {"x": 1}


def test_what_the_flow_has_bound_is_left_out_until_the_user_binds_it(monkeypatch):
    bound = {"results": {}, "flow_input": {}}
    monkeypatch.setattr(flows._flow, "bound", bound, raising=False)
    found = names.chosen(shell(results=bound["results"], flow_input={"mine": 1}))
    assert found == {"flow_input": {"mine": 1}}


def test_what_replay_cells_have_bound_is_left_out(monkeypatch):
    monkeypatch.setattr(type(flows._flow), "replayed", {"connect": ["con", "gone"]})
    user = shell(con=object(), x=1)
    assert names.chosen(user) == {"x": 1}
    assert list(names.replayed(user)) == ["con"]
