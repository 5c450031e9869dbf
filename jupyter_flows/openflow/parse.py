"""Tokens as a tree of nodes: JavaScript's expressions, by precedence; TypeScript's types left out.

What is not understood is refused, never guessed at.
"""

from collections.abc import Sequence

from jupyter_flows.openflow import nodes as n
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.tokens import Kind, Token, tokens

MAX_DEPTH = 60

BINARY = {
    "??": 1,
    "||": 2,
    "&&": 3,
    **dict.fromkeys(("==", "!=", "===", "!=="), 6),
    **dict.fromkeys(("<", ">", "<=", ">="), 7),
    **dict.fromkeys(("+", "-"), 9),
    **dict.fromkeys(("*", "/", "%"), 10),
}
PREFIX = ("!", "-", "+")

_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": None}
_WORDS = frozenset(
    {"async", "break", "case", "catch", "class", "const", "continue", "debugger", "default"}
    | {"delete", "do", "else", "export", "extends", "finally", "for", "function", "if", "import"}
    | {"in", "instanceof", "let", "return", "super", "switch", "this", "throw", "try", "typeof"}
    | {"var", "void", "while", "with", "yield"}
)


def parsed(source: str) -> n.Node:
    """One expression; a semicolon may end it. Raises Untranslatable."""
    parser = Parser(tokens(source))
    expression = parser.expression()
    while parser.takes(";"):
        pass
    parser.expect_end()
    return expression


