"""Maps in a description: markers at places of the earth, in Windmill's shape."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_flows.core.model import Json
from jupyter_flows.core.sentences import Sentence, sentence

MAX_MARKERS = 500

_COLOUR = re.compile(
    r"#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})|[a-z]{3,24}", re.ASCII | re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """Degrees north and east; radius and stroke in pixels. The colours are names or #hex."""

    latitude: float
    longitude: float
    title: str
    radius: float
    colour: str
    stroke: float
    stroke_colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """`centre` is latitude and longitude; `zoom` is that of web maps, where the world is 256
    pixels wide at 0. `more` counts the markers that were left out.
    """

    markers: tuple[Marker, ...]
    centre: tuple[float, float] | None
    zoom: float | None
    more: int


def read_map(value: Json) -> Map | Sentence:
    """A sentence says what is wrong, with the number of the marker, from 1."""
    if not isinstance(value, dict):
        return sentence(
            "A map must be an object with `markers`, or with `lat` and `lon` of its centre."
        )
    given = value.get("markers")
    markers = [] if given is None else given
    centre = _place(value)
    if not isinstance(markers, list) or not (markers or centre):
        return sentence("A map must have a list of `markers`, or `lat` and `lon` of its centre.")
    for number, marker in enumerate(markers, 1):
        if _place(marker) is None:
            return sentence(
                "Marker {number} of the map must have `lat` from -90 to 90 and `lon` from -180 to"
                " 180, as numbers.",
                number=number,
            )
    return Map(
        markers=tuple(map(_marker, markers[:MAX_MARKERS])),
        centre=centre,
        zoom=_bounded(value.get("zoom"), None, 0, 22),
        more=max(0, len(markers) - MAX_MARKERS),
    )


def _marker(given: Mapping[str, Json]) -> Marker:
    """How it looks is not worth a refusal: what can't be drawn is drawn as usual."""
    title = given.get("title")
    return Marker(
        latitude=given["lat"],
        longitude=given["lon"],
        title=title if isinstance(title, str) else "",
        radius=_bounded(given.get("radius"), 6, 2, 30),
        colour=_colour(given.get("color"), "#d33f49"),
        stroke=_bounded(given.get("strokeWidth"), 1, 0, 10),
        stroke_colour=_colour(given.get("strokeColor"), "#222222"),
    )


def _place(of: Json) -> tuple[float, float] | None:
    if not isinstance(of, dict):
        return None
    latitude, longitude = of.get("lat", ""), of.get("lon", "")
    if not _is_number(latitude) or not _is_number(longitude):
        return None
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _is_number(value: Json) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _bounded(value: Json, default: float | None, least: float, most: float) -> Any:
    return float(min(max(value, least), most)) if _is_number(value) else default


def _colour(value: Json, default: str) -> str:
    return value if isinstance(value, str) and _COLOUR.fullmatch(value) else default
