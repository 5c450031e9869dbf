"""What a notebook would be as a flow, before anything runs."""


def tagged(source, make_notebook, *others):
    notebook = make_notebook(source, *others)
    notebook["cells"][0]["metadata"] = {"tags": ["parameters"]}
    return notebook


async def test_the_parameters_of_the_tagged_cell_are_told_with_their_defaults(call, make_notebook):
    source = "n: int = 3  # how many\nname = 'a=b'\nwhen = today()\nrows = [1,\n 2]"
    told = await call("POST", "api/inspect", {"notebook": tagged(source, make_notebook, "1")})
    assert told.status == 200
    assert told.json["mistakes"] == []
    n, name, when, rows = told.json["parameters"]
    assert n == {"name": "n", "default": "3", "value": 3, "type": "int", "help": "how many"}
    assert (name["value"], name["type"]) == ("a=b", None)
    assert (when["default"], when["value"]) == ("today()", None)
    assert rows["value"] == [1, 2]


async def test_a_cell_that_is_no_python_has_no_parameters_to_tell(call, make_notebook):
    told = await call("POST", "api/inspect", {"notebook": tagged("n = = 3", make_notebook)})
    assert told.json["parameters"] == []


async def test_mistakes_are_told_with_their_cells_and_nothing_runs(call, make_notebook):
    notebook = make_notebook("1")
    notebook["cells"][0]["metadata"] = {"flow": {"suspend": {"require_events": 2}}}
    told = await call("POST", "api/inspect", {"notebook": notebook})
    assert told.status == 200
    (mistake,) = told.json["mistakes"][:1]
    assert mistake["where"]
    assert mistake["message"]
    assert (await call("GET", "api/runs")).json["runs"] == []


async def test_what_is_no_notebook_is_a_mistake_in_words(call):
    told = await call("POST", "api/inspect", {"notebook": {}})
    assert [one["where"] for one in told.json["mistakes"]] == [""]
