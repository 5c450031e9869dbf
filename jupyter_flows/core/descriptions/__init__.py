"""What a gate's description may hold, in Windmill's words for rich results, read once for every
place that shows it.

`read` makes parts of it; `plain` says the parts as text, for a terminal.
"""

from jupyter_flows.core.descriptions.maps import Map, Marker
from jupyter_flows.core.descriptions.parts import (
    Attached,
    Drawing,
    Failure,
    Html,
    Markdown,
    Part,
    Picture,
    Unfit,
    Value,
    Words,
)
from jupyter_flows.core.descriptions.plain import marker_table, plain_description
from jupyter_flows.core.descriptions.read import KINDS, MAX_PARTS, read_description
from jupyter_flows.core.descriptions.tables import Table

__all__ = [
    "KINDS",
    "MAX_PARTS",
    "Attached",
    "Drawing",
    "Failure",
    "Html",
    "Map",
    "Markdown",
    "Marker",
    "Part",
    "Picture",
    "Table",
    "Unfit",
    "Value",
    "Words",
    "marker_table",
    "plain_description",
    "read_description",
]
