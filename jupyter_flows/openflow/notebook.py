"""A whole flow as a notebook of nbformat 4.5, and the report."""

import json
import keyword
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from jupyter_flows.core.model import Json
from jupyter_flows.openflow import branches, loops, options, steps
from jupyter_flows.openflow.book import (
    BOUND_NAMES,
    FAILURE_TAG,
    Book,
    Line,
    code_cell,
    markdown_cell,
)
from jupyter_flows.openflow.literal import literal, quoted
from jupyter_flows.openflow.place import Place, perhaps, shortened
from jupyter_flows.openflow.reading import Beside, modules_of, read
from jupyter_flows.openflow.refusal import Untranslatable

MAX_NAME = 200

USED = frozenset(
    {"all", "any", "bool", "dict", "enumerate", "flows", "isinstance", "len", "list", "main", "map"}
    | {"next", "print", "sorted", "str"}
)
"""Names that translated cells may use."""

_TYPES = {
    "string": ("str", "text"),
    "integer": ("int", "number"),
    "number": ("float", "number"),
    "boolean": ("bool", "truth"),
    "array": ("list", "list"),
    "object": ("dict", "object"),
}
_FLOW_NOTES: Mapping[str, str] = {
    "early_return": "`early_return` is not carried over: the run answers when it has ended",
    "cache_ttl": "`cache_ttl` is not carried over: every run does its work",
    "priority": "`priority` is not carried over",
    "debounce_delay_s": "`debounce_delay_s` is not carried over: every call is a run",
    "chat_input_enabled": "`chat_input_enabled` is not carried over",
    "concurrency_key": "`concurrency_key` is not carried over",
}


@dataclass(frozen=True, slots=True)
class Imported:
    """`notes` are about the flow as a whole."""

    notebook: dict[str, Json]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]

    @property
    def carried(self) -> int:
        return sum(line.carried for line in self.lines)


def imported(text: str, name: str, beside: Beside) -> Imported:
    """`name` is what the flow's file is called. Raises FlowInvalid or BadInput (see `read`)."""
    flow = read(text, beside)
    return _Import(flow, name).done()


