import copy
import json

import nbformat
import pytest
from msgspec.structs import replace
from nbclient import NotebookClient

from jupyter_flows.core.errors import BadInput, ParametersInvalid
from jupyter_flows.core.model import (
    Digest,
    Failure,
    Gate,
    GateOptions,
    GateStatus,
    Run,
    RunId,
    RunStatus,
    Step,
    StepId,
    StepSpec,
    StepStatus,
)
from jupyter_flows.kernels.document import NotebookDocuments

DOCUMENTS = NotebookDocuments()
KERNELSPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def code(source, **more):
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
    return {**cell, "execution_count": None, **more}


def tagged(tag, source):
    return code(source, id=tag, metadata={"tags": [tag]})


def notebook(*cells, minor=5, **metadata):
    return {
        "nbformat": 4,
        "nbformat_minor": minor,
        "metadata": {"kernelspec": KERNELSPEC, **metadata},
        "cells": list(cells),
    }


def prepare(given, parameters=None, kernel_name=None):
    return DOCUMENTS.prepare(given, parameters or {}, kernel_name)


def sources(ready):
    return [cell["source"] for cell in ready["cells"]]


def test_a_ready_notebook_is_valid_and_what_was_given_is_untouched():
    given = notebook(code("1", id="a", execution_count=3), minor=5)
    before = copy.deepcopy(given)
    ready, kernel = prepare(given)
    nbformat.validate(ready)
    assert (kernel, given) == ("python3", before)
    assert type(ready["cells"][0]) is dict


def test_outputs_and_traces_of_an_earlier_run_are_cleared():
    old = code(
        "1",
        id="a",
        execution_count=3,
        outputs=[{"output_type": "stream", "name": "stdout", "text": ["a\n", "b"]}],
        metadata={"trusted": True, "tags": ["suspend"], "jupyter_flows": {"status": "failed"}},
    )
    (cell,) = prepare(notebook(old, widgets={}))[0]["cells"]
    assert (cell["outputs"], cell["execution_count"]) == ([], None)
    assert cell["metadata"] == {"tags": ["suspend"]}


def test_an_older_notebook_is_upgraded_with_the_same_ids_each_time():
    given = notebook(
        code("1"), code("1"), {"cell_type": "markdown", "metadata": {}, "source": ["a", "b"]}
    )
    for cell in given["cells"]:
        cell.pop("id", None)
    given["nbformat_minor"] = 2
    one, other = prepare(given)[0], prepare(copy.deepcopy(given))[0]
    ids = [cell["id"] for cell in one["cells"]]
    assert ids == [cell["id"] for cell in other["cells"]]
    assert len(set(ids)) == 3
    assert one["nbformat_minor"] == 5
    assert sources(one) == ["1", "1", "ab"]


def test_a_notebook_of_version_3_is_converted():
    cells = [{"cell_type": "code", "input": "1", "outputs": [], "language": "python"}]
    given = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": cells, "metadata": {}}],
    }
    one, other = prepare(given)[0], prepare(given)[0]
    assert sources(one) == ["1"]
    assert one == other


def test_of_two_equal_ids_the_later_is_replaced():
    ready = prepare(notebook(code("1", id="a"), code("2", id="a")))[0]
    first, second = (cell["id"] for cell in ready["cells"])
    assert first == "a" != second


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "names no nbformat"),
        ({}, "names no nbformat"),
        ({"nbformat": "4"}, "names no nbformat"),
        ({"nbformat": 5, "cells": []}, "not known here"),
        ({"nbformat": 4}, "no list of cells"),
        ({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": ["a"]}, "."),
        ({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "x"}]}, "."),
        ({"nbformat": 4, "metadata": {}, "cells": [{"cell_type": 1}]}, "cell_type is no text"),
        ({"nbformat": 4, "metadata": {}, "cells": [{"cell_type": []}]}, "cell_type is no text"),
        ({"nbformat": 4, "nbformat_minor": 5, "metadata": [], "cells": []}, "."),
        ({"nbformat": 4, "nbformat_minor": 5, "cells": [{"metadata": []}]}, "."),
        (notebook(kernelspec="python3"), "kernelspec"),
        (notebook(code("1", id="a", metadata={"tags": "suspend"})), "tags"),
        ({"nbformat": 3, "nbformat_minor": 0, "worksheets": [{}]}, "."),
    ],
)
def test_what_is_no_notebook_is_refused(given, why):
    with pytest.raises(BadInput, match=why):
        prepare(given)


