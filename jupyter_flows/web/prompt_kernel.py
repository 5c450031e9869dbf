"""What a run's kernel is told so that it can make the forms of prompts: one expression each time,
so that no name is added to the user's namespace.
"""

from collections.abc import Mapping

from jupyter_flows.core.model import Json
from jupyter_flows.core.sending import TEACH, source_of

PROTOCOL = 2
"""Must be the form's number, or its source text is sent instead of the installed one."""

NOT_PYTHON = "NotPython"
MISSING = "missing"
"""What `CALL` comes to in a kernel that has yet to be taught."""

FORM = "jupyter_flows.client.prompt"
PARTS = ("controls", "prompt")

_MODULE = f"__import__('sys').modules.get({FORM!r})"
CALL = (
    f"(lambda m: getattr(m, what_)(*said_) if getattr(m, 'PROTOCOL', None) == {PROTOCOL}"
    f" else {MISSING!r})({_MODULE})"
)
"""Calls the function named `what_` with `said_`."""

LEARN = f"__import__('builtins').exec(code_, {{'TEXTS': texts_, 'FORM': {FORM!r}}})"
"""Loads the installed module, or those of `lesson`."""


def lesson() -> Mapping[str, Json]:
    """The names that `LEARN` needs."""
    texts = {f"jupyter_flows.client.{part}": source_of(f"client/{part}.py") for part in PARTS}
    return {"code_": f"{TEACH}\nfound(FORM, {PROTOCOL}) or teach(TEXTS)", "texts_": texts}