class _Import:
    def __init__(self, flow: Mapping[str, Json], name: str) -> None:
        self._flow = flow
        self._value: Mapping[str, Json] = flow["value"]
        self._name = name
        self._book = Book(module["id"] for _, module in modules_of(flow))
        self._notes: list[str] = []
        schema = flow.get("schema") or {}
        self._fields: Mapping[str, Json] = schema.get("properties") or {}
        self._required = schema.get("required") or []

    def done(self) -> Imported:
        book = self._book
        about, given = book.new_id("openflow"), book.new_id("parameters")
        step = book.new_id("flow_input")
        place = Place(step, inputs=self._kinds(), env=self._value.get("flow_env") or {})
        self._preprocessor(place)
        at = len(book.cells)
        end = write_all(book, self._value["modules"], place)
        self._failure(end)
        book.cells[at:at] = self._input(given, step, place)
        self._flow_notes()
        lines, notes = tuple(book.lines), tuple(self._notes)
        cells = [markdown_cell(about, "\n".join(self._about(lines, notes))), *book.cells]
        return Imported(self._whole(cells), lines, notes)

    def _whole(self, cells: list[dict[str, Json]]) -> dict[str, Json]:
        name = " ".join((self._flow.get("summary") or "").split())[:MAX_NAME]
        flow: dict[str, Json] = {"name": name} if name else {}
        limit = self._value.get("concurrent_limit")
        if limit and limit >= 1 and not self._value.get("concurrency_time_window_s"):
            flow["concurrency"] = int(limit)
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
        return {
            "cells": cells,
            "metadata": {**metadata, "flow": flow} if flow else metadata,
            "nbformat": 4,
            "nbformat_minor": 5,
        }

    # ------------------------------------------------------------ input

    def _kinds(self) -> dict[str, str]:
        return {
            name: _TYPES.get(_type(field), ("", "any"))[1] for name, field in self._fields.items()
        }

    def _input(self, given: str, step: str, place: Place) -> list[dict[str, Json]]:
        """The parameters with their defaults, and the whole input as a step's result: that one is
        the same before and after gates, and in conditions.
        """
        skip = self._skip(place)
        if not self._fields and not skip and not self._asks_for(step):
            return []
        plain = [name for name in self._fields if _is_variable(name)]
        self._notes += [
            f"the input {name!r} can't be a variable; it is what `flow_input` has, or its default"
            for name in self._fields
            if name not in plain
        ]
        entries = ["    **flow_input,\n"]
        for name, field in self._fields.items():
            said = name
            if name not in plain:
                said = f"flow_input.get({quoted(name)}, {literal(_default(field))})"
            entries.append(f"    {quoted(name)}: {said},\n")
        source = "# The run's parameters, or their defaults.\n{\n" + "".join(entries) + "}"
        whole = code_cell(step, source, skip)
        if not plain:
            return [whole]
        lines = [_parameter(name, self._fields[name], self._required) for name in plain]
        return [code_cell(given, "\n".join(lines), tags=["parameters"]), whole]

    def _asks_for(self, step: str) -> bool:
        """Whether any cell uses the input's result."""
        written = json.dumps(self._book.cells)
        return f'results[\\"{step}\\"]' in written or f"results['{step}']" in written

    def _skip(self, place: Place) -> dict[str, Json]:
        """`skip_expr`: a run that has nothing to do ends at once."""
        asked = self._value.get("skip_expr")
        if not asked or not asked.strip():
            return {}
        try:
            text, notes = place.condition(asked)
            flow = options.allowed({"stop_after_if": {"expr": text.text, "skip_if_stopped": True}})
        except Untranslatable as error:
            self._notes.append(
                f"`skip_expr` is not carried over: {error}; it was: {shortened(asked)}"
            )
            return {}
        self._notes += notes
        return flow

    # ------------------------------------------------------------ the modules beside the others

    def _preprocessor(self, place: Place) -> None:
        module = self._value.get("preprocessor_module")
        if module:
            why = ["it prepares what triggers send, which nothing here does; the cell is not run"]
            steps.write_marked(self._book, module, place, ["skip-execution"], why)

    def _failure(self, place: Place) -> None:
        module = self._value.get("failure_module")
        if not module:
            return
        results = {step: perhaps(step) for step in place.results}
        paths = {
            **options.FAILED,
            ("previous_result", "error"): options.FAILED["result", "error"],
            ("previous_result",): options.FAILED["result",],
        }
        write_all(self._book, [module], replace(place, results=results).knows(paths), [FAILURE_TAG])

    def _flow_notes(self) -> None:
        self._notes += [said for key, said in _FLOW_NOTES.items() if self._value.get(key)]
        limit, window = (
            self._value.get(key) for key in ("concurrent_limit", "concurrency_time_window_s")
        )
        if limit and window:
            self._notes.append(
                f"at most {limit} runs in {window} s: this limit is not carried over"
            )

    # ------------------------------------------------------------ what it says of itself

    def _about(self, lines: Sequence[Line], notes: Sequence[str]) -> Iterator[str]:
        title = " ".join((self._flow.get("summary") or "").split())
        yield f"# {title or self._name}"
        if self._flow.get("description"):
            yield from ("", self._flow["description"].strip())
        carried = sum(line.carried for line in lines)
        yield from ("", f"Imported from Windmill (`{self._name}`).")
        yield f"{carried} of {len(lines)} steps were carried over."
        open_ones = [line for line in lines if not line.carried]
        if open_ones:
            yield from ("", "**To be done by hand:**", "")
            yield from (f"- `{line.step}`: {'; '.join(line.why)}" for line in open_ones)
        looks = [f"- {note}" for note in notes]
        looks += [f"- `{line.step}`: {note}" for line in lines for note in line.notes]
        if looks:
            yield from ("", "**Worth a look:**", "", *looks)


def write_all(
    book: Book, modules: Sequence[steps.Module], place: Place, tags: Sequence[str] = ()
) -> Place:
    """The modules one after the other; the place behind the last."""
    for module in modules:
        write = _WRITES.get(module["value"]["type"], steps.write_marked)
        place = write(book, module, place, tags)
    return place


_WRITES: Mapping[str, steps.Write] = {
    "rawscript": steps.write_script,
    "identity": steps.write_identity,
    "forloopflow": loops.write_loop,
    "branchone": partial(branches.write_one, write_all=write_all),
    "branchall": partial(branches.write_each, write_all=write_all),
}


def _type(field: Json) -> str:
    said = field.get("type") if isinstance(field, dict) else None
    return said if isinstance(said, str) else ""


def _default(field: Json) -> Json:
    return field.get("default") if isinstance(field, dict) else None


def _is_variable(name: str) -> bool:
    usable = name.isidentifier() and not keyword.iskeyword(name)
    return usable and name not in BOUND_NAMES and name not in USED


def _parameter(name: str, field: Json, required: Sequence[Json]) -> str:
    """As in `limit: int = 3  # how many`."""
    kind = _TYPES.get(_type(field), ("", ""))[0]
    default = _default(field)
    if kind and default is None:
        kind = f"{kind} | None"
    said = [shortened(str(field.get("description") or ""))] if isinstance(field, dict) else []
    if name in required and default is None:
        said.append("(required)")
    remark = " ".join(part for part in said if part)
    typed = f"{name}: {kind}" if kind else name
    return f"{typed} = {literal(default)}" + (f"  # {remark}" if remark else "")
