"""Which names of a namespace are saved."""

import types

from jupyter_flows.client import flows
from jupyter_flows.client.checkpoint import names


def shell(hidden=(), **user_ns):
    return types.SimpleNamespace(user_ns=user_ns, user_ns_hidden=dict(hidden))


def test_ipythons_own_names_are_left_out():
    own = dict.fromkeys(["In", "Out", "_", "__", "___", "_i", "_ii", "_3", "_i12", "_dh", "_oh"], 1)
    assert names.chosen(shell(own, **own, x=1, _private=2, __annotations__={})) == {
        "x": 1,
        "_private": 2,
        "__annotations__": {},
    }


def test_a_hidden_name_is_the_users_once_it_is_bound_anew():
    hidden = {"open": open, "exit": print}
    found = names.chosen(shell(hidden, open=open, exit=len))
    assert found == {"exit": len}


def test_names_that_look_like_ipythons_own_are_the_users_once_they_are_bound():
    mine = {"_": 1, "_1": 2, "_i1": 3, "___": 4, "__file__": "a", "__name__": "b", "In": 5}
    hidden = dict.fromkeys(mine, object())
    assert names.chosen(shell(hidden, **mine, __doc__=None)) == {**mine, "__doc__": None}


def test_what_is_hidden_but_not_ipythons_own_is_saved():
    hidden = {"np": types, "spark": 1}
    user = shell(hidden, spark=1, _i="", np=types)
    hidden["_i"] = user.user_ns["_i"]
    user.user_ns_hidden = hidden
    assert names.chosen(user) == {"spark": 1, "np": types}
    assert names.given(user) == {"spark"}


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
