"""Uploaded files as entries: their content as text, in the way that the field asks for."""

import base64
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from msgspec import Struct

from jupyter_flows.core.forms import names
from jupyter_flows.core.forms.kinds import Field, Kind
from jupyter_flows.core.forms.names import Entries
from jupyter_flows.core.forms.rows import found

_TYPE = re.compile(r"[\w.+-]{1,80}/[\w.+-]{1,80}", re.ASCII)


class Upload(Struct, frozen=True):
    """A file as a browser sends it; its name and type are what the sender says."""

    name: str
    type: str
    data: bytes


def with_uploads(form: Field, entries: Entries, uploads: Mapping[str, Sequence[Upload]]) -> Entries:
    """The entries with each uploaded file in its field. A field's earlier file stays where none
    came in its place, unless it is to be left out.
    """
    result = {
        name: list(value)
        for name, value in entries.items()
        if names.dropped(name) not in entries or name in uploads
    }
    for name, files in uploads.items():
        field = found(form, name)
        if field is not None and field.kind is Kind.FILE and files:
            result[name] = [_text(field.encoding, files[0])]
    return {name: value for name, value in result.items() if not name.endswith("!")}


def plain_uploads(form: Field, uploads: Mapping[str, Sequence[Upload]]) -> Entries:
    """The files that came by the plain names of their fields, as texts by those names."""
    names_ = {names.child(names.ROOT, key): key for key in uploads}
    by_name = {name: uploads[key] for name, key in names_.items()}
    return {names_[name]: texts for name, texts in with_uploads(form, {}, by_name).items()}


def _text(encoding: str, upload: Upload) -> str:
    content = base64.b64encode(upload.data).decode()
    if encoding == "base64":
        return content
    kind = upload.type if _TYPE.fullmatch(upload.type) else "application/octet-stream"
    return f"data:{kind};name={quote(upload.name, safe='')};base64,{content}"
