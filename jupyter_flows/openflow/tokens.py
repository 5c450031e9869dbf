"""JavaScript text as tokens: of the language's words only those that the parser can use."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from jupyter_flows.openflow.refusal import Untranslatable

MAX_LENGTH = 100_000
MAX_TOKENS = 20_000

_SPACE = re.compile(r"(?:\s|\ufeff|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_OPERATOR = re.compile(
    r"\.\.\.|===|!==|\*\*|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?!\d)|[-+*/%<>!?:,;.()\[\]{}=|&]"
)
_ESCAPE = re.compile(
    r"\\(?:(?P<one>[^ux0-9\r\n\u2028\u2029])|(?P<nul>0)(?!\d)|x(?P<x>[0-9a-fA-F]{2})"
    r"|u(?P<u>[0-9a-fA-F]{4})|u\{(?P<point>[0-9a-fA-F]{1,6})\}|(?P<end>\r\n|[\r\n\u2028\u2029]))"
)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v"}


class Kind(StrEnum):
    NAME = "name"
    NUMBER = "number"
    TEXT = "text"
    TEMPLATE = "template"
    OPERATOR = "operator"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """`value` is a number's or a text's; `parts` are a template's texts and embedded tokens.

    `newline`: a line ends between the token before and this one.
    """

    kind: Kind
    text: str
    newline: bool = False
    value: float | str | None = None
    parts: tuple["str | tuple[Token, ...]", ...] = field(default=())


def tokens(source: str) -> tuple[Token, ...]:
    """Ends with a token of kind END. Raises Untranslatable."""
    if len(source) > MAX_LENGTH:
        raise Untranslatable("it is too long")
    return _Tokenizer(source).all()


class _Tokenizer:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.count = 0

    def all(self) -> tuple[Token, ...]:
        found = self._until_brace()
        if self.at < len(self.source):
            raise Untranslatable("a `}` has no beginning")
        return found

    def _until_brace(self) -> tuple[Token, ...]:
        """To the end, or to a closing brace whose opening one is not among the tokens."""
        found: list[Token] = []
        depth = 0
        while True:
            newline = self._space()
            if self.at >= len(self.source):
                break
            depth += {"{": 1, "}": -1}.get(self.source[self.at], 0)
            if depth < 0:
                break
            found.append(self._token(newline))
            self.count += 1
            if self.count > MAX_TOKENS:
                raise Untranslatable("it is too long")
        return (*found, Token(Kind.END, "its end"))

    def _space(self) -> bool:
        match = _SPACE.match(self.source, self.at)
        assert match is not None  # noqa: S101 (the pattern takes nothing, too)
        self.at = match.end()
        return bool(re.search(r"[\n\r\u2028\u2029]", match[0]))

    def _token(self, newline: bool) -> Token:
        character = self.source[self.at]
        if character in "'\"":
            return Token(Kind.TEXT, "a text", newline, self._text(character))
        if character == "`":
            return Token(Kind.TEMPLATE, "a template", newline, parts=self._template())
        for pattern, kind in (
            (_NUMBER, Kind.NUMBER),
            (_NAME, Kind.NAME),
            (_OPERATOR, Kind.OPERATOR),
        ):
            match = pattern.match(self.source, self.at)
            if match is not None:
                return self._matched(match, kind, newline)
        raise Untranslatable(f"{character!r} is not understood")

    def _matched(self, match: re.Match[str], kind: Kind, newline: bool) -> Token:
        self.at = match.end()
        text = match[0]
        if kind is not Kind.NUMBER:
            return Token(kind, text, newline)
        if _NAME.match(self.source, self.at):
            raise Untranslatable(f"the number {text}{self.source[self.at]}… is not understood")
        return Token(kind, text, newline, _number(text))

    def _text(self, quote: str) -> str:
        self.at += 1
        found: list[str] = []
        while True:
            character = self._one()
            if character == quote:
                return _whole("".join(found))
            if character in "\r\n":
                raise Untranslatable("a text does not end")
            found.append(self._escaped() if character == "\\" else character)

    def _template(self) -> tuple[str | tuple[Token, ...], ...]:
        self.at += 1
        parts: list[str | tuple[Token, ...]] = []
        found: list[str] = []
        while (character := self._one()) != "`":
            if character == "$" and self.source[self.at : self.at + 1] == "{":
                self.at += 1
                parts += [_whole("".join(found)), self._until_brace()]
                found = []
                self._one()  # the closing brace
            else:
                found.append(self._escaped() if character == "\\" else character)
        return (*parts, _whole("".join(found)))

    def _one(self) -> str:
        if self.at >= len(self.source):
            raise Untranslatable("a text does not end")
        self.at += 1
        return self.source[self.at - 1]

    def _escaped(self) -> str:
        match = _ESCAPE.match(self.source, self.at - 1)
        if match is None:
            raise Untranslatable("an escape in a text is not understood")
        self.at = match.end()
        if match["one"]:
            return _SIMPLE.get(match["one"], match["one"])
        if match["end"]:
            return ""
        point = int(match["x"] or match["u"] or match["point"] or "0", 16)
        if point > 0x10FFFF:
            raise Untranslatable("an escape in a text names no character")
        return chr(point)


def _whole(text: str) -> str:
    """Two halves of a character, as JavaScript escapes them, made one."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Untranslatable("a text holds half of a character") from None


def _number(text: str) -> float:
    if text[:2] in ("0x", "0X"):
        return int(text, 16)
    if text.isdigit() and len(text) <= 15:
        if text.startswith("0") and text != "0":
            raise Untranslatable(f"the number {text} is written in the old octal way")
        return int(text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Untranslatable(f"the number {text[:20]} is too large")
    return value
