"""The flow options of one cell: tags, `metadata.flow` and `#|` lines, merged and checked.

The three places are merged in this order, and a later one wins (api.md section 1). One JSON Schema
says what is allowed; it ships with the package.
"""

import difflib
import functools
import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import yaml
from msgspec.structs import replace

from jupyter_flows.core import durations, forms
from jupyter_flows.core.canonical import canonical_json
from jupyter_flows.core.errors import BadInput, Mistake
from jupyter_flows.core.model import GateOptions, Json

TAGS = (
    "suspend",
    "parameters",
    "injected-parameters",
    "evidence",
    "replay",
    "skip-execution",
    "raises-exception",
)
"""The tags with a meaning here; any other tag is the author's own."""

RESERVED_TAGS = ("failure",)
"""Named by the design and not supported by this version: refused, lest a cell run as another."""

_OPTION_LINE = re.compile(r"^(?:#|//|--)\|(?P<yaml>.*)$")
_QUARTO = re.compile(
    r"(?:fig|tbl|lst|code|layout|column|cap|df|panel|output|html|pdf|renderings?)(?:-.*)?"
    r"|echo|eval|warning|error|include|label|message|results|classes|filename|cache|freeze|export"
    r"|lightbox|annotation|tags|content|comment|prompt|strip-white|ref-label"
)
"""Quarto's own cell options, which stand in the same lines; they are not ours to judge."""

GATE_KEYS = ("resume", "cancel", "approvalPage", "default_args", "enums", "description", "schema")
"""The keys by which a cell's last value configures its gate (G2)."""


@functools.cache
def schema() -> Mapping[str, Json]:
    """The JSON Schema of the flow options; `$defs` has `cell` and `notebook`."""
    file = resources.files("jupyter_flows.core") / "schema" / "flow-options.schema.json"
    loaded: dict[str, Json] = json.loads(file.read_text("utf-8"))
    return loaded


@functools.cache
def _validator(part: str) -> Any:
    import jsonschema  # noqa: PLC0415 (slow to load, and many commands never need it)

    return jsonschema.Draft202012Validator({**schema(), "$ref": f"#/$defs/{part}"})


def checked(part: str, options: Mapping[str, Json], where: str) -> Iterator[Mistake]:
    """Every mistake in options that are meant for `part` of the schema."""
    for error in _validator(part).iter_errors(options):
        path = ".".join(map(str, error.absolute_path))
        if error.validator == "additionalProperties":
            allowed = sorted(error.schema["properties"])
            for key in sorted(set(error.instance) - set(allowed)):
                yield _unknown_key(where, f"{path}.{key}" if path else str(key), allowed)
        else:
            says = error.schema.get("x-says") or error.message
            at = f"{where}, key {path!r}" if path else where
            yield Mistake(at, f"{says}; it is {_brief(error.instance)}")


def _unknown_key(where: str, key: str, allowed: list[str]) -> Mistake:
    near = difflib.get_close_matches(key.rpartition(".")[2], allowed, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return Mistake(f"{where}, key {key!r}", f"unknown{hint}; allowed: {', '.join(allowed)}")


def _brief(value: Json) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def near_tags(tags: list[str]) -> Iterator[tuple[str, str]]:
    """Tags that look like a slip of one of ours, each with the one that may be meant."""
    known = (*TAGS, *RESERVED_TAGS)
    for tag in tags:
        near = [] if tag in known else difflib.get_close_matches(tag.lower(), known, 1, 0.8)
        if near:
            yield tag, near[0]


def option_lines(source: str, where: str) -> tuple[dict[str, Json], list[Mistake]]:
    """The options in a cell's leading `#|` lines (or `//|`, `--|`), and what is wrong there."""
    lines: list[str] = []
    for line in source.splitlines():
        match = _OPTION_LINE.match(line)
        if match is None:
            break
        lines.append(match["yaml"])
    if not lines:
        return {}, []
    loaded, mistakes = yaml_mapping("\n".join(lines), f"{where}, #| lines", "#| suspend: true")
    return {key: value for key, value in loaded.items() if not _QUARTO.fullmatch(key)}, mistakes


def yaml_mapping(text: str, where: str, example: str) -> tuple[dict[str, Json], list[Mistake]]:
    """The mapping that a text of YAML holds, as JSON, and what is wrong with the text."""
    try:
        loaded = _json_of(text)
    except _NOT_YAML as error:
        return {}, [Mistake(where, f"not YAML: {' '.join(str(error).split())}")]
    if not isinstance(loaded, dict):
        return {}, [Mistake(where, f"must be `key: value`, as in `{example}`")]
    return loaded, []


class _Loader(yaml.SafeLoader):
    """YAML without aliases: a few lines of them can stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not supported")
        return super().compose_node(parent, index)


_NOT_YAML = (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What the loader raises for bad text: for a 13th month, say, no YAMLError."""


def _json_of(text: str) -> Json:
    """YAML as JSON: keys are strings, and so are dates; NaN and infinity are refused."""
    loaded = _Loader(text).get_single_data()
    return {} if loaded is None else json.loads(json.dumps(loaded, default=str, allow_nan=False))


def merged(*places: Mapping[str, Json]) -> dict[str, Json]:
    """The options of several places, a later one winning; `suspend` is merged key by key."""
    result: dict[str, Json] = {}
    for place in places:
        for key, value in place.items():
            before = result.get(key)
            if key == "suspend" and value is True:
                result[key] = before or {}
            elif key == "suspend" and isinstance(before, dict) and isinstance(value, dict):
                result[key] = {**before, **value}
            else:
                result[key] = value
    return result


def gate_options(suspend: Json) -> GateOptions | None:
    """The gate that checked `suspend` options describe; None where there is none (G1)."""
    if suspend is None or suspend is False:
        return None
    said = dict(suspend) if isinstance(suspend, dict) else {}
    form = said.pop("resume_form", None)
    timeout = said.pop("timeout", None)
    required = said.pop("required_events", 1)
    return GateOptions(
        required_events=int(required),  # JSON Schema takes 2.0 for an integer
        form=form["schema"] if form else None,
        timeout=None if timeout is None else durations.seconds(timeout),
        **said,
    )


def configures_gate(result: Json) -> bool:
    """Whether a cell's last value says something of its gate (G2)."""
    return isinstance(result, dict) and bool(set(GATE_KEYS) & set(result))


def configured_gate(options: GateOptions, result: Json) -> GateOptions:
    """G2: the gate's options with what the cell's last value says of them.

    Raises BadInput when that value names a gate's key and gives it a wrong type.
    """
    if not configures_gate(result):
        return options
    said: dict[str, Json] = {}
    for key, field in (("default_args", "default_args"), ("enums", "enums"), ("schema", "form")):
        if result.get(key) is not None:
            said[field] = _object(result[key], key)
    if any(not isinstance(choices, list) for choices in said.get("enums", {}).values()):
        raise BadInput("the cell's `enums` must give each field a list of choices")
    if result.get("description") is not None:
        said["description"] = result["description"]
    _plain(said)
    configured = replace(options, **said)
    forms.check_schema(configured)
    return configured


def _plain(said: Json) -> None:
    try:
        canonical_json(said)
    except (ValueError, TypeError, RecursionError):
        raise BadInput("what configures a gate must be plain JSON, without NaN") from None


def _object(value: Json, key: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise BadInput(f"the cell's `{key}` must be an object; it is {_brief(value)}")
    return value


def is_prompt(result: Json) -> bool:
    """G50: the cell returned its `resume` link, so the notebook's own user may answer."""
    return isinstance(result, dict) and bool(result.get("resume"))
