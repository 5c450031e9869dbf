"""`jupyter flows register`, `registered` and `unregister`."""


def test_a_notebook_is_given_a_name_listed_and_loses_it(flows):
    path = flows.notebook("1")
    assert flows("register", "daily", path).lines == [f"daily is {path}"]
    assert flows("registered").lines == [f"daily  {path}"]
    (shown,) = flows("registered", "--json").events
    assert (shown["name"], shown["path"], shown["source"]) == ("daily", str(path), "registered")
    assert flows("unregister", "daily").lines == ["daily is no flow any more"]
    (said,) = flows("registered").lines
    assert "jupyter flows register NAME NOTEBOOK" in said


def test_what_can_not_be_registered_is_refused_with_a_reason(flows):
    refused = flows("register", "no//name", flows.notebook("1"))
    assert refused.status == 2
    assert "can't be a flow's name" in refused.errors
    unknown = flows("unregister", "nobody")
    assert unknown.status == 2
    assert "No flow 'nobody' is registered" in unknown.errors
