"""What is built and shipped: the wheel, the sdist, and what browsers load of them."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.labextension import need_labextension

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "jupyter_flows" / "labextension"
SHARED = Path("share/jupyter/labextensions/jupyter-flows")
MOST = 150_000
"""Bytes that a browser may have to load."""


@pytest.fixture(scope="module", autouse=True)
def labextension():
    need_labextension()


def python(*arguments, **given):
    said = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, **given
    )
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout + said.stderr


def built(kind, root, folder, **given):
    """The one file that comes of building this kind in `folder`."""
    python(
        "-m", "hatchling", "build", "--target", kind, "--directory", str(folder), cwd=root, **given
    )
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The sdist's contents."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))) as sdist:
        sdist.extractall(folder)
    (root,) = folder.iterdir()
    return root


def without_node():
    return {**os.environ, "PATH": "/nowhere"}


@pytest.fixture(scope="module")
def installed(unpacked, tmp_path_factory):
    """A prefix with the wheel that was made of the sdist, on a machine without node."""
    prefix = tmp_path_factory.mktemp("prefix")
    wheel = built("wheel", unpacked, tmp_path_factory.mktemp("wheel"), env=without_node())
    only = ["--no-deps", "--no-index", "--ignore-installed", "--no-compile", "--quiet"]
    python("-m", "pip", "install", *only, "--prefix", str(prefix), str(wheel))
    return prefix


def test_a_wheel_made_without_node_of_an_sdist_brings_what_jupyterlab_loads(installed):
    package = json.loads((installed / SHARED / "package.json").read_text())
    assert package["name"] == "jupyter-flows"
    assert (installed / SHARED / package["jupyterlab"]["_build"]["load"]).is_file()
    assert (
        json.loads((installed / SHARED / "install.json").read_text())["packageManager"] == "python"
    )


def test_the_wheel_enables_the_server_extension(installed):
    config = installed / "etc/jupyter/jupyter_server_config.d/jupyter_flows.json"
    assert json.loads(config.read_text())["ServerApp"]["jpserver_extensions"]["jupyter_flows"]


def test_jupyterlab_lists_the_installed_extension_as_enabled(installed, tmp_path):
    pytest.importorskip("jupyterlab", reason="jupyterlab is not installed")
    env = {
        **os.environ,
        "JUPYTER_PATH": str(installed / "share/jupyter"),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "NO_COLOR": "1",
    }
    said = python("-m", "jupyterlab.labextensions", "list", env=env)
    (line,) = [line for line in said.splitlines() if "jupyter-flows v" in line]
    assert "enabled" in line
    assert "OK" in line
    assert "(python, jupyter-flows)" in line


def test_the_wheel_needs_no_front_end(installed):
    """It serves JupyterLab and Notebook where a user has them, of the version that they have."""
    (metadata,) = installed.rglob("jupyter_flows-*.dist-info/METADATA")
    needed = [
        line for line in metadata.read_text().splitlines() if line.startswith("Requires-Dist")
    ]
    assert not [n for n in needed if "extra ==" not in n and ("jupyterlab" in n or "notebook" in n)]


def test_where_nothing_is_built_and_node_is_missing_the_build_says_so(unpacked, tmp_path):
    (unpacked / "jupyter_flows" / "labextension").rename(tmp_path / "elsewhere")
    try:
        said = subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--target", "wheel"],
            cwd=unpacked,
            env=without_node(),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        (tmp_path / "elsewhere").rename(unpacked / "jupyter_flows" / "labextension")
    assert said.returncode == 1
    assert said.stdout + said.stderr == (
        "The labextension is not built, and npm (of node 20.19 or newer) is missing: install it,"
        " or install from a wheel or an sdist, which hold it built.\n"
    )


def test_what_a_browser_loads_is_small():
    loaded = [p for p in (BUILT / "static").iterdir() if p.suffix == ".js"]
    assert sum(p.stat().st_size for p in loaded) <= MOST


def test_no_committed_file_names_where_npm_packages_come_from():
    for lock in (ROOT / "labextension", ROOT / "tests/browser"):
        assert '"resolved"' not in (lock / "package-lock.json").read_text()
