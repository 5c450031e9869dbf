"""`forloopflow` as one cell with a loop, where its steps are functions and nothing more."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from jupyter_flows.core.model import Json
from jupyter_flows.openflow import options
from jupyter_flows.openflow.book import Book, Line
from jupyter_flows.openflow.function import Function, function_of
from jupyter_flows.openflow.literal import INDENT
from jupyter_flows.openflow.place import Place, result_of
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.scope import PRIMARY, Text
from jupyter_flows.openflow.steps import (
    Module,
    inner_modules,
    kind_of,
    own_result,
    summary_of,
    write_marked,
)

_ITEM = {
    ("flow_input", "iter", "value"): Text("value"),
    ("flow_input", "iter", "index"): Text("index", PRIMARY, "number"),
    ("flow_input", "iter"): Text('{"index": index, "value": value}', PRIMARY, "object"),
}
_BODY = INDENT * 2


@dataclass(frozen=True, slots=True)
class _Inner:
    """One step of the loop: `name` is what its result is called in the loop."""

    module: Module
    name: str
    function: Function | None
    passed: str = ""


def write_loop(book: Book, module: Module, place: Place, tags: Sequence[str] = ()) -> Place:
    whole = _of_all_items(module)
    flow, refused, notes = options.carried(whole, place, tags)
    try:
        items, found = _items(module["value"]["iterator"], place, refused)
        inner = list(_inner(module, place))
        source = "\n".join(_lines(module, inner, items))
    except Untranslatable as error:
        return write_marked(book, module, place, tags, [str(error)])
    book.code(module["id"], source, flow, tags)
    if module["value"].get("parallel"):
        notes.append("its items are done one after the other")
    defined = {name for step in inner if step.function for name in step.function.defined}
    said = dict.fromkeys([*notes, *found, *book.clashes(module["id"], defined)])
    where = module["id"]
    book.lines.append(Line(where, "forloopflow", where, summary_of(module), (), tuple(said)))
    for step in inner:
        told = tuple(step.function.notes) if step.function else ()
        own = step.module
        book.lines.append(Line(own["id"], kind_of(own), where, summary_of(own), (), told))
    return place.behind(module["id"], own_result(module, place))


def _of_all_items(module: Module) -> dict[str, Json]:
    """What Windmill asks after the last item is what we ask after the cell."""
    if module.get("stop_after_if") and module["stop_after_if"]["expr"].strip():
        return {**module, "stop_after_if": {"expr": "break"}}  # refused: it would leave the loop
    changed = {key: of for key, of in module.items() if key != "stop_after_all_iters_if"}
    after = module.get("stop_after_all_iters_if")
    return {**changed, "stop_after_if": after} if after else changed


def _items(
    iterator: Mapping[str, Json], place: Place, refused: Sequence[str]
) -> tuple[str, list[str]]:
    """What is looped over, and notes. Raises Untranslatable, also with what was refused before."""
    if refused:
        raise Untranslatable("; ".join(refused))
    ((_, text, notes, why),) = options.inputs({"iterator": iterator}, place)
    if why is not None:
        raise Untranslatable(f"what it loops over: {why}")
    return text or "[]", notes


def _inner(module: Module, place: Place) -> Iterator[_Inner]:
    """The steps, each in its place. Raises Untranslatable."""
    given = result_of(place.input_step).at(PRIMARY)
    item = '{"index": index, "value": value}'
    first = Text(f'{{**{given}, "iter": {item}}}', PRIMARY, "object")
    here = replace(place, previous=first).knows(_ITEM)
    names: set[str] = set()
    defined: dict[str, str] = {}
    for step in module["value"]["modules"]:
        _plain(step)
        name = re.sub(r"\W", "_", f"step_{step['id']}")
        while name in names:
            name += "_"
        names.add(name)
        yield _one(step, name, here, defined)
        here = here.behind(step["id"], Text(name))


def _one(step: Module, name: str, here: Place, defined: dict[str, str]) -> _Inner:
    kind = step["value"]["type"]
    if kind == "identity":
        return _Inner(step, name, None, here.before.text)
    if kind != "rawscript":
        raise Untranslatable(f"its step {step['id']!r} is a {kind!r}")
    function = function_of(step["value"], here)
    if function.refused:
        raise Untranslatable(f"its step {step['id']!r}: {'; '.join(function.refused)}")
    for defined_name in function.defined:
        if defined.setdefault(defined_name, step["id"]) != step["id"]:
            raise Untranslatable(f"two of its steps set {defined_name!r}")
    return _Inner(step, name, function)


def _plain(step: Module) -> None:
    """Raises Untranslatable for settings that only a cell can have."""
    for key in options.CARRIED:
        if key != "summary" and step.get(key):
            raise Untranslatable(f"its step {step['id']!r} has `{key}`")
    if any(inner_modules(step)):
        raise Untranslatable(f"its step {step['id']!r} has steps inside")


def _lines(module: Module, inner: Sequence[_Inner], items: str) -> Iterator[str]:
    waits = any(step.function and step.function.waits for step in inner)
    loop = re.sub(r"\W", "_", f"loop_{module['id']}")
    for step in inner:
        if step.function:
            yield from (step.function.source or "").split("\n")
            yield from ("", "", f"{_main_of(step)} = main", "", "")
    yield f"{'async ' if waits else ''}def {loop}(items):"
    yield f"{INDENT}collected = []"
    yield f"{INDENT}for index, value in enumerate(items):"
    skips = bool(module["value"].get("skip_failures"))
    indent = _BODY + INDENT if skips else _BODY
    if skips:
        yield f"{_BODY}try:"
    for step in inner:
        said = step.function.call(_main_of(step), indent) if step.function else step.passed
        yield f"{indent}{step.name} = {said}"
    last = inner[-1].name if inner else "value"
    yield f"{indent}collected.append({last})"
    if skips:
        yield f"{_BODY}except Exception as failure:"
        yield f'{indent}said = {{"name": failure.__class__.__name__, "message": str(failure)}}'
        yield f'{indent}collected.append({{"error": said}})'
    yield f"{INDENT}return collected"
    yield from ("", "", f"{'await ' if waits else ''}{loop}({items})")


def _main_of(step: _Inner) -> str:
    return step.name.replace("step_", "main_", 1)
