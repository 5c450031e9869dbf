"""From what an author gave as description to its parts; whatever it is, something can be shown."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice

from jupyter_flows.core.descriptions import contents, maps, tables
from jupyter_flows.core.descriptions.parts import (
    Failure,
    Html,
    Markdown,
    Part,
    Unfit,
    Value,
    Words,
)
from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.hiding import without_tokens
from jupyter_flows.core.model import Json
from jupyter_flows.core.plain import plain_json
from jupyter_flows.core.sentences import Sentence, sentence

MAX_PARTS = 30
MAX_NESTED = 8
MAX_HTML_BYTES = 4_000_000

_Reader = Callable[[Json], Part | Sentence]


def read_description(description: Json) -> tuple[Part, ...]:
    """The parts in drawing order, `MAX_PARTS` at most and one that says so; tokens of links are
    hidden in them. Empty for None.
    """
    if description is None:
        return ()
    try:
        plain_json(description, "description")
    except BadInput:
        why = sentence("The description is no plain JSON, or is nested too deeply.")
        return (Unfit(None, why),)
    found = tuple(islice(_parts(without_tokens(description), 0), MAX_PARTS + 1))
    if len(found) <= MAX_PARTS:
        return found
    why = sentence("The description has more parts than the {number} shown.", number=MAX_PARTS)
    return (*found[:MAX_PARTS], Unfit(None, why))


def _parts(description: Json, depth: int) -> Iterator[Part]:
    """`render_all` within `render_all` is read as if it stood in one list."""
    kind, content = _kind(description)
    if kind != "render_all":
        yield _part(description)
    elif not isinstance(content, list):
        yield Unfit(description, sentence("`render_all` must be a list of descriptions."))
    elif depth == MAX_NESTED:
        why = sentence("`render_all` may stand within itself {number} times.", number=MAX_NESTED)
        yield Unfit(description, why)
    else:
        for inner in content:
            yield from _parts(inner, depth + 1)


def _part(description: Json) -> Part:
    if isinstance(description, str):
        return Words(description)
    kind, content = _kind(description)
    reader = _READERS.get(kind)
    if reader is not None:
        read = reader(content)
        return Unfit(description, read) if isinstance(read, Sentence) else read
    table = tables.recognised_table(description)
    if table is not None:
        return table
    return Unfit(description, _unknown(kind)) if _is_slip(kind, content) else Value(description)


_FILE_KEYS = ({"file", "filename"}, {"file", "filename", "autodownload"})


def _kind(description: Json) -> tuple[str, Json]:
    """The only key of an object and its value; a file's name may stand beside the file."""
    if isinstance(description, dict):
        if len(description) == 1:
            return next(iter(description.items()))
        if set(description) in _FILE_KEYS:
            content = contents.content_of(description["file"])
            return "file", {"content": content, "filename": description["filename"]}
    return "", None


def _is_slip(kind: str, content: Json) -> bool:
    """Whether a key that is no kind was most likely meant as one; other keys are data."""
    if not isinstance(content, str | dict):
        return False
    return kind == "s3" or bool(difflib.get_close_matches(kind.lower(), KINDS, 1, 0.85))


def _unknown(kind: str) -> Sentence:
    return sentence(
        "`{kind}` is no kind of description; there are {kinds}.", kind=kind, kinds=", ".join(KINDS)
    )


# ---------------------------------------------------------------- kinds


def _text_of(value: Json) -> str | None:
    content = contents.content_of(value)
    return content if isinstance(content, str) else None


def _words(kind: str, made: Callable[[str], Part], value: Json) -> Part | Sentence:
    text = _text_of(value)
    if text is None:
        return sentence("What was given as `{kind}` must be a text.", kind=kind)
    return made(text)


def _html(value: Json) -> Part | Sentence:
    if len((_text_of(value) or "").encode()) > MAX_HTML_BYTES:
        size = MAX_HTML_BYTES // 1000
        return sentence("The HTML is too large to be shown; it may have {size} kB.", size=size)
    return _words("html", Html, value)


def _error(value: Json) -> Part | Sentence:
    """`extra`, which Windmill adds, comes behind the stack."""
    if isinstance(value, str):
        return Failure("", value, "")
    if not isinstance(value, dict) or not (value.get("name") or value.get("message")):
        return sentence("An error must be an object with `name`, `message` or both, and `stack`.")
    name, message, *below = (_said(value.get(key)) for key in _ERROR_KEYS)
    return Failure(name, message, "\n".join(filter(None, below)))


def _said(value: Json) -> str:
    return value if isinstance(value, str) else tables.cell_text(value)


_ERROR_KEYS = ("name", "message", "stack", "extra")

_READERS: Mapping[str, _Reader] = {
    "markdown": partial(_words, "markdown", Markdown),
    "md": partial(_words, "md", Markdown),
    "text": partial(_words, "text", Words),
    "html": _html,
    "svg": contents.read_svg,
    "png": partial(contents.read_picture, "png"),
    "jpeg": partial(contents.read_picture, "jpeg"),
    "gif": partial(contents.read_picture, "gif"),
    "pdf": contents.read_pdf,
    "file": contents.read_file,
    **{kind: partial(tables.read_table, kind) for kind in tables.SHAPES},
    "map": maps.read_map,
    "error": _error,
    "json": Value,
}

KINDS = (*_READERS, "render_all")
