"""What a field that was left blank stands for. The parser and its other half ask here, so that they
agree.
"""

from msgspec import UNSET

from jupyter_flows.core.forms import names
from jupyter_flows.core.forms.kinds import FREE_TEXTS, TEXTS, Field, Kind
from jupyter_flows.core.model import Json

ABSENT = UNSET
"""The value of what is not in the payload."""


def blank(field: Field, mark: str = "") -> Json:
    """The value of a field with nothing in it; of an object `{}`, which then still gets what its
    children give unasked. UNSET is left out.
    """
    if mark == names.ABSENT:
        return ABSENT
    if mark == names.NULL:
        return None
    if field.kind is Kind.CONST:
        return field.value
    if field.kind is Kind.BOOLEAN:
        return False if field.kept else field.off
    if mark == names.GIVEN:
        return _nothing(field.kind)
    return None if field.nullable else _unmarked(field)


def _nothing(kind: Kind) -> Json:
    if kind is Kind.OBJECT:
        return {}
    if kind in (Kind.LIST, Kind.CHOICES):
        return []
    return "" if kind in TEXTS else ABSENT


def _unmarked(field: Field) -> Json:
    asked = field.required or field.kept
    if field.kind is Kind.OBJECT:
        return {} if asked else ABSENT
    if field.kind in (Kind.LIST, Kind.CHOICES):
        return [] if asked or not field.limits.min_rows else ABSENT
    return "" if field.kind in FREE_TEXTS and field.kept else ABSENT
