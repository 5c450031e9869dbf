"""Nodes as Python source text that means the same, or a refusal.

JavaScript and Python differ in what is true, what a missing member is, and how texts are made; the
text says what the flow meant. Where that is impossible to know, a note tells the reader.
"""

import ast
import builtins
import keyword
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from jupyter_flows.openflow import nodes as n
from jupyter_flows.openflow.literal import INDENT, WIDTH, laid_out, literal, quoted
from jupyter_flows.openflow.methods import METHODS, STATIC, TEXTS, list_of
from jupyter_flows.openflow.parse import parsed
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.scope import (
    AND,
    CHOICE,
    COMPARISON,
    NOT,
    OR,
    PRIMARY,
    PRODUCT,
    SIGN,
    SUM,
    Path,
    Scope,
    Text,
)

MAX_TEXT = 20_000
"""A translation may say an operand twice; so its length is bounded."""

LOOSE = "`==` compares here without JavaScript's conversions"
REMAINDER = "`%` has another sign than JavaScript's where a number is negative"
COUNTED = "`?.length` counts a missing list as empty"

_PLAIN_TRUTH = ("text", "number", "truth", "none", "plain")
_ARITHMETIC = {"-": SUM, "*": PRODUCT, "/": PRODUCT, "%": PRODUCT}
_GLOBALS = frozenset(dir(builtins)) | {"flows", "main"}


def expression(source: str, scope: Scope) -> tuple[Text, tuple[str, ...]]:
    """A JavaScript expression in Python, and notes. Raises nothing but Untranslatable."""
    return _guarded(source, scope, Writer.value)


def condition(source: str, scope: Scope) -> tuple[Text, tuple[str, ...]]:
    """The same for what is only asked whether it is true, as JavaScript understands it."""
    return _guarded(source, scope, Writer.condition)


def _guarded(
    source: str, scope: Scope, write: Callable[["Writer", n.Node], Text]
) -> tuple[Text, tuple[str, ...]]:
    writer = Writer(scope)
    try:
        text = write(writer, parsed(source))
        ast.parse(text.text, mode="eval")
    except (RecursionError, MemoryError, SyntaxError, ValueError):
        raise Untranslatable("it is nested too deeply") from None
    return text, tuple(writer.notes)


def python_name(name: str, taken: Mapping[str, str]) -> str:
    """A local name that hides nothing of Python. Raises Untranslatable for one with `$`."""
    if "$" in name:
        raise Untranslatable(f"the name {name!r} is none in Python")
    found = name
    while keyword.iskeyword(found) or found in _GLOBALS or found in taken.values():
        found += "_"
    return found


