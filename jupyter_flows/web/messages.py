"""The texts that the pages say, gathered for translators.

`python -m jupyter_flows.web.messages` brings every catalogue up to date; with the codes of
languages, it begins theirs. Nothing of it is loaded by a server.
"""

import ast
import sys
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any, TypeAlias

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from jupyter_flows.web.languages import CATALOGUE, LOCALE, translated

ROOT = Path(__file__).parents[1]
HEADER = """\
# What the pages say. `make messages` gathers it from the code and the templates.
msgid ""
msgstr ""
"Language: {code}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""
"""No dates and no names: git knows them."""

_HERE = "jupyter_flows.web.messages"
_METHODS = [
    ("core/errors.py", f"{_HERE}:themes"),
    ("**.py", f"{_HERE}:marked"),
    ("web/templates/**.html", "jinja2.ext:babel_extract"),
]
_OPTIONS = {"web/templates/**.html": {"newstyle_gettext": "true", "silent": "false"}}

Found: TypeAlias = Iterator[tuple[int, str, tuple[str, ...], list[str]]]
"""Line, function, the text or its singular and plural, comments: what Babel asks for."""


def gathered() -> Catalog:
    """Every text, with the files that say it. Raises ValueError for one that is not written out."""
    found = Catalog()
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
    every = extract_from_dir(ROOT, _METHODS, _OPTIONS, keywords)
    for file, line, text, _, _ in every:
        found.add(text, locations=[(file, line)])
    return found


def marked(file: IO[bytes], _keywords: Any, _tags: Any, options: Any) -> Found:  # noqa: ARG001 (Babel's)
    """The texts of a Python file: whatever `sentence` is called with."""
    calls = [each for each in ast.walk(ast.parse(file.read())) if isinstance(each, ast.Call)]
    for node in sorted(calls, key=lambda call: call.lineno):
        if isinstance(node.func, ast.Name) and node.func.id == "sentence":
            texts = tuple(map(_text, node.args))
            yield node.lineno, "ngettext" if texts[1:] else "gettext", texts, []


def _text(argument: ast.expr) -> str:
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return argument.value
    raise ValueError(f"{ast.unparse(argument)} must be a text that is written out")


def themes(file: IO[bytes], _keywords: Any, _tags: Any, options: Any) -> Found:  # noqa: ARG001 (Babel's)
    """What the classes of errors say by themselves: their docstrings."""
    for node in ast.parse(file.read()).body:
        said = ast.get_docstring(node) if isinstance(node, ast.ClassDef) and node.bases else None
        if said:
            yield node.lineno, "gettext", (said,), []


def catalogue(code: str) -> Catalog:
    """The language's own, as it stands on disk; an empty one for a new language."""
    locale = code.replace("-", "_")
    if not path_of(code).exists():
        return Catalog(locale)
    with path_of(code).open("rb") as file:
        return read_po(file, locale)


def brought_up(code: str, texts: Catalog) -> bytes:
    """The language's file with new texts untranslated, and without those that nobody says now."""
    kept = catalogue(code)
    kept.update(texts, no_fuzzy_matching=True)
    file = BytesIO()
    file.write(HEADER.format(code=kept.locale, plurals=kept.plural_forms).encode())
    write_po(file, kept, width=100, omit_header=True, ignore_obsolete=True, include_lineno=False)
    return file.getvalue()


def path_of(code: str) -> Path:
    return Path(str(LOCALE)) / code.replace("-", "_") / CATALOGUE


def main(codes: Collection[str]) -> None:
    texts = gathered()
    for code in sorted({*translated(), *codes}):
        path_of(code).parent.mkdir(parents=True, exist_ok=True)
        path_of(code).write_bytes(brought_up(code, texts))


if __name__ == "__main__":
    main(sys.argv[1:])