def test_the_kernel_is_the_one_asked_for_or_the_notebooks_own_or_python():
    given = notebook(code("1", id="a"), language_info={"name": "python"})
    assert prepare(given)[1] == "python3"
    ready, kernel = prepare(given, kernel_name="bash")
    assert kernel == "bash"
    assert ready["metadata"]["kernelspec"]["name"] == "bash"
    assert "language_info" not in ready["metadata"]
    bare = {**given, "metadata": {}}
    assert prepare(bare)[1] == "python3"


# ---------------------------------------------------------------- parameters


def test_parameters_stand_behind_their_defaults():
    given = notebook(code("0", id="z"), tagged("parameters", "n = 1"), code("n", id="a"))
    ready, _ = prepare(given, {"n": 2, "s": 'it\'s "x"\n', "d": {"a": [None, True, 1.5]}})
    assert [cell["id"] for cell in ready["cells"]] == [
        "z",
        "parameters",
        "injected-parameters",
        "a",
    ]
    cell = ready["cells"][2]
    assert cell["metadata"]["tags"] == ["injected-parameters"]
    names = {}
    exec(cell["source"], names)
    assert (names["n"], names["s"], names["d"]) == (2, 'it\'s "x"\n', {"a": [None, True, 1.5]})
    nbformat.validate(ready)


def test_parameters_without_defaults_stand_on_top():
    ready, _ = prepare(notebook(code("n", id="a")), {"n": 2})
    assert sources(ready) == ["# Parameters\nn = 2", "n"]


def test_parameters_of_an_earlier_run_are_replaced_and_without_new_ones_kept():
    given = notebook(tagged("parameters", "n = 1"), tagged("injected-parameters", "n = 5"))
    assert sources(prepare(given, {"n": 2})[0]) == ["n = 1", "# Parameters\nn = 2"]
    assert sources(prepare(given)[0]) == ["n = 1", "n = 5"]


@pytest.mark.parametrize(
    ("kernel_name", "language", "line"),
    [
        ("bash", "bash", "n=2"),
        ("ir", "R", "n = 2"),
        ("julia-1.9", "julia", "n = 2"),
        ("python3", None, "n = 2"),
    ],
)
def test_parameters_are_written_in_the_notebooks_language(kernel_name, language, line):
    spec = {"name": kernel_name, "display_name": kernel_name}
    given = notebook(
        code("1", id="a"), kernelspec={**spec, **({"language": language} if language else {})}
    )
    assert sources(prepare(given, {"n": 2})[0])[0].splitlines() == ["# Parameters", line]


@pytest.mark.parametrize("name", ["a b", "1a", "", "class", "a;b", "a\n"])
def test_a_name_that_is_no_identifier_is_refused(name):
    with pytest.raises(ParametersInvalid, match="no identifier"):
        prepare(notebook(), {name: 1})


def test_a_language_without_translator_is_refused():
    given = notebook(kernelspec={"name": "forth", "display_name": "F", "language": "forth"})
    with pytest.raises(ParametersInvalid, match="can't be written in forth"):
        prepare(given, {"n": 1})


def test_a_cell_that_holds_the_id_of_the_injected_one_is_refused():
    with pytest.raises(BadInput, match="injected-parameters"):
        prepare(notebook(code("1", id="injected-parameters")), {"n": 1})


# ---------------------------------------------------------------- what came of it


