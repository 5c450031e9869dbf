"""What all tests share: notebooks made of a few lines."""

import signal

import pytest

pytest_plugins = ["pytest_jupyter.jupyter_server", "tests.postgres"]


def pytest_configure():
    """A shell's background job, as these tests may be, ignores SIGINT, and so would every server
    that it starts: who ends them by it would wait.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def notebook(*sources, kernel="python3", language="python"):
    """A notebook of code cells; a source may be (source, tags) or (source, tags, flow options)."""
    cells = []
    for number, entry in enumerate(sources):
        source, tags, flow = (*((entry,) if isinstance(entry, str) else entry), [], {})[:3]
        metadata = {"tags": tags} if tags else {}
        if flow:
            metadata["flow"] = flow
        cells.append(
            {
                "cell_type": "code",
                "id": f"c{number}",
                "source": source,
                "metadata": metadata,
                "outputs": [],
                "execution_count": None,
            }
        )
    kernelspec = {"name": kernel, "display_name": kernel, "language": language}
    return {
        "cells": cells,
        "metadata": {"kernelspec": kernelspec},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


@pytest.fixture
def make_notebook():
    return notebook
