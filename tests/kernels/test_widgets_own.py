"""Widgets that we have had made ourselves are no part of the notebook."""

from jupyter_flows.kernels.widgets import STATE, Widgets


def message(kind, comm, parent, **data):
    content = {"comm_id": comm, "data": data}
    return {"msg_type": kind, "content": content, "parent_header": {"msg_id": parent}}


def models(widgets):
    saved = widgets.state()
    return {} if saved is None else saved[STATE]["state"]


def test_what_is_made_by_our_own_requests_is_not_saved_nor_what_is_typed_into_it():
    widgets = Widgets(lambda *_: None, 2**20, own={"ours"}.__contains__)
    state = {"_model_name": "TextModel", "value": ""}
    widgets.feed(message("comm_open", "a", "cell", state=state))
    widgets.feed(message("comm_open", "b", "ours", state=state))
    widgets.feed(message("comm_msg", "b", "click", method="update", state={"value": "secret"}))
    found = models(widgets)
    assert list(found) == ["a"]
    widgets.feed(message("comm_close", "b", "ours"))
    assert widgets.state() is None
    widgets.feed(message("comm_open", "b", "cell", state=state))
    assert list(models(widgets)) == ["a", "b"]
