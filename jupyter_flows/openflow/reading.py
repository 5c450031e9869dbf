"""OpenFlow's YAML read and checked: every mistake by its path in the document.

Windmill writes YAML 1.2, where `on`, `no` and `12:30` are texts.
"""

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from typing import Any

import yaml

from jupyter_flows.core.errors import BadInput, FlowInvalid, Mistake
from jupyter_flows.core.model import Json

Beside = Callable[[str], str]
"""Gives a file's text by its path beside the flow's file. Raises BadInput."""

INLINE = "!inline "
MAX_DEPTH = 100

_NOT_YAML = (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's plain values, `!inline`, and no aliases: a few of them can stand for gigabytes."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own way)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not supported")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key.value, str):
                raise yaml.YAMLError(f"the key {key.value!r} stands twice in a mapping")
            if isinstance(key.value, str):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _whole_number(loader: _Loader, node: Any) -> int:
    text = loader.construct_scalar(node)
    return int(text, 0) if text[:2] in ("0x", "0o") else int(text)


def _inline(loader: _Loader, node: Any) -> str:
    return INLINE + str(loader.construct_scalar(node))


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+.")),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})$"), _first
    )
_Loader.add_constructor("tag:yaml.org,2002:int", _whole_number)
_Loader.add_constructor("!inline", _inline)


def read(text: str, beside: Beside) -> dict[str, Json]:
    """The flow, with the files that it refers to put in.

    Raises FlowInvalid, with all mistakes, or BadInput for what is no YAML.
    """
    flow = _loaded(text)
    if isinstance(flow, dict) and "modules" in flow and "value" not in flow:
        flow = {"value": flow}
    mistakes = list(_misshapen(flow))
    if not mistakes:
        mistakes = [*_repeated(flow), *_put_in(flow, beside)]
    if mistakes:
        raise FlowInvalid(mistakes)
    found: dict[str, Json] = flow
    return found


def _loaded(text: str) -> Json:
    try:
        loaded = _Loader(text).get_single_data()
        written = json.dumps(loaded, default=str, allow_nan=False, ensure_ascii=False)
        plain = json.loads(written.encode())  # half a character can't be written
    except _NOT_YAML as error:
        raise BadInput(
            f"The flow is not YAML that can be read: {' '.join(str(error).split())}"
        ) from None
    if _depth(plain) > MAX_DEPTH:
        raise BadInput(f"The flow is nested too deeply; at most {MAX_DEPTH} levels.")
    return plain


def _depth(value: Json) -> int:
    level, depth = [value], 0
    while level:
        depth += 1
        level = [inner for outer in level for inner in _inside(outer)]
    return depth


def _inside(value: Json) -> list[Json]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


# ---------------------------------------------------------------- shape


@functools.cache
def _validator() -> Any:
    import jsonschema  # noqa: PLC0415 (slow to load)

    file = resources.files("jupyter_flows.openflow") / "openflow.schema.json"
    return jsonschema.Draft202012Validator(json.loads(file.read_text("utf-8")))


def _misshapen(flow: Json) -> Iterator[Mistake]:
    try:
        errors = list(_validator().iter_errors(flow))
    except RecursionError:
        raise BadInput("The flow is nested too deeply.") from None
    for error in errors:
        message = error.schema.get("x-says") or error.message
        yield Mistake(path_of(error.absolute_path) or "the flow", _brief(message))


def path_of(keys: Any) -> str:
    """As in `value.modules[1].id`."""
    written = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return written.removeprefix(".")


def _brief(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:200]} …"


def modules_of(flow: Mapping[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    """Every module, those inside of others too, with its path."""
    value = flow["value"]
    yield from _modules("value.modules", value["modules"])
    for key in ("preprocessor_module", "failure_module"):
        if value.get(key):
            yield from _modules(f"value.{key}", value[key])


def _modules(path: str, found: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    if isinstance(found, list):
        for index, module in enumerate(found):
            yield from _modules(f"{path}[{index}]", module)
        return
    yield path, found
    value = found["value"]
    for key in ("modules", "default"):
        yield from _modules(f"{path}.value.{key}", value.get(key) or [])
    for index, branch in enumerate(value.get("branches") or []):
        yield from _modules(f"{path}.value.branches[{index}].modules", branch["modules"])


def _repeated(flow: Mapping[str, Json]) -> Iterator[Mistake]:
    seen: dict[str, str] = {}
    for path, module in modules_of(flow):
        if module["id"] in seen:
            yield Mistake(f"{path}.id", f"{module['id']!r} is already {seen[module['id']]}")
        seen.setdefault(module["id"], path)


# ---------------------------------------------------------------- files beside it


def _put_in(flow: Mapping[str, Json], beside: Beside) -> Iterator[Mistake]:
    for path, module in modules_of(flow):
        content = module["value"].get("content")
        if isinstance(content, str) and content.startswith(INLINE):
            try:
                module["value"]["content"] = beside(content.removeprefix(INLINE).strip())
            except BadInput as error:
                yield Mistake(f"{path}.value.content", str(error))
