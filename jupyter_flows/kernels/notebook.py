"""A notebook read from its file; nothing is asked of it but that it is an object in JSON."""

import json
from pathlib import Path

from jupyter_flows.core.errors import BadInput
from jupyter_flows.core.model import Json


def read_notebook(path: Path) -> dict[str, Json]:
    """Raises BadInput for what can't be read, or is not JSON."""
    try:
        read = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, RecursionError):
        raise BadInput(f"{path} is not a notebook: it is not JSON.") from None
    if not isinstance(read, dict):
        raise BadInput(f"{path} is not a notebook: it holds no object.")
    return read
