"""Maps drawn without a network."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flows.core.descriptions import Map
from jupyter_flows.core.descriptions.maps import MAX_MARKERS, read_map
from jupyter_flows.web.shown.maps import EDGE, HEIGHT, WIDTH, map_svg

places = st.fixed_dictionaries(
    {"lat": st.floats(-90, 90), "lon": st.floats(-180, 180) | st.integers(-180, 180)}
)


def drawn(given):
    read = read_map(given)
    assert isinstance(read, Map), read
    return ET.fromstring(map_svg(read))


def circles(root):
    return root.findall("{*}circle")


def test_a_marker_looks_as_windmill_has_it():
    marker = {"lat": 50.6, "lon": 3.1, "radius": 5, "color": "yellow"}
    marker |= {"strokeWidth": 3, "strokeColor": "Black"}
    (circle,) = circles(drawn({"lat": 40, "lon": 0, "zoom": 3, "markers": [marker]}))
    looks = {name: circle.get(name) for name in ("r", "fill", "stroke", "stroke-width")}
    assert looks == {"r": "5", "fill": "yellow", "stroke": "Black", "stroke-width": "3"}


@pytest.mark.parametrize("colour", ["#fff", "#12345678", "Rebeccapurple"])
def test_colours_are_names_or_numbers(colour):
    (circle,) = circles(drawn({"markers": [{"lat": 0, "lon": 0, "color": colour}]}))
    assert circle.get("fill") == colour


@pytest.mark.parametrize("colour", ["url(//evil)", "red\n", '"/><script/>', "#12", "", 7, None])
def test_what_is_no_colour_is_drawn_as_usual(colour):
    (circle,) = circles(drawn({"markers": [{"lat": 0, "lon": 0, "color": colour}]}))
    assert re.fullmatch("#[0-9a-f]{6}", circle.get("fill"))


@pytest.mark.parametrize(("radius", "r"), [(1e9, "30"), (-4, "2"), ("9", "6"), (True, "6")])
def test_a_radius_is_bounded(radius, r):
    (circle,) = circles(drawn({"markers": [{"lat": 0, "lon": 0, "radius": radius}]}))
    assert circle.get("r") == r


def test_north_is_up_and_east_is_right():
    home, north_east = circles(drawn({"markers": [{"lat": 40, "lon": -3}, {"lat": 52, "lon": 13}]}))
    assert float(home.get("cx")) < float(north_east.get("cx"))
    assert float(home.get("cy")) > float(north_east.get("cy"))


def test_the_lines_say_their_degrees():
    said = [text.text for text in drawn({"lat": 0, "lon": 0, "zoom": 2}).findall("{*}text")]
    assert {"0°", "30°", "\N{MINUS SIGN}30°"} <= set(said)


def test_a_closer_zoom_has_closer_lines():
    far, near = (
        {text.text for text in drawn({"lat": 50.5, "lon": 3, "zoom": zoom}).findall("{*}text")}
        for zoom in (3, 9)
    )
    assert far != near
    assert "50.5°" in near


def test_markers_beyond_the_bound_are_counted():
    read = read_map({"markers": [{"lat": 0, "lon": 0}] * (MAX_MARKERS + 2)})
    assert (len(read.markers), read.more) == (MAX_MARKERS, 2)


@given(
    st.lists(places, min_size=1, max_size=8),
    st.none() | places,
    st.none() | st.floats(-5, 50),
)
def test_every_marker_is_within_the_drawing_wherever_the_view_is(markers, centre, zoom):
    root = drawn({"markers": markers, "zoom": zoom} | (centre or {}))
    assert len(circles(root)) == len(markers)
    for circle in circles(root):
        assert EDGE - 1 <= float(circle.get("cx")) <= WIDTH - EDGE + 1
        assert EDGE - 1 <= float(circle.get("cy")) <= HEIGHT - EDGE + 1
    assert len(root.findall("{*}path")) <= 18
