"""Whether saved variables may be loaded into a kernel, by what both say of themselves."""

import pytest

from jupyter_flows.core.preflight import preflight

PYTHON = {
    "implementation": "cpython",
    "version": "3.11.7",
    "machine": "x86_64",
    "byteorder": "little",
    "maxsize": 2**63 - 1,
}
SAVED = {
    "python": PYTHON,
    "distributions": {"pandas": "2.2.3", "numpy": "2.1.0"},
    "files": {"/w/helpers.py": "aa"},
}


def now(**others):
    return {**SAVED, **others}


def test_the_same_kernel_is_fit():
    found = preflight(SAVED, now())
    assert (found.impossible, found.changes) == (None, ())


def test_another_patch_release_of_python_is_fit():
    assert preflight(SAVED, now(python={**PYTHON, "version": "3.11.9"})).impossible is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", "3.12.1"),
        ("version", "3.1.7"),
        ("implementation", "pypy"),
        ("machine", "aarch64"),
        ("byteorder", "big"),
        ("maxsize", 2**31 - 1),
    ],
)
def test_another_python_or_machine_is_impossible(key, value):
    said = preflight(SAVED, now(python={**PYTHON, key: value})).impossible
    assert str(value) in said
    assert str(PYTHON[key]) in said


@pytest.mark.parametrize(
    ("present", "said"),
    [
        ({"pandas": "3.1.1", "numpy": "2.1.0"}, ("pandas 2.2.3 is 3.1.1 now",)),
        ({"numpy": "2.1.0"}, ("pandas 2.2.3 is gone",)),
        ({"pandas": None, "numpy": "2.1.0"}, ("pandas 2.2.3 is gone",)),
    ],
)
def test_changed_packages_are_named(present, said):
    assert preflight(SAVED, now(distributions=present)).changes == said


def test_changed_files_are_named():
    assert preflight(SAVED, now(files={"/w/helpers.py": "bb"})).changes == (
        "/w/helpers.py has changed",
    )
    assert preflight(SAVED, now(files={})).changes == ("/w/helpers.py is gone",)
