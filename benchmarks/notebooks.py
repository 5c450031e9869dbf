"""The notebooks that are run."""

from collections.abc import Iterable, Mapping
from typing import Any

Notebook = dict[str, Any]

PASS = "pass"
TEN_KB = "print(('x' * 99 + '\\n') * 100, end='')"
NOW = "__import__('time').time()"
TEN_CELLS = ("import json, math", "x = 1", *["x += 1; print(x)"] * 7, "x")


def notebook(sources: Iterable[str], tags: Mapping[int, list[str]] | None = None) -> Notebook:
    """Code cells; `tags` by their place."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "source": source,
            "metadata": {"tags": (tags or {}).get(number, [])},
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernelspec, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def gated(gates: int) -> Notebook:
    """Gates, and behind each a cell whose result is the time at which it started."""
    sources = [PASS] + [source for _ in range(gates) for source in ("{}", NOW)]
    return notebook(sources, {1 + 2 * number: ["suspend"] for number in range(gates)})
