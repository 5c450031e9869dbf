"""The states that random numbers come from: Python's, numpy's and torch's own generators."""

from __future__ import annotations

import importlib
import random
import sys
import warnings
from typing import Any


def states() -> dict[str, Any]:
    told: dict[str, Any] = {"random": random.getstate()}
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None:
        told["numpy"] = _of_numpy(numpy)
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        told["torch"] = bytes(torch.get_rng_state().numpy())
    return told


def _of_numpy(numpy: Any) -> dict[str, Any]:
    """With the bit generator itself: the user may have given it another one, and hold that one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told: dict[str, Any] = {"state": numpy.get_state(legacy=False)}
    if hasattr(numpy, "get_bit_generator"):
        told["generator"] = numpy.get_bit_generator()
    return told


def put(told: dict[str, Any]) -> dict[str, Any]:
    """Returns what was there before; if one can't be set, all are as they were."""
    if "numpy" in told:
        importlib.import_module("numpy.random")
    if "torch" in told:
        importlib.import_module("torch")
    before = states()
    try:
        put_back(told)
    except BaseException:
        put_back(before)
        raise
    return before


def put_back(told: dict[str, Any]) -> None:
    random.setstate(told["random"])
    if "numpy" in told:
        _to_numpy(sys.modules["numpy.random"], told["numpy"])
    if "torch" in told:
        torch: Any = sys.modules["torch"]
        torch.set_rng_state(torch.frombuffer(bytearray(told["torch"]), dtype=torch.uint8))


def _to_numpy(numpy: Any, told: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "generator" in told:
            numpy.set_bit_generator(told["generator"])
        numpy.set_state(told["state"])