class Writer:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.notes: dict[str, None] = {}

    def note(self, note: str) -> None:
        self.notes[note] = None

    # ------------------------------------------------------------ values

    def value(self, node: n.Node) -> Text:
        text = self._value(node)
        if len(text.text) > MAX_TEXT:
            raise Untranslatable("its translation is too long")
        return text

    def _value(self, node: n.Node) -> Text:
        writes = self._writes.get(type(node))
        if writes is None:
            what = "`...`" if isinstance(node, n.Spread) else "a function as a value"
            raise Untranslatable(f"{what} is not translated there")
        return writes(self, node)

    def _literal(self, node: n.Literal) -> Text:
        return _constant(node.value)

    def _name(self, node: n.Name) -> Text:
        return self.scope.name(node.name)

    def _choice(self, node: n.Choice) -> Text:
        then, other = self.value(node.then), self.value(node.other)
        kind = _either(then, other)
        asked = self.condition(node.test)
        return Text(f"{then.at(OR)} if {asked.at(OR)} else {other.at(CHOICE)}", CHOICE, kind)

    def _array(self, node: n.Array) -> Text:
        items = [self.item(item) for item in node.items]
        if len(node.items) == 1 and isinstance(node.items[0], n.Spread):
            inner = self.value(node.items[0].of)
            return Text(f"list({inner.text})", PRIMARY, "list")
        texts = all(item.kind == "text" for item in items)
        return Text(f"[{', '.join(item.text for item in items)}]", PRIMARY, list_of(texts))

    def _object(self, node: n.Object) -> Text:
        entries = (self._entry(key, self.value(value).text) for key, value in node.entries)
        return Text("{" + ", ".join(entries) + "}", PRIMARY, "object")

    def item(self, item: n.Node) -> Text:
        if isinstance(item, n.Spread):
            return Text(f"*{self.value(item.of).at(PRIMARY)}")
        return self.value(item)

    def _entry(self, key: n.Node | None, value: str) -> str:
        if key is None:
            return f"**({value})" if " " in value else f"**{value}"
        return f"{self.value(key).text}: {value}"

    def laid_out(self, node: n.Node, indent: str) -> Text:
        """The value with its lists and objects broken into lines, where they are long."""
        inner = indent + INDENT
        flat = self.value(node)
        if len(indent) + len(flat.text) <= WIDTH:
            return flat
        match node:
            case n.Array(items=items) if not any(isinstance(item, n.Spread) for item in items):
                shown = [self.laid_out(item, inner).text for item in items]
                return Text(laid_out("[", shown, "]", indent), PRIMARY, flat.kind)
            case n.Object(entries=entries):
                shown = [self._entry(k, self.laid_out(v, inner).text) for k, v in entries]
                return Text(laid_out("{", shown, "}", indent), PRIMARY, flat.kind)
        return flat

    def _template(self, node: n.Template) -> Text:
        pieces = [part if isinstance(part, str) else self.value(part) for part in node.parts]
        return self._joined([piece for piece in pieces if piece != ""])

    def _joined(self, pieces: list[str | Text]) -> Text:
        """Texts and values as one text: an f-string, where Python 3.11 can have it so."""
        shown = [piece if isinstance(piece, str) else self.as_text(piece) for piece in pieces]
        if not any(isinstance(piece, Text) for piece in shown):
            return Text(quoted("".join(map(str, shown))), PRIMARY, "text")
        inner = [piece.text for piece in shown if isinstance(piece, Text)]
        if any(set("\\\n{}") & set(text) or ("'" in text and '"' in text) for text in inner):
            return self._added(shown)
        text = "".join(
            quoted(piece)[1:-1].replace("{", "{{").replace("}", "}}")
            if isinstance(piece, str)
            else "{" + piece.text.replace('"', "'") + "}"
            for piece in shown
        )
        return Text(f'f"{text}"', PRIMARY, "text")

    def _added(self, pieces: list[str | Text]) -> Text:
        texts = [
            quoted(piece)
            if isinstance(piece, str)
            else piece.at(PRODUCT)
            if piece.kind == "text"
            else f"str({piece.text})"
            for piece in pieces
        ]
        return Text(" + ".join(texts), SUM if len(texts) > 1 else PRIMARY, "text")

    def as_text(self, value: Text) -> Text:
        if value.kind == "truth":
            return Text(f'"true" if {value.at(OR)} else "false"', CHOICE, "text")
        if value.kind not in ("text", "number"):
            self.note(TEXTS)
        return value

    # ------------------------------------------------------------ members and calls

    def _path(self, node: n.Node) -> Path | None:
        match node:
            case n.Name():
                return (node.name,)
            case n.Unary(operator="()"):
                return self._path(node.of)
            case n.Member(key=n.Literal(value=str(key))):
                before = self._path(node.of)
                return None if before is None else (*before, key)
        return None

    def _member(self, node: n.Member) -> Text:
        path = self._path(node)
        if path in self.scope.paths and path is not None:
            return self.scope.paths[path]
        if path is not None and len(path) == 2 and path[0] in self.scope.members:
            return self.scope.members[path[0]](path[1])
        of = self.value(node.of)
        if isinstance(node.key, n.Literal) and isinstance(node.key.value, str):
            return self._named_member(of, node.key.value, node.optional)
        return self._item(of, self.value(node.key))

    def _named_member(self, of: Text, key: str, optional: bool) -> Text:
        if key == "length" and optional:
            self.note(COUNTED)
            return Text(f"len({of.at(AND)} or ())", PRIMARY, "number")
        if key == "length" or (key == "size" and of.kind == "set"):
            return Text(f"len({of.text})", PRIMARY, "number")
        if of.kind == "links" and key in ("resume", "cancel", "approvalPage"):
            return Text(f"{of.text}[{quoted(key)}]", PRIMARY, "text")
        if of.kind not in ("any", "object", "links"):
            raise Untranslatable(f"`.{key}` is not translated")
        base = f"({of.at(AND)} or {{}})" if optional else of.at(PRIMARY)
        return Text(f"{base}.get({quoted(key)})")

    def _item(self, of: Text, key: Text) -> Text:
        if key.text.startswith("-"):
            raise Untranslatable("an index below 0 is not translated")
        if key.kind == "text":
            return Text(f"{of.at(PRIMARY)}.get({key.text})")
        if of.kind == "set":
            raise Untranslatable("a set has no members")
        kind = "text" if of.kind in ("text", "texts") else "any"
        return Text(f"{of.at(PRIMARY)}[{key.text}]", PRIMARY, kind)

    def _call(self, node: n.Call) -> Text:
        path = self._path(node.function)
        known = None if path is None else self.scope.functions.get(path)
        if known is not None:
            given = ", ".join(self.item(argument).text for argument in node.arguments)
            return Text(f"{known.text}({given})", PRIMARY, known.kind)
        if path is not None and path in STATIC:
            return STATIC[path](self, node.arguments)
        match node.function:
            case n.Member(of=of, key=n.Literal(value=str(key)), optional=False):
                if node.optional or key not in METHODS:
                    raise Untranslatable(f"`.{key}(…)` is not translated")
                return METHODS[key](self, of, node.arguments)
        if path is not None:
            raise Untranslatable(self.scope.unknown(path[0]))
        raise Untranslatable("a call of it is not translated")

    def _new(self, node: n.New) -> Text:
        if node.name != "Set" or len(node.arguments) != 1:
            raise Untranslatable(f"`new {node.name}` is not translated")
        of = self.value(node.arguments[0])
        inner = "texts" if of.kind == "texts" else "set"
        # `dict.fromkeys` keeps the order, as JavaScript's sets do
        return Text(f"dict.fromkeys({of.text})", PRIMARY, "text set" if inner == "texts" else "set")

    def each(self, function: n.Node) -> tuple["Writer", tuple[str, ...], n.Node]:
        """A function of an item, and perhaps its index: its names in Python, and its body."""
        if not isinstance(function, n.Arrow) or not 1 <= len(function.parameters) <= 2:
            raise Untranslatable("only functions like `item => …` are translated")
        hidden = set(function.parameters) & {*self.scope.members, *(p[0] for p in self.scope.paths)}
        if hidden:
            raise Untranslatable(f"a function's {min(hidden)!r} hides the flow's own")
        taken = {text.text: text.text for text in self.scope.paths.values()}
        names: dict[str, str] = {}
        for name in function.parameters:
            names[name] = python_name(name, {**taken, **names})
        inner = Writer(self.scope.with_paths({(js,): Text(py) for js, py in names.items()}))
        inner.notes = self.notes
        return inner, tuple(names.values()), function.body

    # ------------------------------------------------------------ operators

    def _unary(self, node: n.Unary) -> Text:
        if node.operator == "()":
            return self.value(node.of)
        if node.operator == "!":
            asked = self.condition(node)
            return asked if asked.kind == "truth" else Text(f"bool({asked.text})", PRIMARY, "truth")
        of = self.value(node.of)
        if node.operator == "+" and of.kind != "number":
            raise Untranslatable(
                "`+` before a value, which makes a number of it, is not translated"
            )
        return Text(f"{node.operator}{of.at(SIGN)}", SIGN, "number")

    def _binary(self, node: n.Binary) -> Text:
        operator = node.operator
        if operator in ("===", "!==", "==", "!="):
            return self._equal(node)
        if operator in ("<", ">", "<=", ">="):
            left, right = self.value(node.left), self.value(node.right)
            text = f"{left.at(SUM)} {operator} {right.at(SUM)}"
            return Text(text, COMPARISON, "truth")
        if operator in ("&&", "||", "??"):
            return self._logical(node)
        if operator == "+":
            return self._sum(node)
        left, right = self.value(node.left), self.value(node.right)
        if "text" in (left.kind, right.kind):
            raise Untranslatable(f"`{operator}` on a text is not translated")
        if operator == "%":
            self.note(REMAINDER)
        binds = _ARITHMETIC[operator]
        return Text(f"{left.at(binds)} {operator} {right.at(binds + 1)}", binds, "number")

    def _sum(self, node: n.Binary) -> Text:
        """From left to right: numbers are added until the first text, what follows is appended."""
        operands: list[n.Node] = [node]
        while isinstance(operands[0], n.Binary) and operands[0].operator == "+":
            operands[:1] = [operands[0].left, operands[0].right]
        total = self.value(operands[0])
        pieces = [_piece(operands[0], total)]
        for operand in operands[1:]:
            value = self.value(operand)
            if total.kind == "text" or value.kind == "text":
                pieces.append(_piece(operand, value))
                total = Text("", PRIMARY, "text")
            else:
                total = self._added_up(total, value)
                pieces = [total]
        return self._joined(pieces) if total.kind == "text" else total

    def _added_up(self, left: Text, right: Text) -> Text:
        if not {left.kind, right.kind} <= {"number", "any", "plain"}:
            raise Untranslatable("`+` on what is neither number nor text is not translated")
        kind = "number" if left.kind == right.kind == "number" else "any"
        return Text(f"{left.at(SUM)} + {right.at(PRODUCT)}", SUM, kind)

    def _equal(self, node: n.Binary) -> Text:
        negated = node.operator.startswith("!")
        left, right = self.value(node.left), self.value(node.right)
        if left.text in ("None", "True", "False"):
            left, right = right, left
        if right.text in ("None", "True", "False"):
            return _is(left, right, negated, loose=len(node.operator) == 2)
        if {left.kind, right.kind} & {"list", "texts", "object", "set", "links"}:
            raise Untranslatable("`===` on lists or objects asks whether they are the same one")
        if len(node.operator) == 2 and (left.kind != right.kind or left.kind == "any"):
            self.note(LOOSE)
        shown = "!=" if negated else "=="
        return Text(f"{left.at(SUM)} {shown} {right.at(SUM)}", COMPARISON, "truth")

    def _logical(self, node: n.Binary) -> Text:
        left, right = self.value(node.left), self.value(node.right)
        kind = _either(left, right)
        if node.operator == "??":
            text = f"{left.at(OR)} if {left.at(SUM)} is not None else {right.at(CHOICE)}"
            return Text(text, CHOICE, kind)
        if left.kind in _PLAIN_TRUTH:
            word, binds = ("and", AND) if node.operator == "&&" else ("or", OR)
            return Text(f"{left.at(binds)} {word} {right.at(binds + 1)}", binds, kind)
        asked = _true(left)
        then, other = (right, left) if node.operator == "&&" else (left, right)
        text = f"{then.at(OR)} if {asked.at(OR)} else {other.at(CHOICE)}"
        return Text(text, CHOICE, kind)

    # ------------------------------------------------------------ conditions

    def condition(self, node: n.Node) -> Text:
        match node:
            case n.Unary(operator="()"):
                return self.condition(node.of)
            case n.Unary(operator="!", of=n.Unary(operator="!", of=of)):
                return self.condition(of)
            case n.Unary(operator="!"):
                return self._not(node.of)
            case n.Binary(operator="&&" | "||"):
                left, right = self.condition(node.left), self.condition(node.right)
                word, binds = ("and", AND) if node.operator == "&&" else ("or", OR)
                return Text(f"{left.at(binds)} {word} {right.at(binds + 1)}", binds, "truth")
        return _true(self.value(node))

    def _not(self, node: n.Node) -> Text:
        inner = node
        while isinstance(inner, n.Unary) and inner.operator == "()":
            inner = inner.of
        if not isinstance(inner, n.Binary | n.Unary):
            value = self.value(inner)
            if value.kind == "any":
                return Text(f'{value.at(SUM)} in (None, False, 0, "")', COMPARISON, "truth")
        return Text(f"not {self.condition(inner).at(NOT)}", NOT, "truth")

    _writes: ClassVar[Mapping[type, Callable[["Writer", Any], Text]]] = {
        n.Literal: _literal,
        n.Name: _name,
        n.Member: _member,
        n.Call: _call,
        n.New: _new,
        n.Unary: _unary,
        n.Binary: _binary,
        n.Choice: _choice,
        n.Array: _array,
        n.Object: _object,
        n.Template: _template,
    }


