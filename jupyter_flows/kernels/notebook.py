"""A notebook read from its file; nothing is asked of it but that it is an object in JSON. A Python
script is read as one: its `# %%` cells, or, where it has none, all of it as one cell.
"""

import json
import re
from pathlib import Path
from typing import Any

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json
from jupyter_flows.core.scripts import is_script

_CELL = re.compile(r"^# ?%%", re.MULTILINE)
_SPEC = {"name": "python3", "display_name": "Python 3", "language": "python"}


def read_notebook(path: Path) -> dict[str, Json]:
    """Raises BadInput for what can't be read, or is neither JSON nor a script."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} can't be read: {error.strerror}.") from None
    if is_script(path.name):
        return _script(path, data)
    try:
        read = json.loads(data)
    except (ValueError, RecursionError):
        raise BadInput(f"{path} is not a notebook: it is not JSON.") from None
    if not isinstance(read, dict):
        raise BadInput(f"{path} is not a notebook: it holds no object.")
    return read


def _script(path: Path, data: bytes) -> dict[str, Json]:
    try:
        return script_notebook(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not a script: it is not UTF-8.") from None
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from None


def script_notebook(text: str) -> dict[str, Json]:
    """The script's cells (percent format). A script without a `# %%` line is one cell, exactly as
    it is: blank lines part nothing. Raises BadInput.
    """
    text = text.replace("\r\n", "\n")
    if _CELL.search(text) is None:
        return _notebook([_code(text.rstrip("\n"))])
    import jupytext  # noqa: PLC0415 (slow to load)

    try:
        read = jupytext.reads(text, fmt="py:percent")  # type: ignore[no-untyped-call]
    except Exception as error:  # noqa: BLE001 (its reader raises whatever a header's YAML does)
        raise BadInput(f"The script's cells can't be read: {error}") from None
    spec = dict(read.metadata.get("kernelspec", {}))
    if str(spec.get("language", "python")) != "python":
        raise BadInput("The script's header names a kernel of another language than Python.")
    made = _notebook([_without_id(dict(cell)) for cell in read.cells])
    made["metadata"] = {**read.metadata, **made["metadata"], "kernelspec": {**_SPEC, **spec}}
    plain: dict[str, Json] = json.loads(json.dumps(made, default=str))
    return plain


def _notebook(cells: list[dict[str, Any]]) -> dict[str, Json]:
    metadata = {"kernelspec": dict(_SPEC), "jupyter_flows": {"script": True}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _code(source: str) -> dict[str, Json]:
    return {
        "cell_type": "code",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def _without_id(cell: dict[str, Any]) -> dict[str, Any]:
    """Its reader makes ids up by chance; without one, a cell is named by its text."""
    cell.pop("id", None)
    return cell
