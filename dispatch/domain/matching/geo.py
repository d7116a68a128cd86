"""Distances, and the Web-Mercator projection that the search uses."""

from math import asin, cos, log, pi, radians, sin, sqrt, tan

from schemas.base import Position

EARTH_M = 6_371_008.8
"""Mean radius of the Earth, IUGG."""
MERCATOR_M = 6_378_137.0
"""Radius of the Web-Mercator sphere, EPSG:3857."""
MERCATOR_LIMIT = 85.05112878
"""The projection's limit, in degrees of latitude; nobody is dispatched nearer to a pole."""


def mercator(lat: float, lon: float) -> tuple[float, float]:
    """Project degrees to Web-Mercator metres."""
    lat = max(-MERCATOR_LIMIT, min(MERCATOR_LIMIT, lat))
    return MERCATOR_M * radians(lon), MERCATOR_M * log(tan(pi / 4 + radians(lat) / 2))


def mercator_scale(lat: float) -> float:
    """Return how many projected metres one metre on the ground is at this latitude."""
    return 1 / cos(radians(min(abs(lat), MERCATOR_LIMIT)))


def distance_m(one: Position, other: Position) -> float:
    """Return the great-circle distance between two places, in metres."""
    north = radians(other.lat - one.lat)
    east = radians(other.lon - one.lon)
    half = sin(north / 2) ** 2 + cos(radians(one.lat)) * cos(radians(other.lat)) * sin(east / 2) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(half)))
