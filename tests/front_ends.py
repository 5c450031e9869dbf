"""The front ends that are installed for the tests, and have no part in most of them."""

FRONT_ENDS = (
    "jupyterlab",
    "notebook",
    "notebook_shim",
    "jupyter_lsp",
    "jupyter_server_fileid",
    "jupyter_server_ydoc",
)
"""Their server extensions."""
