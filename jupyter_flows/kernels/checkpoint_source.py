"""The checkpointer as text, for kernels that are to save or load their variables."""

PROTOCOL = 1

_MODULE = "__import__('sys').modules['jupyter_flows.client.checkpoint']"


def loading() -> str:
    """The statement by which a kernel takes the checkpointer in."""
    return "import jupyter_flows.client.checkpoint"


def calling(function: str, text: str) -> str:
    """The expression that calls one of its functions."""
    return f"{_MODULE}.{function}({text!r})"
