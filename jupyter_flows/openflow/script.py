"""TypeScript steps of the simple shape as a Python function: constants, links, a return.

That is how approval steps are written. Anything more is refused, and left to the author.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_flows.openflow.literal import INDENT
from jupyter_flows.openflow.parse import Parser
from jupyter_flows.openflow.python import Writer, python_name
from jupyter_flows.openflow.refusal import Untranslatable
from jupyter_flows.openflow.scope import PRIMARY, Path, Scope, Text
from jupyter_flows.openflow.tokens import Kind, tokens

LANGUAGES = ("bun", "deno", "nativets", "bunnative")
CLIENT = ("windmill-client", "npm:windmill-client")

_LINKS = Text("flows.get_resume_urls", PRIMARY, "links")
_KINDS = {"string": "text", "number": "number", "boolean": "truth", "string[]": "texts"}


@dataclass(frozen=True, slots=True)
class Script:
    """`parameters`: names in the flow and in Python; `optional` are those with a default."""

    source: str
    parameters: Mapping[str, str]
    optional: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def script(content: str, language: str) -> Script:
    """Raises nothing but Untranslatable."""
    try:
        found = _Script(content, language).read()
        ast.parse(found.source)
    except (RecursionError, MemoryError, SyntaxError, ValueError):
        raise Untranslatable("it is nested too deeply") from None
    return found


class _Script:
    def __init__(self, content: str, language: str) -> None:
        self._parser = Parser(tokens(content))
        self._language = language
        self._functions: dict[Path, Text] = {("console", "log"): Text("print")}
        self._names: dict[str, str] = {}
        self._paths: dict[Path, Text] = {}
        self._parameters: dict[str, str] = {}
        self._optional: set[str] = set()
        self._head: list[str] = []
        self._body: list[str] = []
        self._notes: dict[str, None] = {}
        self._links = False

    def read(self) -> Script:
        parser = self._parser
        shown = None
        while parser.next.kind is not Kind.END:
            if parser.takes("import"):
                self._import()
            elif parser.sees("const") or parser.sees("let"):
                self._head.append(self._constant(""))
            else:
                if shown is not None:
                    raise Untranslatable("it has more than one function")
                shown = self._main()
            while parser.takes(";"):
                pass
        if shown is None:
            raise Untranslatable("it has no function `main`")
        links = ["import jupyter_flows as flows"] if self._links else []
        begin = [f"# Translated from TypeScript ({self._language})", *links]
        head = [*begin, *([""] if self._head else []), *self._head]
        lines = [*head, "", "", f"def main({shown}):", *self._body]
        return Script(
            "\n".join(lines),
            dict(self._parameters),
            frozenset(self._optional),
            tuple(self._notes),
        )

    def _import(self) -> None:
        parser = self._parser
        names: dict[str, str] = {}
        whole = None
        if parser.takes("*"):
            parser.expect("as")
            whole = parser.name()
        elif parser.takes("{"):
            names = self._imported_names()
        else:
            whole = parser.name()
        parser.expect("from")
        module = str(parser.take().value)
        if module not in CLIENT and module.rpartition("@")[0] not in CLIENT:
            raise Untranslatable(f"it imports {module!r}")
        if whole is not None:
            self._functions[(whole, "getResumeUrls")] = _LINKS
        for name, local in names.items():
            if name != "getResumeUrls":
                raise Untranslatable(f"it uses {name!r} of Windmill's client")
            self._functions[(local,)] = _LINKS

    def _imported_names(self) -> dict[str, str]:
        parser = self._parser
        names: dict[str, str] = {}
        while not parser.takes("}"):
            name = parser.name()
            names[name] = parser.name() if parser.takes("as") else name
            if not parser.sees("}"):
                parser.expect(",")
        return names

    def _main(self) -> str:
        parser = self._parser
        parser.takes("export")
        parser.takes("async")
        parser.expect("function")
        if parser.name() != "main":
            raise Untranslatable("it has functions beside `main`")
        shown = self._read_parameters()
        if parser.takes(":"):
            parser.type()
        parser.expect("{")
        while not parser.takes("}"):
            self._statement()
        if not self._body:
            self._body.append(f"{INDENT}return None")
        return shown

    def _read_parameters(self) -> str:
        parser = self._parser
        parser.expect("(")
        shown: list[str] = []
        while not parser.takes(")"):
            name = parser.name()
            optional = parser.takes("?")
            kind = _KINDS.get(parser.type(), "any") if parser.takes(":") else "any"
            python = self._local(name, Text("", PRIMARY, kind))
            default = self._writer().value(parser.expression()).text if parser.takes("=") else None
            if optional and default is None:
                default = "None"
            if default is not None:
                self._optional.add(name)
            self._parameters[name] = python
            shown.append(python if default is None else f"{python}={default}")
            if not parser.sees(")"):
                parser.expect(",")
        if any("=" in before and "=" not in after for before, after in zip(shown, shown[1:])):  # noqa: B905, RUF007
            raise Untranslatable("an optional parameter stands before one that is not")
        return ", ".join(shown)

    def _local(self, name: str, value: Text) -> str:
        """The Python name of a new local one."""
        if (name,) in self._paths or (name,) in self._functions:
            raise Untranslatable(f"the name {name!r} is given twice")
        python = python_name(name, self._names)
        self._names[name] = python
        self._paths[(name,)] = Text(python, PRIMARY, value.kind)
        return python

    def _writer(self) -> Writer:
        writer = Writer(
            Scope(
                paths=self._paths,
                functions=self._functions,
                unknown=lambda name: f"the name {name!r} is not translated",
            )
        )
        writer.notes = self._notes
        return writer

    def _statement(self) -> None:
        parser = self._parser
        if parser.takes(";"):
            return
        if parser.sees("const") or parser.sees("let"):
            self._body.append(self._constant(INDENT))
        elif parser.takes("return"):
            self._return()
        else:
            node = parser.expression()
            text = self._value(node, INDENT).text
            if not text.startswith("print("):
                raise Untranslatable("a statement is neither a constant nor a return")
            self._body.append(f"{INDENT}{text}")
        self._end_statement()

    def _return(self) -> None:
        parser = self._parser
        if parser.next.newline or parser.sees(";") or parser.sees("}"):
            self._body.append(f"{INDENT}return None")
        else:
            self._body.append(f"{INDENT}return {self._value(parser.expression(), INDENT).text}")
        parser.takes(";")
        if not parser.sees("}"):
            raise Untranslatable("something stands behind its return")

    def _constant(self, indent: str) -> str:
        parser = self._parser
        parser.take()
        name = parser.name()
        said = _KINDS.get(parser.type()) if parser.takes(":") else None
        parser.expect("=")
        value = self._value(parser.expression(), indent)
        kind = said if said and value.kind in ("any", "list") else value.kind
        python = self._local(name, Text("", PRIMARY, kind))
        return f"{indent}{python} = {value.text}"

    def _value(self, node: object, indent: str) -> Text:
        value = self._writer().laid_out(node, indent)  # type: ignore[arg-type]
        self._links = self._links or _LINKS.text in value.text
        return value

    def _end_statement(self) -> None:
        parser = self._parser
        if not (parser.takes(";") or parser.sees("}") or parser.next.newline):
            parser.expect(";")
