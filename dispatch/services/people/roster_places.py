"""Where people of a roster live: the two coordinates of a line, and the mistakes that they show."""

import re
from typing import Literal

from dispatch.domain.places.coordinates import CoordinatesError, read_coordinate
from dispatch.domain.places.service_area import Area, exchanged, implausible
from dispatch.services.core.errors import InvalidError
from dispatch.services.people.roster_dates import EMPTY
from schemas.base import Position

COUNTRIES = {
    "BE": Area(49.4, 2.5, 51.6, 6.5),
    "CH": Area(45.8, 5.9, 47.9, 10.6),
    "FR": Area(41.3, -5.2, 51.2, 9.7),
    "GB": Area(49.8, -8.7, 60.9, 1.8),
    "LU": Area(49.4, 5.7, 50.2, 6.6),
}
"""Countries in which no pair of coordinates is still in the country when it is exchanged."""
MISTAKES = {
    "zero": f"0, 0 lies in the ocean: write the coordinates of the home, or {EMPTY}",
    "swapped": "lat and lon are exchanged: exchange the two columns, or these two cells",
}

METRES = re.compile(r"[+-]?\d{4,}(?:[.,]\d+)?")


def read_place(lat: str, lon: str) -> Position:
    """Return the place of two cells, such as 48,58 and 7°45'E; raises InvalidError."""
    return Position(lat=_degrees(lat, "lat"), lon=_degrees(lon, "lon"))


def check_place(place: Position, area: Area | None, country: str) -> None:
    """Raise InvalidError for 0,0 and for exchanged coordinates.

    Without a service area they are recognised where the exchanged ones, and not these, lie in the country.
    """
    mistake = implausible(place, area)
    if area is None and mistake is None and (inside := COUNTRIES.get(country)):
        other = exchanged(place.lat, place.lon)
        swapped = not inside.contains(place) and other is not None and inside.contains(other)
        mistake = "swapped" if swapped else None
    if mistake in MISTAKES:
        raise InvalidError("lat", MISTAKES[mistake])


def is_far(place: Position, area: Area | None) -> bool:
    """Return whether a place lies outside the service area."""
    return implausible(place, area) == "outside"


def _degrees(text: str, axis: Literal["lat", "lon"]) -> float:
    spelt = text.lstrip("'’")
    if METRES.fullmatch(re.sub(r"\s", "", spelt)):
        raise InvalidError(
            axis, "metres (such as Lambert-93) or a lost decimal point: write degrees (WGS 84), as 48.58"
        )
    try:
        return read_coordinate(spelt, axis)
    except CoordinatesError as error:
        raise InvalidError(axis, str(error)) from None
