"""Whether the labextension is built of the sources that are there."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def hatch_build() -> ModuleType:
    """Our hook of the build, which is no part of the package."""
    place = ROOT / "labextension" / "hatch_build.py"
    spec = importlib.util.spec_from_file_location("hatch_build", place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def need_labextension() -> None:
    """A build of other sources would pass or fail for nothing; where nobody looks none may be
    missing.
    """
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    build = hatch_build()
    if not build.BUILT_OF.exists():
        missing = "there is no labextension: make labextension"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    if build.BUILT_OF.read_text() != build.digest():
        pytest.fail("the labextension is built of other sources: make labextension")
