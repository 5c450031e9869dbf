"""JavaScript's functions and methods that have a counterpart in Python, in two tables."""

import ast
from collections.abc import Callable, Mapping
from typing import Protocol

from jupyter_flows.openflow import nodes as n
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.scope import COMPARISON, OR, PRIMARY, PRODUCT, SUM, Path, Text

TEXTS = "true, null, lists and objects are put into texts as Python writes them"

_LISTS = ("list", "texts")


class Writes(Protocol):
    """Who writes the arguments."""

    def value(self, node: n.Node) -> Text: ...

    def condition(self, node: n.Node) -> Text: ...

    def as_text(self, value: Text) -> Text: ...

    def note(self, note: str) -> None: ...

    def each(self, function: n.Node) -> tuple["Writes", tuple[str, ...], n.Node]: ...


Method = Callable[[Writes, n.Node, tuple[n.Node, ...]], Text]
Function = Callable[[Writes, tuple[n.Node, ...]], Text]


def list_of(texts: bool) -> str:
    return "texts" if texts else "list"


def _one(arguments: tuple[n.Node, ...], what: str) -> n.Node:
    if len(arguments) != 1 or isinstance(arguments[0], n.Spread):
        raise Untranslatable(f"`{what}` is translated with one argument only")
    return arguments[0]


def _text_method(name: str, python: str, kind: str, count: int = 0) -> Method:
    def write(writer: Writes, of: n.Node, arguments: tuple[n.Node, ...]) -> Text:
        if len(arguments) != count:
            raise Untranslatable(f"`.{name}(…)` with these arguments is not translated")
        given = [writer.value(argument) for argument in arguments]
        if any(argument.kind not in ("text", "any") for argument in given):
            raise Untranslatable(f"`.{name}(…)` on other than texts is not translated")
        shown = ", ".join(argument.text for argument in given)
        return Text(f"{writer.value(of).at(PRIMARY)}.{python}({shown})", PRIMARY, kind)

    return write


def _includes(writer: Writes, of: n.Node, arguments: tuple[n.Node, ...]) -> Text:
    item = writer.value(_one(arguments, ".includes"))
    return Text(f"{item.at(SUM)} in {writer.value(of).at(SUM)}", COMPARISON, "truth")


def _join(writer: Writes, of: n.Node, arguments: tuple[n.Node, ...]) -> Text:
    between = writer.value(_one(arguments, ".join"))
    items = writer.value(of)
    if items.kind == "texts":
        return Text(f"{between.at(PRIMARY)}.join({items.text})", PRIMARY, "text")
    writer.note(TEXTS)
    return Text(f"{between.at(PRIMARY)}.join(map(str, {items.text}))", PRIMARY, "text")


def _slice(writer: Writes, of: n.Node, arguments: tuple[n.Node, ...]) -> Text:
    bounds = [writer.value(argument) for argument in arguments]
    if not 1 <= len(bounds) <= 2 or any(bound.kind != "number" for bound in bounds):
        raise Untranslatable("`.slice` is translated with one or two numbers only")
    base = writer.value(of)
    shown = ":".join(bound.text for bound in bounds) + (":" if len(bounds) == 1 else "")
    return Text(f"{base.at(PRIMARY)}[{shown}]", PRIMARY, base.kind)


def _concat(writer: Writes, of: n.Node, arguments: tuple[n.Node, ...]) -> Text:
    base, other = writer.value(of), writer.value(_one(arguments, ".concat"))
    if base.kind not in _LISTS or other.kind not in _LISTS:
        raise Untranslatable("`.concat` is translated for two lists only")
    kind = base.kind if base.kind == other.kind else "list"
    return Text(f"{base.at(SUM)} + {other.at(PRODUCT)}", SUM, kind)