class Parser:
    def __init__(self, read: Sequence[Token], depth: int = 0) -> None:
        self._tokens = read
        self._at = 0
        self._depth = depth

    # ------------------------------------------------------------ tokens

    @property
    def next(self) -> Token:
        return self._tokens[self._at]

    def after(self, ahead: int) -> Token:
        return self._tokens[min(self._at + ahead, len(self._tokens) - 1)]

    def take(self) -> Token:
        token = self.next
        if token.kind is not Kind.END:
            self._at += 1
        return token

    def sees(self, text: str, ahead: int = 0) -> bool:
        token = self.after(ahead)
        return token.kind in (Kind.OPERATOR, Kind.NAME) and token.text == text

    def takes(self, text: str) -> bool:
        if self.sees(text):
            self.take()
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.takes(text):
            raise Untranslatable(f"`{text}` was expected, not {self._shown()}")

    def expect_end(self) -> None:
        if self.next.kind is not Kind.END:
            raise Untranslatable(f"{self._shown()} is not understood there")

    def name(self) -> str:
        if self.next.kind is not Kind.NAME:
            raise Untranslatable(f"a name was expected, not {self._shown()}")
        return self.take().text

    def _shown(self) -> str:
        token = self.next
        return f"`{token.text}`" if token.kind in (Kind.OPERATOR, Kind.NAME) else token.text

    # ------------------------------------------------------------ expressions

    def expression(self) -> n.Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Untranslatable("it is nested too deeply")
        if self._is_arrow():
            found: n.Node = self._arrow()
        else:
            found = self._choice()
        self._depth -= 1
        return found

    def _choice(self) -> n.Node:
        test = self._binary(0)
        if not self.takes("?"):
            return test
        then = self.expression()
        self.expect(":")
        return n.Choice(test, then, self.expression())

    def _binary(self, least: int) -> n.Node:
        left = self._unary()
        while True:
            operator = self.next.text if self.next.kind is Kind.OPERATOR else ""
            level = BINARY.get(operator, 0)
            if self.sees("as") and not self.next.newline:
                self.take()
                self.type()
            elif level > least:
                self.take()
                right = self._binary(level)
                left = self._joined(operator, left, right)
            else:
                return left

    def _joined(self, operator: str, left: n.Node, right: n.Node) -> n.Node:
        beside = {side.operator for side in (left, right) if isinstance(side, n.Binary)}
        if (operator == "??" and beside & {"&&", "||"}) or (
            operator in ("&&", "||") and "??" in beside
        ):
            raise Untranslatable("`??` stands beside `&&` or `||` without parentheses")
        return n.Binary(operator, left, right)

    def _unary(self) -> n.Node:
        if self.takes("await"):
            return self._unary()
        if self.next.kind is Kind.OPERATOR and self.next.text in PREFIX:
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise Untranslatable("it is nested too deeply")
            found = n.Unary(self.take().text, self._unary())
            self._depth -= 1
            return found
        return self._chain(self._primary())

    def _chain(self, of: n.Node) -> n.Node:
        """Members and calls behind it; after one `?.` the rest of the chain is optional too."""
        optional = False
        while True:
            if self.takes("?."):
                optional = True
                if not (self.sees("[") or self.sees("(")):
                    of = n.Member(of, n.Literal(self.name()), optional)
            elif self.takes("."):
                of = n.Member(of, n.Literal(self.name()), optional)
            elif self.takes("["):
                of = n.Member(of, self.expression(), optional)
                self.expect("]")
            elif self.sees("("):
                of = n.Call(of, self.arguments(), optional)
            elif self.next.kind is Kind.TEMPLATE:
                raise Untranslatable("templates with a tag are not translated")
            else:
                return of

    def arguments(self) -> tuple[n.Node, ...]:
        self.expect("(")
        return self._listed(")")

    def _listed(self, closing: str) -> tuple[n.Node, ...]:
        found: list[n.Node] = []
        while not self.takes(closing):
            found.append(n.Spread(self.expression()) if self.takes("...") else self.expression())
            if not self.sees(closing):
                self.expect(",")
        return tuple(found)

    def _primary(self) -> n.Node:
        token = self.take()
        if token.kind in (Kind.NUMBER, Kind.TEXT):
            return n.Literal(token.value)
        if token.kind is Kind.TEMPLATE:
            return self._template(token)
        if token.kind is Kind.NAME:
            return self._named(token.text)
        if token.text == "(":
            inner = self.expression()
            self.expect(")")
            return n.Unary("()", inner)
        if token.text == "[":
            return n.Array(self._listed("]"))
        if token.text == "{":
            return self._object()
        if token.text == "/":
            raise Untranslatable("regular expressions are not translated")
        shown = token.text if token.kind is Kind.END else f"`{token.text}`"
        raise Untranslatable(f"a value was expected, not {shown}")

    def _named(self, name: str) -> n.Node:
        if name in _CONSTANTS:
            return n.Literal(_CONSTANTS[name])
        if name == "new":
            made = self.name()
            if self.sees("<"):
                self._type_arguments()
            return n.New(made, self.arguments())
        if name in _WORDS:
            raise Untranslatable(f"`{name}` is not translated")
        return n.Name(name)

    def _template(self, token: Token) -> n.Template:
        parts: list[str | n.Node] = []
        for part in token.parts:
            if isinstance(part, str):
                parts.append(part)
            else:
                inner = Parser(part, self._depth + 1)
                parts.append(inner.expression())
                inner.expect_end()
        return n.Template(tuple(parts))

    def _object(self) -> n.Object:
        entries: list[tuple[n.Node | None, n.Node]] = []
        while not self.takes("}"):
            entries.append((None, self.expression()) if self.takes("...") else self._entry())
            if not self.sees("}"):
                self.expect(",")
        return n.Object(tuple(entries))

    def _entry(self) -> tuple[n.Node, n.Node]:
        token = self.take()
        if token.kind is Kind.NAME:
            key: n.Node = n.Literal(token.text)
            if self.sees(",") or self.sees("}"):
                return key, self._named(token.text)
        elif token.kind is Kind.TEXT:
            key = n.Literal(token.value)
        elif token.kind is Kind.NUMBER and isinstance(token.value, int):
            key = n.Literal(str(token.value))
        elif token.text == "[" and token.kind is Kind.OPERATOR:
            key = self.expression()
            self.expect("]")
        else:
            raise Untranslatable(f"`{token.text}` is not understood as a key")
        self.expect(":")
        return key, self.expression()

    # ------------------------------------------------------------ arrow functions

    def _is_arrow(self) -> bool:
        if self.next.kind is Kind.NAME and self.sees("=>", 1):
            return True
        if not self.sees("("):
            return False
        ahead = 1
        while self.after(ahead).kind is Kind.NAME or self.sees(",", ahead):
            ahead += 1
        return self.sees(")", ahead) and self.sees("=>", ahead + 1)

    def _arrow(self) -> n.Arrow:
        parameters: list[str] = []
        if self.takes("("):
            while not self.takes(")"):
                parameters.append(self.name())
                if not self.sees(")"):
                    self.expect(",")
        else:
            parameters.append(self.name())
        self.expect("=>")
        if self.sees("{"):
            raise Untranslatable("functions of several statements are not translated")
        return n.Arrow(tuple(parameters), self.expression())

    # ------------------------------------------------------------ types

    def type(self) -> str:
        """Pass over a type; its text, for the few that say something of the value."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Untranslatable("a type is nested too deeply")
        self.takes("|")
        shown = self._one_type()
        while self.takes("|") or self.takes("&"):
            self._one_type()
            shown = ""
        self._depth -= 1
        return shown

    def _one_type(self) -> str:
        token = self.take()
        shown = token.text
        if token.text in ("{", "(", "[") and token.kind is Kind.OPERATOR:
            self._over(token.text)
            shown = ""
        elif token.kind is Kind.NAME:
            while self.takes("."):
                self.name()
            if self.sees("<"):
                self._type_arguments()
        elif token.kind not in (Kind.TEXT, Kind.NUMBER):
            raise Untranslatable(f"`{token.text}` is not understood as a type")
        while self.sees("[") and self.sees("]", 1):
            self.take()
            self.take()
            shown += "[]"
        return shown

    def _type_arguments(self) -> None:
        self.expect("<")
        self.type()
        while self.takes(","):
            self.type()
        self.expect(">")

    def _over(self, opening: str) -> None:
        """Past the bracket that closes this one."""
        closing = {"{": "}", "(": ")", "[": "]"}
        awaited = [closing[opening]]
        while awaited:
            token = self.take()
            if token.kind is Kind.END:
                raise Untranslatable("a type does not end")
            if token.kind is not Kind.OPERATOR:
                continue
            if token.text in closing:
                awaited.append(closing[token.text])
            elif token.text == awaited[-1]:
                awaited.pop()
