"""A map as a drawing that needs no network: its markers on the lines of latitude and longitude."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from jupyter_flows.core.descriptions import Map, Marker

WIDTH, HEIGHT, EDGE = 640, 400, 32
"""In pixels; the edge has the lines' degrees, and keeps markers within the drawing."""

_STEPS = (
    *(n * 10**-power for power in range(5, 0, -1) for n in (1, 2, 5)),
    *(1, 2, 5, 10, 15, 30, 45, 90),
)
"""Degrees between two lines, from the densest."""
_MOST_LINES = 7
_LEAST_SPAN = 0.02
"""In degrees, about 2 km: a single marker is drawn in its surroundings."""


@dataclass(frozen=True, slots=True)
class _View:
    """Equirectangular around a middle: true to shape there. `scale` is pixels per degree of
    latitude.
    """

    latitude: float
    longitude: float
    scale: float

    @property
    def narrowed(self) -> float:
        """A degree of longitude in degrees of latitude; not all the way to the poles."""
        return max(math.cos(math.radians(self.latitude)), 0.1)

    def x(self, longitude: float) -> float:
        return WIDTH / 2 + (longitude - self.longitude) * self.scale * self.narrowed

    def y(self, latitude: float) -> float:
        return HEIGHT / 2 - (latitude - self.latitude) * self.scale


def map_svg(shown: Map) -> str:
    """Every marker is in it, also where the author's centre and zoom would leave it outside."""
    view = _view(shown)
    inner = "".join([*_graticule(view), *_markers(view, shown.markers)])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#eef3f7"/>{inner}</svg>'
    )


# ---------------------------------------------------------------- view


def _view(shown: Map) -> _View:
    latitudes = [marker.latitude for marker in shown.markers]
    longitudes = [marker.longitude for marker in shown.markers]
    if shown.centre is not None:
        latitude, longitude = shown.centre
    else:
        latitude, longitude = _middle(latitudes), _middle(longitudes)
    far_up = max((abs(one - latitude) for one in latitudes), default=0)
    far_out = max((abs(one - longitude) for one in longitudes), default=0)
    view = _View(latitude, longitude, 1)
    fitting = min(
        (HEIGHT / 2 - EDGE) / max(far_up, _LEAST_SPAN / 2),
        (WIDTH / 2 - EDGE) / max(far_out * view.narrowed, _LEAST_SPAN / 2),
    )
    wanted = _zoomed(shown, view)
    return _View(latitude, longitude, fitting if wanted is None else min(fitting, wanted))


def _middle(numbers: Sequence[float]) -> float:
    return (min(numbers) + max(numbers)) / 2


def _zoomed(shown: Map, view: _View) -> float | None:
    """The scale at which a web map of this zoom shows the middle."""
    if shown.zoom is None:
        return None if shown.markers else (HEIGHT / 2 - EDGE) / 5
    return 256 * 2**shown.zoom / 360 / view.narrowed


# ---------------------------------------------------------------- drawing


def _graticule(view: _View) -> Iterator[str]:
    for longitude in _lines(view.longitude, WIDTH / view.scale / view.narrowed, 180):
        x = f"{view.x(longitude):.1f}"
        yield f'<path d="M{x} 0V{HEIGHT}" stroke="#b8c4ce"/>'
        yield f'<text x="{x}" y="{HEIGHT - 6}" text-anchor="middle">{_degrees(longitude)}</text>'
    for latitude in _lines(view.latitude, HEIGHT / view.scale, 90):
        y = view.y(latitude)
        yield f'<path d="M0 {y:.1f}H{WIDTH}" stroke="#b8c4ce"/>'
        yield f'<text x="4" y="{y - 3:.1f}">{_degrees(latitude)}</text>'


def _lines(middle: float, span: float, end: float) -> list[float]:
    """The round degrees within the span; none beyond the end of the earth."""
    step = next((step for step in _STEPS if span / step <= _MOST_LINES), _STEPS[-1])
    first = math.ceil(max(middle - span / 2, -end) / step)
    last = math.floor(min(middle + span / 2, end) / step)
    return [number * step for number in range(first, last + 1)]


def _degrees(number: float) -> str:
    text = f"{number:.5f}".rstrip("0").rstrip(".")
    return ("0" if text == "-0" else text.replace("-", "\N{MINUS SIGN}")) + "°"


def _markers(view: _View, markers: Sequence[Marker]) -> Iterator[str]:
    """Each with its number, which stands in the table of the markers."""
    for number, marker in enumerate(markers, 1):
        x, y = view.x(marker.longitude), view.y(marker.latitude)
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{marker.radius:g}"'
            f" fill={quoteattr(marker.colour)} stroke={quoteattr(marker.stroke_colour)}"
            f' stroke-width="{marker.stroke:g}"/>'
            f'<text x="{x + marker.radius + 3:.1f}" y="{y - marker.radius:.1f}" font-weight="bold"'
            f' stroke="#fff" stroke-width="3" paint-order="stroke">{number}</text>'
        )