def _either(left: Text, right: Text) -> str:
    """The kind of what may be one or the other."""
    if left.kind == right.kind:
        return left.kind
    both = left.kind in _PLAIN_TRUTH and right.kind in _PLAIN_TRUTH
    return "plain" if both else "any"


def _piece(node: n.Node, value: Text) -> str | Text:
    """Of a text that is made of several."""
    match node:
        case n.Literal(value=str(text)):
            return text
    return value


def _true(value: Text) -> Text:
    """Empty lists and objects are true in JavaScript."""
    if value.kind in _PLAIN_TRUTH:
        return value
    if value.kind != "any":
        return Text(f"{value.at(SUM)} is not None", COMPARISON, "truth")
    return Text(f'{value.at(SUM)} not in (None, False, 0, "")', COMPARISON, "truth")


def _constant(value: str | float | bool | None) -> Text:
    match value:
        case None:
            return Text("None", PRIMARY, "none")
        case bool():
            return Text(literal(value), PRIMARY, "truth")
        case str():
            return Text(quoted(value), PRIMARY, "text")
    return Text(literal(value), SIGN, "number")


def _is(value: Text, constant: Text, negated: bool, *, loose: bool) -> Text:
    """A comparison with null, true or false: these are one object each in Python."""
    if loose and constant.kind == "truth" and value.kind != "truth":
        raise Untranslatable("`==` with true or false converts types; write `===`")
    if value.text in ("None", "True", "False") or value.text[:1] in "\"'[{-0123456789":
        return Text(str((value.text == constant.text) != negated), PRIMARY, "truth")
    word = "is not" if negated else "is"
    return Text(f"{value.at(SUM)} {word} {constant.text}", COMPARISON, "truth")
