"""Run a notebook as a flow that waits for the right people to approve.

In a cell: `import jupyter_flows as flows`. Nothing but the in-kernel client is loaded by that.
"""

import importlib
from typing import Any

__version__ = "0.1.0"


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_flows.iri import let_go  # noqa: PLC0415 (kernels import this module too)

    let_go()
    from jupyter_flows.extension import FlowsApp  # noqa: PLC0415 (takes the memory that is left)

    return [{"module": "jupyter_flows", "app": FlowsApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """For `jupyter labextension develop`; a wheel brings it where JupyterLab looks."""
    return [{"src": "labextension", "dest": "jupyter-flows"}]


def __getattr__(name: str) -> Any:
    """The in-kernel names (`get_resume_urls`, `gate`, `results`, …) stand in `client.flows`; what
    stands for a server in a plain kernel, in `testing.plain`; the clients of the workflow-run API,
    in `remote`.
    """
    if name in {"Client", "AsyncClient", "ClientError"}:
        return getattr(importlib.import_module("jupyter_flows.remote"), name)
    if name == "answers":
        return importlib.import_module("jupyter_flows.testing.plain").answers
    from jupyter_flows.client import flows  # noqa: PLC0415 (only when a kernel asks)

    try:
        return getattr(flows, name)
    except AttributeError:
        raise AttributeError(f"module 'jupyter_flows' has no attribute {name!r}") from None
