"""What pytest finds of us: recorded answers for nbval, and fixtures that run flows.

pytest loads this file in every session, so nothing else is loaded until it is needed.
"""

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from jupyter_flows.testing.clock import MovedClock
    from jupyter_flows.testing.runner import RunFlow


def _tests_notebooks(config: pytest.Config) -> bool:
    """Whether nbval is there, and asked for."""
    asked = (getattr(config.option, name, False) for name in ("nbval", "nbval_lax"))
    return any(asked)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _tests_notebooks(config):
        from jupyter_flows.testing import cells  # noqa: PLC0415

        cells.collected(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    if not _tests_notebooks(item.config):
        return (yield)
    from jupyter_flows.testing import cells  # noqa: PLC0415

    return (yield from cells.called(item))


@pytest.fixture
def flow_clock() -> "MovedClock":
    """The clock of this test's flows. It stands still, until `advance("3d")`."""
    from jupyter_flows.testing.clock import MovedClock  # noqa: PLC0415

    return MovedClock()


@pytest.fixture
def run_flow(
    flow_clock: "MovedClock", tmp_path_factory: pytest.TempPathFactory
) -> Iterator["RunFlow"]:
    """Run a notebook as a flow: `run_flow("report.ipynb", {"month": 11}, answers={…})`."""
    from jupyter_flows.testing.runner import RunFlow  # noqa: PLC0415

    run = RunFlow(tmp_path_factory.mktemp("flows"), flow_clock)
    yield run
    run.close()
