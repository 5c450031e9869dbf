"""Builds the labextension where it isn't built of these sources yet, and puts it into wheels.

`python labextension/hatch_build.py` only builds; it needs node, npm and jupyter-builder.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
SOURCES = ("package-lock.json", "package.json", "tsconfig.json", "schema", "src", "style")
LOCK = HERE / "package-lock.json"
INSTALLED = HERE / "node_modules" / ".lock"
"""The lock file that node_modules was filled from."""
BUILT = HERE.parent / "jupyter_flows" / "labextension"
BUILT_OF = BUILT / "static" / ".sources"
BEFORE = HERE / "build" / "before"
"""Where the last build is kept until the next one has succeeded."""

PLACE = "share/jupyter/labextensions/jupyter-flows"


class Unbuilt(Exception):
    """The labextension is not built, and npm (of node 20.19 or newer) is missing: install it, or
    install from a wheel or an sdist, which hold it built.
    """


class LabextensionHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """An editable install gets no copy, which would grow old: `make install` links to it."""
        if version == "editable":
            return
        try:
            build()
        except Unbuilt as missing:
            self.app.abort(" ".join((missing.__doc__ or "").split()))
        except subprocess.CalledProcessError as failed:
            command = " ".join([Path(failed.cmd[0]).stem, *failed.cmd[1:]])
            self.app.abort(f"The labextension could not be built: {command} failed, as said above.")
        if self.target_name == "wheel":
            build_data["shared_data"] |= {
                str(BUILT): PLACE,
                str(HERE / "install.json"): f"{PLACE}/install.json",
            }


def build() -> bool:
    """Whether there was anything to do. Raises Unbuilt, CalledProcessError.

    npm takes the versions of the lock file and finds none anew, which hatch-jupyter-builder's
    `npm install` might.
    """
    sources = digest()
    if BUILT_OF.exists() and BUILT_OF.read_text() == sources:
        return False
    if (npm := shutil.which("npm")) is None:
        raise Unbuilt
    if not INSTALLED.exists() or INSTALLED.read_bytes() != LOCK.read_bytes():
        run(npm, "ci", "--loglevel=error")
        shutil.copy(LOCK, INSTALLED)
    put_aside()
    try:
        run(npm, "run", "build")
    except BaseException:
        put_back()
        raise
    BUILT_OF.write_text(sources)
    shutil.rmtree(BEFORE, ignore_errors=True)
    return True


def put_aside() -> None:
    """What is built stays as it was if the next build fails; files of both would grow in number."""
    shutil.rmtree(BEFORE, ignore_errors=True)
    if BUILT.exists():
        BEFORE.parent.mkdir(exist_ok=True)
        shutil.move(BUILT, BEFORE)


def put_back() -> None:
    shutil.rmtree(BUILT, ignore_errors=True)
    if BEFORE.exists():
        shutil.move(BEFORE, BUILT)


def run(*command: str) -> None:
    """In the labextension's folder, with the commands of this Python (jupyter-builder) in reach."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    subprocess.run(command, cwd=HERE, env={**os.environ, "PATH": path}, check=True)


def digest() -> str:
    """Of all that the build is made of."""
    hashed = hashlib.sha256()
    for file in sources():
        data = file.read_bytes()
        hashed.update(f"{file.relative_to(HERE).as_posix()} {len(data)}\n".encode() + data)
    return hashed.hexdigest()


def sources() -> Iterator[Path]:
    for name in SOURCES:
        place = HERE / name
        found = [place] if place.is_file() else [p for p in place.rglob("*") if p.is_file()]
        yield from sorted(found, key=Path.as_posix)  # paths are ordered otherwise on Windows


if __name__ == "__main__":
    build()
