"""Stands in for the checkpointer in a kernel: plain pickles, and what is asked for to go wrong."""

import json
import os
import pickle
import sys
import time
import types
from pathlib import Path


class Told:
    def __init__(self, told):
        self.told = told

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"application/json": self.told, "text/plain": ""}


def _names():
    return get_ipython().user_ns  # noqa: F821


def _replayed():
    told = sys.modules["jupyter_flows.client.flows"]._flow.replayed
    return [name for names in told.values() for name in names]


def _chosen():
    own = {"In", "Out", "exit", "quit", "get_ipython", "open", *_replayed()}
    return {
        name: value
        for name, value in _names().items()
        if not name.startswith("_")
        and name not in own
        and not isinstance(value, (types.ModuleType, types.FunctionType))
    }


def save(text):
    asked = json.loads(text)
    _misbehave(asked["exclude"])
    if "refused" in asked["exclude"]:
        return Told({"error": {"name": "TooLarge", "message": "It is too large."}})
    chosen, second = _chosen(), {}
    for name in [n for n in chosen if n.startswith("second")]:
        second[name] = chosen.pop(name)
    for place, part in enumerate((chosen, second)):
        with Path(asked["folder"], str(place)).open("wb") as file:
            pickle.dump(part, file)
    names = {name: {"type": type(v).__name__} for name, v in {**chosen, **second}.items()}
    return Told({"names": names, "asked": asked, "replayed": _replayed()})


def environment(text):
    asked = json.loads(text)
    return Told({"python": {"version": "3"}, "distributions": asked["distributions"]})


def prepare(text):
    os.chdir(json.loads(text)["kernel"].get("cwd", "."))
    return Told({"notices": []})


def load(text):
    asked = json.loads(text)
    found = {}
    for place in {"all": (0, 1), "first": (0,), "second": (1,)}[asked["phase"]]:
        with Path(asked["folder"], str(place)).open("rb") as file:
            found.update(pickle.load(file))
    _misbehave(found)
    if "unchecked" in found:
        return Told({"error": {"name": "CannotCheck", "message": "Install it."}})
    if "broken" in found:
        said = {"name": "NotRestored", "message": "broken is broken.", "variable": "broken"}
        return Told({"error": said})
    if not asked["dry"]:
        _names().update(found)
    return Told({"loaded": len(found), "seconds": 0.0})


def _misbehave(names):
    if "hang" in names:
        time.sleep(60)
    if "deadly" in names:
        os._exit(1)
    if "raising" in names:
        raise ZeroDivisionError("by zero")
