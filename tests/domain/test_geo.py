"""Projected metres become those of the geodesic; a reach on the map misses nobody who is so near on the ground."""

from math import cosh, hypot, sqrt

import pytest
from geopy.distance import geodesic
from geopy.point import Point
from hypothesis import given
from hypothesis import strategies as st

from dispatch.domain.matching.geo import (
    HALF_WAY_M,
    appearances,
    curvature,
    distance_m,
    mercator,
    projected_reach,
)
from schemas.base import Position

LATITUDES, BEARINGS = st.floats(-84, 84), st.floats(0, 360)


def there(lat: float, lon: float, metres: float, bearing: float) -> tuple[float, float]:
    found = geodesic(meters=metres).destination(Point(lat, lon), bearing)
    return found.latitude, found.longitude


def ground(lat: float, lon: float, other: tuple[float, float]) -> tuple[float, float]:
    """Return the metres on the ground as the function of the database does, and the projected metres."""
    (x, y), (at_x, at_y), (east, north) = mercator(lat, lon), mercator(*other), curvature(lat)
    nearest = min((at_x - one for one in (x, x - 2 * HALF_WAY_M, x + 2 * HALF_WAY_M)), key=abs)
    metres = sqrt(nearest**2 * east + (at_y - y) ** 2 * north) / cosh((at_y + y) / 12756274)
    return metres, hypot(nearest, at_y - y)


@given(LATITUDES, st.floats(-180, 180), st.floats(1, 30_000), BEARINGS)
def test_metres_of_the_search_are_those_of_the_geodesic(
    lat: float, lon: float, metres: float, bearing: float
) -> None:
    other = there(lat, lon, metres, bearing)
    if abs(other[0]) <= 85:
        tolerance = 1 if abs(lat) < 70 else 5
        assert ground(lat, lon, other)[0] == pytest.approx(metres, abs=tolerance)


@given(LATITUDES, st.floats(-180, 180), st.floats(1, 100_000), BEARINGS)
def test_the_reach_on_the_map_misses_nobody(lat: float, lon: float, metres: float, bearing: float) -> None:
    other = there(lat, lon, metres, bearing)
    if abs(other[0]) <= 85:
        assert ground(lat, lon, other)[1] <= projected_reach(lat, metres)


def test_the_reach_is_hardly_longer_than_needed() -> None:
    assert projected_reach(48.85, 1000) * 0.658 == pytest.approx(1000, rel=0.01)


def test_only_an_area_over_the_180th_meridian_appears_twice() -> None:
    east, west = mercator(0, 179.99)[0], mercator(0, -179.99)[0]
    assert list(appearances(0, 50_000)) == [0]
    assert list(appearances(east, 1_000)) == [east]
    assert list(appearances(east, 5_000)) == [east, pytest.approx(west - mercator(0, 0.02)[0], abs=1)]
    assert len(list(appearances(west, 5_000))) == 2


def test_distances_that_are_told_are_geodesic() -> None:
    suva, taveuni = Position(lat=-16.8, lon=179.9), Position(lat=-16.8, lon=-179.9)
    assert distance_m(suva, taveuni) == pytest.approx(21_315, abs=5)
    equator = Position(lat=0, lon=10), Position(lat=1, lon=10)
    assert distance_m(*equator) == pytest.approx(110_574.4, abs=1)
