"""A form that was sent, urlencoded or multipart: its fields and files, nothing of their meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tornado.httputil import (
    HTTPFile,
    HTTPInputError,
    ParseBodyConfig,
    ParseMultipartConfig,
    ParseUrlEncodedConfig,
    parse_body_arguments,
)

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.forms import Upload
from jupyter_flows.core.sentences import sentence

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

MAX_FIELDS = 20_000
"""Fields and files in one body, whose bytes are bounded besides."""

_LIMITS = ParseBodyConfig(
    multipart=ParseMultipartConfig(max_parts=MAX_FIELDS),
    urlencoded=ParseUrlEncodedConfig(max_arguments=MAX_FIELDS),
)


@dataclass(frozen=True, slots=True)
class Posted:
    """Names in order of their first appearance, each with all its values."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    uploads: Mapping[str, Sequence[Upload]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """The last value of this name; an empty text where there is none."""
        values = self.fields.get(name)
        return values[-1] if values else ""


def is_form(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in (FORM, MULTIPART)


def read_posted(content_type: str, body: bytes) -> Posted:
    """Raises BadInput. What names no type is read as urlencoded."""
    arguments: dict[str, list[bytes]] = {}
    files: dict[str, list[HTTPFile]] = {}
    name, mark, rest = content_type.partition(";")
    kind = f"{name.strip().lower()}{mark}{rest}" if is_form(content_type) else FORM
    try:
        parse_body_arguments(kind, body, arguments, files, config=_LIMITS)
        fields = {key: [value.decode() for value in found] for key, found in arguments.items()}
    except (HTTPInputError, ValueError) as error:
        raise BadInput(sentence("The body is not a form: {error}", error=str(error))) from None
    if body.strip() and not fields and not files:
        raise BadInput(sentence("The body has no field that can be read."))
    uploads = {
        name: [Upload(file.filename, file.content_type, file.body) for file in found]
        for name, found in files.items()
    }
    return Posted(fields, uploads)
