"""The build of the labextension: what a failure leaves, and what the sources are."""

import subprocess
from pathlib import PurePosixPath

import pytest

from tests import labextension

pytest.importorskip("hatchling", reason="hatchling is not installed")


@pytest.fixture
def build(tmp_path, monkeypatch):
    """The hook, with folders of its own and nothing to be installed."""
    build = labextension.hatch_build()
    built = tmp_path / "built"
    named = {
        "HERE": tmp_path,
        "BUILT": built,
        "BUILT_OF": built / "static" / ".sources",
        "BEFORE": tmp_path / "build" / "before",
        "LOCK": tmp_path / "package-lock.json",
        "INSTALLED": tmp_path / ".lock",
    }
    for name, value in named.items():
        monkeypatch.setattr(build, name, value)
    for name in build.SOURCES:
        (tmp_path / name).write_text("")
    (tmp_path / ".lock").write_text("")
    monkeypatch.setattr(build.shutil, "which", lambda name: name)
    (built / "static").mkdir(parents=True)
    (built / "static" / "old.js").write_text("works")
    return build


def test_a_build_that_fails_leaves_the_one_before(build, monkeypatch):
    def fail(*command):
        build.BUILT.mkdir()
        raise subprocess.CalledProcessError(2, command)

    monkeypatch.setattr(build, "run", fail)
    with pytest.raises(subprocess.CalledProcessError):
        build.build()
    assert [p.name for p in (build.BUILT / "static").iterdir()] == ["old.js"]


def test_a_build_that_succeeds_leaves_nothing_of_the_one_before(build, monkeypatch):
    monkeypatch.setattr(build, "run", lambda *_: (build.BUILT / "static").mkdir(parents=True))
    assert build.build()
    assert [p.name for p in (build.BUILT / "static").iterdir()] == [".sources"]
    assert not build.BEFORE.exists()
    assert not build.build(), "there is nothing to do"


def test_a_build_that_fails_says_so_in_words(build, monkeypatch):
    def fail():
        raise subprocess.CalledProcessError(2, ("/bin/npm", "run", "build"))

    class App:
        said = None

        def abort(self, said):
            self.said = said
            raise SystemExit(1)

    app = App()
    monkeypatch.setattr(build, "build", fail)
    monkeypatch.setattr(build.LabextensionHook, "app", app)
    hook = object.__new__(build.LabextensionHook)
    with pytest.raises(SystemExit):
        hook.initialize("standard", {})
    assert app.said == "The labextension could not be built: npm run build failed, as said above."


def test_the_sources_are_in_the_same_order_everywhere():
    build = labextension.hatch_build()
    within = [p.relative_to(build.HERE).as_posix() for p in build.sources()]
    folders = [PurePosixPath(p).parts[0] for p in within]
    for name in build.SOURCES:
        own = [p for p, folder in zip(within, folders, strict=True) if folder == name]
        assert own == sorted(own)
