"""What a checkpoint says of packages, files and folders, and what is made of it."""

import hashlib
import json
import sys
import types

import numpy as np

from jupyter_flows.client import checkpoint


def asked(what, shell=None, **told):
    arguments = (json.dumps(told),) if shell is None else (json.dumps(told), shell)
    return getattr(checkpoint, what)(*arguments).told


def test_packages_that_occur_are_named_with_their_versions(kernel):
    told = kernel.run("import numpy as np, yaml\nx = np.float64(1)\ny = yaml").save()
    assert told["distributions"]["numpy"] == np.__version__
    assert "PyYAML" in told["distributions"]
    assert "pandas" not in told["distributions"]


def test_the_users_own_modules_are_named_with_their_hashes(kernel, tmp_path, monkeypatch):
    file = tmp_path / "own_helpers.py"
    file.write_text("class State:\n    pass\nstate = State()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_helpers", raising=False)
    told = kernel.run("import own_helpers").save()
    assert told["files"][str(file)] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert {"index": 0, "path": str(tmp_path)} in told["sys_path"]


def test_an_object_of_the_users_own_module_is_that_modules_with_its_state(
    kernel, other, tmp_path, monkeypatch
):
    (tmp_path / "own_state.py").write_text("class State:\n    pass\nstate = State()\n")
    monkeypatch.syspath_prepend(tmp_path)
    told = kernel.run("from own_state import state\nstate.x = 1").save()
    del kernel.names["state"].x
    other.load(told)
    assert other.names["state"] is sys.modules["own_state"].state
    assert other.names["state"].x == 1


def test_the_environment_of_another_kernel_is_told_without_loading(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("a = 1")
    paths = [str(file), str(tmp_path / "gone.py")]
    told = asked("environment", distributions=["numpy", "no-such-package"], files=paths)
    assert told["distributions"] == {"numpy": np.__version__, "no-such-package": None}
    assert told["files"] == {paths[0]: hashlib.sha256(b"a = 1").hexdigest(), paths[1]: None}
    assert told["python"]["implementation"] == sys.implementation.name


class Extensions:
    def __init__(self):
        self.loaded = {"storemagic", "autoreload"}

    def load_extension(self, name):
        if name == "missing":
            raise ModuleNotFoundError("No module named 'missing'")
        self.loaded.add(name)


def shell():
    return types.SimpleNamespace(extension_manager=Extensions())


def test_folder_paths_and_extensions_are_made_as_they_were(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setattr(sys, "path", ["", "/python"])
    paths = [{"index": 1, "path": str(tmp_path)}, {"index": 9, "path": str(tmp_path / "gone")}]
    kernel = {"cwd": str(tmp_path), "sys_path": paths, "extensions": ["sql"]}
    user = shell()
    told = asked("prepare", user, kernel=kernel)
    assert sys.path == ["", str(tmp_path), "/python", str(tmp_path / "gone")]
    assert "sql" in user.extension_manager.loaded
    assert told == {"notices": [f"{tmp_path / 'gone'}, where modules were looked for, is gone."]}


def test_an_extension_that_cant_be_loaded_is_an_error():
    told = asked("prepare", shell(), kernel={"extensions": ["missing"]})
    assert "missing can't be loaded" in told["error"]["message"]


def test_a_folder_that_is_gone_is_an_error(tmp_path):
    told = asked("prepare", shell(), kernel={"cwd": str(tmp_path / "gone")})
    assert "is gone" in told["error"]["message"]


def test_packages_are_looked_for_where_a_restore_will_look_for_them(tmp_path):
    info = tmp_path / "tinyledger-1.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tinyledger\nVersion: 1.1\n")
    added, before = [{"index": 0, "path": str(tmp_path)}], list(sys.path)
    assert asked("environment", distributions=["tinyledger"], sys_path=added)["distributions"] == {
        "tinyledger": "1.1"
    }
    assert asked("environment", distributions=["tinyledger"])["distributions"] == {
        "tinyledger": None
    }
    assert sys.path == before


def test_answers_are_shown_as_json():
    shown = checkpoint.environment("{}")._repr_mimebundle_()
    assert shown["application/json"]["files"] == {}