def run_of(ready, **steps):
    """A run with a step for each code cell; keywords are changes to single ones."""
    made = {}
    for index, cell in enumerate(ready["cells"]):
        if cell["cell_type"] == "code":
            spec = StepSpec(StepId(cell["id"]), index, Digest("sha256:0"))
            made[spec.id] = replace(Step(spec), **steps.get(cell["id"], {}))
    return Run(
        id=RunId("run"),
        seq=1,
        status=RunStatus.FAILED,
        path="flow.ipynb",
        owner="ann",
        parameters={},
        snapshot=Digest("sha256:0"),
        kernel_name="python3",
        kernel_id=None,
        output=None,
        default_timeout=1.0,
        created_at=0.0,
        folder=None,
        steps=made,
    )


def test_a_gates_record_stands_behind_the_outputs_of_its_cell():
    ready, _ = prepare(notebook(code("1", id="a"), code("2", id="b")))
    gate = Gate(StepId("a"), 1, GateOptions(), GateStatus.OPEN, opened_at=1.0, deadline=2.0)
    run = replace(run_of(ready), gates={(gate.step, 1): gate})
    outputs = {"a": [{"output_type": "stream", "name": "stdout", "text": "x"}]}
    first, second = NotebookDocuments().executed(ready, run, outputs, None)["cells"]
    assert [output["output_type"] for output in first["outputs"]] == ["stream", "display_data"]
    assert first["outputs"][-1]["metadata"] == {"jupyter_flows": {"gate": "run.a.1"}}
    assert second["outputs"] == []
    assert len(outputs["a"]) == 1


def test_an_executed_notebook_is_valid_and_the_snapshot_untouched():
    text = {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "text"}
    ready, _ = prepare(notebook(text, code("1", id="a"), code("2", id="b"), code("3", id="c")))
    before = copy.deepcopy(ready)
    done = {"status": StepStatus.SUCCEEDED, "attempts": 2, "execution_count": 1}
    failed = {"status": StepStatus.FAILED, "attempts": 1, "error": Failure("E", "m")}
    result = {"output_type": "execute_result", "data": {"text/plain": "1"}, "metadata": {}}
    outputs = {StepId("a"): [{**result, "execution_count": 1}]}
    widgets = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    filled = DOCUMENTS.executed(ready, run_of(ready, a=done, b=failed), outputs, widgets)
    assert ready == before
    nbformat.validate(json.loads(json.dumps(filled)))
    assert filled["metadata"]["jupyter_flows"] == {"run": "run", "status": "failed"}
    assert filled["metadata"]["widgets"] == widgets
    _, a, b, c = filled["cells"]
    assert (a["outputs"], a["execution_count"]) == (outputs[StepId("a")], 1)
    assert a["metadata"]["jupyter_flows"] == {"status": "succeeded", "attempts": 2}
    assert b["metadata"]["jupyter_flows"]["error"] == {"name": "E", "message": "m"}
    assert c["metadata"]["jupyter_flows"] == {"status": "pending"}
    assert "trusted" not in json.dumps(filled)


async def test_a_prepared_notebook_runs_in_other_tools(tmp_path):
    ready, _ = prepare(notebook(tagged("parameters", "n = 1"), code("n + 1", id="a")), {"n": 2})
    path = tmp_path / "ready.ipynb"
    await DOCUMENTS.write(str(path), ready)
    ran = await NotebookClient(nbformat.read(path, 4)).async_execute()
    assert ran.cells[2].outputs[0]["data"]["text/plain"] == "3"


async def test_writing_replaces_the_file_in_one_move_and_keeps_its_mode(tmp_path):
    path = tmp_path / "ü.ipynb"
    path.write_text("old")
    path.chmod(0o640)
    ready, _ = prepare(notebook(code("a\nü = '🎉'", id="a")))
    with path.open() as reader:
        await DOCUMENTS.write(str(path), ready)
        assert reader.read() == "old"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["ü.ipynb"]
    assert prepare(json.loads(path.read_text("utf-8")))[0] == ready
    assert '"a\\n",' in path.read_text("utf-8")


async def test_writing_into_no_folder_is_refused(tmp_path):
    with pytest.raises(BadInput, match="there is no folder"):
        await DOCUMENTS.write(str(tmp_path / "none" / "x.ipynb"), notebook())
