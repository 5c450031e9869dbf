"""JSON values as Python source text, in double quotes, broken into lines where they are long."""

import json
from collections.abc import Iterable, Iterator

from jupyter_flows.core.model import Json
from jupyter_flows.openflow.refusal import Untranslatable

WIDTH = 88
INDENT = "    "
_WORDS = {None: "None", True: "True", False: "False"}


def quoted(text: str) -> str:
    """JSON's escapes are Python's too. Raises Untranslatable for half characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Untranslatable("it holds half of a character") from None
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f")


def literal(value: Json, indent: str = "") -> str:
    """Raises Untranslatable for what JSON has no number for."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int | float):
        return _number(value)
    inner = indent + INDENT
    if isinstance(value, dict):
        entries = [f"{quoted(str(key))}: {literal(of, inner)}" for key, of in value.items()]
        return laid_out("{", entries, "}", indent)
    return laid_out("[", [literal(item, inner) for item in value], "]", indent)


def _number(value: float) -> str:
    text = repr(value)
    if text.lstrip("-")[:1].isdigit():
        return text
    raise Untranslatable(f"{text} is no number that JSON has")


def laid_out(opening: str, items: Iterable[str], closing: str, indent: str = "") -> str:
    """In one line if it is short, else an item a line."""
    listed = list(items)
    flat = f"{opening}{', '.join(listed)}{closing}"
    if len(indent) + len(flat) <= WIDTH and "\n" not in flat:
        return flat
    lines = "".join(f"{indent}{INDENT}{item},\n" for item in listed)
    return f"{opening}\n{lines}{indent}{closing}"


def comment(text: str) -> Iterator[str]:
    """The text's lines as comment lines; none of them can be taken for a flow option."""
    for line in text.splitlines():
        yield f"# {line}".rstrip().replace("\0", "")


def references(value: Json) -> Iterator[str]:
    """What in a static value names one of Windmill's resources or variables."""
    if isinstance(value, str) and value.startswith(("$res:", "$var:")):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
