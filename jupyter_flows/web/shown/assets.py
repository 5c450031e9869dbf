"""The scripts that frames may load: a fixed table of files of installed packages, and no data.

A frame has no origin and sends no cookie, so these are for everybody.
"""

import functools
import importlib.util
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

_IN_PACKAGE = "package_data/plotly.min.js"


@functools.cache
def plotly_name() -> str | None:
    """The name under which plotly's script is served, which changes with its version; None where
    plotly is not installed.
    """
    found = _plotly()
    return f"plotly-{version('plotly')}.min.js" if found else None


def _plotly() -> Path | None:
    """The package's folder is asked for, and the package, which is slow to load, isn't."""
    spec = importlib.util.find_spec("plotly")
    folders = spec.submodule_search_locations if spec else None
    files = [Path(folder) / _IN_PACKAGE for folder in folders or ()]
    return next((file for file in files if file.is_file()), None)


def _files() -> Mapping[str, Path]:
    name, file = plotly_name(), _plotly()
    return {name: file} if name and file else {}


def asset(name: str) -> bytes | None:
    """The file of that name, all of which are JavaScript; None for any other name. Blocking."""
    file = _files().get(name)
    return file.read_bytes() if file else None
