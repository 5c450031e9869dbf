"""The lab's form of the flow options: made from their schema, and up to date."""

import json
from pathlib import Path

import pytest

from jupyter_flows.core import options, options_form

COMMITTED = Path(__file__).parents[2] / "labextension" / "schema" / "options.json"


def flat(controls):
    for control in controls:
        yield tuple(control["path"]), control
        yield from flat(control.get("controls", ()))


CELL = dict(flat(options_form.controls("cell")))


def test_the_committed_form_is_that_of_the_schema():
    assert json.loads(COMMITTED.read_text("utf-8")) == options_form.metadata_forms(), (
        "make labforms writes it anew"
    )


@pytest.mark.parametrize("part", ["cell", "notebook"])
def test_every_control_has_a_title_for_people(part):
    for path, control in flat(options_form.controls(part)):
        assert control["title"], path
        assert control["title"] != path[-1], f"{path} has no title in the schema"


def test_every_option_has_a_control_or_is_left_to_json_on_purpose():
    schema = options.schema()["$defs"]
    left = {(key,) for key in schema["cell"]["properties"]} - set(CELL)
    left |= {("suspend", key) for key in schema["suspend"]["properties"]} - set(CELL)
    assert left == {
        ("test",),
        ("suspend", "resume_form"),
        ("suspend", "default_args"),
        ("suspend", "enums"),
        ("suspend", "on_timeout"),
    }


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (("summary",), "text"),
        (("suspend",), "gate"),
        (("suspend", "required_events"), "needs"),
        (("suspend", "timeout"), "duration"),
        (("suspend", "approvers"), "names"),
        (("suspend", "order"), "choice"),
        (("skip_if",), "expression"),
        (("retry", "constant", "attempts"), "whole"),
        (("continue_on_error",), "check"),
        (("checkpoint",), "choice"),
    ],
)
def test_an_option_is_put_in_by_what_fits_its_type(path, kind):
    assert CELL[path]["kind"] == kind


@pytest.mark.parametrize("part", ["cell", "notebook"])
def test_of_an_option_that_is_a_word_or_an_object_the_words_are_offered(part):
    control = dict(flat(options_form.controls(part)))["checkpoint",]
    assert control["choices"] == ["auto", "always", "never"]
    assert "default" not in control, "without one, what the notebook or the server says counts"


def test_the_form_is_one_key_so_that_nothing_is_written_that_was_not_filled_in():
    """Of fields of its own the lab writes the empty lists, and drops a gate without options."""
    for form in options_form.metadata_forms()["jupyter.lab.metadataforms"]:
        assert list(form["metadataSchema"]["properties"]) == ["/flow"]


def test_writing_it_gives_the_committed_text(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["options_form", "--write", str(tmp_path / "form.json")])
    options_form.main()
    assert (tmp_path / "form.json").read_text("utf-8") == COMMITTED.read_text("utf-8")
