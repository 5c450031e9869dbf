"""Parameters as source text in the notebook's language, with papermill's translators."""

import keyword
from collections.abc import Callable, Mapping

from jupyter_flows.core.errors import ParametersInvalid
from jupyter_flows.core.model import Json

CELL_ID = "injected-parameters"
TAG = "injected-parameters"


def source_of(parameters: Mapping[str, Json], kernel_name: str, language: str) -> str:
    """Assignments, one a line. Raises ParametersInvalid."""
    for name in parameters:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ParametersInvalid(f"{name!r} can't be a parameter: it is no identifier.")
    # papermill takes long to import, and only runs with parameters need it
    from papermill.exceptions import PapermillException  # noqa: PLC0415
    from papermill.translators import translate_parameters  # noqa: PLC0415

    translate: Callable[..., str] = translate_parameters
    try:
        text = translate(kernel_name, language, dict(parameters), "Parameters")
    except PapermillException:
        raise ParametersInvalid(
            f"Parameters can't be written in {language or 'the language of ' + kernel_name}."
        ) from None
    except NotImplementedError as error:
        raise ParametersInvalid(f"These parameters can't be written: {error}") from None
    return text.rstrip("\n")
