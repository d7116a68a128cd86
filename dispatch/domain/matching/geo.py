"""Distances on the ground, and the Web-Mercator projection on which the search finds people by index."""

from collections.abc import Iterator
from math import cos, degrees, log, pi, radians, sin, tan

from geopy.distance import geodesic

from schemas.base import Position

EARTH_M = 6_371_008.8
"""Mean radius of the Earth, IUGG."""
MERCATOR_M = 6_378_137.0
"""Radius of the Web-Mercator sphere, EPSG:3857: the equatorial radius of WGS 84."""
MERCATOR_LIMIT = 85.05112878
"""The projection's limit, in degrees of latitude; nobody is dispatched nearer to a pole."""
HALF_WAY_M = pi * MERCATOR_M
"""The projected metres from longitude 0 to the 180th meridian."""
ECCENTRICITY_2 = 0.006_694_379_990_14
"""The squared eccentricity of WGS 84."""
LEAST = 0.9933
"""Less than any radius of curvature, in equatorial radii: the smallest is that of the meridian at the equator."""


def mercator(lat: float, lon: float) -> tuple[float, float]:
    """Project degrees to Web-Mercator metres."""
    lat = max(-MERCATOR_LIMIT, min(MERCATOR_LIMIT, lat))
    return MERCATOR_M * radians(lon), MERCATOR_M * log(tan(pi / 4 + radians(lat) / 2))


def mercator_scale(lat: float) -> float:
    """Return how many projected metres one metre on the sphere is at this latitude."""
    return 1 / cos(radians(min(abs(lat), MERCATOR_LIMIT)))


def curvature(lat: float) -> tuple[float, float]:
    """Return the squared radii of curvature to the east and to the north, in squared equatorial radii.

    With them the function `ground_metres` of the database turns projected metres into those of the geodesic. It takes
    both radii from one end and the scale from the middle: this is exact to a decimetre at 10 km, to a metre at 30 km.
    """
    east_2 = 1 / (1 - ECCENTRICITY_2 * sin(radians(lat)) ** 2)
    return east_2, (1 - ECCENTRICITY_2) ** 2 * east_2**3


def projected_reach(lat: float, metres: float) -> float:
    """Return a projected distance within which everything lies that is so near on the ground; slightly too long."""
    farthest = abs(lat) + degrees(metres / MERCATOR_M / LEAST)
    return metres / LEAST * mercator_scale(farthest)


def appearances(x: float, reach: float) -> Iterator[float]:
    """Yield a projected longitude, and once more beyond the other edge of the map where the reach crosses an edge."""
    yield x
    if abs(x) + reach > HALF_WAY_M:
        yield x - 2 * HALF_WAY_M if x > 0 else x + 2 * HALF_WAY_M


def distance_m(one: Position, other: Position) -> float:
    """Return the length of the geodesic between two places, in metres."""
    return float(geodesic((one.lat, one.lon), (other.lat, other.lon)).meters)