def _sort(writer: Writes, of: n.Node, arguments: tuple[n.Node, ...]) -> Text:
    if arguments:
        raise Untranslatable("`.sort` with a function is not translated")
    if isinstance(of, n.Name):
        raise Untranslatable("`.sort` changes the list that it sorts")
    items = writer.value(of)
    inner = items.text
    while inner.startswith("list(") and _closes(inner):
        inner = inner[5:-1]
    if items.kind == "texts":
        return Text(f"sorted({inner})", PRIMARY, "texts")
    # JavaScript sorts by the items' texts
    return Text(f"sorted({inner}, key=str)", PRIMARY, "list")


def _closes(text: str) -> bool:
    """Whether the bracket that opens behind `list` is the one that ends the text."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return False
    return isinstance(tree, ast.Call) and len(tree.args) == 1 and tree.end_col_offset == len(text)


def _over(shape: str, kind: str, *, tested: bool) -> Method:
    """A method that takes a function of the items, as a comprehension."""

    def write(writer: Writes, of: n.Node, arguments: tuple[n.Node, ...]) -> Text:
        inner, names, body = writer.each(_one(arguments, "the method"))
        base = writer.value(of)
        item = names[0]
        loop = f"for {item} in {base.at(OR)}"
        if len(names) == 2:
            loop = f"for {names[1]}, {item} in enumerate({base.text})"
        said = inner.condition(body) if tested else inner.value(body)
        kept = base.kind if kind == "same" and base.kind in _LISTS else kind
        if kind == "mapped":
            kept = list_of(said.kind == "text")
        text = shape.format(item=item, loop=loop, said=said.at(OR))
        return Text(text, PRIMARY, "list" if kept == "same" else kept)

    return write


METHODS: Mapping[str, Method] = {
    "includes": _includes,
    "toLowerCase": _text_method("toLowerCase", "lower", "text"),
    "toUpperCase": _text_method("toUpperCase", "upper", "text"),
    "trim": _text_method("trim", "strip", "text"),
    "startsWith": _text_method("startsWith", "startswith", "truth", 1),
    "endsWith": _text_method("endsWith", "endswith", "truth", 1),
    "split": _text_method("split", "split", "texts", 1),
    "join": _join,
    "slice": _slice,
    "concat": _concat,
    "sort": _sort,
    "map": _over("[{said} {loop}]", "mapped", tested=False),
    "filter": _over("[{item} {loop} if {said}]", "same", tested=True),
    "some": _over("any({said} {loop})", "truth", tested=True),
    "every": _over("all({said} {loop})", "truth", tested=True),
    "find": _over("next(({item} {loop} if {said}), None)", "any", tested=True),
}


def _call_of(name: str, kind: str) -> Function:
    def write(writer: Writes, arguments: tuple[n.Node, ...]) -> Text:
        of = writer.value(_one(arguments, name))
        return Text(name.format(of=of.text, tight=of.at(PRIMARY)), PRIMARY, kind)

    return write


def _array_from(writer: Writes, arguments: tuple[n.Node, ...]) -> Text:
    of = writer.value(_one(arguments, "Array.from"))
    return Text(f"list({of.text})", PRIMARY, list_of(of.kind in ("texts", "text set")))


def _string(writer: Writes, arguments: tuple[n.Node, ...]) -> Text:
    of = writer.as_text(writer.value(_one(arguments, "String")))
    return of if of.kind == "text" else Text(f"str({of.text})", PRIMARY, "text")


def _boolean(writer: Writes, arguments: tuple[n.Node, ...]) -> Text:
    of = writer.condition(_one(arguments, "Boolean"))
    return of if of.kind == "truth" else Text(f"bool({of.text})", PRIMARY, "truth")


STATIC: Mapping[Path, Function] = {
    ("Array", "from"): _array_from,
    ("Array", "isArray"): _call_of("isinstance({of}, list)", "truth"),
    ("Object", "keys"): _call_of("list({of})", "texts"),
    ("Object", "values"): _call_of("list({tight}.values())", "list"),
    ("Object", "entries"): _call_of("[list(entry) for entry in {tight}.items()]", "list"),
    ("String",): _string,
    ("Boolean",): _boolean,
}
