"""A gate's form: JSON Schema 2020-12 with one model, one parser and one validator (G60 to G62).

`schema` puts the gate's defaults and choices in; `model` says what is to be drawn; `parse` reads
what was typed, and `fill` is its other half; `check` judges every payload, however it came.
"""

from jupyter_flows.core.forms.check import MAX_MESSAGE, MAX_MISTAKES, check, check_schema
from jupyter_flows.core.forms.fill import filled, initial
from jupyter_flows.core.forms.kinds import Choice, Field, Kind, Limits
from jupyter_flows.core.forms.model import form_of
from jupyter_flows.core.forms.names import ROOT, Entries
from jupyter_flows.core.forms.parse import Parsed, parse
from jupyter_flows.core.forms.plain import parse_plain
from jupyter_flows.core.forms.rows import with_row, without_row
from jupyter_flows.core.forms.schema import completed, defaults, effective
from jupyter_flows.core.forms.uploads import Upload, plain_uploads, with_uploads

__all__ = [
    "MAX_MESSAGE",
    "MAX_MISTAKES",
    "ROOT",
    "Choice",
    "Entries",
    "Field",
    "Kind",
    "Limits",
    "Parsed",
    "Upload",
    "check",
    "check_schema",
    "completed",
    "defaults",
    "effective",
    "filled",
    "form_of",
    "initial",
    "parse",
    "parse_plain",
    "plain_uploads",
    "with_row",
    "with_uploads",
    "without_row",
]
