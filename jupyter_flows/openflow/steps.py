"""Modules as cells: scripts and identities, and a marked cell for what can't be carried over."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import yaml

from jupyter_flows.core.model import Json
from jupyter_flows.openflow import options
from jupyter_flows.openflow.book import UNTRANSLATED, Book, Line
from jupyter_flows.openflow.function import Function, function_of
from jupyter_flows.openflow.literal import comment, quoted
from jupyter_flows.openflow.place import Place, perhaps, result_of, shortened
from jupyter_flows.openflow.scope import Text

Module = Mapping[str, Json]
Write = Callable[[Book, Module, Place, Sequence[str]], Place]

REFERENCES = {
    "script": "it refers to the script {path!r}, which is not in the flow's file",
    "flow": "it refers to the flow {path!r}, which is not in the flow's file",
    "aiagent": "it asks a language model",
    "whileloopflow": "it is a while loop",
}


def kind_of(module: Module) -> str:
    value = module["value"]
    return str(value["language"] if value["type"] == "rawscript" else value["type"])


def summary_of(module: Module) -> str:
    return " ".join((module.get("summary") or "").split())


def own_result(module: Module, place: Place) -> Text:
    """How later steps call its result: one that was skipped passes on what came before it."""
    step = module["id"]
    if module.get("skip_if"):
        return perhaps(step, place.before)
    return result_of(step)


def write_script(book: Book, module: Module, place: Place, tags: Sequence[str] = ()) -> Place:
    own = own_result(module, place)
    flow, refused, notes = options.carried(module, place, tags)
    function = function_of(module["value"], place)
    why = [*function.refused, *refused]
    notes = [*function.notes, *notes, *book.clashes(module["id"], function.defined)]
    if why:
        source = "\n".join(_unfinished(module, function, why))
        book.code(module["id"], source, flow, [*tags, UNTRANSLATED])
    else:
        book.code(module["id"], f"{function.source}\n\n\n{function.call()}", flow, tags)
    _report(book, module, why, notes)
    return place.behind(module["id"], own)


def write_identity(book: Book, module: Module, place: Place, tags: Sequence[str] = ()) -> Place:
    flow, refused, notes = options.carried(module, place, tags)
    if refused:
        return write_marked(book, module, place, tags, refused)
    book.code(module["id"], f"# Passes on what it gets.\n{place.before.text}", flow, tags)
    _report(book, module, (), notes)
    return place.behind(module["id"], own_result(module, place))


def write_marked(
    book: Book, module: Module, place: Place, tags: Sequence[str] = (), why: Iterable[str] = ()
) -> Place:
    """A cell that says what was there, and that it is to be written by hand."""
    value = module["value"]
    own = own_result(module, place)
    found = list(why) or [
        REFERENCES.get(value["type"], "{type!r} is no type that is known").format(
            type=value["type"], path=value.get("path")
        )
    ]
    flow, refused, notes = options.carried(module, place, tags)
    found += [reason for reason in refused if reason not in found]
    dumped = yaml.safe_dump(dict(module), sort_keys=False, allow_unicode=True)
    lines = [*_heading(module, found), "#", *comment(dumped), *_raise(module, found)]
    book.code(module["id"], "\n".join(lines), flow, [*tags, UNTRANSLATED])
    _report(book, module, found, notes)
    for inner in inner_modules(module):
        inside = (f"it is inside of {module['id']!r}",)
        book.lines.append(Line(inner["id"], kind_of(inner), None, summary_of(inner), inside))
    return place.behind(module["id"], own)


def inner_modules(module: Module) -> Iterator[Module]:
    """Those inside of it, at any depth."""
    value = module["value"]
    branches = [branch["modules"] for branch in value.get("branches") or []]
    for modules in (*branches, value.get("default") or [], value.get("modules") or []):
        for inner in modules:
            yield inner
            yield from inner_modules(inner)


def _report(book: Book, module: Module, why: Iterable[str], notes: Iterable[str]) -> None:
    book.lines.append(
        Line(
            module["id"],
            kind_of(module),
            module["id"],
            summary_of(module),
            tuple(why),
            tuple(dict.fromkeys(notes)),
        )
    )


def _heading(module: Module, why: Iterable[str]) -> Iterator[str]:
    yield f"# Step {module['id']!r} was not carried over from Windmill:"
    for reason in why:
        yield from comment(f"- {reason}")


def _raise(module: Module, why: Sequence[str]) -> Iterator[str]:
    message = f"step {module['id']!r} was not carried over: {shortened('; '.join(why))}"
    yield f"raise NotImplementedError({quoted(message)})"


def _unfinished(module: Module, function: Function, why: Sequence[str]) -> Iterator[str]:
    """What there is of a script's step."""
    yield from _heading(module, why)
    yield "#"
    if function.inputs or function.unsaid:
        yield "# Its inputs:"
        for name, text in function.inputs.items():
            yield from comment(f"  {name} = {text or 'None'}")
        for name, text in function.unsaid.items():
            yield from comment(f"  {name} = {text}    (as it was in Windmill)")
        yield "#"
    if function.source is None:
        yield from comment(module["value"]["content"])
    else:
        yield from function.source.split("\n")
        yield ""
    yield from _raise(module, why)
