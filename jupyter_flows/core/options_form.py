"""The form of the flow options in JupyterLab's property inspector, from their one schema.

`python -m jupyter_flows.core.options_form --write labextension/schema/options.json` writes it. What
can only be said in JSON (a form, recorded answers) is left to `#|` lines and metadata; of an option
that may be a word or an object, the words are offered.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from jupyter_flows.core.model import Json
from jupyter_flows.core.options import schema

RENDERER = "jupyter-flows:options.flow"
_LIMITS = {"minimum": "minimum", "maximum": "maximum", "maxLength": "max_length"}
_KINDS = {"duration": "duration", "pause": "duration", "condition": "expression", "names": "names"}
"""The shared parts of the schema that are typed in as one line."""


def metadata_forms() -> dict[str, Json]:
    """The schema of the lab's plugin: one form for the cell, one for the notebook."""
    return {
        "title": "Flows: Options",
        "description": "Fields for flow options in the property inspector.",
        "jupyter.lab.metadataforms": [
            _form("cell", "Flow Step", cellTypes=["code"]),
            _form("notebook", "Flow"),
        ],
        "type": "object",
        "properties": {},
        "additionalProperties": False,
    }


def _form(part: str, label: str, **where: Json) -> dict[str, Json]:
    field = {"title": "", "x-controls": list(controls(part))}
    options = {
        "metadataLevel": part,
        "writeDefault": False,
        "customRenderer": RENDERER,
        **where,
    }
    return {
        "id": f"jupyter-flows-{part}",
        "label": label,
        "rank": 60,
        "metadataSchema": {"type": "object", "properties": {"/flow": field}},
        "metadataOptions": {"/flow": options},
    }


def controls(part: str) -> Iterator[dict[str, Json]]:
    """The controls of one part of the schema, in the order in which it names them."""
    return _controls(schema()["$defs"][part], ())


def _controls(said: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[dict[str, Json]]:
    for key, value in said["properties"].items():
        control = _control(value, (*path, key))
        if control is not None:
            yield control


def _control(said: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Json] | None:
    shared = str(said.get("else", said).get("$ref", "")).rpartition("/")[2]
    said = {**schema()["$defs"][shared], **said} if shared else said
    kind = said.get("x-control", _KINDS.get(shared) or _kind(said))
    if not kind:
        return None
    help_text = said.get("x-help", said.get("description", ""))
    control: dict[str, Json] = {"path": list(path), "kind": kind}
    control |= {"title": said.get("title", path[-1]), "help": help_text}
    if kind in ("group", "gate"):
        return control | {"controls": list(_controls(said, path))}
    control |= {name: said[key] for key, name in _LIMITS.items() if key in said}
    if said.get("default") not in (None, False):
        control["default"] = said["default"]
    if kind == "choice":
        control["choices"] = next(
            one["enum"] for one in (said, *said.get("anyOf", ())) if "enum" in one
        )
    if kind == "duration":
        control["pattern"] = next(one["pattern"] for one in said["anyOf"] if "pattern" in one)
    elif "pattern" in said:
        control["pattern"] = said["pattern"]
    if "x-says" in said:
        control["says"] = said["x-says"]
    return control


def _kind(said: Mapping[str, Any]) -> str | None:
    """How a value of this type is put in; None: only as JSON."""
    if "enum" in said:
        return "choice"
    kinds = {"boolean": "check", "integer": "whole", "number": "number", "string": "text"}
    if said.get("type") == "object" and "properties" in said:
        return "group"
    return kinds.get(str(said.get("type")))


def written() -> str:
    return json.dumps(metadata_forms(), indent=2) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--write", type=argparse.FileType("w", encoding="utf-8"), required=True, metavar="FILE"
    )
    parser.parse_args().write.write(written())


if __name__ == "__main__":
    main()
