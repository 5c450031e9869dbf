"""What people type as parameters and payloads, read as values."""

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from jupyter_flows.core.canonical import canonical_json
from jupyter_flows.core.errors import BadInput, ParametersInvalid
from jupyter_flows.core.model import Json

_WORDS: Mapping[str, Json] = {"True": True, "False": False, "None": None}


def typed(text: str) -> Json:
    """As papermill reads `-p`: True, False, None, an int, a float, else the text itself."""
    if text in _WORDS:
        return _WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def parameters(pairs: Iterable[tuple[str, str]], file: str | None) -> dict[str, Json]:
    """Those of the file, then the single ones. Raises ParametersInvalid."""
    found = {**_of_file(file), **{name: typed(text) for name, text in pairs}}
    for name, value in found.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ParametersInvalid(f"The parameter {name!r} is {value}, which JSON can't say.")
    try:
        canonical_json(found)
    except (TypeError, ValueError) as error:
        raise ParametersInvalid(f"The parameters are not plain JSON: {error}") from None
    return found


def _of_file(file: str | None) -> dict[str, Json]:
    if file is None:
        return {}
    import yaml  # noqa: PLC0415 (only `-f` needs it)

    try:
        loaded = yaml.load(Path(file).read_text("utf-8"), _no_dates(yaml.SafeLoader))  # noqa: S506
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ParametersInvalid(f"{file} can't be read: {error}") from None
    if loaded is None:
        return {}
    if not isinstance(loaded, dict) or not all(isinstance(name, str) for name in loaded):
        raise ParametersInvalid(f"{file} must hold a mapping of names to values.")
    return loaded


def _no_dates(loader: type) -> type:
    """A date stays the text that it was, as in papermill."""
    resolvers = {
        first: [(tag, pattern) for tag, pattern in known if not tag.endswith(":timestamp")]
        for first, known in loader.yaml_implicit_resolvers.items()  # type: ignore[attr-defined]
    }
    return type("NoDates", (loader,), {"yaml_implicit_resolvers": resolvers})


def payload(text: str | None) -> Json:
    """A vote's `--data`. Raises BadInput."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadInput(f"--data is not JSON: {error}") from None


def print_json(value: Json) -> None:
    """One object a line."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))
