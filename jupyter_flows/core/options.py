"""The flow options of one cell: tags, `metadata.flow` and `#|` lines, merged and checked.

The three places are merged in this order, and a later one wins (api.md section 1). One JSON Schema
says what is allowed; it ships with the package.
"""

import ast
import difflib
import functools
import json
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any

import yaml

from jupyter_flows.core import durations
from jupyter_flows.core.checkpoint import CheckpointOptions, OnUnsaved, When
from jupyter_flows.core.errors import Mistake
from jupyter_flows.core.model import EarlyStop, Json, Retry

TAGS = (
    "suspend",
    "parameters",
    "injected-parameters",
    "evidence",
    "replay",
    "skip-execution",
    "raises-exception",
    "failure",
)
"""The tags with a meaning here; any other tag is the author's own."""

_OPTION_LINE = re.compile(r"^(?:#|//|--)\|(?P<yaml>.*)$")
_QUARTO = re.compile(
    r"(?:fig|tbl|lst|code|layout|column|cap|df|panel|output|html|pdf|renderings?)(?:-.*)?"
    r"|echo|eval|warning|error|include|label|message|results|classes|filename|cache|freeze|export"
    r"|lightbox|annotation|tags|content|comment|prompt|strip-white|ref-label"
)
"""Quarto's own cell options, which stand in the same lines; they are not ours to judge."""


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
            yield Mistake(at, f"{says}; it is {brief(error.instance)}")


def _unknown_key(where: str, key: str, allowed: list[str]) -> Mistake:
    near = difflib.get_close_matches(key.rpartition(".")[2], allowed, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return Mistake(f"{where}, key {key!r}", f"unknown{hint}; allowed: {', '.join(allowed)}")


def brief(value: Json) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def near_tags(tags: list[str]) -> Iterator[tuple[str, str]]:
    """Tags that look like a slip of one of ours, each with the one that may be meant."""
    for tag in tags:
        near = [] if tag in TAGS else difflib.get_close_matches(tag.lower(), TAGS, 1, 0.8)
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


def expression(said: Json) -> str | None:
    """The expression of a checked condition, in either of its spellings."""
    if isinstance(said, dict):
        said = said["expr"]
    return None if said is None else str(said)


NEVER = "never"
"""What `retry` says of a cell that must not run again by itself, whatever happened to it."""


def retry(said: str | Mapping[str, Json] | None) -> Retry | None:
    """G82, from checked options."""
    if said is None or isinstance(said, str):
        return None
    constant, exponential = said.get("constant", {}), said.get("exponential", {})
    return Retry(
        constant_attempts=int(constant.get("attempts", 0)),
        constant_seconds=durations.seconds(constant.get("seconds", 0)),
        exponential_attempts=int(exponential.get("attempts", 0)),
        exponential_seconds=durations.seconds(exponential.get("seconds", 0)),
        multiplier=float(exponential.get("multiplier", 1)),
        random_factor=float(exponential.get("random_factor", 0)),
        retry_if=expression(said.get("retry_if")),
    )


def early_stop(said: Mapping[str, Json] | None) -> EarlyStop | None:
    """G80, from checked options."""
    return None if said is None else EarlyStop(**said)


def checkpoint(said: str | Mapping[str, Json] | None) -> CheckpointOptions | None:
    """How variables are saved, from checked options."""
    if said is None:
        return None
    if isinstance(said, str):
        return CheckpointOptions(when=When(said))
    return CheckpointOptions(
        when=When(said["when"]) if "when" in said else None,
        on_unsaved=OnUnsaved(said["on_unsaved"]) if "on_unsaved" in said else None,
        grace=durations.seconds(said["grace"]) if "grace" in said else None,
        exclude=tuple(said.get("exclude", ())),
    )


def expressions(said: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Every expression in checked options, with the key that it stands under."""
    for key in ("skip_if", "stop_after_if"):
        if said.get(key) is not None:
            yield key, expression(said[key]) or ""
    tries = said.get("retry")
    retry_if = tries.get("retry_if") if isinstance(tries, dict) else None
    if retry_if is not None:
        yield "retry.retry_if", expression(retry_if) or ""


def expression_mistake(expr: str) -> str | None:
    """Why the text is no Python expression, if it isn't."""
    try:
        ast.parse(expr.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"is no Python expression: {getattr(error, 'msg', error)}; it is {brief(expr)}"
    return None
